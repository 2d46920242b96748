//! Items of the flow: layers, calls, groups.

use super::Expander;
use crate::graph::ModuleKind;
use crate::resolve::builder::{Cursor, Frame};
use crate::resolve::error::StructureError;
use crate::resolve::expression::{Braces, Callee, Flow};
use cnnc_grammar::ast::{Body, Call, Expr, FlowItem, FlowKind, Label};
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
            FlowKind::Filled { call, items } => call.span.to(items.span),
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
            FlowKind::Use(call) => self.use_item(frame, call, None, site),
            FlowKind::Filled { call, items } => self.use_item(frame, call, Some(items), site),
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

    fn use_item(&mut self, frame: &mut Frame<'a>, call: &'a Call, items: Option<&'a Expr>, item: &Item<'a>) -> Flow {
        if items.is_none()
            && let Some(value) = self.named_constant(frame, call, item)
        {
            return self.constant_branch(frame, &value, item.span);
        }
        let declarations = self.builder.declarations;
        let recipe = self.builder.at(frame, |evaluator, _| match items {
            Some(items) => declarations.filled_recipe(evaluator, call, items),
            None => declarations.recipe(evaluator, call),
        });
        let undecided = items.and_then(Expr::items).filter(|_| recipe.is_none() || !self.builder.network.expanding);
        if let Some(body) = undecided {
            self.undecided_items(frame, body);
        }
        match recipe {
            Some(recipe) => match &recipe.callee {
                Callee::Layer(entry) => {
                    let second = items.and_then(Expr::items).filter(|_| self.builder.network.expanding);
                    self.layer_item(frame, entry, &recipe, second, item)
                }
                Callee::Declared(callable) => self.call_item(frame, callable, &recipe, item),
                Callee::Items(braces) => self.braces_item(frame, braces, item),
                Callee::Unreadable => self.unknown_item(frame, item),
            },
            None => self.unknown_item(frame, item),
        }
    }

    /// Items in braces that no block is known to place: their names are checked.
    fn undecided_items(&mut self, frame: &Frame<'a>, body: &'a Body) {
        let mut inner = Frame::of_items(frame.scope.inner(), frame.module(), body.span);
        let mut cursor = Cursor { value: Flow::Unknown, branches: None, top: true };
        self.undecided_body(&mut inner, body, &mut cursor);
    }

    /// Items in braces where the block that they were given to places them: a group with a frame of its own.
    fn braces_item(&mut self, frame: &Frame<'a>, braces: &Braces<'a>, item: &Item<'a>) -> Flow {
        let module = self.builder.enter_module(frame, item.label, item.span, ModuleKind::Sequential);
        let body = braces.body;
        if !self.builder.network.expanding || !self.builder.reporter.may_go_deeper(item.span) {
            return Flow::Unknown;
        }
        let mut inner = Frame::of_items(braces.scope.inner(), module, body.span);
        self.builder.reporter.go_deeper();
        let value = self.sequence(&mut inner, body, item.flow, true);
        self.builder.reporter.rise();
        self.builder.finish_module(module, value);
        value
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
