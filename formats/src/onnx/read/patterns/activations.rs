//! Activations that are written out: SiLU, Hardswish, Hardsigmoid and GELU.

use super::{Reader, either, replaced, root_of, times, under, with_number};
use crate::spec::{Network, ValueId};
use cnnc_compiler::ops::Constant;
use cnnc_grammar::ast::JoinKind;

/// `x · sigmoid(x)`
pub(super) fn swish(reader: &mut Reader<'_>, value: ValueId) -> bool {
    let network = &reader.network;
    let found = either(network, value, JoinKind::Product, |gate| under(network, gate, "Sigmoid").is_some());
    let Some((gate, x)) = found.filter(|(gate, x)| under(network, *gate, "Sigmoid") == Some(*x)) else { return false };
    debug_assert!(gate < value);
    replaced(reader, value, "SiLU", Vec::new(), x)
}

/// `x · hardsigmoid(x)`, or `x · relu6(x + 3) / 6` in any order.
pub(super) fn hardswish(reader: &mut Reader<'_>, value: ValueId) -> bool {
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
pub(super) fn gelu(reader: &mut Reader<'_>, value: ValueId) -> bool {
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
