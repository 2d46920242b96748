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

/// The largest part that is affine in operand `x`, and its scale and shift. These are made of operands that `may_scale` and
/// `may_shift` allow. When `x` occurs several times the part must cover every occurrence, each time in the same words.
pub(super) fn largest_affine(
    expression: &Expression,
    x: usize,
    may_scale: &dyn Fn(usize) -> bool,
    may_shift: &dyn Fn(usize) -> bool,
) -> Option<(Expression, Affine)> {
    let mut climb = Climb { x, may_scale, may_shift, parts: Vec::new() };
    climb.up(expression)?;
    let occurrences = expression.count(x);
    let covers = |part: &Expression| {
        occurrences == 1 || expression.all_parts().into_iter().filter(|other| *other == part).count() == occurrences
    };
    // The first part is the operand itself.
    let last = (1..climb.parts.len()).rev().find(|&index| climb.parts.get(index).is_some_and(|part| covers(part)))?;
    let start = Affine { scale: Expression::Constant(1.0), shift: None };
    let affine = climb.parts.windows(2).take(last).fold(start, |affine, pair| match pair {
        [inner, outer] => affine.step(outer, inner),
        _ => affine,
    });
    let part = Expression::clone(climb.parts.get(last)?);
    Some((part, Affine { scale: simplify(&affine.scale), shift: affine.shift.as_ref().map(simplify) }))
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
    parts: Vec<&'a Expression>,
}

impl<'a> Climb<'a> {
    /// Climbs inside `expression` up to all of it: `None` when the operand is not in it, else whether all of it is affine.
    fn up(&mut self, expression: &'a Expression) -> Option<bool> {
        if *expression == Expression::Operand(self.x) {
            self.parts.push(expression);
            return Some(true);
        }
        let (child, whole) = expression.children().find_map(|child| Some((child, self.up(child)?)))?;
        let affine = whole && self.allows(expression, child);
        if affine {
            self.parts.push(expression);
        }
        Some(affine)
    }

    /// Whether one operation more on the affine part `child` is affine.
    fn allows(&self, expression: &Expression, child: &Expression) -> bool {
        let (operation, other, first) = match expression {
            Expression::Unary(Unary::Negate, _) => return true,
            Expression::Binary(operation, a, b) if std::ptr::eq(&**a, child) => (operation, b, true),
            Expression::Binary(operation, a, _) => (operation, a, false),
            _ => return false,
        };
        let may = match operation {
            Binary::Add | Binary::Subtract => self.may_shift,
            Binary::Multiply => self.may_scale,
            Binary::Divide if first => self.may_scale,
            _ => return false,
        };
        other.operands().into_iter().all(|index| index != self.x && may(index))
    }
}

impl Affine {
    /// The affine form of `expression`, whose part `inner` has this form.
    fn step(self, expression: &Expression, inner: &Expression) -> Affine {
        let Affine { scale, shift } = self;
        match expression {
            Expression::Unary(..) => Affine { scale: -scale, shift: shift.map(|shift| -shift) },
            Expression::Binary(operation, a, b) if std::ptr::eq(&**a, inner) => {
                let other = || Expression::clone(b);
                match operation {
                    Binary::Add | Binary::Subtract => {
                        let zero = || if *operation == Binary::Add { other() } else { -other() };
                        let shift = shift.map(|shift| shift.binary(*operation, other())).unwrap_or_else(zero);
                        Affine { scale, shift: Some(shift) }
                    }
                    _ => Affine {
                        scale: scale.binary(*operation, other()),
                        shift: shift.map(|shift| shift.binary(*operation, other())),
                    },
                }
            }
            Expression::Binary(operation, a, _) => {
                let other = || Expression::clone(a);
                match operation {
                    Binary::Multiply => Affine { scale: scale * other(), shift: shift.map(|shift| shift * other()) },
                    _ => {
                        let scale = if *operation == Binary::Add { scale } else { -scale };
                        let shift = shift.map(|shift| other().binary(*operation, shift)).unwrap_or_else(other);
                        Affine { scale, shift: Some(shift) }
                    }
                }
            }
            _ => Affine { scale, shift },
        }
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
