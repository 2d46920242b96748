//! Scalar functions in float32, written so that loops over them become vector code: no branches, no calls.
//!
//! Coefficients are our own fits (Chebyshev nodes, least squares in float64), rounded to float32; errors were measured against
//! float64 over two million points.

/// Added to a number below 2²², this rounds it to an integer and leaves that in the low bits.
const ROUND: f32 = 12_582_912.0;
const LOG2_E: f32 = std::f32::consts::LOG2_E;
/// The natural logarithm of 2 in two parts; multiples of the first are exact (Cody and Waite).
const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];

/// `eˣ`, within 1.5 units in the last place; subnormal results included.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    let (part, n) = exp_parts(x.clamp(-104.0, 89.0));
    // In two factors, since n may lie outside the exponents of a float.
    let half = n >> 1;
    part * power_of_two(half) * power_of_two(n.wrapping_sub(half))
}

/// `1 / (1 + e⁻ˣ)`, within 2.5 units in the last place; where the answer is below the smallest normal number, zero, so that
/// what is gated by it vanishes however large it is.
#[inline(always)]
pub fn sigmoid(x: f32) -> f32 {
    // Within these limits 2ⁿ is one normal number or, for n = 128, infinity.
    let (part, n) = exp_parts((-x).clamp(-87.0, 89.0));
    1.0 / (1.0 + part * power_of_two(n))
}

/// `eˣ` as a number near 1 and an exponent n: their product with 2ⁿ; x is at most a few hundred.
#[inline(always)]
fn exp_parts(x: f32) -> (f32, i32) {
    let shifted = x * LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (x - n * LN_2[0]) - n * LN_2[1];
    let q = 0.001_393_390_2_f32;
    let q = q * r + 0.008_363_348_f32;
    let q = q * r + 0.041_666_463_f32;
    let q = q * r + 0.166_665_76_f32;
    let q = q * r + 0.5;
    (q * (r * r) + r + 1.0, shifted.to_bits().wrapping_sub(ROUND.to_bits()) as i32)
}

/// 2ⁿ for n in −126..=127; infinity for 128.
#[inline(always)]
fn power_of_two(n: i32) -> f32 {
    f32::from_bits((n.wrapping_add(127) as u32) << 23)
}

/// The hyperbolic tangent, within 2.5 units in the last place.
#[inline(always)]
pub fn tanh(x: f32) -> f32 {
    let size = x.abs();
    let square = size * size;
    let q = -0.006_104_948_f32;
    let q = q * square + 0.021_003_641_f32;
    let q = q * square - 0.053_852_5_f32;
    let q = q * square + 0.133_327_83_f32;
    let q = q * square - 0.333_333_28_f32;
    let near = q * square * size + size;
    let far = 1.0 - 2.0 / (exp(size + size) + 1.0);
    (if size < 0.625 { near } else { far }).copysign(x)
}

/// The larger; not-a-number if either is.
#[inline(always)]
pub fn larger(a: f32, b: f32) -> f32 {
    if a > b || a.is_nan() { a } else { b }
}

/// The smaller; not-a-number if either is.
#[inline(always)]
pub fn smaller(a: f32, b: f32) -> f32 {
    if a < b || a.is_nan() { a } else { b }
}

#[cfg(test)]
mod tests {
    use super::{exp, larger, sigmoid, smaller, tanh};

    /// The largest error relative to float64, in units of 2⁻²⁴, over `count` points from `first` to `last`.
    fn error(f: fn(f32) -> f32, exact: fn(f64) -> f64, first: f32, last: f32, count: usize) -> f64 {
        let point = |index: usize| first + (last - first) * index as f32 / count as f32;
        let error = |x: f32| {
            let exact = exact(f64::from(x));
            if exact == 0.0 { 0.0 } else { ((f64::from(f(x)) - exact) / exact).abs() * 2f64.powi(24) }
        };
        (0..=count).map(|index| error(point(index))).fold(0.0, f64::max)
    }

    #[test]
    fn exp_is_exact_to_its_last_bits() {
        assert!(error(exp, f64::exp, -87.3, 88.7, 1_000_000) < 2.0);
        assert_eq!(exp(0.0), 1.0);
        assert_eq!((exp(89.5), exp(f32::INFINITY)), (f32::INFINITY, f32::INFINITY));
        assert_eq!((exp(-104.5), exp(f32::NEG_INFINITY)), (0.0, 0.0));
        assert!((f64::from(exp(-100.0)) - (-100f64).exp()).abs() < 2e-45, "a subnormal number is lost");
        assert!(exp(f32::NAN).is_nan());
    }

    #[test]
    fn sigmoid_is_exact_to_its_last_bits() {
        let exact = |x: f64| 1.0 / (1.0 + (-x).exp());
        assert!(error(sigmoid, exact, -87.0, 40.0, 1_000_000) < 3.0);
        assert_eq!((sigmoid(0.0), sigmoid(f32::INFINITY), sigmoid(200.0)), (0.5, 1.0, 1.0));
        assert_eq!((sigmoid(f32::NEG_INFINITY), sigmoid(-1e38), sigmoid(-100.0)), (0.0, 0.0, 0.0));
        assert!(sigmoid(f32::NAN).is_nan());
    }

    #[test]
    fn tanh_is_exact_to_its_last_bits() {
        assert!(error(tanh, f64::tanh, -12.0, 12.0, 1_000_000) < 3.0);
        assert!(error(tanh, f64::tanh, -1e-3, 1e-3, 10_000) < 2.0);
        assert_eq!((tanh(f32::INFINITY), tanh(-40.0)), (1.0, -1.0));
        assert!(tanh(-0.0).is_sign_negative() && tanh(f32::NAN).is_nan());
    }

    #[test]
    fn not_a_number_wins() {
        assert_eq!((larger(1.0, 2.0), smaller(1.0, 2.0)), (2.0, 1.0));
        for f in [larger, smaller] {
            assert!(f(f32::NAN, 1.0).is_nan() && f(1.0, f32::NAN).is_nan());
        }
    }
}
