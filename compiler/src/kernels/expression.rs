//! Scalar expressions: what a `Map` or an epilogue does to one element.
//!
//! An expression is a tree over the operands' elements at one position. Layers build it with ordinary operators
//! (`(x + bias) * scale`), passes substitute and split it, the CPU engine evaluates it block by block and the CUDA back end
//! prints it as C. What it is computed in, whoever holds it says ([`KernelNode::compute`](super::KernelNode::compute)); which
//! forms that type has,
//! [`Expression::check_types`]. [`Expression::evaluate`] in float64 says what each form means.
//!
//! An expression may ask where its element lies: for its index along an axis, or for a random number that is a function of the
//! element's number. Such an expression says the same only in a tensor of the same shape ([`Expression::is_placed`]).

mod text;
mod types;

use super::random;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// Operations of one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unary {
    /// `−x`
    Negate,
    /// `eˣ`
    Exp,
    /// `eˣ − 1`, exact near 0
    ExpM1,
    /// The natural logarithm.
    Log,
    /// `ln(1 + x)`, exact near 0
    Log1P,
    /// `√x`
    Sqrt,
    /// The hyperbolic tangent.
    Tanh,
    /// The error function.
    Erf,
    /// `x`, which gradients take for a number: its derivative is 0.
    Fixed,
}

/// Operations of two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Binary {
    /// `a + b`
    Add,
    /// `a − b`
    Subtract,
    /// `a · b`
    Multiply,
    /// `a / b`
    Divide,
    /// The larger; not-a-number if either is.
    Maximum,
    /// The smaller; not-a-number if either is.
    Minimum,
    /// `aᵇ`
    Power,
    /// 1 if `a > b`, else 0.
    Greater,
}

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    /// The element of that operand.
    Operand(usize),
    /// A number.
    Constant(f64),
    /// One operation.
    Unary(Unary, Box<Expression>),
    /// One operation.
    Binary(Binary, Box<Expression>, Box<Expression>),
    /// The second if the first is not zero, else the third.
    Select(Box<Expression>, Box<Expression>, Box<Expression>),
    /// The element's index along that axis of the result.
    Index(usize),
    /// A random number in `[0, 1)`, a multiple of 2⁻²⁴: word `number % 4` of block `number / 4` of Philox4x32-10, where `number`
    /// counts the result's elements with the last axis fastest. The counter is (block, stream), the key two whole numbers
    /// ([`random::uniform`]): constants, or operands of `uint64`.
    Uniform(u64, Box<[Expression; 2]>),
}

/// Where an element lies in the result.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ElementPosition<'a> {
    /// Its index, an axis each.
    pub index: &'a [usize],
    /// How many elements come before it, the last axis fastest.
    pub number: usize,
}

impl ElementPosition<'static> {
    /// The only element of a tensor without axes.
    pub const SINGLE: ElementPosition<'static> = ElementPosition { index: &[], number: 0 };
}

impl Expression {
    /// Operand `index`.
    pub fn operand(index: usize) -> Expression {
        Expression::Operand(index)
    }

    /// One operation on this.
    pub fn unary(self, operation: Unary) -> Expression {
        Expression::Unary(operation, Box::new(self))
    }

    /// One operation on this and another.
    pub fn binary(self, operation: Binary, other: impl Into<Expression>) -> Expression {
        Expression::Binary(operation, Box::new(self), Box::new(other.into()))
    }

    /// `max(self, other)`
    pub fn maximum(self, other: impl Into<Expression>) -> Expression {
        self.binary(Binary::Maximum, other)
    }

    /// `min(self, other)`
    pub fn minimum(self, other: impl Into<Expression>) -> Expression {
        self.binary(Binary::Minimum, other)
    }

    /// `self > other`, as 1 or 0
    pub fn greater(self, other: impl Into<Expression>) -> Expression {
        self.binary(Binary::Greater, other)
    }

    /// `self` raised to a power
    pub fn power(self, exponent: impl Into<Expression>) -> Expression {
        self.binary(Binary::Power, exponent)
    }

    /// `then` where `self` is not zero, else `otherwise`
    pub fn select(self, then: impl Into<Expression>, otherwise: impl Into<Expression>) -> Expression {
        Expression::Select(Box::new(self), Box::new(then.into()), Box::new(otherwise.into()))
    }

    /// The square root.
    pub fn sqrt(self) -> Expression {
        self.unary(Unary::Sqrt)
    }

    /// The logistic function, `1 / (1 + e⁻ˣ)`.
    pub fn sigmoid(self) -> Expression {
        Expression::Constant(1.0) / (Expression::Constant(1.0) + (-self).unary(Unary::Exp))
    }

    /// A random number of that stream, drawn with a seed and a step.
    pub fn uniform(stream: u64, seed: Expression, step: Expression) -> Expression {
        Expression::Uniform(stream, Box::new([seed, step]))
    }

    /// The value for these operands, in float64; not-a-number when an operand is missing.
    pub fn evaluate(&self, operands: &[f64]) -> f64 {
        self.evaluate_at(operands, ElementPosition::SINGLE)
    }

    /// The value for these operands at a position, in float64; not-a-number when an operand or axis is missing.
    pub fn evaluate_at(&self, operands: &[f64], position: ElementPosition<'_>) -> f64 {
        let value = |part: &Expression| part.evaluate_at(operands, position);
        match self {
            Expression::Operand(index) => operands.get(*index).copied().unwrap_or(f64::NAN),
            Expression::Constant(number) => *number,
            Expression::Unary(operation, x) => operation.evaluate(value(x)),
            Expression::Binary(operation, a, b) => operation.evaluate(value(a), value(b)),
            Expression::Select(condition, a, b) => value(if value(condition) != 0.0 { a } else { b }),
            Expression::Index(axis) => position.index.get(*axis).map_or(f64::NAN, |&index| index as f64),
            Expression::Uniform(stream, key) => {
                let key = [&key[0], &key[1]].map(|word| value(word) as u64);
                random::uniform(position.number as u64, *stream, key)
            }
        }
    }

    /// Whether its value depends on where the element lies, so that it must stay in a tensor of its shape.
    pub fn is_placed(&self) -> bool {
        matches!(self, Expression::Index(_) | Expression::Uniform(..)) || self.children().any(Expression::is_placed)
    }

    /// The expression with every operand replaced by what `replace` gives for it.
    pub fn substitute(&self, replace: &dyn Fn(usize) -> Expression) -> Expression {
        self.replace(&|part| match part {
            Expression::Operand(index) => Some(replace(*index)),
            _ => None,
        })
    }

    /// The expression with parts replaced by what `with` gives for them, the largest first; it is not asked about parts of a part
    /// that was replaced.
    pub fn replace(&self, with: &dyn Fn(&Expression) -> Option<Expression>) -> Expression {
        with(self).unwrap_or_else(|| match self {
            Expression::Operand(_) | Expression::Constant(_) | Expression::Index(_) => self.clone(),
            Expression::Unary(operation, x) => x.replace(with).unary(*operation),
            Expression::Binary(operation, a, b) => a.replace(with).binary(*operation, b.replace(with)),
            Expression::Select(c, a, b) => c.replace(with).select(a.replace(with), b.replace(with)),
            Expression::Uniform(stream, key) => {
                Expression::uniform(*stream, key[0].replace(with), key[1].replace(with))
            }
        })
    }

    /// The expression made anew from its smallest parts up: `change` gets every part, with its own parts already changed.
    pub fn rewrite(&self, change: &dyn Fn(Expression) -> Expression) -> Expression {
        let parts = match self {
            Expression::Operand(_) | Expression::Constant(_) | Expression::Index(_) => self.clone(),
            Expression::Unary(operation, x) => x.rewrite(change).unary(*operation),
            Expression::Binary(operation, a, b) => a.rewrite(change).binary(*operation, b.rewrite(change)),
            Expression::Select(c, a, b) => c.rewrite(change).select(a.rewrite(change), b.rewrite(change)),
            Expression::Uniform(stream, key) => {
                Expression::uniform(*stream, key[0].rewrite(change), key[1].rewrite(change))
            }
        };
        change(parts)
    }

    /// Every part, this expression first and each before its own parts.
    pub fn all_parts(&self) -> Vec<&Expression> {
        let mut parts = vec![self];
        let mut next = 0;
        while let Some(part) = parts.get(next) {
            parts.extend(part.children());
            next += 1;
        }
        parts
    }

    /// The parts of this expression, left to right.
    pub fn children(&self) -> impl DoubleEndedIterator<Item = &Expression> + use<'_> {
        let children = match self {
            Expression::Operand(_) | Expression::Constant(_) | Expression::Index(_) => [None; 3],
            Expression::Unary(_, x) => [Some(&**x), None, None],
            Expression::Binary(_, a, b) => [Some(&**a), Some(&**b), None],
            Expression::Select(c, a, b) => [Some(&**c), Some(&**a), Some(&**b)],
            Expression::Uniform(_, key) => {
                let [seed, step] = &**key;
                [Some(seed), Some(step), None]
            }
        };
        children.into_iter().flatten()
    }

    /// How many times operand `index` occurs.
    pub fn count(&self, index: usize) -> usize {
        match self {
            Expression::Operand(operand) => usize::from(*operand == index),
            other => other.children().map(|child| child.count(index)).sum(),
        }
    }

    /// The operands that occur, sorted, each once.
    pub fn operands(&self) -> Vec<usize> {
        let (mut operands, mut rest) = (Vec::new(), vec![self]);
        while let Some(part) = rest.pop() {
            match part {
                Expression::Operand(index) => operands.push(*index),
                _ => rest.extend(part.children()),
            }
        }
        operands.sort_unstable();
        operands.dedup();
        operands
    }

    /// How many operations stand inside each other. Asked of expressions of any depth, so it does not recurse.
    pub fn depth(&self) -> usize {
        let mut deepest = 0;
        let mut rest = vec![(self, 0)];
        while let Some((part, depth)) = rest.pop() {
            deepest = deepest.max(depth);
            rest.extend(part.children().map(|child| (child, depth + 1)));
        }
        deepest
    }

    /// The number of operations.
    pub fn operations(&self) -> usize {
        let leaf = matches!(self, Expression::Operand(_) | Expression::Constant(_) | Expression::Index(_));
        let own = usize::from(!leaf);
        own + self.children().map(Expression::operations).sum::<usize>()
    }
}

impl Unary {
    /// What it means, in float64.
    pub fn evaluate(self, x: f64) -> f64 {
        match self {
            Unary::Negate => -x,
            Unary::Exp => x.exp(),
            Unary::ExpM1 => x.exp_m1(),
            Unary::Log => x.ln(),
            Unary::Log1P => x.ln_1p(),
            Unary::Sqrt => x.sqrt(),
            Unary::Tanh => x.tanh(),
            Unary::Erf => libm::erf(x),
            Unary::Fixed => x,
        }
    }

    /// Its name, as C and the printers have it.
    pub fn name(self) -> &'static str {
        match self {
            Unary::Negate => "-",
            Unary::Exp => "exp",
            Unary::ExpM1 => "expm1",
            Unary::Log => "log",
            Unary::Log1P => "log1p",
            Unary::Sqrt => "sqrt",
            Unary::Tanh => "tanh",
            Unary::Erf => "erf",
            Unary::Fixed => "fixed",
        }
    }
}

impl Binary {
    /// What it means, in float64.
    pub fn evaluate(self, a: f64, b: f64) -> f64 {
        match self {
            Binary::Add => a + b,
            Binary::Subtract => a - b,
            Binary::Multiply => a * b,
            Binary::Divide => a / b,
            Binary::Maximum if a.is_nan() || b.is_nan() => f64::NAN,
            Binary::Maximum => a.max(b),
            Binary::Minimum if a.is_nan() || b.is_nan() => f64::NAN,
            Binary::Minimum => a.min(b),
            Binary::Power => a.powf(b),
            Binary::Greater => f64::from(u8::from(a > b)),
        }
    }
}

impl From<f64> for Expression {
    fn from(number: f64) -> Self {
        Expression::Constant(number)
    }
}

impl<T: Into<Expression>> Add<T> for Expression {
    type Output = Expression;
    fn add(self, other: T) -> Expression {
        self.binary(Binary::Add, other)
    }
}

impl<T: Into<Expression>> Sub<T> for Expression {
    type Output = Expression;
    fn sub(self, other: T) -> Expression {
        self.binary(Binary::Subtract, other)
    }
}

impl<T: Into<Expression>> Mul<T> for Expression {
    type Output = Expression;
    fn mul(self, other: T) -> Expression {
        self.binary(Binary::Multiply, other)
    }
}

impl<T: Into<Expression>> Div<T> for Expression {
    type Output = Expression;
    fn div(self, other: T) -> Expression {
        self.binary(Binary::Divide, other)
    }
}

impl Neg for Expression {
    type Output = Expression;
    fn neg(self) -> Expression {
        self.unary(Unary::Negate)
    }
}
