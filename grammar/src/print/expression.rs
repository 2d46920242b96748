//! Prints expressions, calls, types and patterns on one line, in the language's own form.
//!
//! An operation inside another stands in parentheses, whether the source had them or not: what is printed shows the nesting.

use std::fmt::{self, Display, Formatter};

use crate::ast::{
    Argument, BinaryOperator, Call, Clause, Expr, ExprKind, Label, Parameter, Pattern, StringPart, Type, TypeKind,
    UnaryOperator,
};

/// Values parted by commas.
pub(super) struct Commas<'values, Value>(pub(super) &'values [Value]);

impl<Value: Display> Display for Commas<'_, Value> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        for (index, value) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(formatter, "{comma}{value}")?;
        }
        Ok(())
    }
}

/// A list in brackets.
pub(super) struct Shape<'values>(pub(super) &'values [Expr]);

impl Display for Shape<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "[{}]", Commas(self.0))
    }
}

/// A tuple in parentheses, with the comma that makes one value a tuple.
struct Tuple<'values, Value>(&'values [Value]);

impl<Value: Display> Display for Tuple<'_, Value> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let comma = if self.0.len() == 1 { "," } else { "" };
        write!(formatter, "({}{comma})", Commas(self.0))
    }
}

impl Display for Expr {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ExprKind::Int(number) => write!(formatter, "{}", number.value),
            ExprKind::Float(number) => write!(formatter, "{:?}", number.value),
            ExprKind::Bool(value) => write!(formatter, "{value}"),
            ExprKind::String(parts) => string(formatter, parts),
            ExprKind::Name(name) => formatter.write_str(name),
            ExprKind::Call(call) => write!(formatter, "{call}"),
            ExprKind::List(values) => write!(formatter, "{}", Shape(values)),
            ExprKind::Tuple(values) => write!(formatter, "{}", Tuple(values)),
            ExprKind::Index(value, index) => write!(formatter, "{}[{index}]", Operand(value)),
            ExprKind::Slice { value, start, end, step } => {
                write!(formatter, "{}[{}:{}", Operand(value), Bound(start), Bound(end))?;
                match step {
                    Some(step) => write!(formatter, ":{step}]"),
                    None => formatter.write_str("]"),
                }
            }
            ExprKind::Comprehension { element, clauses } => {
                write!(formatter, "[{element}")?;
                clauses.iter().try_for_each(|clause| write!(formatter, " {clause}"))?;
                formatter.write_str("]")
            }
            ExprKind::Field(value, name) => write!(formatter, "{}.{}", Operand(value), name.text),
            ExprKind::Unary(UnaryOperator::Negate, value) => write!(formatter, "-{}", Operand(value)),
            ExprKind::Unary(UnaryOperator::Not, value) => write!(formatter, "not {}", Operand(value)),
            ExprKind::Binary(operator, left, right) => {
                write!(formatter, "{} {operator} {}", Operand(left), Operand(right))
            }
            ExprKind::Range(start, end) => write!(formatter, "{}..{}", Operand(start), Operand(end)),
            ExprKind::Conditional { value, condition, otherwise } => {
                write!(formatter, "{} if {} else {}", Operand(value), Operand(condition), Operand(otherwise))
            }
            // Its statements are printed under the line of the call.
            ExprKind::Items(_) => formatter.write_str("items"),
            ExprKind::Unreadable => formatter.write_str("unreadable"),
        }
    }
}

/// An end of a slice, perhaps left out.
struct Bound<'value>(&'value Option<Box<Expr>>);

impl Display for Bound<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        self.0.as_ref().map_or(Ok(()), |bound| write!(formatter, "{bound}"))
    }
}

impl Display for Clause {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "for {} in {}", self.pattern, Operand(&self.values))?;
        self.conditions.iter().try_for_each(|condition| write!(formatter, " if {}", Operand(condition)))
    }
}

/// A value inside an operation.
struct Operand<'value>(&'value Expr);

impl Display for Operand<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let is_operation = matches!(
            self.0.kind,
            ExprKind::Unary(..) | ExprKind::Binary(..) | ExprKind::Range(..) | ExprKind::Conditional { .. }
        );
        match is_operation {
            true => write!(formatter, "({})", self.0),
            false => write!(formatter, "{}", self.0),
        }
    }
}

impl Display for BinaryOperator {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            BinaryOperator::Or => "or",
            BinaryOperator::And => "and",
            BinaryOperator::Equal => "==",
            BinaryOperator::NotEqual => "!=",
            BinaryOperator::Less => "<",
            BinaryOperator::LessEqual => "<=",
            BinaryOperator::Greater => ">",
            BinaryOperator::GreaterEqual => ">=",
            BinaryOperator::Add => "+",
            BinaryOperator::Subtract => "-",
            BinaryOperator::Multiply => "*",
            BinaryOperator::Divide => "/",
            BinaryOperator::FloorDivide => "//",
            BinaryOperator::Remainder => "%",
            BinaryOperator::Power => "**",
        })
    }
}

impl Display for Call {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.callee.text)?;
        match &self.arguments {
            Some(arguments) => write!(formatter, "({})", Commas(arguments)),
            None => Ok(()),
        }
    }
}

impl Display for Argument {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        if let Some(key) = &self.key {
            write!(formatter, "{}=", key.text)?;
        }
        write!(formatter, "{}", self.value)
    }
}

impl Display for Parameter {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.name.text, self.ty)?;
        match &self.default {
            Some(default) => write!(formatter, " = {default}"),
            None => Ok(()),
        }
    }
}

impl Display for Type {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            TypeKind::Named(name) => formatter.write_str(name),
            TypeKind::List(element) => write!(formatter, "[{element}]"),
            TypeKind::Tuple(elements) => write!(formatter, "{}", Tuple(elements)),
            TypeKind::Unreadable => formatter.write_str("unreadable"),
        }
    }
}

impl Display for Pattern {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Pattern::Name(name) => formatter.write_str(&name.text),
            Pattern::Tuple(parts, _) => write!(formatter, "{}", Tuple(parts)),
        }
    }
}

impl Display for Label {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let is_word = |text: &str| {
            let is_part = |character: char| character.is_ascii_alphanumeric() || character == '_';
            !text.is_empty() && text.chars().all(is_part) && !text.starts_with(|first: char| first.is_ascii_digit())
        };
        match self.parts.as_slice() {
            [StringPart::Text(word)] if is_word(word) => formatter.write_str(word)?,
            parts => string(formatter, parts)?,
        }
        match self.member.as_ref().map(|member| member.parts.as_slice()) {
            Some([StringPart::Value(value)]) => write!(formatter, "[{value}]"),
            _ => Ok(()),
        }
    }
}

/// A string in quotes, its values in braces.
fn string(formatter: &mut Formatter<'_>, parts: &[StringPart]) -> fmt::Result {
    formatter.write_str("\"")?;
    for part in parts {
        match part {
            StringPart::Text(text) => formatter.write_str(text)?,
            StringPart::Value(value) => write!(formatter, "{{{value}}}")?,
        }
    }
    formatter.write_str("\"")
}
