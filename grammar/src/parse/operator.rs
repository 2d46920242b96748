//! Operators and how tightly they bind: Python's precedences, with ranges between comparisons and sums.

use crate::ast::{BinaryOperator, UnaryOperator};

/// An operator that waits for its right operand.
#[derive(Clone, Copy)]
pub(crate) enum Operator {
    Unary(UnaryOperator),
    Binary(BinaryOperator),
    Range,
}

impl Operator {
    /// The operator that a sign or a word stands for.
    pub(super) fn binary(text: &str) -> Option<Operator> {
        let operator = match text {
            "or" => BinaryOperator::Or,
            "and" => BinaryOperator::And,
            "==" => BinaryOperator::Equal,
            "!=" => BinaryOperator::NotEqual,
            "<" => BinaryOperator::Less,
            "<=" => BinaryOperator::LessEqual,
            ">" => BinaryOperator::Greater,
            ">=" => BinaryOperator::GreaterEqual,
            "+" => BinaryOperator::Add,
            "-" => BinaryOperator::Subtract,
            "*" => BinaryOperator::Multiply,
            "/" => BinaryOperator::Divide,
            "//" => BinaryOperator::FloorDivide,
            "%" => BinaryOperator::Remainder,
            "**" => BinaryOperator::Power,
            ".." => return Some(Operator::Range),
            _ => return None,
        };
        Some(Operator::Binary(operator))
    }

    /// How tightly it binds.
    pub(crate) fn precedence(self) -> u8 {
        match self {
            Operator::Binary(BinaryOperator::Or) => 1,
            Operator::Binary(BinaryOperator::And) => 2,
            Operator::Unary(UnaryOperator::Not) => 3,
            Operator::Binary(
                BinaryOperator::Equal
                | BinaryOperator::NotEqual
                | BinaryOperator::Less
                | BinaryOperator::LessEqual
                | BinaryOperator::Greater
                | BinaryOperator::GreaterEqual,
            ) => COMPARISON,
            Operator::Range => RANGE,
            Operator::Binary(BinaryOperator::Add | BinaryOperator::Subtract) => 6,
            Operator::Binary(
                BinaryOperator::Multiply
                | BinaryOperator::Divide
                | BinaryOperator::FloorDivide
                | BinaryOperator::Remainder,
            ) => 7,
            Operator::Unary(UnaryOperator::Negate) => 8,
            Operator::Binary(BinaryOperator::Power) => 9,
        }
    }

    /// Whether it may stand beside itself without parentheses, nested from the left.
    pub(crate) fn chains(self) -> bool {
        !matches!(self.precedence(), COMPARISON | RANGE) && !self.nests_from_the_right()
    }

    /// Whether `a ∘ b ∘ c` is `a ∘ (b ∘ c)`.
    pub(crate) fn nests_from_the_right(self) -> bool {
        matches!(self, Operator::Binary(BinaryOperator::Power))
    }

    /// How tightly its right operand must bind: `2 ** -x` needs no parentheses.
    pub(crate) fn right_precedence(self) -> u8 {
        if self.nests_from_the_right() { self.precedence() - 1 } else { self.precedence() + 1 }
    }

    /// Whether an operator before it has its operands once this one comes.
    pub(super) fn follows(self, before: Operator) -> bool {
        let least = self.precedence() + u8::from(self.nests_from_the_right());
        before.precedence() >= least
    }

    /// Whether `not` may follow: it binds more loosely than a comparison, so that `1 + not x` means nothing.
    pub(super) fn takes_not(self) -> bool {
        self.precedence() < COMPARISON
    }
}

/// Where comparisons stand among the precedences; they do not chain.
pub(super) const COMPARISON: u8 = 4;
/// Where ranges stand; they do not chain either.
pub(super) const RANGE: u8 = 5;
