//! Normalisations that are written out as means, differences and roots, and their weights.

use super::{Reader, either, put, replaced, root_of, tensor_of, times, under};
use crate::onnx::tensor::Tensor;
use crate::spec::{Network, ValueId};
use cnnc_compiler::ops::Constant;
use cnnc_compiler::shape::Dim;
use cnnc_grammar::ast::JoinKind;

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
    let &[x, middle] = network.node(above).inputs.as_slice() else { return None };
    let (_, axes) = mean(network, middle).filter(|(of, _)| *of == x)?;
    let inside = under(network, root, "Sqrt")?;
    let (number, variance) = either(network, inside, JoinKind::Sum, |one| network.node(one).number().is_some())?;
    let eps = network.node(number).number()?;
    let (squares, over) = mean(network, variance)?;
    (over == axes && root_of(network, squares, 2) == Some(above)).then_some(Centred { x, axes, eps })
}

/// What a mean that keeps its axes is of, and the axes, from the front: the layer, or a sum by one over what it sums.
fn mean(network: &Network, value: ValueId) -> Option<(ValueId, Vec<i64>)> {
    if let Some(x) = under(network, value, "Mean") {
        return Some((x, kept_axes(network, value)?));
    }
    let node = network.node(value);
    let sum = node.inputs.iter().copied().find(|&sum| network.node(sum).is_layer("Sum"))?;
    let (x, axes) = (under(network, sum, "Sum")?, kept_axes(network, sum)?);
    let sizes = axes.iter().map(|&axis| network.shape(x).get(axis as usize).and_then(Dim::number));
    let count = sizes.product::<Option<i64>>().filter(|&count| count > 0)?;
    (times(network, value, 1.0 / count as f64) == Some(sum)).then_some((x, axes))
}

/// The axes of a mean or sum that keeps them, from the front.
fn kept_axes(network: &Network, value: ValueId) -> Option<Vec<i64>> {
    let node = network.node(value);
    let rank = network.shape(*node.inputs.first()?).rank() as i64;
    let front = |axis: &Constant| match axis {
        Constant::Int(axis) => Some(if *axis < 0 { axis + rank } else { *axis }),
        _ => None,
    };
    let mut axes = match node.argument("dim")? {
        Constant::Tuple(all) => all.iter().map(front).collect::<Option<Vec<i64>>>()?,
        single => vec![front(single)?],
    };
    axes.sort_unstable();
    (node.argument("keepdim") == Some(&Constant::Bool(true))).then_some(axes)
}

/// `centred · weight + bias` over the last axes, or over channels.
pub(super) fn layer_norm(reader: &mut Reader<'_>, value: ValueId) -> bool {
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

/// `x / √(mean(x²) + ε)` over the last axes, or `x` times the reciprocal of that root.
pub(super) fn rms_norm(reader: &mut Reader<'_>, value: ValueId) -> bool {
    let network = &reader.network;
    let squares_of = |root: ValueId| {
        let inside = under(network, root, "Sqrt")?;
        let (number, mean_square) = either(network, inside, JoinKind::Sum, |one| network.node(one).number().is_some())?;
        let (squares, axes) = mean(network, mean_square)?;
        Some((root_of(network, squares, 2)?, axes, network.node(number).number()?))
    };
    // `1 / root`
    let below = |inverse: ValueId| {
        let node = network.node(inverse);
        let &[number, root] = node.inputs.as_slice() else { return under(network, inverse, "Reciprocal") };
        let is_one = node.is_join(JoinKind::Quotient) && network.node(number).number() == Some(1.0);
        is_one.then_some(root)
    };
    let found = (|| {
        let node = network.node(value);
        let (root, x) = match node.inputs.as_slice() {
            &[x, root] if node.is_join(JoinKind::Quotient) => (root, x),
            _ => {
                let (inverse, x) = either(network, value, JoinKind::Product, |one| below(one).is_some())?;
                (below(inverse)?, x)
            }
        };
        let (_, axes, eps) = squares_of(root).filter(|(of, ..)| *of == x)?;
        let rank = network.shape(x).rank() as i64;
        let sizes = axes.iter().map(|&axis| network.shape(x).get(axis as usize).and_then(Dim::number));
        let sizes = sizes.map(|size| size.map(Constant::Int)).collect::<Option<Vec<Constant>>>()?;
        axes.iter().copied().eq(rank - axes.len() as i64..rank).then_some((x, sizes, eps))
    })();
    let Some((x, sizes, eps)) = found else { return false };
    let mut arguments = vec![("eps", Constant::Float(eps)), ("elementwise_affine", Constant::Bool(false))];
    if sizes.len() > 1 {
        arguments.push(("normalized_shape", Constant::Tuple(sizes)));
    }
    replaced(reader, value, "RMSNorm", arguments, x)
}

/// An RMS norm without a weight, then a number a feature multiplied.
pub(super) fn affine_rms_norm(reader: &mut Reader<'_>, value: ValueId) -> bool {
    let network = &reader.network;
    let is_weight = |value: ValueId| network.node(value).is_source();
    let Some((weight, inner)) = either(network, value, JoinKind::Product, is_weight) else { return false };
    let norm = network.node(inner);
    if !norm.is_layer("RMSNorm") || norm.argument("elementwise_affine") != Some(&Constant::Bool(false)) {
        return false;
    }
    let Some(&x) = norm.inputs.first() else { return false };
    let arguments = norm.arguments.iter().filter(|(name, _)| *name != "elementwise_affine").cloned().collect();
    let count = match norm.argument("normalized_shape") {
        Some(Constant::Tuple(sizes)) => sizes.len(),
        _ => 1,
    };
    let shape = network.shape(x);
    let last = shape.iter().skip(shape.rank() - count.min(shape.rank()));
    let sizes: Option<Vec<usize>> = last.map(|size| size.number().map(|size| size as usize)).collect();
    let Some(tensor) = tensor_of(reader, weight).zip(sizes).and_then(|(weight, sizes)| weight.reshaped(sizes)) else {
        return false;
    };
    put(reader, value, "RMSNorm", arguments, x, &[tensor])
}

/// `Reshape` to groups, `InstanceNorm` of ones and zeros, and back: a group norm without weights.
pub(super) fn group_norm(reader: &mut Reader<'_>, value: ValueId) -> bool {
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
pub(super) fn affine_group_norm(reader: &mut Reader<'_>, value: ValueId) -> bool {
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
    let by_channel = |tensor: &Tensor| {
        let shape = tensor.shape();
        let place = shape.len().checked_sub(behind + 1)?;
        (shape.get(place) == Some(&channels)).then(|| tensor.reshaped(vec![channels])).flatten()
    };
    let (Some(weight), Some(bias)) = (by_channel(&weight), by_channel(&bias)) else { return false };
    put(reader, value, "GroupNorm", arguments, x, &[weight, bias])
}
