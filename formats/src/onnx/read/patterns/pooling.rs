//! Softmax pooling: each window's elements as channels, their softmax and the sum of what it weighs, or a quotient of two means.

use super::{Reader, either, replaced, under};
use crate::spec::{Network, ValueId, number};
use cnnc_compiler::ops::Constant;
use cnnc_grammar::ast::JoinKind;

/// A pooling of a value.
struct Pooling {
    x: ValueId,
    arguments: Vec<(&'static str, Constant)>,
}

/// Puts a `SoftPool2d` in the place of its last node.
pub(super) fn soft_pool(reader: &mut Reader<'_>, value: ValueId) -> bool {
    let Some(Pooling { x, arguments }) = by_windows(reader, value).or_else(|| by_means(&reader.network, value)) else {
        return false;
    };
    // Whether the last window reaches past the padding, its shape tells.
    let rounded = [arguments.clone(), vec![("ceil_mode", Constant::Bool(true))]].concat();
    replaced(reader, value, "SoftPool2d", arguments, x) || replaced(reader, value, "SoftPool2d", rounded, x)
}

/// `mean(x · eˣ) / mean(eˣ)` over the same windows.
fn by_means(network: &Network, value: ValueId) -> Option<Pooling> {
    let node = network.node(value);
    let &[above, below] = node.inputs.as_slice() else { return None };
    let (weighed, powers) = (under(network, above, "AvgPool2d")?, under(network, below, "AvgPool2d")?);
    let (power, x) = either(network, weighed, JoinKind::Product, |one| one == powers)?;
    let arguments = &network.node(above).arguments;
    let is_it = node.is_join(JoinKind::Quotient)
        && under(network, power, "Exp") == Some(x)
        && *arguments == network.node(below).arguments;
    let own = arguments.iter().filter(|(name, _)| *name != "count_include_pad").cloned();
    is_it.then(|| Pooling { x, arguments: own.collect() })
}

/// What cnnc writes: planes one by one, a convolution that takes each element of a window by itself, a softmax over those.
fn by_windows(reader: &Reader<'_>, value: ValueId) -> Option<Pooling> {
    let network = &reader.network;
    let argument = |value: ValueId, name: &str| network.node(value).argument(name);
    let sum = under(network, value, "Reshape").unwrap_or(value);
    let weighed = under(network, sum, "Sum").filter(|_| argument(sum, "dim") == Some(&Constant::Int(1)))?;
    let is_chance = |one: ValueId| network.node(one).is_layer("Softmax");
    let (chances, seen) = either(network, weighed, JoinKind::Product, is_chance)?;
    let is_over_window =
        argument(chances, "dim") == Some(&Constant::Int(1)) && under(network, chances, "Softmax") == Some(seen);
    let planes = under(network, seen, "Conv2d").filter(|_| is_over_window)?;
    let allowed = ["out_channels", "kernel_size", "stride", "bias"];
    let convolution = network.node(seen);
    let is_plain =
        convolution.arguments.iter().all(|(name, _)| allowed.contains(name)) && convolution.weights.len() == 1;
    let taken = reader.tensors.get(convolution.weights.first()?.tensor).filter(|_| is_plain)?;
    let &[area, 1, high, wide] = taken.shape() else { return None };
    let is_one = |(place, value): (usize, f32)| value == f32::from(u8::from(place / area == place % area));
    let is_each = area == high * wide && taken.small_floats()?.into_iter().enumerate().all(is_one);
    let is_by_plane = is_each && network.shape(planes).get(1)?.number() == Some(1);
    let is_same = |padded: &ValueId| network.shape(planes).get(2..) == network.shape(*padded).get(2..);
    // Images of one channel are planes as they are.
    let padded = under(network, planes, "Reshape").filter(is_same).unwrap_or(planes);
    let is_by_plane = is_by_plane && network.shape(value).get(..2) == network.shape(padded).get(..2);
    let (x, padding) = match under(network, padded, "ConstantPad2d") {
        Some(x) if argument(padded, "value") == Some(&Constant::Float(number(f32::MIN))) => {
            (x, before(argument(padded, "padding")?)?)
        }
        _ => (padded, [0, 0]),
    };
    let kernel = Constant::Tuple([high, wide].map(|size| Constant::Int(size as i64)).into());
    let mut arguments = vec![("kernel_size", if high == wide { Constant::Int(high as i64) } else { kernel })];
    let stride = argument(seen, "stride").cloned().unwrap_or(Constant::Int(1));
    if arguments.first().is_some_and(|(_, kernel)| *kernel != stride) {
        arguments.push(("stride", stride));
    }
    match padding {
        [0, 0] => {}
        [high, wide] if high == wide => arguments.push(("padding", Constant::Int(high))),
        both => arguments.push(("padding", Constant::Tuple(both.map(Constant::Int).into()))),
    }
    is_by_plane.then_some(Pooling { x, arguments })
}

/// Rows and columns before a plane, of a padding as layers have it: columns first, before and after.
fn before(padding: &Constant) -> Option<[i64; 2]> {
    match padding {
        Constant::Int(all) => Some([*all, *all]),
        Constant::Tuple(sides) => match sides.as_slice() {
            [Constant::Int(left), _, Constant::Int(top), _] => Some([*top, *left]),
            _ => None,
        },
        _ => None,
    }
}
