//! What the reference kernels need of a number: float32 and float64 have it.

use std::ops::{Add, AddAssign, Div, Mul};

/// An element type. Scalar functions are computed in float64 and rounded once, so that in float32 each is as exact as can be.
pub trait Real: Copy + PartialOrd + Add<Output = Self> + AddAssign + Mul<Output = Self> + Div<Output = Self> {
    /// Rounded to this type.
    fn from_f64(number: f64) -> Self;
    /// The nearest to a whole number.
    fn from_count(count: u64) -> Self;
    /// Widened.
    fn to_f64(self) -> f64;

    /// The larger; not-a-number if either is.
    fn larger(self, other: Self) -> Self {
        // Only not-a-number differs from itself.
        if self > other || self.partial_cmp(&self).is_none() { self } else { other }
    }
}

impl Real for f32 {
    fn from_f64(number: f64) -> f32 {
        number as f32
    }
    fn from_count(count: u64) -> f32 {
        count as f32
    }
    fn to_f64(self) -> f64 {
        f64::from(self)
    }
}

impl Real for f64 {
    fn from_f64(number: f64) -> f64 {
        number
    }
    fn from_count(count: u64) -> f64 {
        count as f64
    }
    fn to_f64(self) -> f64 {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::Real;

    #[test]
    fn not_a_number_is_the_largest() {
        assert_eq!(1.0f32.larger(2.0), 2.0);
        assert_eq!(2.0f32.larger(1.0), 2.0);
        assert!(f64::NAN.larger(1.0).is_nan());
        assert!(1.0.larger(f64::NAN).is_nan());
    }
}
