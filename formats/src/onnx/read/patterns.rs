//! Several nodes that are one layer: found in the network once it is whole, each put in the place of its last node.
//!
//! A pattern looks at what a value is made of, and is sure of it: where a number or an axis differs, nothing is changed. What it
//! takes up need not vanish; what nothing needs any more is not written.

use super::Reader;
use crate::spec::{Network, Operation, ValueId};
use cnnc_compiler::ops::Constant;
use cnnc_compiler::shape::Dim;
use cnnc_grammar::ast::JoinKind;

/// Finds all patterns.
pub fn find(reader: &mut Reader<'_>) {
    let values: Vec<ValueId> = reader.network.nodes().map(|(value, _)| value).collect();
    // What is replaced is used less from then on, never more.
    let uses = reader.network.uses();
    for value in values {
        let found = permutations(reader, value)
            || swish(reader, value)
            || hardswish(reader, value)
            || gelu(reader, value)
            || layer_norm(reader, value)
            || group_norm(reader, value)
            || affine_group_norm(reader, value)
            || bias(reader, value, &uses)
            || shuffle(reader, value);
        if found {
            reader.note("groups of nodes became one layer each");
        }
    }
    nest_concatenations(&mut reader.network);
}

/// The inputs of a join of two, either way round, of which `is` knows one: that one and the other.
fn either(
    network: &Network,
    value: ValueId,
    kind: JoinKind,
    is: impl Fn(ValueId) -> bool,
) -> Option<(ValueId, ValueId)> {
    let node = network.node(value);
    match *node.inputs.as_slice() {
        [a, b] if node.is_join(kind) && is(a) => Some((a, b)),
        [a, b] if node.is_join(kind) && is(b) => Some((b, a)),
        _ => None,
    }
}

/// The one input of a layer of that name.
fn under(network: &Network, value: ValueId, layer: &str) -> Option<ValueId> {
    let node = network.node(value);
    node.inputs.first().copied().filter(|_| node.is_layer(layer))
}

/// What a value is a whole power of: a layer, or products of it with itself.
fn root_of(network: &Network, value: ValueId, exponent: usize) -> Option<ValueId> {
    let node = network.node(value);
    if node.is_layer("Pow") {
        let is_wanted = node.argument("exponent") == Some(&Constant::Int(exponent as i64));
        return node.inputs.first().copied().filter(|_| is_wanted);
    }
    let (first, others) = node.inputs.split_first().filter(|_| node.is_join(JoinKind::Product))?;
    if others.iter().all(|other| other == first) && others.len() + 1 == exponent {
        return Some(*first);
    }
    let lower = exponent.checked_sub(1).filter(|lower| *lower > 1)?;
    let (power, x) = either(network, value, JoinKind::Product, |one| root_of(network, one, lower).is_some())?;
    (root_of(network, power, lower) == Some(x)).then_some(x)
}

/// What is joined with a number that is about this one.
fn with_number(network: &Network, value: ValueId, kind: JoinKind, wanted: f64) -> Option<ValueId> {
    let is =
        |one: ValueId| network.node(one).number().is_some_and(|number| (number - wanted).abs() <= 1e-5 * wanted.abs());
    let (number, other) = either(network, value, kind, is)?;
    // Of a quotient the number is below.
    let below = network.node(value).inputs.last() == Some(&number);
    (kind != JoinKind::Quotient || below).then_some(other)
}

/// What is multiplied with a number, or divided by its reciprocal.
fn times(network: &Network, value: ValueId, number: f64) -> Option<ValueId> {
    with_number(network, value, JoinKind::Product, number)
        .or_else(|| with_number(network, value, JoinKind::Quotient, 1.0 / number))
}

/// Puts a layer without parameters in the place of a value.
fn replaced(
    reader: &mut Reader<'_>,
    value: ValueId,
    layer: &'static str,
    arguments: Vec<(&'static str, Constant)>,
    input: ValueId,
) -> bool {
    put(reader, value, layer, arguments, input, &[])
}

/// `x · sigmoid(x)`
fn swish(reader: &mut Reader<'_>, value: ValueId) -> bool {
    let network = &reader.network;
    let found = either(network, value, JoinKind::Product, |gate| under(network, gate, "Sigmoid").is_some());
    let Some((gate, x)) = found.filter(|(gate, x)| under(network, *gate, "Sigmoid") == Some(*x)) else { return false };
    debug_assert!(gate < value);
    replaced(reader, value, "SiLU", Vec::new(), x)
}

/// `x · hardsigmoid(x)`, or `x · relu6(x + 3) / 6` in any order.
fn hardswish(reader: &mut Reader<'_>, value: ValueId) -> bool {
    let network = &reader.network;
    // What of `x` the gate is made of, times 6.
    let raised = |gate: ValueId| with_number(network, under(network, gate, "ReLU6")?, JoinKind::Sum, 3.0);
    let gated =
        |gate: ValueId| under(network, gate, "Hardsigmoid").or_else(|| raised(times(network, gate, 1.0 / 6.0)?));
    let product = |value: ValueId, of: &dyn Fn(ValueId) -> Option<ValueId>| {
        let (gate, x) = either(network, value, JoinKind::Product, |gate| of(gate).is_some())?;
        (of(gate) == Some(x)).then_some(x)
    };
    let whole = times(network, value, 1.0 / 6.0).and_then(|inner| product(inner, &raised));
    if let Some(x) = product(value, &gated).or(whole) {
        return replaced(reader, value, "Hardswish", Vec::new(), x);
    }
    // The gate alone.
    match raised_gate(network, value) {
        Some(x) => replaced(reader, value, "Hardsigmoid", Vec::new(), x),
        None => false,
    }
}

/// `relu6(x + 3) / 6`
fn raised_gate(network: &Network, value: ValueId) -> Option<ValueId> {
    with_number(network, under(network, times(network, value, 1.0 / 6.0)?, "ReLU6")?, JoinKind::Sum, 3.0)
}

/// `x · (1 + erf(x / √2)) / 2` in any order, or with the hyperbolic tangent that comes near it.
fn gelu(reader: &mut Reader<'_>, value: ValueId) -> bool {
    let network = &reader.network;
    // `1 + erf(x / √2)`
    let exact = |value: ValueId| {
        let erf = under(network, with_number(network, value, JoinKind::Sum, 1.0)?, "Erf")?;
        times(network, erf, std::f64::consts::FRAC_1_SQRT_2)
    };
    // `1 + tanh(√(2/π) · (x + 0.044715 · x³))`
    let near = |value: ValueId| {
        let tanh = under(network, with_number(network, value, JoinKind::Sum, 1.0)?, "Tanh")?;
        let inner = times(network, tanh, (2.0 / std::f64::consts::PI).sqrt())?;
        let cube = |value: ValueId| root_of(network, times(network, value, 0.044_715)?, 3);
        let (cubed, x) = either(network, inner, JoinKind::Sum, |value| cube(value).is_some())?;
        (cube(cubed) == Some(x)).then_some(x)
    };
    let gated = |of: &dyn Fn(ValueId) -> Option<ValueId>| {
        let half = |value: ValueId| times(network, value, 0.5);
        let product = |value: ValueId| {
            let (gate, other) = either(network, value, JoinKind::Product, |gate| of(gate).is_some())?;
            Some((of(gate)?, other))
        };
        // (x · gate) / 2
        let whole = half(value).and_then(product).filter(|(x, other)| x == other);
        // (x / 2) · gate
        let first = product(value).filter(|(x, other)| half(*other) == Some(*x));
        // x · (gate / 2)
        let gate = either(network, value, JoinKind::Product, |gate| half(gate).and_then(of).is_some());
        let last = gate.and_then(|(gate, other)| Some((of(half(gate)?)?, other))).filter(|(x, other)| x == other);
        whole.or(first).or(last).map(|(x, _)| x)
    };
    if let Some(x) = gated(&exact) {
        return replaced(reader, value, "GELU", Vec::new(), x);
    }
    match gated(&near) {
        Some(x) => replaced(reader, value, "GELU", vec![("approximate", Constant::Text("tanh".into()))], x),
        None => false,
    }
}

/// The tensor that a value was written out of, or holds, as one over a shape.
fn tensor_of(reader: &Reader<'_>, value: ValueId) -> Option<crate::onnx::tensor::Tensor> {
    let node = reader.network.node(value);
    match node.weights.as_slice() {
        [held] if node.is_layer("Parameter") => reader.tensors.get(held.tensor).cloned(),
        _ => reader.names.tensor_of(value).cloned(),
    }
}

/// `(x − mean) / √(mean((x − mean)²) + ε)` over the last axes.
struct Centred {
    x: ValueId,
    axes: Vec<i64>,
    eps: f64,
}

fn centred(network: &Network, value: ValueId) -> Option<Centred> {
    let node = network.node(value);
    let &[above, root] = node.inputs.as_slice() else { return None };
    if !node.is_join(JoinKind::Quotient) || !network.node(above).is_join(JoinKind::Difference) {
        return None;
    }
    let &[x, mean] = network.node(above).inputs.as_slice() else { return None };
    let axes = mean_axes(network, mean).filter(|_| under(network, mean, "Mean") == Some(x))?;
    let inside = under(network, root, "Sqrt")?;
    let (number, variance) = either(network, inside, JoinKind::Sum, |one| network.node(one).number().is_some())?;
    let eps = network.node(number).number()?;
    let squares = under(network, variance, "Mean")?;
    let is_square = root_of(network, squares, 2) == Some(above);
    (mean_axes(network, variance)? == axes && is_square).then_some(Centred { x, axes, eps })
}

/// The axes of a mean that keeps them, from the front.
fn mean_axes(network: &Network, value: ValueId) -> Option<Vec<i64>> {
    let node = network.node(value);
    let rank = network.shape(*node.inputs.first()?).rank() as i64;
    let front = |axis: &Constant| match axis {
        Constant::Int(axis) => Some(if *axis < 0 { axis + rank } else { *axis }),
        _ => None,
    };
    let mut axes = match node.argument("dim").filter(|_| node.is_layer("Mean"))? {
        Constant::Tuple(all) => all.iter().map(front).collect::<Option<Vec<i64>>>()?,
        single => vec![front(single)?],
    };
    axes.sort_unstable();
    (node.argument("keepdim") == Some(&Constant::Bool(true))).then_some(axes)
}

/// `centred · weight + bias` over the last axes, or over channels.
fn layer_norm(reader: &mut Reader<'_>, value: ValueId) -> bool {
    let network = &reader.network;
    let is_weight = |value: ValueId| network.node(value).is_source();
    let Some((bias, scaled)) = either(network, value, JoinKind::Sum, is_weight) else { return false };
    let Some((weight, inner)) = either(network, scaled, JoinKind::Product, is_weight) else { return false };
    let Some(Centred { x, axes, eps }) = centred(network, inner) else { return false };
    let rank = network.shape(x).rank() as i64;
    let (Some(weight), Some(bias)) = (tensor_of(reader, weight), tensor_of(reader, bias)) else { return false };
    let mut arguments = Vec::new();
    if (eps - 1e-5).abs() > 1e-12 {
        arguments.push(("eps", Constant::Float(eps)));
    }
    let sizes: Option<Vec<usize>> = axes
        .iter()
        .map(|&axis| network.shape(x).get(axis as usize).and_then(Dim::number).map(|size| size as usize))
        .collect();
    let Some(sizes) = sizes else { return false };
    let layer = match axes.as_slice() {
        [1] if rank == 4 => "LayerNorm2d",
        over if over.iter().copied().eq(rank - over.len() as i64..rank) => {
            if over.len() > 1 {
                arguments.push((
                    "normalized_shape",
                    Constant::Tuple(sizes.iter().map(|&size| Constant::Int(size as i64)).collect()),
                ));
            }
            "LayerNorm"
        }
        _ => return false,
    };
    let (Some(weight), Some(bias)) = (weight.reshaped(sizes.clone()), bias.reshaped(sizes)) else { return false };
    let tensors = [weight, bias];
    put(reader, value, layer, arguments, x, &tensors)
}

/// Puts a layer in the place of a value; one with parameters is named by them.
fn put(
    reader: &mut Reader<'_>,
    value: ValueId,
    layer: &'static str,
    arguments: Vec<(&'static str, Constant)>,
    input: ValueId,
    tensors: &[crate::onnx::tensor::Tensor],
) -> bool {
    let held = tensors.iter().map(|tensor| reader.hold(tensor.clone())).collect();
    if reader.network.replace(value, layer, arguments, &[input], held).is_err() {
        return false;
    }
    if tensors.is_empty() {
        return true;
    }
    reader.network.scope = reader.network.node(value).path.clone();
    let mut names = std::mem::take(&mut reader.names);
    names.layer_again(&mut reader.network, value, layer, tensors);
    reader.names = names;
    true
}

/// `Reshape` to groups, `InstanceNorm` of ones and zeros, and back: a group norm without weights.
fn group_norm(reader: &mut Reader<'_>, value: ValueId) -> bool {
    let network = &reader.network;
    let found = (|| {
        let inner = under(network, value, "Reshape")?;
        let norm = network.node(inner);
        let x = under(network, *norm.inputs.first()?, "Reshape").filter(|_| norm.is_layer("InstanceNorm1d"))?;
        let groups = network.shape(inner).get(1).and_then(Dim::number)?;
        let is_filled = |place: usize, number: f32| {
            let tensor = reader.tensors.get(norm.weights.get(place)?.tensor)?;
            tensor.small_floats()?.iter().all(|value| *value == number).then_some(())
        };
        is_filled(0, 1.0).and(is_filled(1, 0.0))?;
        (network.shape(x) == network.shape(value)).then(|| (x, groups, norm.argument("eps").cloned()))
    })();
    let Some((x, groups, eps)) = found else { return false };
    let mut arguments = vec![("num_groups", Constant::Int(groups)), ("affine", Constant::Bool(false))];
    arguments.extend(eps.map(|eps| ("eps", eps)));
    replaced(reader, value, "GroupNorm", arguments, x)
}

/// A group norm without weights, then one number a channel multiplied and one added.
fn affine_group_norm(reader: &mut Reader<'_>, value: ValueId) -> bool {
    let network = &reader.network;
    let is_weight = |value: ValueId| network.node(value).is_source();
    let Some((bias, scaled)) = either(network, value, JoinKind::Sum, is_weight) else { return false };
    let Some((weight, inner)) = either(network, scaled, JoinKind::Product, is_weight) else { return false };
    let norm = network.node(inner);
    if !norm.is_layer("GroupNorm") || norm.argument("affine") != Some(&Constant::Bool(false)) {
        return false;
    }
    let Some(&x) = norm.inputs.first() else { return false };
    let arguments = norm.arguments.iter().filter(|(name, _)| *name != "affine").cloned().collect();
    let (Some(weight), Some(bias)) = (tensor_of(reader, weight), tensor_of(reader, bias)) else { return false };
    let channels = network.shape(x).get(1).and_then(Dim::number).unwrap_or(0) as usize;
    let behind = network.shape(x).rank().saturating_sub(2);
    let by_channel = |tensor: &crate::onnx::tensor::Tensor| {
        let shape = tensor.shape();
        let place = shape.len().checked_sub(behind + 1)?;
        (shape.get(place) == Some(&channels)).then(|| tensor.reshaped(vec![channels])).flatten()
    };
    let (Some(weight), Some(bias)) = (by_channel(&weight), by_channel(&bias)) else { return false };
    put(reader, value, "GroupNorm", arguments, x, &[weight, bias])
}

/// A number for each feature, or each channel, that is added to a product or a convolution without a bias.
fn bias(reader: &mut Reader<'_>, value: ValueId, uses: &[usize]) -> bool {
    let network = &reader.network;
    let is_weight = |value: ValueId| network.node(value).is_source();
    let Some((addend, inner)) = either(network, value, JoinKind::Sum, is_weight) else { return false };
    let node = network.node(inner);
    let Operation::Layer(layer) = node.operation else { return false };
    let is_linear = layer == "Linear";
    if node.argument("bias") != Some(&Constant::Bool(false)) || !(is_linear || layer.starts_with("Conv")) {
        return false;
    }
    if uses.get(inner.0) != Some(&1) {
        return false;
    }
    let (Some(&x), Some(weight)) = (node.inputs.first(), node.weights.first()) else { return false };
    let Some(weight) = reader.tensors.get(weight.tensor).cloned() else { return false };
    let shape = network.shape(inner);
    let place = if is_linear { shape.rank().saturating_sub(1) } else { 1 };
    let channels = shape.get(place).and_then(Dim::number).unwrap_or(0) as usize;
    let Some(tensor) = tensor_of(reader, addend) else { return false };
    let own = (tensor.shape().len() + place).checked_sub(shape.rank());
    let fits = tensor.count() == channels && own.is_some_and(|own| tensor.shape().get(own) == Some(&channels));
    let arguments = node.arguments.iter().filter(|(name, _)| *name != "bias").cloned().collect();
    let path = node.path.clone();
    let Some(tensor) = tensor.reshaped(vec![channels]).filter(|_| fits) else { return false };
    let done = put(reader, value, layer, arguments, x, &[weight, tensor]);
    if done {
        reader.network.name(value, path);
    }
    done
}

/// Two orders of axes one after the other.
fn permutations(reader: &mut Reader<'_>, value: ValueId) -> bool {
    let network = &reader.network;
    let order = |value: ValueId| match network.node(value).argument("dims")? {
        Constant::Tuple(all) => all
            .iter()
            .map(|axis| match axis {
                Constant::Int(axis) => usize::try_from(*axis).ok(),
                _ => None,
            })
            .collect::<Option<Vec<usize>>>(),
        _ => None,
    };
    let Some((inner, x)) =
        under(network, value, "Permute").and_then(|inner| Some((inner, under(network, inner, "Permute")?)))
    else {
        return false;
    };
    let (Some(outer), Some(inner)) = (order(value), order(inner)) else { return false };
    let both = outer.iter().map(|&axis| inner.get(axis).copied()).collect::<Option<Vec<usize>>>();
    let Some(both) = both else { return false };
    if both.iter().copied().eq(0..both.len()) {
        return replaced(reader, value, "Identity", Vec::new(), x);
    }
    let dims = Constant::Tuple(both.iter().map(|&axis| Constant::Int(axis as i64)).collect());
    replaced(reader, value, "Permute", vec![("dims", dims)], x)
}

/// Channels as `[groups, channels / groups]`, turned, and as channels again.
fn shuffle(reader: &mut Reader<'_>, value: ValueId) -> bool {
    let network = &reader.network;
    let found = (|| {
        let turned = under(network, value, "Reshape")?;
        let apart = under(network, turned, "Permute")?;
        let x = under(network, apart, "Reshape")?;
        let order = match network.node(turned).argument("dims")? {
            Constant::Tuple(order) => order,
            _ => return None,
        };
        let swaps = [0, 2, 1]
            .into_iter()
            .chain(3..network.shape(apart).rank() as i64)
            .map(Constant::Int)
            .eq(order.iter().cloned());
        let groups = network.shape(apart).get(1)?.number()?;
        let same = network.shape(x) == network.shape(value)
            && network.shape(x).get(2..) == network.shape(apart).get(3..)
            && network.shape(x).first() == network.shape(apart).first();
        (swaps && same).then_some((x, groups))
    })();
    match found {
        Some((x, groups)) => replaced(reader, value, "ChannelShuffle", vec![("groups", Constant::Int(groups))], x),
        None => false,
    }
}

/// A concatenation of all that an earlier one has, and more, takes that one and the rest: a densely connected block grows by an
/// item a layer.
fn nest_concatenations(network: &mut Network) {
    let concatenations: Vec<ValueId> =
        network.nodes().filter(|(_, node)| node.is_join(JoinKind::Concat)).map(|(value, _)| value).collect();
    for (place, &value) in concatenations.iter().enumerate().rev() {
        let node = network.node(value);
        let earlier = concatenations.iter().take(place).rev().take(64).find(|earlier| {
            let other = network.node(**earlier);
            other.arguments == node.arguments
                && other.inputs.len() < node.inputs.len()
                && node.inputs.starts_with(&other.inputs)
        });
        if let Some(&earlier) = earlier {
            let rest = node.inputs.get(network.node(earlier).inputs.len()..).unwrap_or_default();
            let inputs = std::iter::once(earlier).chain(rest.iter().copied()).collect();
            network.rejoin(value, inputs);
        }
    }
}
