//! Expressions to values.
//!
//! `None` stands for a value that is not known because of an error that is already reported; whatever is computed from it is
//! unknown too, in silence, so that one mistake gives one error.

use super::arithmetic;
use super::names::Names;
use super::scope::Scope;
use super::value::Value;
use crate::resolve::error::{NameError, ValueError};
use crate::resolve::report::{MAX_NAME_BYTES, Reporter};
use crate::shape::Dim;
use cnnc_grammar::ast::{Expr, ExprKind, Label, StringPart};
use cnnc_grammar::span::Span;
use std::sync::Arc;

/// The evaluation of expressions at one place.
pub(in crate::resolve) struct Evaluator<'e, 'a, 'p> {
    /// Where errors go.
    pub reporter: &'e mut Reporter<'p>,
    /// The values that can be seen.
    pub scope: &'e Scope<'a>,
    /// What other names mean.
    pub names: &'e dyn Names<'a>,
}

impl<'a> Evaluator<'_, 'a, '_> {
    /// The value of an expression.
    pub fn evaluate(&mut self, expr: &'a Expr) -> Option<Value<'a>> {
        let span = expr.span;
        if !self.reporter.spend(1, span) {
            return None;
        }
        match &expr.kind {
            ExprKind::Int(number) => Some(Value::Int(number.value)),
            ExprKind::Float(number) => Some(Value::Float(number.value)),
            ExprKind::Bool(truth) => Some(Value::Bool(*truth)),
            ExprKind::String(parts) => self.text(parts, span),
            ExprKind::Name(name) => self.named_value(name, span),
            ExprKind::Call(call) => self.call_value(call),
            ExprKind::List(elements) => self.items(elements, span).map(Value::List),
            ExprKind::Tuple(elements) => self.items(elements, span).map(Value::Tuple),
            ExprKind::Index(value, index) => self.index(value, index),
            ExprKind::Slice { value, start, end, step } => {
                self.slice(value, [start.as_deref(), end.as_deref(), step.as_deref()], span)
            }
            ExprKind::Comprehension { element, clauses } => self.made(element, clauses, span),
            ExprKind::Field(value, name) => self.field(value, name),
            ExprKind::Unary(operator, value) => self.unary(*operator, value, span),
            ExprKind::Binary(operator, left, right) => self.binary(*operator, left, right, span),
            ExprKind::Range(start, end) => self.range(start, end, span),
            ExprKind::Conditional { value, condition, otherwise } => {
                match self.condition(condition, "the condition of `if`") {
                    Some(true) => self.evaluate(value),
                    Some(false) => self.evaluate(otherwise),
                    None => {
                        self.evaluate(value);
                        self.evaluate(otherwise);
                        None
                    }
                }
            }
            ExprKind::Items(body) => self.braces(body, span),
            ExprKind::Unreadable => {
                self.reporter.unreadable();
                None
            }
        }
    }

    /// The value, or `None` without any report where it has an error.
    pub fn evaluate_quietly(&mut self, expr: &'a Expr) -> Option<Value<'a>> {
        let (scope, names) = (self.scope, self.names);
        self.reporter.quietly(|reporter| Evaluator { reporter, scope, names }.evaluate(expr))
    }

    /// A truth value; `what` says what it is for.
    pub fn condition(&mut self, expr: &'a Expr, what: &'static str) -> Option<bool> {
        match self.evaluate(expr)? {
            Value::Bool(truth) => Some(truth),
            other => {
                self.refuse(&other, what, "a bool", expr.span);
                None
            }
        }
    }

    /// A whole number; `what` says what it is for.
    pub fn evaluate_int(&mut self, expr: &'a Expr, what: &'static str) -> Option<i64> {
        match self.evaluate(expr)? {
            Value::Int(number) => Some(number),
            Value::Size(size) => {
                self.reporter.report_symbol(&size, expr.span, what);
                None
            }
            other => {
                self.refuse(&other, what, "an int", expr.span);
                None
            }
        }
    }

    /// A number, whole or not; `what` says what it is for.
    pub fn evaluate_number(&mut self, expr: &'a Expr, what: &'static str) -> Option<f64> {
        match self.evaluate(expr)? {
            Value::Int(number) => Some(number as f64),
            Value::Float(number) => Some(number),
            Value::Size(size) => {
                self.reporter.report_symbol(&size, expr.span, what);
                None
            }
            other => {
                self.refuse(&other, what, "a number", expr.span);
                None
            }
        }
    }

    /// A size of a shape: an int or an expression over symbols.
    pub fn evaluate_size(&mut self, expr: &'a Expr) -> Option<Dim> {
        let value = self.evaluate(expr)?;
        let size = arithmetic::size(&value);
        if size.is_none() {
            self.refuse(&value, "a size of a shape", "an int", expr.span);
        }
        size
    }

    /// A value written out within a text.
    pub fn evaluate_text(&mut self, expr: &'a Expr) -> Option<String> {
        match self.evaluate(expr)? {
            Value::Int(number) => Some(number.to_string()),
            Value::Float(number) => Some(format!("{number:?}")),
            Value::Bool(truth) => Some(truth.to_string()),
            Value::Text(text) => Some(text.to_string()),
            Value::Size(size) => {
                self.reporter.report_symbol(&size, expr.span, "a text");
                None
            }
            other => {
                self.refuse(&other, "a value in a text", "an int or a str", expr.span);
                None
            }
        }
    }

    /// The text of a string, its values written out.
    pub fn text_of(&mut self, parts: &'a [StringPart]) -> Option<Arc<str>> {
        if let [StringPart::Text(text)] = parts {
            return Some(text.as_str().into());
        }
        let mut whole = String::new();
        let mut known = true;
        for part in parts {
            match part {
                StringPart::Text(text) => whole.push_str(text),
                StringPart::Value(expr) => match self.evaluate_text(expr) {
                    Some(text) => whole.push_str(&text),
                    None => known = false,
                },
            }
        }
        known.then(|| whole.into())
    }

    /// The text of a label that names an item or a value; errors are reported.
    pub fn name_of(&mut self, label: &'a Label) -> Option<Arc<str>> {
        let text = self.text_of(&label.parts)?;
        if text.is_empty() {
            self.reporter.report(NameError::Empty { span: label.span }.diagnostic());
            return None;
        }
        if text.contains('.') {
            self.reporter.report(NameError::Dot { name: &text, span: label.span }.diagnostic());
            return None;
        }
        if text.len() > MAX_NAME_BYTES {
            self.reporter.report(NameError::TooLong { span: label.span, limit: MAX_NAME_BYTES }.diagnostic());
            return None;
        }
        Some(text)
    }

    fn refuse(&mut self, value: &Value<'a>, what: &'static str, wanted: &'static str, span: Span) {
        self.reporter.report(ValueError::NotA { what, wanted, value: value.shown(), span }.diagnostic());
    }
}
