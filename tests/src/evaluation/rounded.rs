//! Values that know how far float32 would be off.
//!
//! A variance is carried along: every operation adds the square of its result, so that the root of the variance, times
//! float32's unit
//! roundoff, is what a computation in float32 may be expected to be off by, in whatever order. Leaves are exact.

use std::ops::{Add, Div, Mul, Neg};

/// The unit roundoff of float32, and of float64.
pub const SINGLE: f64 = 1.0 / (1u64 << 24) as f64;
/// See [`SINGLE`].
pub const DOUBLE: f64 = f64::EPSILON / 2.0;

/// How many units of the last place exponentials and their kin may be off by in float32.
pub(super) const FUNCTION: f64 = 4.0;

/// A value, and the variance of what rounding makes of it, in squares of the unit roundoff.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rounded {
    /// The value, in float64.
    pub value: f64,
    /// The variance.
    pub variance: f64,
}

impl Rounded {
    /// A value that is no result of rounding.
    pub fn exact(value: f64) -> Rounded {
        Rounded { value, variance: 0.0 }
    }

    pub(super) fn is_exactly(self, value: f64) -> bool {
        self.variance == 0.0 && self.value == value
    }

    /// A function's value, given its slope and how many units of the last place it may be off by.
    pub(super) fn function(self, value: f64, slope: f64, units: f64) -> Rounded {
        let rounding = if self.variance == 0.0 && value == 0.0 { 0.0 } else { (units * value).powi(2) };
        Rounded { value, variance: slope.powi(2) * self.variance + rounding }
    }

    pub(super) fn exp(self) -> Rounded {
        let value = self.value.exp();
        self.function(value, value, FUNCTION)
    }

    pub(super) fn tanh(self) -> Rounded {
        let value = self.value.tanh();
        self.function(value, 1.0 - value * value, FUNCTION)
    }

    pub(super) fn sqrt(self) -> Rounded {
        let value = self.value.sqrt();
        self.function(value, 0.5 / value, 1.0)
    }
}

impl Rounded {
    /// The square. Its errors are those of one number, twice, and not of two that may cancel; the last term counts where the
    /// number should be zero and rounding alone is left.
    pub(super) fn square(self) -> Rounded {
        let value = self.value.powi(2);
        let alone = 3.0 * SINGLE.powi(2) * self.variance.powi(2);
        Rounded { value, variance: 4.0 * value * self.variance + alone + value.powi(2) }
    }
}

impl Add for Rounded {
    type Output = Rounded;
    fn add(self, other: Rounded) -> Rounded {
        if self.is_exactly(0.0) {
            return other;
        }
        if other.is_exactly(0.0) {
            return self;
        }
        let value = self.value + other.value;
        Rounded { value, variance: self.variance + other.variance + value * value }
    }
}

impl Mul for Rounded {
    type Output = Rounded;
    fn mul(self, other: Rounded) -> Rounded {
        for (one, same) in [(self, other), (other, self)] {
            if one.is_exactly(1.0) || one.is_exactly(-1.0) {
                return Rounded { value: one.value * same.value, variance: same.variance };
            }
        }
        let value = self.value * other.value;
        let from_both = self.value.powi(2) * other.variance + other.value.powi(2) * self.variance;
        // The last term counts where both should be zero and rounding alone is left.
        let of_both = SINGLE * SINGLE * self.variance * other.variance;
        Rounded { value, variance: from_both + of_both + value * value }
    }
}

impl Neg for Rounded {
    type Output = Rounded;
    fn neg(self) -> Rounded {
        Rounded { value: -self.value, variance: self.variance }
    }
}

impl Div for Rounded {
    type Output = Rounded;
    fn div(self, other: Rounded) -> Rounded {
        let value = self.value / other.value;
        let from_both = (self.variance + value.powi(2) * other.variance) / other.value.powi(2);
        Rounded { value, variance: from_both + value * value }
    }
}
