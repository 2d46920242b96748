//! Joins: branches from one value, brought together.

use super::error::StructureError;
use super::expand::Cursor;
use super::item::Item;
use super::layer::Taken;
use super::state::{Expander, Frame};
use super::value::{CallSite, Flow};
use crate::graph::ModuleKind;
use crate::ops::{self, LayerEntry};
use cnnc_grammar::ast::{Body, Call, JoinKind};

impl<'a> Expander<'a, '_> {
    /// Writes out `sum { }`, `product { }` or `concat { }`; a named one is a module, an unnamed one is not.
    pub fn join(
        &mut self,
        frame: &mut Frame<'a>,
        kind: JoinKind,
        call: &'a Call,
        body: &'a Body,
        item: &Item<'a>,
    ) -> Flow {
        let Some(entry) = join_entry(kind) else { return Flow::Unknown };
        let word = entry.signature.name;
        let module = item.label.map(|_| self.enter_module(frame, item.label, item.span, ModuleKind::Join(word)));
        frame.open.extend(module);
        let mut cursor = Cursor { value: item.flow, branches: Some(Vec::new()), top: false };
        self.body(frame, body, &mut cursor);
        let value = self.join_branches(frame, entry, call, cursor, item);
        if let Some(module) = module {
            frame.open.pop();
            self.finish_module(module, value);
        }
        value
    }

    fn join_branches(
        &mut self,
        frame: &Frame<'a>,
        entry: &'static LayerEntry,
        call: &'a Call,
        cursor: Cursor,
        item: &Item<'a>,
    ) -> Flow {
        let given = self.given(frame, call);
        let site = CallSite { span: call.span, parentheses: call.arguments.is_some() };
        let bound = self.bind_layer(entry, &given, site);
        let branches = cursor.branches.unwrap_or_default();
        if branches.is_empty() && !self.budget.spent {
            self.report(StructureError::EmptyJoin { word: entry.signature.name, span: call.span }.diagnostic());
            return Flow::Unknown;
        }
        let mut taken = Vec::with_capacity(branches.len());
        for branch in &branches {
            match branch.flow {
                Flow::Node(node) => taken.push(Taken { node, branch: Some(branch.span) }),
                Flow::Unknown => return Flow::Unknown,
                Flow::Absent => {
                    let (what, span, inputs) = ("a branch", branch.span, &frame.inputs);
                    self.report(StructureError::NoCurrent { what, span, inputs }.diagnostic());
                    return Flow::Unknown;
                }
            }
        }
        let Some(bound) = bound else { return Flow::Unknown };
        if let ([single], [_]) = (taken.as_slice(), branches.as_slice()) {
            return Flow::Node(single.node);
        }
        if !self.spend_layer(item.span) {
            return Flow::Unknown;
        }
        let path = self.graph.module(frame.module()).map(|module| module.path.clone()).unwrap_or_default();
        match self.infer(&bound.op, &taken, &bound.site, item) {
            Some(shape) => self.add_node(bound.op, path, Vec::new(), shape, &taken, item.span),
            None => Flow::Unknown,
        }
    }
}

fn join_entry(kind: JoinKind) -> Option<&'static LayerEntry> {
    ops::join(match kind {
        JoinKind::Sum => "sum",
        JoinKind::Product => "product",
        JoinKind::Concat => "concat",
    })
}
