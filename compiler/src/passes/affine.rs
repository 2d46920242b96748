//! Which part of an expression is `scale·x + shift` for one operand `x`.

use super::fold_constants::simplify;
use crate::kernels::{Binary, Expression, Unary};

/// `scale·x + shift`; `x` occurs in neither.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Affine {
    /// What `x` is multiplied with.
    pub scale: Expression,
    /// What is added, if anything is.
    pub shift: Option<Expression>,
}

/// The largest part that is affine in operand `x`, and its scale and shift. These are made of operands that `may_scale` and `may_shift`
/// allow. When `x` occurs several times the part must cover every occurrence, each time in the same words.
pub(super) fn largest_affine(
    expression: &Expression,
    x: usize,
    may_scale: &dyn Fn(usize) -> bool,
    may_shift: &dyn Fn(usize) -> bool,
) -> Option<(Expression, Affine)> {
    let parts = expression.all_parts();
    let occurrences = expression.count(x);
    let covers = |part: &Expression| parts.iter().filter(|other| **other == part).count() == occurrences;
    let mut candidates: Vec<&Expression> =
        parts.iter().copied().filter(|part| part.operations() > 0 && part.count(x) == 1).collect();
    candidates.sort_by_key(|part| std::cmp::Reverse(part.operations()));
    candidates.into_iter().filter(|part| covers(part)).find_map(|part| {
        let Affine { scale, shift } = affine(part, x, may_scale)?;
        let affine = Affine { scale: simplify(&scale), shift: shift.as_ref().map(simplify) };
        let allowed = affine.shift.iter().flat_map(Expression::operands).all(may_shift);
        allowed.then(|| (part.clone(), affine))
    })
}

/// The expression with `part` replaced wherever it stands.
pub(super) fn replace_part(expression: &Expression, part: &Expression, replacement: &Expression) -> Expression {
    expression.replace(&|other| (other == part).then(|| replacement.clone()))
}

fn affine(expression: &Expression, x: usize, may_scale: &dyn Fn(usize) -> bool) -> Option<Affine> {
    let has_x = |part: &Expression| part.count(x) > 0;
    match expression {
        Expression::Operand(index) if *index == x => Some(Affine { scale: Expression::Constant(1.0), shift: None }),
        Expression::Unary(Unary::Negate, inner) => Some(affine(inner, x, may_scale)?.map(|part| -part)),
        Expression::Binary(Binary::Add, a, b) => {
            let (inner, other) = if has_x(a) { (a, b) } else { (b, a) };
            let Affine { scale, shift } = affine(inner, x, may_scale)?;
            let other = Expression::clone(other);
            Some(Affine { scale, shift: Some(shift.map_or(other.clone(), |shift| shift + other)) })
        }
        Expression::Binary(Binary::Subtract, a, b) if has_x(a) => {
            let Affine { scale, shift } = affine(a, x, may_scale)?;
            let other = Expression::clone(b);
            Some(Affine { scale, shift: Some(shift.map_or(-other.clone(), |shift| shift - other)) })
        }
        Expression::Binary(Binary::Subtract, a, b) => {
            let Affine { scale, shift } = affine(b, x, may_scale)?;
            let other = Expression::clone(a);
            Some(Affine { scale: -scale, shift: Some(shift.map_or(other.clone(), |shift| other - shift)) })
        }
        Expression::Binary(Binary::Multiply, a, b) => {
            let (inner, factor) = if has_x(a) { (a, b) } else { (b, a) };
            let allowed = factor.operands().into_iter().all(may_scale);
            let factor = Expression::clone(factor);
            allowed.then(|| affine(inner, x, may_scale))?.map(|affine| affine.map(|part| part * factor.clone()))
        }
        Expression::Binary(Binary::Divide, a, b) if has_x(a) => {
            let allowed = b.operands().into_iter().all(may_scale);
            let divisor = Expression::clone(b);
            allowed.then(|| affine(a, x, may_scale))?.map(|affine| affine.map(|part| part / divisor.clone()))
        }
        _ => None,
    }
}

impl Affine {
    /// The same done to scale and shift.
    fn map(self, change: impl Fn(Expression) -> Expression) -> Affine {
        Affine { scale: change(self.scale), shift: self.shift.map(change) }
    }
}

#[cfg(test)]
mod tests {
    use super::{largest_affine, replace_part};
    use crate::kernels::Expression;

    /// `part: scale, shift` for `x0`, where only `x1` and `x2` may scale.
    fn found(expression: &Expression) -> String {
        let Some((part, affine)) = largest_affine(expression, 0, &|index| index == 1 || index == 2, &|_| true) else {
            return "nothing".into();
        };
        let rebuilt = Expression::operand(0) * affine.scale.clone();
        let rebuilt = match affine.shift.clone() {
            Some(shift) => rebuilt + shift,
            None => rebuilt,
        };
        let replaced = replace_part(expression, &part, &rebuilt);
        let operands = [0.7, -1.3, 2.1, 0.4];
        assert!((replaced.evaluate(&operands) - expression.evaluate(&operands)).abs() < 1e-12, "{expression}");
        format!("{part}: {}, {}", affine.scale, affine.shift.map_or("none".into(), |shift| shift.to_string()))
    }

    #[test]
    fn the_affine_part_of_an_expression() {
        let [x, a, b, other] = [0, 1, 2, 3].map(Expression::operand);
        assert_eq!(found(&((x.clone() - a.clone()) / b.clone())), "(x0 - x1) / x2: 1 / x2, (-x1) / x2");
        assert_eq!(found(&(x.clone() * a.clone() + b.clone()).maximum(0.0)), "(x0 * x1) + x2: x1, x2");
        assert_eq!(found(&(a.clone() - x.clone() * 2.0)), "x1 - (x0 * 2): -2, x1");
        assert_eq!(found(&-(other.clone() + a.clone() * x.clone())), "-(x3 + (x1 * x0)): -x1, -x3");
        assert_eq!(found(&((x.clone() * a.clone()) * other.clone())), "x0 * x1: x1, none");
        assert_eq!(found(&x.clone().maximum(0.0)), "nothing");
        assert_eq!(found(&(a.clone() / x.clone())), "nothing");
    }

    #[test]
    fn several_occurrences_must_agree() {
        let [x, a, b, _] = [0, 1, 2, 3].map(Expression::operand);
        let normal = x.clone() * a.clone() + b.clone();
        assert_eq!(found(&(normal.clone() * normal.clone().sigmoid())), "(x0 * x1) + x2: x1, x2");
        let leaky = normal.clone().greater(0.0).select(normal.clone(), normal * 0.1);
        assert_eq!(found(&leaky), "(x0 * x1) + x2: x1, x2");
        assert_eq!(found(&(x.clone() * a + x * b)), "nothing");
    }
}
