//! Eight whole numbers in an array: what every machine can do.

use super::vector::Integers;
use crate::cpu::blocked::vector::{Portable, Vector};

/// Eight whole numbers.
#[derive(Clone, Copy)]
pub(crate) struct Portable8([i32; 8]);

impl Portable8 {
    #[inline(always)]
    fn map(self, other: Self, apply: impl Fn(i32, i32) -> i32) -> Self {
        Self(std::array::from_fn(|lane| apply(self.0[lane], other.0[lane])))
    }
}

impl Integers for Portable8 {
    type Floats = Portable;
    const LANES: usize = 8;
    const ACCUMULATORS: usize = Portable::ACCUMULATORS;

    #[inline(always)]
    fn splat(word: i32) -> Self {
        Self([word; 8])
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller promises eight readable words; whole numbers are aligned as floats are.
        Self(unsafe { from.cast::<[i32; 8]>().read() })
    }
    #[inline(always)]
    fn bring_near(_: *const f32) {}
    #[inline(always)]
    fn add_products(self, bytes: Self, weights: Self) -> Self {
        let product = |a: i32, b: i32| {
            let pairs = a.to_ne_bytes().into_iter().zip(b.to_ne_bytes());
            pairs.map(|(byte, weight)| i32::from(byte) * i32::from(weight as i8)).sum::<i32>()
        };
        Self(std::array::from_fn(|lane| self.0[lane].wrapping_add(product(bytes.0[lane], weights.0[lane]))))
    }
    #[inline(always)]
    fn multiply_add(self, a: Self, b: Self) -> Self {
        Self(std::array::from_fn(|lane| self.0[lane].wrapping_add(a.0[lane] * b.0[lane])))
    }
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        self.map(other, i32::max)
    }
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.map(other, i32::wrapping_add)
    }
    #[inline(always)]
    fn floats(self) -> Portable {
        Portable::of(self.0.map(|number| number as f32))
    }
    #[inline(always)]
    unsafe fn widen(from: *const u8) -> Self {
        // SAFETY: the caller promises eight readable bytes.
        Self(unsafe { from.cast::<[u8; 8]>().read() }.map(i32::from))
    }
    #[inline(always)]
    fn fused(a: Portable, factor: Portable, addend: Portable) -> Portable {
        let (a, factor, addend) = (a.values(), factor.values(), addend.values());
        Portable::of(std::array::from_fn(|lane| a[lane].mul_add(factor[lane], addend[lane])))
    }
    #[inline(always)]
    fn min(self, other: Self) -> Self {
        self.map(other, i32::min)
    }
    #[inline(always)]
    fn words(bytes: [Self; 4]) -> Self {
        Self(std::array::from_fn(|lane| i32::from_ne_bytes(bytes.map(|byte| byte.0[lane] as u8))))
    }
    #[inline(always)]
    fn nearest(values: Portable) -> Self {
        Self(values.values().map(|value| value.round_ties_even() as i32))
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller promises room for eight words; whole numbers are aligned as floats are.
        unsafe { to.cast::<[i32; 8]>().write(self.0) }
    }
    #[inline(always)]
    unsafe fn narrow(self, to: *mut u8) {
        // SAFETY: the caller promises room for eight bytes.
        unsafe { to.cast::<[u8; 8]>().write(self.0.map(|number| number as u8)) }
    }
}
