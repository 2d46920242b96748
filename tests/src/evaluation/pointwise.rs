//! Activations: functions of one number.

use super::array::Array;
use super::number::Number;
use std::f64::consts::{FRAC_1_SQRT_2, PI};

fn zero() -> Number {
    Number::exact(0.0)
}

/// Between two bounds, which themselves count as outside.
fn clipped(x: Number, low: f64, high: f64) -> Number {
    if !x.is_greater(Number::exact(low)) {
        Number::exact(low)
    } else if !Number::exact(high).is_greater(x) {
        Number::exact(high)
    } else {
        x
    }
}

/// `x` above zero, else what `below` says.
fn positive_or(x: Number, below: impl Fn(Number) -> Number) -> Number {
    if x.is_greater(zero()) { x } else { below(x) }
}

/// The larger of two numbers; of equal ones half of each, by which each gets half of the derivative.
pub fn larger(a: Number, b: Number) -> Number {
    match (a.is_greater(b), b.is_greater(a)) {
        (true, _) => a,
        (_, true) => b,
        _ => (a + b) * Number::exact(0.5),
    }
}

/// The largest of several; equal ones share the derivative in equal parts.
pub fn largest_of(all: &[Number]) -> Number {
    let largest = super::window::largest(all);
    let equal: Vec<Number> = all.iter().copied().filter(|number| number.value() == largest.value()).collect();
    match equal.as_slice() {
        [] | [_] => largest,
        several => several.iter().copied().sum::<Number>() * Number::exact(1.0 / several.len() as f64),
    }
}

pub fn relu(x: Number) -> Number {
    positive_or(x, |_| zero())
}

pub fn relu6(x: Number) -> Number {
    clipped(x, 0.0, 6.0)
}

pub fn leaky_relu(x: Number, slope: f64) -> Number {
    positive_or(x, |x| x * slope)
}

/// One weight for all, or one a channel.
pub fn prelu(x: &Array, weight: &Array) -> Array {
    Array::of(&x.shape, |place| {
        let weight = if weight.shape == [1] { weight.at(&[0]) } else { weight.at(&[place[1]]) };
        positive_or(x.at(place), |x| x * weight)
    })
}

pub fn elu(x: Number, alpha: f64) -> Number {
    positive_or(x, |x| x.exp_m1() * alpha)
}

/// x · Φ(x), with the normal distribution's Φ or, `tanh`, what Hendrycks and Gimpel put in its place.
pub fn gelu(x: Number, tanh: bool) -> Number {
    let twice = if tanh {
        ((x + x * x * x * 0.044715) * (2.0 / PI).sqrt()).tanh() + 1.0
    } else {
        (x * FRAC_1_SQRT_2).erf() + 1.0
    };
    x * twice * 0.5
}

pub fn silu(x: Number) -> Number {
    x * x.sigmoid()
}

pub fn hardsigmoid(x: Number) -> Number {
    clipped(x + 3.0, 0.0, 6.0) / Number::exact(6.0)
}

pub fn hardswish(x: Number) -> Number {
    x * hardsigmoid(x)
}

pub fn selu(x: Number) -> Number {
    elu(x, 1.673_263_242_354_377_2) * 1.050_700_987_355_480_5
}

pub fn celu(x: Number, alpha: f64) -> Number {
    positive_or(x, |x| (x / Number::exact(alpha)).exp_m1() * alpha)
}

/// ln(1 + e^(beta · x)) / beta, a straight line where the power is past the threshold.
pub fn softplus(x: Number, beta: f64, threshold: f64) -> Number {
    let scaled = x * beta;
    if scaled.is_greater(Number::exact(threshold)) { x } else { scaled.exp().ln_1p() / Number::exact(beta) }
}

/// x · tanh(softplus(x)); far above zero the tangent is 1 beyond doubt, and no power need be made.
pub fn mish(x: Number) -> Number {
    if x.value() > 40.0 { x } else { x * x.exp().ln_1p().tanh() }
}

/// The size; at 0 the derivative is the mean of those on both sides.
pub fn size(x: Number) -> Number {
    larger(x, -x)
}

/// Whole powers as products, of which any number has one.
pub fn power(x: Number, exponent: f64) -> Number {
    if exponent >= 1.0 && exponent.fract() == 0.0 {
        (1..exponent as usize).fold(x, |product, _| product * x)
    } else {
        x.power(exponent)
    }
}

pub fn softsign(x: Number) -> Number {
    x / (size(x) + 1.0)
}

pub fn hardtanh(x: Number, low: f64, high: f64) -> Number {
    clipped(x, low, high)
}

pub fn hardshrink(x: Number, lambd: f64) -> Number {
    let is_large = x.is_greater(Number::exact(lambd)) || Number::exact(-lambd).is_greater(x);
    if is_large { x } else { zero() }
}

pub fn softshrink(x: Number, lambd: f64) -> Number {
    if x.is_greater(Number::exact(lambd)) {
        x + -lambd
    } else if Number::exact(-lambd).is_greater(x) {
        x + lambd
    } else {
        zero()
    }
}

pub fn threshold(x: Number, threshold: f64, value: f64) -> Number {
    if x.is_greater(Number::exact(threshold)) { x } else { Number::exact(value) }
}

pub fn log_sigmoid(x: Number) -> Number {
    if x.value() > 0.0 { -(-x).exp().ln_1p() } else { x - x.exp().ln_1p() }
}

/// The first half of an axis times the sigmoid of the second.
pub fn glu(x: &Array, dim: i64) -> Array {
    let axis = x.axis(dim);
    let mut shape = x.shape.clone();
    shape[axis] /= 2;
    let half = shape[axis];
    Array::of(&shape, |place| {
        let mut gate = place.to_vec();
        gate[axis] += half;
        x.at(place) * x.at(&gate).sigmoid()
    })
}
