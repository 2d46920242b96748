//! Eight floats in an array: what every machine can do, and what the compiler makes vectors of where it can.
//!
//! Multiply-add rounds twice here: without the instruction, rounding once is a library call a lane.

use super::Vector;

/// Eight floats.
#[derive(Clone, Copy)]
pub(crate) struct Portable([f32; 8]);

impl Portable {
    /// Those floats.
    #[inline(always)]
    pub(crate) fn of(values: [f32; 8]) -> Self {
        Self(values)
    }

    /// The floats.
    #[inline(always)]
    pub(crate) fn values(self) -> [f32; 8] {
        self.0
    }

    #[inline(always)]
    fn map(self, other: Self, apply: impl Fn(f32, f32) -> f32) -> Self {
        Self(std::array::from_fn(|lane| apply(self.0[lane], other.0[lane])))
    }
}

impl Vector for Portable {
    const LANES: usize = 8;
    const ACCUMULATORS: usize = 6;

    #[inline(always)]
    fn splat(value: f32) -> Self {
        Self([value; 8])
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller promises eight readable floats; the read asks for no more alignment than a float's.
        Self(unsafe { from.cast::<[f32; 8]>().read() })
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller promises eight writable floats; an array of floats is aligned as a float is.
        unsafe { to.cast::<[f32; 8]>().write(self.0) }
    }
    #[inline(always)]
    fn prefetch(_: *const f32) {}
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.map(other, |a, b| a + b)
    }
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.map(other, |a, b| a - b)
    }
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self.map(other, |a, b| a * b)
    }
    #[inline(always)]
    fn div(self, other: Self) -> Self {
        self.map(other, |a, b| a / b)
    }
    #[inline(always)]
    fn power_of_two(self) -> Self {
        self.map(self, |n, _| f32::from_bits(((n as i32).wrapping_add(127) as u32) << 23))
    }
    #[inline(always)]
    fn mul_add(self, factor: Self, addend: Self) -> Self {
        self.mul(factor).add(addend)
    }
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        self.map(other, |a, b| if b > a { b } else { a })
    }
    #[inline(always)]
    fn max_or_nan(self, other: Self) -> Self {
        self.map(other, |a, b| if b > a || b.is_nan() { b } else { a })
    }
    #[inline(always)]
    fn if_larger(self, largest: Self, then: Self, otherwise: Self) -> Self {
        let is_larger = |x: f32, largest: f32| x > largest || x.is_nan() && !largest.is_nan();
        Self(std::array::from_fn(|lane| match is_larger(self.0[lane], largest.0[lane]) {
            true => then.0[lane],
            false => otherwise.0[lane],
        }))
    }
    #[inline(always)]
    fn if_equal(self, other: Self, then: Self, otherwise: Self) -> Self {
        Self(std::array::from_fn(|lane| match self.0[lane] == other.0[lane] {
            true => then.0[lane],
            false => otherwise.0[lane],
        }))
    }
    #[inline(always)]
    fn min(self, other: Self) -> Self {
        self.map(other, |a, b| if b < a { b } else { a })
    }
    #[inline(always)]
    fn transpose(square: &mut [Self; 16]) {
        let rows = *square;
        for (lane, column) in square.iter_mut().take(8).enumerate() {
            column.0 = std::array::from_fn(|row| rows[row].0[lane]);
        }
    }
}
