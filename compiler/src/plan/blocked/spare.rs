//! What the lanes that fill up a last block hold: whether a value may be in blocks at all.
//!
//! Whatever reads a block meets its spare lanes with weights of zero, and zero times infinity is no number. Packed weights,
//! biases and values brought into blocks are zero there, so what a `Map` makes of the spare lanes is mostly known before anything
//! runs. It is not where an operand of one channel is repeated in every lane: `exp(x − largest)` is at most 1 in the lanes that
//! count, and may be infinite in the others. What such operands make alone they make of every lane; there it is the answer's own.

use crate::kernels::Expression;

/// The spare lanes of a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Spare {
    /// That number.
    Known(f64),
    /// What the lanes that count hold too.
    Shared,
    /// Some finite number.
    Finite,
}

/// Numbers that stand for any: large and small, of both signs.
const SAMPLES: [f64; 4] = [-1e4, -1e-3, 1.0, 1e4];
/// Choices of a sample for each of four operands.
const CHOICES: usize = SAMPLES.len().pow(4);

impl Spare {
    /// Of what an expression makes of such operands; `None` when it may be no finite number.
    pub fn of(expression: &Expression, operands: &[Spare]) -> Option<Spare> {
        if let Some(numbers) = operands.iter().map(|spare| spare.number()).collect::<Option<Vec<f64>>>() {
            return finite(expression.evaluate(&numbers)).map(Spare::Known);
        }
        let shared = operands.len();
        let expression = shared_parts(expression, operands, shared);
        for choice in 0..CHOICES {
            let sample = |operand: usize| SAMPLES[choice / SAMPLES.len().pow(operand as u32 % 4) % SAMPLES.len()];
            let number = |(operand, spare): (usize, &Spare)| spare.number().unwrap_or_else(|| sample(operand));
            let mut numbers: Vec<f64> = operands.iter().enumerate().map(number).collect();
            numbers.push(sample(shared));
            finite(expression.evaluate(&numbers))?;
        }
        Some(Spare::Finite)
    }

    fn number(self) -> Option<f64> {
        match self {
            Spare::Known(number) => Some(number),
            Spare::Shared | Spare::Finite => None,
        }
    }
}

/// A number, unless float32 has none for it.
fn finite(number: f64) -> Option<f64> {
    (number as f32).is_finite().then_some(number)
}

/// The expression with whatever depends on repeated operands alone taken for one more operand.
fn shared_parts(expression: &Expression, operands: &[Spare], shared: usize) -> Expression {
    let is_shared = |part: &Expression| {
        let used = part.operands();
        !used.is_empty() && used.iter().all(|&operand| operands.get(operand) == Some(&Spare::Shared))
    };
    expression.replace(&|part| is_shared(part).then(|| Expression::operand(shared)))
}

#[cfg(test)]
mod tests {
    use super::Spare;
    use crate::kernels::{Expression, Unary};

    fn x(index: usize) -> Expression {
        Expression::operand(index)
    }

    /// Operand 0 is zero in spare lanes, operand 1 the same in all lanes, operand 2 anything finite.
    fn of(expression: Expression) -> Option<Spare> {
        Spare::of(&expression, &[Spare::Known(0.0), Spare::Shared, Spare::Finite])
    }

    #[test]
    fn what_is_made_of_zeros_is_known() {
        let zero = |expression: Expression| Spare::of(&expression, &[Spare::Known(0.0)]);
        assert_eq!(zero(x(0) + 2.0), Some(Spare::Known(2.0)));
        assert_eq!(zero(x(0).sigmoid()), Some(Spare::Known(0.5)));
        assert_eq!(zero(x(0).unary(Unary::Log)), None);
        assert_eq!(zero(Expression::Constant(1.0) / x(0)), None);
        assert_eq!(zero((x(0) + 200.0).unary(Unary::Exp)), None, "past float32's largest");
        assert_eq!(Spare::of(&Expression::Constant(3.0), &[]), Some(Spare::Known(3.0)));
    }

    #[test]
    fn what_every_lane_repeats_is_not_the_spare_lanes_own() {
        assert_eq!(of((x(0) - x(1)).unary(Unary::Exp)), None, "a softmax against the largest that counts");
        assert_eq!(of(x(0) * x(1).unary(Unary::Exp)), Some(Spare::Finite), "infinite in every lane, or in none");
        assert_eq!(of((x(0) - x(1)) * (x(1) + 1e-5).power(-0.5)), Some(Spare::Finite));
        assert_eq!(of(x(0) / x(1)), Some(Spare::Finite));
        assert_eq!(of(x(1) / x(0)), None);
    }

    #[test]
    fn activations_are_finite_of_anything_finite() {
        assert_eq!(of(x(2) * x(2).sigmoid()), Some(Spare::Finite));
        assert_eq!(of((x(0) + x(1)).sigmoid()), Some(Spare::Finite));
        assert_eq!(of(x(2) * (x(2) * 0.7).unary(Unary::Erf)), Some(Spare::Finite));
        assert_eq!(of(x(2).greater(0.0).select(x(2), x(2).unary(Unary::ExpM1))), Some(Spare::Finite));
        assert_eq!(of(x(2).unary(Unary::Exp)), None);
        assert_eq!(of(x(2).unary(Unary::Log)), None);
    }
}
