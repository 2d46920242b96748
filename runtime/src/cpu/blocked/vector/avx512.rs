//! Sixteen floats in one of the 32 registers of AVX-512.

use super::Vector;
use std::arch::x86_64::*;

/// A 512-bit register of floats.
#[derive(Clone, Copy)]
pub(crate) struct Avx512(__m512);

impl Avx512 {
    /// That register.
    #[inline(always)]
    pub(crate) fn of(register: __m512) -> Self {
        Self(register)
    }

    /// The register.
    #[inline(always)]
    pub(crate) fn register(self) -> __m512 {
        self.0
    }
}

// SAFETY, for every block below: `Avx512` is only named in code that `InstructionSet::Avx512` runs, and that choice is
// only made on a machine that has AVX-512F. The pointers of `load` and `store` are the caller's promise.
impl Vector for Avx512 {
    const LANES: usize = 16;
    const ACCUMULATORS: usize = 28;

    #[inline(always)]
    fn splat(value: f32) -> Self {
        Self(unsafe { _mm512_set1_ps(value) })
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        Self(unsafe { _mm512_loadu_ps(from) })
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        unsafe { _mm512_storeu_ps(to, self.0) }
    }
    #[inline(always)]
    fn prefetch(at: *const f32) {
        unsafe { _mm_prefetch::<_MM_HINT_T1>(at.cast()) }
    }
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self(unsafe { _mm512_add_ps(self.0, other.0) })
    }
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self(unsafe { _mm512_sub_ps(self.0, other.0) })
    }
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Self(unsafe { _mm512_mul_ps(self.0, other.0) })
    }
    #[inline(always)]
    fn div(self, other: Self) -> Self {
        Self(unsafe { _mm512_div_ps(self.0, other.0) })
    }
    #[inline(always)]
    fn power_of_two(self) -> Self {
        unsafe {
            let exponent = _mm512_add_epi32(_mm512_cvtps_epi32(self.0), _mm512_set1_epi32(127));
            Self(_mm512_castsi512_ps(_mm512_slli_epi32::<23>(exponent)))
        }
    }
    #[inline(always)]
    fn mul_add(self, factor: Self, addend: Self) -> Self {
        Self(unsafe { _mm512_fmadd_ps(self.0, factor.0, addend.0) })
    }
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        // The instruction answers its second operand when either is not a number.
        Self(unsafe { _mm512_max_ps(other.0, self.0) })
    }
    #[inline(always)]
    fn max_or_nan(self, other: Self) -> Self {
        // The maximum keeps a NaN of its second operand; the blend keeps one of the other.
        unsafe {
            let is_nan = _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(other.0, other.0);
            Self(_mm512_mask_blend_ps(is_nan, _mm512_max_ps(other.0, self.0), other.0))
        }
    }
    #[inline(always)]
    fn if_larger(self, largest: Self, then: Self, otherwise: Self) -> Self {
        // Not (x <= largest) is true for what is no number, and the largest is then looked at.
        unsafe {
            let is_larger = _mm512_cmp_ps_mask::<_CMP_NLE_UQ>(self.0, largest.0);
            let is_number = _mm512_cmp_ps_mask::<_CMP_ORD_Q>(largest.0, largest.0);
            Self(_mm512_mask_blend_ps(is_larger & is_number, otherwise.0, then.0))
        }
    }
    #[inline(always)]
    fn if_equal(self, other: Self, then: Self, otherwise: Self) -> Self {
        unsafe {
            let is_equal = _mm512_cmp_ps_mask::<_CMP_EQ_OQ>(self.0, other.0);
            Self(_mm512_mask_blend_ps(is_equal, otherwise.0, then.0))
        }
    }
    #[inline(always)]
    fn min(self, other: Self) -> Self {
        Self(unsafe { _mm512_min_ps(other.0, self.0) })
    }
    #[inline(always)]
    fn transpose(square: &mut [Self; 16]) {
        // Pairs of rows, then fours, then the four quarters of the registers.
        unsafe {
            let mut fours = [[_mm512_setzero_ps(); 4]; 4];
            for quarter in 0..4 {
                let (a, b) = (square[4 * quarter].0, square[4 * quarter + 1].0);
                let (c, d) = (square[4 * quarter + 2].0, square[4 * quarter + 3].0);
                let (ab, cd) = (_mm512_unpacklo_ps(a, b), _mm512_unpacklo_ps(c, d));
                fours[quarter][0] = _mm512_shuffle_ps::<0x44>(ab, cd);
                fours[quarter][1] = _mm512_shuffle_ps::<0xEE>(ab, cd);
                let (ab, cd) = (_mm512_unpackhi_ps(a, b), _mm512_unpackhi_ps(c, d));
                fours[quarter][2] = _mm512_shuffle_ps::<0x44>(ab, cd);
                fours[quarter][3] = _mm512_shuffle_ps::<0xEE>(ab, cd);
            }
            for row in 0..4 {
                let (a, b, c, d) = (fours[0][row], fours[1][row], fours[2][row], fours[3][row]);
                let (even_ab, even_cd) = (_mm512_shuffle_f32x4::<0x88>(a, b), _mm512_shuffle_f32x4::<0x88>(c, d));
                let (odd_ab, odd_cd) = (_mm512_shuffle_f32x4::<0xDD>(a, b), _mm512_shuffle_f32x4::<0xDD>(c, d));
                square[row].0 = _mm512_shuffle_f32x4::<0x88>(even_ab, even_cd);
                square[8 + row].0 = _mm512_shuffle_f32x4::<0xDD>(even_ab, even_cd);
                square[4 + row].0 = _mm512_shuffle_f32x4::<0x88>(odd_ab, odd_cd);
                square[12 + row].0 = _mm512_shuffle_f32x4::<0xDD>(odd_ab, odd_cd);
            }
        }
    }
}
