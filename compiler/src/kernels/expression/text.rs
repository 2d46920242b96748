//! Expressions as people write them.

use super::{Binary, Expression, Unary};
use std::fmt;

/// `max(x0 + x1, 0)`: operands are `x0`, `x1`, …
impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expression::Operand(index) => write!(f, "x{index}"),
            Expression::Constant(number) => write!(f, "{number}"),
            Expression::Unary(Unary::Negate, x) => write!(f, "-{}", Bracketed(x)),
            Expression::Unary(operation, x) => write!(f, "{}({x})", operation.name()),
            Expression::Binary(operation, a, b) => match operation {
                Binary::Add => write!(f, "{} + {}", Bracketed(a), Bracketed(b)),
                Binary::Subtract => write!(f, "{} - {}", Bracketed(a), Bracketed(b)),
                Binary::Multiply => write!(f, "{} * {}", Bracketed(a), Bracketed(b)),
                Binary::Divide => write!(f, "{} / {}", Bracketed(a), Bracketed(b)),
                Binary::Greater => write!(f, "{} > {}", Bracketed(a), Bracketed(b)),
                Binary::Maximum => write!(f, "max({a}, {b})"),
                Binary::Minimum => write!(f, "min({a}, {b})"),
                Binary::Power => write!(f, "pow({a}, {b})"),
            },
            Expression::Select(condition, a, b) => write!(f, "select({condition}, {a}, {b})"),
            Expression::Index(axis) => write!(f, "index{axis}"),
            Expression::Uniform(stream, key) => write!(f, "uniform({stream:016x}, {}, {})", key[0], key[1]),
        }
    }
}

/// An expression as a part of another: in brackets when it is itself written with an infix operator.
struct Bracketed<'a>(&'a Expression);

impl fmt::Display for Bracketed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let infix = match self.0 {
            Expression::Unary(Unary::Negate, _) => true,
            Expression::Binary(operation, ..) => {
                !matches!(operation, Binary::Maximum | Binary::Minimum | Binary::Power)
            }
            _ => false,
        };
        if infix { write!(f, "({})", self.0) } else { self.0.fmt(f) }
    }
}
