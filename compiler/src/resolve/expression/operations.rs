//! Texts, lists, ranges and operators in expressions: what they are made of, evaluated, and why there is no result.

use super::arithmetic::{self, Fault};
use super::evaluate::Evaluator;
use super::value::{Items, MAX_TEXT_BYTES, Value};
use crate::resolve::error::ValueError;
use cnnc_grammar::ast::{BinaryOperator, Expr, StringPart, UnaryOperator};
use cnnc_grammar::span::Span;
use std::rc::Rc;

impl<'a> Evaluator<'_, 'a, '_> {
    pub(super) fn text(&mut self, parts: &'a [StringPart], span: Span) -> Option<Value<'a>> {
        let text = self.text_of(parts)?;
        if text.len() > MAX_TEXT_BYTES {
            let why = "the text is longer than any may be";
            self.reporter.report(ValueError::NoResult { why, span, note: None }.diagnostic());
            return None;
        }
        let value = Value::Text(Rc::from(&*text));
        value.spend(self.reporter, span).then_some(value)
    }

    pub(super) fn items(&mut self, elements: &'a [Expr], span: Span) -> Option<Rc<Items<'a>>> {
        let values: Vec<_> = elements.iter().map(|element| self.evaluate(element)).collect();
        let items = Items::new(values.into_iter().collect::<Option<_>>()?);
        if items.is_none() {
            let why = "the list is longer, or nested deeper, than any may be";
            self.reporter.report(ValueError::NoResult { why, span, note: None }.diagnostic());
        }
        self.reporter.spend(elements.len() as u64, span).then_some(items).flatten()
    }

    /// A place without the blanks around its text.
    fn trimmed(&self, span: Span) -> Span {
        let text = self.reporter.files.text(span);
        let (before, after) = (text.len() - text.trim_start().len(), text.len() - text.trim_end().len());
        let (start, end) = (span.start + before as u32, span.end.saturating_sub(after as u32));
        if start < end { Span { start, end, ..span } } else { span }
    }

    pub(super) fn binary(
        &mut self,
        operator: BinaryOperator,
        left: &'a Expr,
        right: &'a Expr,
        span: Span,
    ) -> Option<Value<'a>> {
        let first = self.evaluate(left);
        match (operator, &first) {
            (BinaryOperator::And, Some(Value::Bool(false))) | (BinaryOperator::Or, Some(Value::Bool(true))) => {
                return first;
            }
            _ => {}
        }
        let second = self.evaluate(right);
        let (first, second) = (first?, second?);
        if !first.spend(self.reporter, span) || !second.spend(self.reporter, span) {
            return None;
        }
        match arithmetic::binary(operator, &first, &second) {
            Ok(value) => value.spend(self.reporter, span).then_some(value),
            Err(Fault::Type(wanted)) => {
                let sides = [(first.shown(), left.span), (second.shown(), right.span)];
                let span = self.trimmed(Span { start: left.span.end, end: right.span.start, ..span });
                self.reporter.report(ValueError::Operands { operator, wanted, sides, span }.diagnostic());
                None
            }
            Err(Fault::NoResult(why)) => {
                let note = Some(format!("{} {operator} {}", first.written(), second.written()));
                self.reporter.report(ValueError::NoResult { why, span, note }.diagnostic());
                None
            }
            Err(Fault::Symbol(size)) => {
                self.reporter.report_symbol(&size, span, &operator.to_string());
                None
            }
            Err(Fault::Lengths(_)) => None,
        }
    }

    pub(super) fn unary(&mut self, operator: UnaryOperator, operand: &'a Expr, span: Span) -> Option<Value<'a>> {
        let value = self.evaluate(operand)?;
        let of_type = |wanted| ValueError::Operand { operator, wanted, value: value.shown(), span };
        self.result(arithmetic::unary(operator, &value), span, of_type)
    }

    /// What an operator or a function gave, or a report of why it gave nothing.
    pub(super) fn result<'e>(
        &mut self,
        result: Result<Value<'a>, Fault>,
        span: Span,
        of_type: impl FnOnce(&'static str) -> ValueError<'e>,
    ) -> Option<Value<'a>> {
        match result {
            Ok(value) => return Some(value),
            Err(Fault::Type(wanted)) => self.reporter.report(of_type(wanted).diagnostic()),
            Err(Fault::NoResult(why)) => {
                self.reporter.report(ValueError::NoResult { why, span, note: None }.diagnostic())
            }
            Err(Fault::Symbol(size)) => self.reporter.report_symbol(&size, span, "this"),
            Err(Fault::Lengths(lengths)) => {
                let lists = lengths.into_iter().map(|length| (length, span, false)).collect();
                self.reporter.report(ValueError::Lengths { name: "this", lists, span }.diagnostic());
            }
        }
        None
    }

    pub(super) fn range(&mut self, start: &'a Expr, end: &'a Expr, span: Span) -> Option<Value<'a>> {
        let first = self.evaluate_int(start, "the start of a range");
        let last = self.evaluate_int(end, "the end of a range");
        let (first, last) = (first?, last?);
        if last.checked_sub(first).is_none() {
            let why = "the range is longer than 64 bits can count";
            self.reporter.report(ValueError::NoResult { why, span, note: None }.diagnostic());
            return None;
        }
        Some(Value::Range(first, last.max(first)))
    }
}
