//! Registers of whole numbers, and what kernels over bytes do with them.
//!
//! Every set of instructions gives the same bits: sums of products of bytes are exact, whole numbers become floats and floats
//! become bytes by rounding to the nearest, to even where two are equally near, and [`Integers::fused`] rounds once everywhere.

use crate::cpu::blocked::vector::{Compiled, InstructionSet, Vector};

/// `LANES` whole numbers of 32 bits.
///
/// As with [`Vector`], methods are safe although some types stand for instructions that not every machine has: they are named
/// only inside [`IntegerKernel::run`].
pub(crate) trait Integers: Copy {
    /// As many floats.
    type Floats: Vector;
    /// Whole numbers in a register, and channels of a block.
    const LANES: usize;
    /// Registers that sums may fill.
    const ACCUMULATORS: usize;

    /// The register that holds a word in every lane.
    fn splat(word: i32) -> Self;
    /// Reads `LANES` words.
    ///
    /// # Safety
    /// `from` is valid for reading as many.
    unsafe fn load(from: *const f32) -> Self;
    /// Asks for the line at `at` to be brought into the first-level cache; any address will do.
    fn bring_near(at: *const f32);
    /// Adds, lane by lane, the four products of the bytes of `bytes`, from 0 to 255, with those of `weights`, from -128 to 127.
    fn add_products(self, bytes: Self, weights: Self) -> Self;
    /// Adds the products of numbers from 0 to 32767 with some from -32768 to 32767.
    fn multiply_add(self, a: Self, b: Self) -> Self;
    /// The larger, lane by lane.
    fn max(self, other: Self) -> Self;
    /// The smaller, lane by lane.
    fn min(self, other: Self) -> Self;
    /// Four numbers from 0 to 255 as the bytes of a word, lane by lane.
    fn words(bytes: [Self; 4]) -> Self;
    /// The sum, lane by lane.
    fn add(self, other: Self) -> Self;
    /// The nearest floats.
    fn floats(self) -> Self::Floats;
    /// The nearest whole numbers to floats that are near enough to 0 to have one.
    fn nearest(values: Self::Floats) -> Self;
    /// Reads `LANES` bytes, a lane each.
    ///
    /// # Safety
    /// `from` is valid for reading as many.
    unsafe fn widen(from: *const u8) -> Self;
    /// `a · factor + addend`, rounded once.
    fn fused(a: Self::Floats, factor: Self::Floats, addend: Self::Floats) -> Self::Floats;
    /// Writes floats as the nearest bytes; what is no number as 0.
    ///
    /// # Safety
    /// `to` is valid for writing `LANES` bytes.
    #[inline(always)]
    unsafe fn store_bytes(values: Self::Floats, to: *mut u8) {
        // The larger of nought and what is no number is nought.
        let values = Self::Floats::zero().max(values).min(Self::Floats::splat(255.0));
        // SAFETY: the caller promises room for the bytes.
        unsafe { Self::nearest(values).narrow(to) }
    }
    /// Writes words.
    ///
    /// # Safety
    /// `to` is valid for writing `LANES` words.
    unsafe fn store(self, to: *mut f32);
    /// Writes `LANES` numbers from 0 to 255.
    ///
    /// # Safety
    /// `to` is valid for writing `LANES` bytes.
    unsafe fn narrow(self, to: *mut u8);
}

/// A kernel over bytes: a body generic over the registers, and what it is called with.
pub(crate) trait IntegerKernel {
    /// Pointers and sizes of a call.
    type Arguments;
    /// The body. Implementations are `#[inline(always)]`, so that they are compiled with the instructions of `I`.
    ///
    /// # Safety
    /// The machine has the instructions of `I`, and the arguments are what the kernel's own documentation asks for.
    unsafe fn run<I: Integers>(arguments: &Self::Arguments);
}

/// How products of bytes are taken: a word of them by one instruction, or by several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Products {
    /// By `vpdpbusd`.
    Words,
    /// By products of 16 bits.
    Halves,
}

impl Products {
    /// The best that this machine has.
    fn of(set: InstructionSet) -> Products {
        if has_words(set) { Products::Words } else { Products::Halves }
    }
}

#[cfg(target_arch = "x86_64")]
pub(crate) fn has_words(set: InstructionSet) -> bool {
    match set {
        InstructionSet::Avx512 => is_x86_feature_detected!("avx512vnni"),
        InstructionSet::Avx2 => is_x86_feature_detected!("avxvnni"),
        InstructionSet::Portable => false,
    }
}

#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn has_words(_: InstructionSet) -> bool {
    false
}

/// The copy of a kernel for an instruction set, with the products that the machine has.
///
/// # Panics
/// On a machine that does not have it.
pub(crate) fn entry<K: IntegerKernel>(set: InstructionSet) -> Compiled<K::Arguments> {
    entry_by::<K>(set, Products::of(set))
}

/// As [`entry`], by those products.
///
/// # Panics
/// On a machine that does not have them.
pub(crate) fn entry_by<K: IntegerKernel>(set: InstructionSet, products: Products) -> Compiled<K::Arguments> {
    assert!(set.is_available() && (products == Products::Halves || has_words(set)), "this machine has no {set:?}");
    match (set, products) {
        #[cfg(target_arch = "x86_64")]
        (InstructionSet::Avx512, Products::Words) => by_avx512_words::<K>,
        #[cfg(target_arch = "x86_64")]
        (InstructionSet::Avx512, Products::Halves) => by_avx512_halves::<K>,
        #[cfg(target_arch = "x86_64")]
        (InstructionSet::Avx2, Products::Words) => by_avx2_words::<K>,
        #[cfg(target_arch = "x86_64")]
        (InstructionSet::Avx2, Products::Halves) => by_avx2_halves::<K>,
        _ => by_portable::<K>,
    }
}

macro_rules! compiled {
    ($($name:ident, $features:literal, $registers:ty;)*) => {$(
        /// # Safety
        /// The machine has these instructions; otherwise as [`IntegerKernel::run`].
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = $features)]
        unsafe fn $name<K: IntegerKernel>(arguments: &K::Arguments) {
            // SAFETY: the caller promises the machine's instructions and what the kernel asks for.
            unsafe { K::run::<$registers>(arguments) }
        }
    )*};
}
compiled! {
    by_avx512_words, "avx512f,avx512bw,avx512vnni,avx2,fma", super::avx512::Words;
    by_avx512_halves, "avx512f,avx512bw,avx2,fma", super::avx512::Halves;
    by_avx2_words, "avx2,fma,avxvnni", super::avx2::Words;
    by_avx2_halves, "avx2,fma", super::avx2::Halves;
}

/// # Safety
/// As [`IntegerKernel::run`].
unsafe fn by_portable<K: IntegerKernel>(arguments: &K::Arguments) {
    // SAFETY: every machine has the portable path, and the caller promises what the kernel asks for.
    unsafe { K::run::<super::portable::Portable8>(arguments) }
}
