//! `output NAME`: what a network gives. In a model that is called as a block it keeps the value.

use crate::graph::Output;
use crate::resolve::builder::{Builder, Cursor, Frame};
use crate::resolve::error::{KeepError, NameError};
use crate::resolve::expression::Flow;
use crate::resolve::report::KEPT;
use cnnc_grammar::ast::{DeclarationKind, Label};
use cnnc_grammar::span::Span;
use std::collections::HashMap;
use std::sync::Arc;

/// Where each output of the network stands.
#[derive(Default)]
pub(in crate::resolve) struct Outputs {
    spans: HashMap<Arc<str>, Span>,
}

impl Outputs {
    /// Whether none is named, so that the last value is the output.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// Reads an `output` statement.
    pub fn read<'a>(&mut self, builder: &mut Builder<'a, '_>, frame: &Frame<'a>, label: &'a Label, cursor: &Cursor) {
        let flow = cursor.current(&mut builder.reporter, frame, "output", label.span);
        let name = builder.name_of(frame, label);
        if frame.kind == DeclarationKind::Block {
            let error = KeepError::OutputInBlock { span: label.span, declared: frame.header };
            return builder.reporter.report(error.diagnostic());
        }
        let Some(name) = name else { return };
        if !frame.is_root {
            if builder.network.kept(frame.call(), &name).is_none() {
                builder.keep(frame, name, flow, label.span);
            }
            return;
        }
        if let Some(first) = self.spans.get(&name).copied() {
            if builder.network.undecided == 0 {
                let mend = builder.loop_mend(frame, &name, label.span);
                let second = label.span;
                let error = NameError::Twice { name: &name, what: "output", first, second, mend };
                builder.reporter.report(error.diagnostic());
            }
            return;
        }
        builder.reporter.spend(KEPT, label.span);
        self.spans.insert(name.clone(), label.span);
        if let Flow::Node(node) = flow {
            builder.network.graph.outputs.push(Output { name, node });
        }
    }
}
