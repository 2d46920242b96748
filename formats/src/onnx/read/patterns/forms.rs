//! A bias that is added behind, axes that are turned twice, channel shuffles, sums of more than two, and concatenations that
//! grow.

use super::{Reader, either, put, replaced, tensor_of, under};
use crate::spec::{Network, Operation, ValueId};
use cnnc_compiler::ops::Constant;
use cnnc_compiler::shape::Dim;
use cnnc_grammar::ast::JoinKind;

/// A number for each feature, or each channel, that is added to a product or a convolution without a bias.
pub(super) fn bias(reader: &mut Reader<'_>, value: ValueId, uses: &[usize]) -> bool {
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
pub(super) fn permutations(reader: &mut Reader<'_>, value: ValueId) -> bool {
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
pub(super) fn shuffle(reader: &mut Reader<'_>, value: ValueId) -> bool {
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
pub(super) fn nest_concatenations(network: &mut Network) {
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

/// A join of a join of the same kind that nothing else needs takes all of them: `(a + b) + c` is one sum, computed in that order.
pub(super) fn flatten_joins(network: &mut Network) {
    let uses = network.uses();
    let values: Vec<ValueId> = network.nodes().map(|(value, _)| value).collect();
    for value in values {
        let node = network.node(value);
        let [first, rest @ ..] = node.inputs.as_slice() else { continue };
        let inner = network.node(*first);
        let is_chain = [JoinKind::Sum, JoinKind::Product].iter().any(|&kind| node.is_join(kind) && inner.is_join(kind));
        if is_chain && uses.get(first.0) == Some(&1) && !rest.contains(first) {
            let inputs = [inner.inputs.as_slice(), rest].concat();
            network.rejoin(value, inputs);
        }
    }
}
