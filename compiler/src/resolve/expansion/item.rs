//! Items of the flow: layers, calls, groups.

use super::Expander;
use crate::graph::ModuleKind;
use crate::resolve::builder::{Cursor, Frame};
use crate::resolve::error::StructureError;
use crate::resolve::expression::{Callee, Flow};
use cnnc_grammar::ast::{Body, Call, FlowItem, FlowKind, Label};
use cnnc_grammar::span::Span;

/// An item that is being written out.
#[derive(Clone, Copy)]
pub(super) struct Item<'a> {
    /// `name:` before it.
    pub label: Option<&'a Label>,
    /// The item without its label.
    pub span: Span,
    /// What it takes.
    pub flow: Flow,
    /// Whether it is a branch of a join.
    pub in_join: bool,
}

impl<'a> Expander<'a, '_> {
    /// Writes out an item and gives its value.
    pub(super) fn item(&mut self, frame: &mut Frame<'a>, cursor: &Cursor, item: &'a FlowItem, statement: Span) -> Flow {
        frame.begun = true;
        let span = match &item.kind {
            FlowKind::Use(call) => call.span,
            FlowKind::Join { call, .. } => call.span,
            FlowKind::Constant(value) => value.span,
            FlowKind::Sequential(_) | FlowKind::Group(_) => statement,
        };
        let in_join = cursor.branches.is_some();
        let site = Item { label: item.label.as_ref(), span, flow: cursor.value, in_join };
        let clashes = self.builder.open_clashes();
        let value = self.item_of_kind(frame, cursor, item, &site);
        self.builder.settle_names(clashes);
        value
    }

    fn item_of_kind(&mut self, frame: &mut Frame<'a>, cursor: &Cursor, item: &'a FlowItem, site: &Item<'a>) -> Flow {
        match &item.kind {
            FlowKind::Use(call) => self.use_item(frame, call, site),
            FlowKind::Join { kind, call, body } => self.join(frame, *kind, call, body, site),
            FlowKind::Sequential(body) => self.group(frame, body, site),
            FlowKind::Constant(value) => self.constant(frame, value, site),
            FlowKind::Group(body) if cursor.branches.is_some() => self.sequence(frame, body, site.flow, false),
            FlowKind::Group(body) => {
                self.builder.reporter.report(StructureError::BareGroup { span: body.span }.diagnostic());
                self.sequence(frame, body, site.flow, false);
                Flow::Unknown
            }
        }
    }

    fn use_item(&mut self, frame: &mut Frame<'a>, call: &'a Call, item: &Item<'a>) -> Flow {
        if let Some(value) = self.named_constant(frame, call, item) {
            return self.constant_branch(frame, &value, item.span);
        }
        let declarations = self.builder.declarations;
        match self.builder.at(frame, |evaluator, _| declarations.recipe(evaluator, call)) {
            Some(recipe) => match &recipe.callee {
                Callee::Layer(entry) => self.layer_item(frame, entry, &recipe, item),
                Callee::Declared(callable) => self.call_item(frame, callable, &recipe, item),
                Callee::Unreadable => self.unknown_item(frame, item),
            },
            None => self.unknown_item(frame, item),
        }
    }

    /// An item of which nothing is known still has a name and a position.
    fn unknown_item(&mut self, frame: &Frame<'a>, item: &Item<'a>) -> Flow {
        self.builder.reporter.unreadable();
        self.builder.enter_module(frame, item.label, item.span, ModuleKind::Sequential);
        Flow::Unknown
    }

    /// `Sequential { }`
    fn group(&mut self, frame: &mut Frame<'a>, body: &'a Body, item: &Item<'a>) -> Flow {
        let module = self.builder.enter_module(frame, item.label, item.span, ModuleKind::Sequential);
        frame.open.push(module);
        let value = self.sequence(frame, body, item.flow, false);
        frame.open.pop();
        self.builder.finish_module(module, value);
        value
    }
}
