//! Eight floats in one of the 16 registers of AVX2, with fused multiply-add.

use super::Vector;
use std::arch::x86_64::*;

/// A 256-bit register of floats.
#[derive(Clone, Copy)]
pub(crate) struct Avx2(__m256);

impl Avx2 {
    /// That register.
    #[inline(always)]
    pub(crate) fn of(register: __m256) -> Self {
        Self(register)
    }

    /// The register.
    #[inline(always)]
    pub(crate) fn register(self) -> __m256 {
        self.0
    }
}

// SAFETY, for every block below: `Avx2` is only named in code that `InstructionSet::Avx2` runs, and that choice is
// only made on a machine that has AVX2 and FMA. The pointers of `load` and `store` are the caller's promise.
impl Vector for Avx2 {
    const LANES: usize = 8;
    const ACCUMULATORS: usize = 12;

    #[inline(always)]
    fn splat(value: f32) -> Self {
        Self(unsafe { _mm256_set1_ps(value) })
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        Self(unsafe { _mm256_loadu_ps(from) })
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        unsafe { _mm256_storeu_ps(to, self.0) }
    }
    #[inline(always)]
    fn prefetch(at: *const f32) {
        unsafe { _mm_prefetch::<_MM_HINT_T1>(at.cast()) }
    }
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self(unsafe { _mm256_add_ps(self.0, other.0) })
    }
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self(unsafe { _mm256_sub_ps(self.0, other.0) })
    }
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Self(unsafe { _mm256_mul_ps(self.0, other.0) })
    }
    #[inline(always)]
    fn div(self, other: Self) -> Self {
        Self(unsafe { _mm256_div_ps(self.0, other.0) })
    }
    #[inline(always)]
    fn power_of_two(self) -> Self {
        unsafe {
            let exponent = _mm256_add_epi32(_mm256_cvtps_epi32(self.0), _mm256_set1_epi32(127));
            Self(_mm256_castsi256_ps(_mm256_slli_epi32::<23>(exponent)))
        }
    }
    #[inline(always)]
    fn mul_add(self, factor: Self, addend: Self) -> Self {
        Self(unsafe { _mm256_fmadd_ps(self.0, factor.0, addend.0) })
    }
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        // The instruction answers its second operand when either is not a number.
        Self(unsafe { _mm256_max_ps(other.0, self.0) })
    }
    #[inline(always)]
    fn max_or_nan(self, other: Self) -> Self {
        // The maximum keeps a NaN of its second operand; the blend keeps one of the other.
        unsafe {
            let is_nan = _mm256_cmp_ps::<_CMP_UNORD_Q>(other.0, other.0);
            Self(_mm256_blendv_ps(_mm256_max_ps(other.0, self.0), other.0, is_nan))
        }
    }
    #[inline(always)]
    fn if_larger(self, largest: Self, then: Self, otherwise: Self) -> Self {
        // Not (x <= largest) is true for what is no number, and the largest is then looked at.
        unsafe {
            let is_larger = _mm256_cmp_ps::<_CMP_NLE_UQ>(self.0, largest.0);
            let is_number = _mm256_cmp_ps::<_CMP_ORD_Q>(largest.0, largest.0);
            Self(_mm256_blendv_ps(otherwise.0, then.0, _mm256_and_ps(is_larger, is_number)))
        }
    }
    #[inline(always)]
    fn if_equal(self, other: Self, then: Self, otherwise: Self) -> Self {
        unsafe {
            let is_equal = _mm256_cmp_ps::<_CMP_EQ_OQ>(self.0, other.0);
            Self(_mm256_blendv_ps(otherwise.0, then.0, is_equal))
        }
    }
    #[inline(always)]
    fn min(self, other: Self) -> Self {
        Self(unsafe { _mm256_min_ps(other.0, self.0) })
    }
    #[inline(always)]
    fn transpose(square: &mut [Self; 16]) {
        // Pairs of rows, then fours, then both halves of the registers.
        unsafe {
            let mut fours = [_mm256_setzero_ps(); 8];
            for half in [0, 4] {
                let (a, b) = (square[half].0, square[half + 1].0);
                let (c, d) = (square[half + 2].0, square[half + 3].0);
                let (ab, cd) = (_mm256_unpacklo_ps(a, b), _mm256_unpacklo_ps(c, d));
                fours[half] = _mm256_shuffle_ps::<0x44>(ab, cd);
                fours[half + 1] = _mm256_shuffle_ps::<0xEE>(ab, cd);
                let (ab, cd) = (_mm256_unpackhi_ps(a, b), _mm256_unpackhi_ps(c, d));
                fours[half + 2] = _mm256_shuffle_ps::<0x44>(ab, cd);
                fours[half + 3] = _mm256_shuffle_ps::<0xEE>(ab, cd);
            }
            for row in 0..4 {
                square[row].0 = _mm256_permute2f128_ps::<0x20>(fours[row], fours[4 + row]);
                square[4 + row].0 = _mm256_permute2f128_ps::<0x31>(fours[row], fours[4 + row]);
            }
        }
    }
}
