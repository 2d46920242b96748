//! Sixteen whole numbers in one of the 32 registers of AVX-512.

use super::vector::Integers;
use crate::cpu::blocked::vector::{Avx512, Vector};
use std::arch::x86_64::*;

/// A register whose products of bytes are one instruction, of VNNI.
#[derive(Clone, Copy)]
pub(crate) struct Words(__m512i);

/// A register whose products of bytes are made of products of 16 bits.
#[derive(Clone, Copy)]
pub(crate) struct Halves(__m512i);

// SAFETY, for every block below: these types are only named in code that was chosen on a machine that has the instructions, by
// `vector::entry_by`. The pointers are the caller's promise.
macro_rules! integers {
    ($name:ident, $products:expr, $pairs:expr) => {
        impl Integers for $name {
            type Floats = Avx512;
            const LANES: usize = 16;
            const ACCUMULATORS: usize = Avx512::ACCUMULATORS;

            #[inline(always)]
            fn splat(word: i32) -> Self {
                Self(unsafe { _mm512_set1_epi32(word) })
            }
            #[inline(always)]
            unsafe fn load(from: *const f32) -> Self {
                Self(unsafe { _mm512_loadu_si512(from.cast()) })
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
                Self(unsafe { $pairs(self.0, a.0, b.0) })
            }
            #[inline(always)]
            fn max(self, other: Self) -> Self {
                Self(unsafe { _mm512_max_epi32(self.0, other.0) })
            }
            #[inline(always)]
            fn add(self, other: Self) -> Self {
                Self(unsafe { _mm512_add_epi32(self.0, other.0) })
            }
            #[inline(always)]
            fn floats(self) -> Avx512 {
                Avx512::of(unsafe { _mm512_cvtepi32_ps(self.0) })
            }
            #[inline(always)]
            unsafe fn widen(from: *const u8) -> Self {
                Self(unsafe { _mm512_cvtepu8_epi32(_mm_loadu_si128(from.cast())) })
            }
            #[inline(always)]
            fn fused(a: Avx512, factor: Avx512, addend: Avx512) -> Avx512 {
                a.mul_add(factor, addend)
            }
            #[inline(always)]
            fn min(self, other: Self) -> Self {
                Self(unsafe { _mm512_min_epi32(self.0, other.0) })
            }
            #[inline(always)]
            fn words([a, b, c, d]: [Self; 4]) -> Self {
                unsafe {
                    let low = _mm512_or_si512(a.0, _mm512_slli_epi32::<8>(b.0));
                    let high = _mm512_or_si512(_mm512_slli_epi32::<16>(c.0), _mm512_slli_epi32::<24>(d.0));
                    Self(_mm512_or_si512(low, high))
                }
            }
            #[inline(always)]
            fn nearest(values: Avx512) -> Self {
                Self(unsafe { _mm512_cvtps_epi32(values.register()) })
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut f32) {
                unsafe { _mm512_storeu_si512(to.cast(), self.0) }
            }
            #[inline(always)]
            unsafe fn narrow(self, to: *mut u8) {
                unsafe { _mm_storeu_si128(to.cast(), _mm512_cvtepi32_epi8(self.0)) }
            }
        }
    };
}
integers!(Words, _mm512_dpbusd_epi32, _mm512_dpwssd_epi32);
integers!(Halves, products, pairs);

#[inline(always)]
unsafe fn pairs(sums: __m512i, a: __m512i, b: __m512i) -> __m512i {
    unsafe { _mm512_add_epi32(sums, _mm512_madd_epi16(a, b)) }
}

/// The sums of the four products of the bytes of each lane: those of even places and those of odd ones.
#[inline(always)]
unsafe fn products(sums: __m512i, bytes: __m512i, weights: __m512i) -> __m512i {
    unsafe {
        let even = _mm512_and_si512(bytes, _mm512_set1_epi16(0xFF));
        let odd = _mm512_srli_epi16::<8>(bytes);
        let even_weights = _mm512_srai_epi16::<8>(_mm512_slli_epi16::<8>(weights));
        let odd_weights = _mm512_srai_epi16::<8>(weights);
        let both = _mm512_add_epi32(_mm512_madd_epi16(even, even_weights), _mm512_madd_epi16(odd, odd_weights));
        _mm512_add_epi32(sums, both)
    }
}
