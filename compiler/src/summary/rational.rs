//! Exact fractions for receptive fields: a step of a half after an enlargement by two is no float.

/// A fraction in lowest terms; the denominator is positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rational {
    numerator: i128,
    denominator: i128,
}

/// What a float's fraction may have as denominator: scale factors of networks have small ones.
const LARGEST_DENOMINATOR: i128 = 1 << 16;

impl Rational {
    pub(super) const ZERO: Rational = Rational { numerator: 0, denominator: 1 };
    pub(super) const ONE: Rational = Rational { numerator: 1, denominator: 1 };

    /// A whole number.
    pub(super) fn whole(number: i128) -> Rational {
        Rational { numerator: number, denominator: 1 }
    }

    /// `numerator / denominator`; `None` past 127 bits or for a denominator of 0.
    fn new(numerator: i128, denominator: i128) -> Option<Rational> {
        let divisor = greatest_common_divisor(numerator, denominator)?;
        let sign = denominator.signum();
        Some(Rational { numerator: numerator.checked_div(divisor)? * sign, denominator: denominator / divisor * sign })
    }

    /// The fraction that a float stands for, by continued fractions; `None` when no small one does, or for one not above 0.
    pub(super) fn from_float(number: f64) -> Option<Rational> {
        if !(number.is_finite() && number > 0.0 && number < 1e12) {
            return None;
        }
        let (mut before, mut last) = ((0, 1), (1, 0));
        let mut rest = number;
        loop {
            let floor = rest.floor();
            let next = (floor as i128 * last.0 + before.0, floor as i128 * last.1 + before.1);
            if next.1 > LARGEST_DENOMINATOR {
                return None;
            }
            let found = next.0 as f64 / next.1 as f64;
            if (found - number).abs() <= 1e-12 * number {
                return Rational::new(next.0, next.1);
            }
            (before, last) = (last, next);
            rest = 1.0 / (rest - floor);
        }
    }

    pub(super) fn plus(self, other: Rational) -> Option<Rational> {
        let left = self.numerator.checked_mul(other.denominator)?;
        let right = other.numerator.checked_mul(self.denominator)?;
        Rational::new(left.checked_add(right)?, self.denominator.checked_mul(other.denominator)?)
    }

    pub(super) fn minus(self, other: Rational) -> Option<Rational> {
        self.plus(Rational { numerator: other.numerator.checked_neg()?, ..other })
    }

    pub(super) fn times(self, other: Rational) -> Option<Rational> {
        let numerator = self.numerator.checked_mul(other.numerator)?;
        Rational::new(numerator, self.denominator.checked_mul(other.denominator)?)
    }

    pub(super) fn over(self, other: Rational) -> Option<Rational> {
        self.times(Rational::new(other.denominator, other.numerator)?)
    }

    /// The smaller of the two; `None` when they cannot be compared within 127 bits.
    pub(super) fn smaller(self, other: Rational) -> Option<Rational> {
        Some(if self.minus(other)?.numerator <= 0 { self } else { other })
    }

    /// The larger of the two; `None` when they cannot be compared within 127 bits.
    pub(super) fn larger(self, other: Rational) -> Option<Rational> {
        Some(if self.minus(other)?.numerator >= 0 { self } else { other })
    }

    /// The least whole number that is not smaller.
    pub(super) fn ceiling(self) -> i128 {
        -(-self.numerator).div_euclid(self.denominator)
    }
}

/// Positive; `None` for two zeros and past 127 bits.
fn greatest_common_divisor(a: i128, b: i128) -> Option<i128> {
    let (mut a, mut b) = (a.checked_abs()?, b.checked_abs()?);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    (a != 0).then_some(a)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fraction(numerator: i128, denominator: i128) -> Rational {
        Rational::new(numerator, denominator).expect("a fraction")
    }

    #[test]
    fn fractions_of_floats() {
        assert_eq!(Rational::from_float(0.5), Some(fraction(1, 2)));
        assert_eq!(Rational::from_float(1.0 / 3.0), Some(fraction(1, 3)));
        assert_eq!(Rational::from_float(7.0 / 224.0), Some(fraction(1, 32)));
        assert_eq!(Rational::from_float(std::f64::consts::PI), None);
        assert_eq!(Rational::from_float(0.0), None);
        assert_eq!(Rational::from_float(f64::NAN), None);
    }

    #[test]
    fn arithmetic_stays_in_lowest_terms() {
        assert_eq!(fraction(1, 2).plus(fraction(1, 6)), Some(fraction(2, 3)));
        assert_eq!(fraction(1, 2).minus(fraction(1, 2)), Some(Rational::ZERO));
        assert_eq!(fraction(3, 2).over(fraction(-3, 4)), Some(Rational::whole(-2)));
        assert_eq!(Rational::ONE.over(Rational::ZERO), None);
        assert_eq!(Rational::whole(i128::MAX).plus(Rational::ONE), None);
    }

    #[test]
    fn ceilings() {
        assert_eq!(fraction(5, 2).ceiling(), 3);
        assert_eq!(fraction(-5, 2).ceiling(), -2);
        assert_eq!(Rational::whole(4).ceiling(), 4);
    }
}
