//! Numbers as branches of a join: constants, which have no parameters, no keys and no position.
//!
//! They are written out (`3.0`, `[[0.5], [2]]`) or stand under a name (`scale`, which a parameter or a `let` made a number).

use super::Expander;
use super::item::Item;
use crate::ops::{Numbers, Op};
use crate::resolve::builder::{Frame, numbers_of};
use crate::resolve::error::{StructureError, ValueError};
use crate::resolve::expression::{Flow, Value};
use cnnc_grammar::ast::{Call, Expr};
use cnnc_grammar::span::Span;

/// The most numbers of a branch: each is written into the plan. More belong into a weight.
const MOST_NUMBERS: usize = 4096;

impl<'a> Expander<'a, '_> {
    /// Numbers that are written out, as an item.
    pub(super) fn constant(&mut self, frame: &Frame<'a>, value: &'a Expr, item: &Item<'a>) -> Flow {
        if !item.in_join {
            let is_list = value.is_list();
            self.builder.reporter.report(StructureError::LoneConstant { span: value.span, is_list }.diagnostic());
            return Flow::Unknown;
        }
        match self.builder.evaluate(frame, value) {
            Some(value) => self.constant_branch(frame, &value, item.span),
            None => Flow::Unknown,
        }
    }

    /// The numbers that an item of a join names, if it names some.
    pub(super) fn named_constant(&mut self, frame: &Frame<'a>, call: &'a Call, item: &Item<'a>) -> Option<Value<'a>> {
        if !item.in_join || item.label.is_some() || call.arguments.is_some() {
            return None;
        }
        let (name, span) = (&call.callee.text, call.callee.span);
        let bound = frame.scope.get(name)?.clone()?;
        let is_number = matches!(bound, Value::Int(_) | Value::Float(_) | Value::Size(_));
        if !is_number && bound.length().is_none() {
            return None;
        }
        self.builder.at(frame, |evaluator, _| evaluator.binding(name, span).is_some());
        Some(bound)
    }

    /// A branch of these numbers.
    pub(super) fn constant_branch(&mut self, frame: &Frame<'a>, value: &Value<'a>, span: Span) -> Flow {
        let builder = &mut self.builder;
        if let Value::Size(size) = value {
            builder.reporter.report_symbol(size, span, "a branch of numbers");
            return Flow::Unknown;
        }
        let (numbers, sizes) = match numbers_of(value, "a branch of numbers", span) {
            Ok(found) => found,
            Err(diagnostic) => {
                builder.reporter.report(*diagnostic);
                return Flow::Unknown;
            }
        };
        if numbers.is_empty() || numbers.len() > MOST_NUMBERS {
            let why = "a branch of numbers holds none, or more than any may";
            let note = Some(format!("it holds {}, and 1 to {MOST_NUMBERS} may be", numbers.len()));
            builder.reporter.report(ValueError::NoResult { why, span, note }.diagnostic());
            return Flow::Unknown;
        }
        if !builder.network.expanding || !builder.reporter.spend_layer(span) {
            return Flow::Unknown;
        }
        let path = builder.network.path(frame.module());
        builder.add_constant(Op::Numbers(Numbers { numbers, sizes }), path, span)
    }
}
