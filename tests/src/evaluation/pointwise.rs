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
