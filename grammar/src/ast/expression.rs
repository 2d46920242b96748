//! Values as they are written, and the names that they are given.

use super::{Body, Call, Name, StringPart};
use crate::span::Span;

/// Names that a `for` or a `let` binds.
#[derive(Clone, Debug, PartialEq)]
pub enum Pattern {
    /// One name; `_` binds nothing.
    Name(Name),
    /// `(a, (b, c))`
    Tuple(Vec<Pattern>, Span),
}

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where, with the parentheses around it.
    pub span: Span,
    /// Whether parentheses stand around it that make no tuple, needed or not.
    pub grouped: bool,
}

impl Expr {
    /// The braces that it is, behind a block's call.
    pub fn items(&self) -> Option<&Body> {
        match &self.kind {
            ExprKind::Items(body) => Some(body),
            _ => None,
        }
    }
}

/// A number as it is meant and as it is spelt: `0.10` and `1e-1` are one value.
#[derive(Clone, Debug, PartialEq)]
pub struct Number<Value> {
    /// What it stands for.
    pub value: Value,
    /// Its digits as written, without a sign.
    pub spelling: Box<str>,
}

/// The forms of an expression.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// A whole number. One that does not fit is reported by the parser and [`ExprKind::Unreadable`].
    Int(Number<i64>),
    /// A number with a dot or an exponent; finite.
    Float(Number<f64>),
    /// `true` or `false`
    Bool(bool),
    /// A string.
    String(Vec<StringPart>),
    /// A name: a value, a block, a layer, a symbol of a shape; `_` in `expect`.
    Name(String),
    /// `f(x, key=y)`: a function of the language, or a layer as a value.
    Call(Call),
    /// `[a, b]`
    List(Vec<Expr>),
    /// `(a, b)` or `(a,)`
    Tuple(Vec<Expr>),
    /// `value[index]`
    Index(Box<Expr>, Box<Expr>),
    /// `value[start:end:step]`
    Slice {
        /// What a part is taken of.
        value: Box<Expr>,
        /// The first position.
        start: Option<Box<Expr>>,
        /// The position behind the last.
        end: Option<Box<Expr>>,
        /// From one position to the next.
        step: Option<Box<Expr>>,
    },
    /// `[element for pattern in values if condition]`
    Comprehension {
        /// What each turn gives.
        element: Box<Expr>,
        /// Its loops, the outermost first; at least one.
        clauses: Vec<Clause>,
    },
    /// `value.name`
    Field(Box<Expr>, Name),
    /// `-value` or `not value`; a chain such as `- - x` is nested but bounded in depth by the parser.
    Unary(UnaryOperator, Box<Expr>),
    /// `a + b`
    Binary(BinaryOperator, Box<Expr>, Box<Expr>),
    /// `a..b`
    Range(Box<Expr>, Box<Expr>),
    /// `value if condition else otherwise`
    Conditional {
        /// The value when the condition holds.
        value: Box<Expr>,
        /// The condition.
        condition: Box<Expr>,
        /// The value when it does not.
        otherwise: Box<Expr>,
    },
    /// `{ }` behind a block's call: items that become a layer wherever the block places it.
    Items(Box<Body>),
    /// An expression that could not be read; its error is already reported.
    Unreadable,
}

/// A loop in a list: `for pattern in values if condition if condition`.
#[derive(Clone, Debug, PartialEq)]
pub struct Clause {
    /// The names that it binds.
    pub pattern: Pattern,
    /// What it goes through.
    pub values: Expr,
    /// What must hold for a turn to count.
    pub conditions: Vec<Expr>,
}

/// Operators of one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOperator {
    /// `-`
    Negate,
    /// `not`
    Not,
}

/// Operators of two values, Python's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOperator {
    /// `or`
    Or,
    /// `and`
    And,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`, always a float
    Divide,
    /// `//`, rounds down
    FloorDivide,
    /// `%`, has the sign of the divisor
    Remainder,
    /// `**`
    Power,
}

impl Expr {
    /// Whether it is `[a, b]`.
    pub fn is_list(&self) -> bool {
        matches!(self.kind, ExprKind::List(_))
    }
}
