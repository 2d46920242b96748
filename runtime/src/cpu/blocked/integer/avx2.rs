//! Eight whole numbers in one of the 16 registers of AVX2.

use super::vector::Integers;
use crate::cpu::blocked::vector::{Avx2, Vector};
use std::arch::x86_64::*;

/// A register whose products of bytes are one instruction, of AVX-VNNI.
#[derive(Clone, Copy)]
pub(crate) struct Words(__m256i);

/// A register whose products of bytes are made of products of 16 bits. (Of bytes there are some too, but their sums of two
/// stop at 32767.)
#[derive(Clone, Copy)]
pub(crate) struct Halves(__m256i);

// SAFETY, for every block below: these types are only named in code that was chosen on a machine that has the instructions, by
// `vector::entry_by`. The pointers are the caller's promise.
macro_rules! integers {
    ($name:ident, $products:expr) => {
        impl Integers for $name {
            type Floats = Avx2;
            const LANES: usize = 8;
            const ACCUMULATORS: usize = Avx2::ACCUMULATORS;

            #[inline(always)]
            fn splat(word: i32) -> Self {
                Self(unsafe { _mm256_set1_epi32(word) })
            }
            #[inline(always)]
            unsafe fn load(from: *const f32) -> Self {
                Self(unsafe { _mm256_loadu_si256(from.cast()) })
            }
            #[inline(always)]
            fn bring_near(at: *const f32) {
                unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) }
            }
            #[inline(always)]
            fn add_products(self, bytes: Self, weights: Self) -> Self {
                Self(unsafe { $products(self.0, bytes.0, weights.0) })
            }
            #[inline(always)]
            fn multiply_add(self, a: Self, b: Self) -> Self {
                // The upper half of each lane of `a` is nought, and so are its products.
                Self(unsafe { _mm256_add_epi32(self.0, _mm256_madd_epi16(a.0, b.0)) })
            }
            #[inline(always)]
            fn max(self, other: Self) -> Self {
                Self(unsafe { _mm256_max_epi32(self.0, other.0) })
            }
            #[inline(always)]
            fn add(self, other: Self) -> Self {
                Self(unsafe { _mm256_add_epi32(self.0, other.0) })
            }
            #[inline(always)]
            fn floats(self) -> Avx2 {
                Avx2::of(unsafe { _mm256_cvtepi32_ps(self.0) })
            }
            #[inline(always)]
            unsafe fn widen(from: *const u8) -> Self {
                Self(unsafe { _mm256_cvtepu8_epi32(_mm_loadl_epi64(from.cast())) })
            }
            #[inline(always)]
            fn fused(a: Avx2, factor: Avx2, addend: Avx2) -> Avx2 {
                a.mul_add(factor, addend)
            }
            #[inline(always)]
            fn min(self, other: Self) -> Self {
                Self(unsafe { _mm256_min_epi32(self.0, other.0) })
            }
            #[inline(always)]
            fn words([a, b, c, d]: [Self; 4]) -> Self {
                unsafe {
                    let low = _mm256_or_si256(a.0, _mm256_slli_epi32::<8>(b.0));
                    let high = _mm256_or_si256(_mm256_slli_epi32::<16>(c.0), _mm256_slli_epi32::<24>(d.0));
                    Self(_mm256_or_si256(low, high))
                }
            }
            #[inline(always)]
            fn nearest(values: Avx2) -> Self {
                Self(unsafe { _mm256_cvtps_epi32(values.register()) })
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut f32) {
                unsafe { _mm256_storeu_si256(to.cast(), self.0) }
            }
            #[inline(always)]
            unsafe fn narrow(self, to: *mut u8) {
                unsafe {
                    let words = _mm256_packus_epi32(self.0, self.0);
                    let bytes = _mm256_packus_epi16(words, words);
                    // The first four bytes of each half.
                    let low = _mm256_castsi256_si128(bytes);
                    let high = _mm256_extracti128_si256::<1>(bytes);
                    _mm_storel_epi64(to.cast(), _mm_unpacklo_epi32(low, high));
                }
            }
        }
    };
}
integers!(Words, _mm256_dpbusd_avx_epi32);
integers!(Halves, products);

/// The sums of the four products of the bytes of each lane: those of even places and those of odd ones.
#[inline(always)]
unsafe fn products(sums: __m256i, bytes: __m256i, weights: __m256i) -> __m256i {
    unsafe {
        let even = _mm256_and_si256(bytes, _mm256_set1_epi16(0xFF));
        let odd = _mm256_srli_epi16::<8>(bytes);
        let even_weights = _mm256_srai_epi16::<8>(_mm256_slli_epi16::<8>(weights));
        let odd_weights = _mm256_srai_epi16::<8>(weights);
        let both = _mm256_add_epi32(_mm256_madd_epi16(even, even_weights), _mm256_madd_epi16(odd, odd_weights));
        _mm256_add_epi32(sums, both)
    }
}
