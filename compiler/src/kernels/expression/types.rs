//! Which element types an expression may meet: what it computes in, and what its operands are stored as.
//!
//! In float32 every form can be computed; an operand of whole numbers is converted, to the nearest float32, where it is an
//! operand of arithmetic, and read as it is where it is a key of random numbers. In whole numbers there is addition, modulo 2⁶⁴,
//! and no other form: a counter needs none.

use super::{Binary, Expression};
use crate::element::ElementType;

/// Whole constants are below this, so that a float64 holds them.
const MOST_WHOLE: f64 = 9_007_199_254_740_992.0;

impl Expression {
    /// Whether it can be computed in a type, of operands of these.
    ///
    /// # Errors
    /// A sentence about the first part that cannot.
    pub fn check_types(&self, compute: ElementType, operands: &[ElementType]) -> Result<(), String> {
        let is_whole = |part: &Expression| match part {
            Expression::Operand(index) => operands.get(*index) == Some(&ElementType::Uint64),
            other => other.whole().is_some(),
        };
        let wrong = |part: &&Expression| match (compute, part) {
            (ElementType::Uint64, Expression::Operand(_) | Expression::Constant(_)) => !is_whole(part),
            (ElementType::Uint64, other) => !matches!(other, Expression::Binary(Binary::Add, ..)),
            (ElementType::Float32, Expression::Uniform(_, key)) => !key.iter().all(is_whole),
            (ElementType::Float32, _) => false,
            // Bytes are computed in float32.
            (ElementType::Uint8(_), _) => true,
        };
        let mut rest = vec![self];
        while let Some(part) = rest.pop() {
            if wrong(&part) {
                return Err(format!("`{part}` is computed in {compute}"));
            }
            rest.extend(part.children());
        }
        Ok(())
    }

    /// The whole number that a constant is.
    pub fn whole(&self) -> Option<u64> {
        match self {
            Expression::Constant(number) if number.fract() == 0.0 && (0.0..MOST_WHOLE).contains(number) => {
                Some(*number as u64)
            }
            _ => None,
        }
    }

    /// The value in whole numbers; `None` for what has none ([`Expression::check_types`]).
    pub fn evaluate_whole(&self, operands: &[u64]) -> Option<u64> {
        match self {
            Expression::Operand(index) => operands.get(*index).copied(),
            Expression::Binary(Binary::Add, a, b) => {
                Some(a.evaluate_whole(operands)?.wrapping_add(b.evaluate_whole(operands)?))
            }
            other => other.whole(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Expression;
    use crate::element::ElementType::{Float32, Uint64};

    #[test]
    fn whole_numbers_are_added_and_nothing_else() {
        let [x, y] = [0, 1].map(Expression::operand);
        let sum = x.clone() + y.clone() + 2.0;
        assert_eq!(sum.check_types(Uint64, &[Uint64; 2]), Ok(()));
        assert_eq!(sum.evaluate_whole(&[(1 << 53) + 1, 1 << 60]), Some((1 << 53) + (1 << 60) + 3));
        assert!(sum.check_types(Uint64, &[Uint64, Float32]).is_err());
        assert!((x.clone() * 2.0).check_types(Uint64, &[Uint64]).is_err());
        assert!((x.clone() + 0.5).check_types(Uint64, &[Uint64]).is_err());
        assert_eq!((x * 0.5).check_types(Float32, &[Uint64]), Ok(()));
    }

    #[test]
    fn random_numbers_have_whole_keys() {
        let key = |key: Expression| Expression::uniform(1, Expression::operand(0), key);
        assert_eq!(key(Expression::Constant(7.0)).check_types(Float32, &[Uint64]), Ok(()));
        assert!(key(Expression::Constant(7.5)).check_types(Float32, &[Uint64]).is_err());
        assert!(key(Expression::Constant(7.0)).check_types(Float32, &[Float32]).is_err());
        assert!(key(Expression::operand(0) + 1.0).check_types(Float32, &[Uint64]).is_err());
    }
}
