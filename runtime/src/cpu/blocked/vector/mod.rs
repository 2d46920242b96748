//! A vector of floats, whatever the width of the machine's own: kernels are written once over `Vector`, compiled once
//! for every instruction set, and `InstructionSet::entry` picks the copy at run time.
//!
//! Why a trait and not three sources: the loops, the register tiles and the layouts are the same; only the number of
//! lanes and of registers differ. All methods are `#[inline(always)]`, so that a kernel's body is compiled inside the
//! one function that enables its target features; a method that is not inlined there would be a slow call.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod exponential;
mod instruction_set;
mod portable;

#[cfg(target_arch = "x86_64")]
pub(crate) use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) use avx512::Avx512;
pub(crate) use exponential::exp;
pub use instruction_set::InstructionSet;
pub(crate) use instruction_set::{Compiled, Kernel};
pub(crate) use portable::Portable;

/// `LANES` floats in one register.
///
/// The types that implement it stand for instruction sets that not every machine has. They are named only inside
/// [`Kernel::run`], which [`InstructionSet::entry`] compiles with those instructions enabled, so that the arithmetic
/// can be safe to call.
pub(crate) trait Vector: Copy {
    /// Floats in a register; also the channels in a block of the layout `[N, C / LANES, H, W, LANES]`.
    const LANES: usize;
    /// Registers that a tile of accumulators may fill: what is left holds weights and one input value.
    const ACCUMULATORS: usize;

    /// The vector that holds `value` in every lane.
    fn splat(value: f32) -> Self;
    /// Reads `LANES` floats, at any alignment.
    ///
    /// # Safety
    /// `from` is valid for reading `LANES` floats.
    unsafe fn load(from: *const f32) -> Self;
    /// Writes `LANES` floats, at any alignment.
    ///
    /// # Safety
    /// `to` is valid for writing `LANES` floats.
    unsafe fn store(self, to: *mut f32);
    /// Asks for the line at `at` to be brought into the second-level cache; any address will do.
    fn prefetch(at: *const f32);
    /// `self + other`.
    fn add(self, other: Self) -> Self;
    /// `self - other`.
    fn sub(self, other: Self) -> Self;
    /// `self * other`.
    fn mul(self, other: Self) -> Self;
    /// `self / other`.
    fn div(self, other: Self) -> Self;
    /// Two to the power of a whole number from -126 to 127, lane by lane; anything for another.
    fn power_of_two(self) -> Self;
    /// `self * factor + addend`, rounded once where the machine can.
    fn mul_add(self, factor: Self, addend: Self) -> Self;
    /// The larger of both, lane by lane; `self` where either is not a number, so that `x.max(low)` keeps a NaN of `x`.
    fn max(self, other: Self) -> Self;
    /// The larger of both, lane by lane; not a number where either is none.
    fn max_or_nan(self, other: Self) -> Self;
    /// `then` where `self` is larger than `largest`, or no number while that is one; else `otherwise`.
    fn if_larger(self, largest: Self, then: Self, otherwise: Self) -> Self;
    /// `then` where both are equal, else `otherwise`.
    fn if_equal(self, other: Self, then: Self, otherwise: Self) -> Self;
    /// The smaller of both, lane by lane; `self` where either is not a number.
    fn min(self, other: Self) -> Self;
    /// Turns the square of the first `LANES` vectors about its diagonal.
    fn transpose(square: &mut [Self; 16]);
    /// The vector of zeros.
    #[inline(always)]
    fn zero() -> Self {
        Self::splat(0.0)
    }
}
