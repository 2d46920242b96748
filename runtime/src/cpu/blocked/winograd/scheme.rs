//! Winograd's minimal filtering F(m×m, 3×3): the points it interpolates at, and the three transforms that follow.
//!
//! The points are 0, ±p for every p of [`Points::POINTS`], and infinity; m is twice the number of pairs. Lavin and Gray
//! use ±1, ±2 for F(4×4). Smaller ones whose squares lie around 1 make the numbers less uneven: ±3/4, ±3/2 are exact in
//! binary and leave a fourth of the error. Pairs of opposite points share their even and odd halves.

use cnnc_compiler::plan::Scheme;

/// The positive points of a scheme.
pub(super) fn points(scheme: Scheme) -> &'static [f64] {
    match scheme {
        Scheme::F2 => &F2::POINTS,
        Scheme::F4 => &F4::POINTS,
    }
}

/// The points of a scheme, and what the transforms multiply by.
pub(super) trait Points<const PAIRS: usize> {
    /// The positive point of every pair.
    const POINTS: [f64; PAIRS];
    /// Coefficients of Π (y − p²) over all pairs but `k`, lowest power first; y stands for x². The highest is 1.
    const OTHERS: [[f32; PAIRS]; PAIRS] = others(Self::POINTS);
    /// Coefficients of Π (y − p²) over all pairs, without the highest, which is 1.
    const ALL: [f32; PAIRS] = all(Self::POINTS);
    /// `EVEN[i][k]` is the power `2 i` of point `k`.
    const EVEN: [[f32; PAIRS]; PAIRS] = powers(Self::POINTS, 0);
    /// As `EVEN`, for the odd powers 1, 3, ...
    const ODD: [[f32; PAIRS]; PAIRS] = powers(Self::POINTS, 1);
}

/// F(2×2, 3×3): 16 products in place of 36.
pub(super) struct F2;
/// F(4×4, 3×3): 36 products in place of 144.
pub(super) struct F4;

impl Points<1> for F2 {
    const POINTS: [f64; 1] = [1.0];
}
impl Points<2> for F4 {
    const POINTS: [f64; 2] = [0.75, 1.5];
}

/// Coefficients of Π (y − p²), leaving out pair `without`.
const fn product<const PAIRS: usize>(points: [f64; PAIRS], without: usize) -> [f64; PAIRS] {
    let mut coefficients = [0.0; PAIRS];
    let mut highest = 0;
    let mut lead = 1.0;
    let mut k = 0;
    // `coefficients[..highest]` and `lead` at `highest` are the polynomial so far.
    while k < PAIRS {
        if k != without {
            let root = points[k] * points[k];
            let mut i = highest;
            let mut upper = lead;
            while i > 0 {
                let here = coefficients[i - 1];
                coefficients[i] = here - root * upper;
                upper = here;
                i -= 1;
            }
            coefficients[0] = -root * upper;
            lead = 1.0;
            highest += 1;
        }
        k += 1;
    }
    if highest < PAIRS {
        coefficients[highest] = lead;
    }
    coefficients
}

const fn to_f32<const PAIRS: usize>(values: [f64; PAIRS]) -> [f32; PAIRS] {
    let mut rounded = [0.0; PAIRS];
    let mut i = 0;
    while i < PAIRS {
        rounded[i] = values[i] as f32;
        i += 1;
    }
    rounded
}

const fn others<const PAIRS: usize>(points: [f64; PAIRS]) -> [[f32; PAIRS]; PAIRS] {
    let mut rows = [[0.0; PAIRS]; PAIRS];
    let mut k = 0;
    while k < PAIRS {
        rows[k] = to_f32(product(points, k));
        k += 1;
    }
    rows
}

const fn all<const PAIRS: usize>(points: [f64; PAIRS]) -> [f32; PAIRS] {
    to_f32(product(points, PAIRS))
}

/// Row `i` holds the power `2 i + odd` of every point.
const fn powers<const PAIRS: usize>(points: [f64; PAIRS], odd: u32) -> [[f32; PAIRS]; PAIRS] {
    let mut rows = [[0.0; PAIRS]; PAIRS];
    let mut i = 0;
    while i < PAIRS {
        let mut k = 0;
        while k < PAIRS {
            let mut power = 1.0;
            let mut n = 0;
            while n < 2 * i + odd as usize {
                power *= points[k];
                n += 1;
            }
            rows[i][k] = power as f32;
            k += 1;
        }
        i += 1;
    }
    rows
}
