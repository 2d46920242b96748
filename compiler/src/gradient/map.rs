//! The gradient of a `Map`: derivative times gradient, added up over the axes along which an argument was repeated.

use super::derivative::derivative;
use super::{Backward, Handed, product};
use crate::graph::NodeId;
use crate::kernels::{Binary, Expression, Unary};
use crate::passes::simplify;

impl Backward<'_> {
    /// Hands the gradient of a `Map` on to every argument.
    pub(crate) fn map_gradient(&mut self, handed: &Handed, expression: &Expression) {
        let Handed { id, arguments, gradient, .. } = handed;
        let (id, arguments, gradient) = (*id, arguments.as_slice(), *gradient);
        let expression = simplify(expression);
        let [by, value] = [arguments.len(), arguments.len() + 1];
        let operands = [arguments, &[gradient, id]].concat();
        for (slot, &argument) in
            arguments.iter().enumerate().filter(|(_, argument)| self.needs(**argument)).collect::<Vec<_>>()
        {
            let Some(slope) = derivative(&expression, slot) else { continue };
            let slope = simplify(&by_value(slope, &expression, value));
            let whole = product(Expression::operand(by), slope);
            let part = self.added_up(whole, &operands, argument, id);
            self.hand(argument, part);
        }
    }

    /// The value of an expression with the shape of `node`, added up where `argument` has size 1 and `node` has more. Factors
    /// that are the same all along those axes are taken out of the sum, which several arguments then often share.
    fn added_up(&mut self, whole: Expression, operands: &[NodeId], argument: NodeId, node: NodeId) -> NodeId {
        let sizes: Vec<(usize, usize)> = self.shape(argument).into_iter().zip(self.shape(node)).collect();
        let over: Vec<bool> = sizes.iter().map(|&(own, all)| own == 1 && all > 1).collect();
        if !over.contains(&true) {
            return self.map_within(&self.shape(node), simplify(&whole), operands);
        }
        let repeated = |index: usize| {
            let shape = operands.get(index).map(|&operand| self.shape(operand)).unwrap_or_default();
            shape.iter().zip(&over).all(|(&size, &gone)| !gone || size == 1)
        };
        let outside = |factor: &Expression| !factor.is_placed() && factor.operands().into_iter().all(repeated);
        let (outer, inner): (Vec<Factor>, Vec<Factor>) =
            factors(whole).into_iter().partition(|factor| outside(&factor.0));
        let inner = self.map_within(&self.shape(node), simplify(&joined(inner)), operands);
        let there = self.shape(inner);
        // Along an axis where the sum's terms are all the same it is their number times one of them.
        let same = sizes.iter().zip(&over).zip(&there).filter(|&((_, &gone), &size)| gone && size == 1);
        let count: usize = same.map(|(((_, all), _), _)| all).product();
        let sum = self.sum(inner, &over);
        let mut all = operands.to_vec();
        all.push(sum);
        let scaled = product(Expression::operand(operands.len()), Expression::Constant(count as f64));
        let whole = outer.into_iter().fold(scaled, |whole, factor| factor.times(whole));
        self.map(simplify(&whole), &all)
    }
}

/// The derivative with the `Map`'s own result in place of its expression, where fewer arguments are needed then.
fn by_value(slope: Expression, expression: &Expression, value: usize) -> Expression {
    let other = slope.replace(&|part| (part == expression).then_some(Expression::Operand(value)));
    if other.operands().len() <= slope.operands().len() && !other.operands().is_empty() && other != slope {
        let arguments =
            |expression: &Expression| expression.operands().into_iter().filter(|&index| index != value).count();
        if arguments(&other) < arguments(&slope) {
            return other;
        }
    }
    slope
}

/// A factor of a product, and whether it stands below the line.
struct Factor(Expression, bool);

impl Factor {
    fn times(self, other: Expression) -> Expression {
        if self.1 { other / self.0 } else { product(other, self.0) }
    }
}

/// The factors of a product.
fn factors(expression: Expression) -> Vec<Factor> {
    match expression {
        Expression::Unary(Unary::Negate, x) => {
            let mut all = factors(*x);
            all.push(Factor(Expression::Constant(-1.0), false));
            all
        }
        Expression::Binary(Binary::Multiply, a, b) => {
            let mut all = factors(*a);
            all.extend(factors(*b));
            all
        }
        Expression::Binary(Binary::Divide, a, b) => {
            let mut all = factors(*a);
            all.extend(factors(*b).into_iter().map(|Factor(factor, below)| Factor(factor, !below)));
            all
        }
        other => vec![Factor(other, false)],
    }
}

/// The product of factors; 1 when there is none.
fn joined(factors: Vec<Factor>) -> Expression {
    factors.into_iter().fold(Expression::Constant(1.0), |whole, factor| match (&whole, factor) {
        (Expression::Constant(1.0), Factor(first, false)) => first,
        (_, factor) => factor.times(whole),
    })
}
