//! The exponential of numbers that are not above zero, from the operations of a vector.

use super::Vector;

/// Added to a number below 2²², this rounds it to an integer.
const ROUND: f32 = 12_582_912.0;
/// The natural logarithm of 2 in two parts; multiples of the first are exact (Cody and Waite).
const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];
/// Coefficients of `(eʳ − 1 − r) / r²` over |r| ≤ ½ ln 2, highest power first.
const COEFFICIENTS: [f32; 5] = [0.001_393_390_2, 0.008_363_348, 0.041_666_463, 0.166_665_76, 0.5];

/// `eˣ` for x ≤ 0, within two units in the last place; about 1e-38 for all that is below −87. Not-a-number stays what it is.
#[inline(always)]
pub(crate) fn exp<V: Vector>(x: V) -> V {
    let x = x.max(V::splat(-87.0));
    let round = V::splat(ROUND);
    let n = x.mul_add(V::splat(std::f32::consts::LOG2_E), round).sub(round);
    let r = n.mul_add(V::splat(-LN_2[1]), n.mul_add(V::splat(-LN_2[0]), x));
    let mut q = V::splat(COEFFICIENTS[0]);
    for coefficient in &COEFFICIENTS[1..] {
        q = q.mul_add(r, V::splat(*coefficient));
    }
    q.mul_add(r.mul(r), r.add(V::splat(1.0))).mul(n.power_of_two())
}
