//! Several nodes that are one layer: found in the network once it is whole, each put in the place of its last node.
//!
//! A pattern looks at what a value is made of, and is sure of it: where a number or an axis differs, nothing is changed. What it
//! takes up need not vanish; what nothing needs any more is not written.

mod activations;
mod attention;
mod forms;
mod normalisations;
mod pooling;
mod view;

use super::Reader;
use crate::onnx::tensor::Tensor;
use crate::spec::{Network, ValueId};
use activations::{gelu, hardswish, swish};
use attention::attention;
use cnnc_compiler::ops::Constant;
use cnnc_grammar::ast::JoinKind;
use forms::{bias, flatten_joins, nest_concatenations, permutations, shuffle};
use normalisations::{affine_group_norm, affine_rms_norm, group_norm, layer_norm, rms_norm};
use pooling::soft_pool;

const GROUPED: &str = "groups of nodes became one layer each";

/// Finds all patterns.
pub fn find(reader: &mut Reader<'_>) {
    let values: Vec<ValueId> = reader.network.nodes().map(|(value, _)| value).collect();
    // What is replaced is used less from then on, never more.
    let uses = reader.network.uses();
    for &value in &values {
        let found = permutations(reader, value)
            || swish(reader, value)
            || hardswish(reader, value)
            || gelu(reader, value)
            || layer_norm(reader, value)
            || rms_norm(reader, value)
            || affine_rms_norm(reader, value)
            || group_norm(reader, value)
            || affine_group_norm(reader, value)
            || bias(reader, value, &uses)
            || shuffle(reader, value)
            || soft_pool(reader, value);
        if found {
            reader.note(GROUPED);
        }
    }
    // Its projections are looked for with the biases that they have now.
    let uses = reader.network.uses();
    for value in values {
        if attention(reader, value, &uses) {
            reader.note(GROUPED);
        }
    }
    flatten_joins(&mut reader.network);
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

/// The tensor that a value was written out of, or holds, as one over a shape.
fn tensor_of(reader: &Reader<'_>, value: ValueId) -> Option<Tensor> {
    let node = reader.network.node(value);
    match node.weights.as_slice() {
        [held] if node.is_layer("Parameter") => reader.tensors.get(held.tensor).cloned(),
        _ => reader.names.tensor_of(value).cloned(),
    }
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

/// Puts a layer in the place of a value; one with parameters is named by them.
fn put(
    reader: &mut Reader<'_>,
    value: ValueId,
    layer: &'static str,
    arguments: Vec<(&'static str, Constant)>,
    input: ValueId,
    tensors: &[Tensor],
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
