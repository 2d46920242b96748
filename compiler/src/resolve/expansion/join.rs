//! Joins: branches from one value, brought together.

use super::Expander;
use super::item::Item;
use crate::graph::ModuleKind;
use crate::ops::{self, LayerEntry};
use crate::resolve::builder::{Cursor, Frame, Taken};
use crate::resolve::calls::bind_layer;
use crate::resolve::error::{CallSite, StructureError};
use crate::resolve::expression::Flow;
use cnnc_grammar::ast::{Body, Call, JoinKind};

impl<'a> Expander<'a, '_> {
    /// Writes out `sum { }`, `concat { }` or another join; a named one is a module, an unnamed one is not.
    pub(super) fn join(
        &mut self,
        frame: &mut Frame<'a>,
        kind: JoinKind,
        call: &'a Call,
        body: &'a Body,
        item: &Item<'a>,
    ) -> Flow {
        let Some(entry) = join_entry(kind) else { return Flow::Unknown };
        let word = entry.signature.name;
        let kind = ModuleKind::Join(word);
        let module = item.label.map(|_| self.builder.enter_module(frame, item.label, item.span, kind));
        frame.open.extend(module);
        let mut cursor = Cursor { value: item.flow, branches: Some(Vec::new()), top: false };
        self.body(frame, body, &mut cursor);
        let value = self.join_branches(frame, entry, call, cursor, item);
        if let Some(module) = module {
            frame.open.pop();
            self.builder.finish_module(module, value);
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
        let builder = &mut self.builder;
        let given = builder.at(frame, |evaluator, _| evaluator.given(call));
        let site = CallSite { span: call.span, parentheses: call.arguments.is_some() };
        let bound = bind_layer(&mut builder.reporter, entry, &given, site, None);
        let branches = cursor.branches.unwrap_or_default();
        if branches.is_empty() && !builder.reporter.is_spent() {
            let error = StructureError::EmptyJoin { word: entry.signature.name, span: call.span };
            builder.reporter.report(error.diagnostic());
            return Flow::Unknown;
        }
        let mut taken = Vec::with_capacity(branches.len());
        for branch in &branches {
            match branch.flow {
                Flow::Node(node) => taken.push(Taken { node, branch: Some(branch.span) }),
                Flow::Unknown => return Flow::Unknown,
                Flow::Absent => {
                    let (what, span, inputs) = ("a branch", branch.span, &frame.inputs);
                    builder.reporter.report(StructureError::NoCurrent { what, span, inputs }.diagnostic());
                    return Flow::Unknown;
                }
            }
        }
        let Some(bound) = bound else { return Flow::Unknown };
        if let ([single], [_]) = (taken.as_slice(), branches.as_slice()) {
            return Flow::Node(single.node);
        }
        if !builder.reporter.spend_layer(item.span) {
            return Flow::Unknown;
        }
        let path = builder.network.path(frame.module());
        builder.add_layer(bound, &taken, path, item.span)
    }
}

fn join_entry(kind: JoinKind) -> Option<&'static LayerEntry> {
    ops::join(kind.word())
}
