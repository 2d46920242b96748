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
    let mut climb = Climb { x, may_scale, may_shift, parts: Vec::new() };
    climb.up(expression)?;
    let covers = |part: &Expression| {
        let occurrences = expression.count(x);
        occurrences == 1 || expression.all_parts().into_iter().filter(|other| *other == part).count() == occurrences
    };
    // The first part is the operand itself.
    let (part, affine) = climb.parts.into_iter().skip(1).rev().find(|(part, _)| covers(part))?;
    Some((part.clone(), Affine { scale: simplify(&affine.scale), shift: affine.shift.as_ref().map(simplify) }))
}

/// The expression with `part` replaced wherever it stands.
pub(super) fn replace_part(expression: &Expression, part: &Expression, replacement: &Expression) -> Expression {
    expression.replace(&|other| (other == part).then(|| replacement.clone()))
}

/// The way from the first occurrence of an operand to ever larger parts, as long as they are affine.
struct Climb<'a> {
    x: usize,
    may_scale: &'a dyn Fn(usize) -> bool,
    may_shift: &'a dyn Fn(usize) -> bool,
    parts: Vec<(&'a Expression, Affine)>,
}

impl<'a> Climb<'a> {
    /// Climbs inside `expression` up to all of it: `None` when the operand is not in it, else whether all of it is affine.
    fn up(&mut self, expression: &'a Expression) -> Option<bool> {
        if *expression == Expression::Operand(self.x) {
            self.parts.push((expression, Affine { scale: Expression::Constant(1.0), shift: None }));
            return Some(true);
        }
        let (child, whole) = expression.children().into_iter().find_map(|child| Some((child, self.up(child)?)))?;
        let Some((_, inner)) = self.parts.last().filter(|_| whole) else { return Some(false) };
        let Some(affine) = self.step(expression, child, inner) else { return Some(false) };
        self.parts.push((expression, affine));
        Some(true)
    }

    /// One operation more on an affine part.
    fn step(&self, expression: &Expression, child: &Expression, inner: &Affine) -> Option<Affine> {
        let (operation, a, b) = match expression {
            Expression::Unary(Unary::Negate, _) => return Some(inner.map(|part| -part)),
            Expression::Binary(operation, a, b) => (operation, &**a, &**b),
            _ => return None,
        };
        let first = std::ptr::eq(a, child);
        let other = if first { b } else { a };
        let of = |may: &dyn Fn(usize) -> bool| other.operands().into_iter().all(|index| index != self.x && may(index));
        match operation {
            Binary::Add => of(self.may_shift).then(|| inner.shifted(|shift| shift + other.clone(), other.clone())),
            Binary::Subtract if first => {
                of(self.may_shift).then(|| inner.shifted(|shift| shift - other.clone(), -other.clone()))
            }
            Binary::Subtract => {
                let negative = Affine { scale: -inner.scale.clone(), shift: inner.shift.clone() };
                of(self.may_shift).then(|| negative.shifted(|shift| other.clone() - shift, other.clone()))
            }
            Binary::Multiply => of(self.may_scale).then(|| inner.map(|part| part * other.clone())),
            Binary::Divide if first => of(self.may_scale).then(|| inner.map(|part| part / other.clone())),
            _ => None,
        }
    }
}

impl Affine {
    /// The same done to scale and shift.
    fn map(&self, change: impl Fn(Expression) -> Expression) -> Affine {
        Affine { scale: change(self.scale.clone()), shift: self.shift.clone().map(change) }
    }

    /// Another shift: `change` of what there is, or `first` when there is none.
    fn shifted(&self, change: impl Fn(Expression) -> Expression, first: Expression) -> Affine {
        Affine { scale: self.scale.clone(), shift: Some(self.shift.clone().map_or(first, change)) }
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
