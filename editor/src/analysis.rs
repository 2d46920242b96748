//! One open document checked, and what is asked of it by place.
//!
//! A [`Checked`] comes in; places of the protocol, trees and totals go out. An [`Analysis`] is of the document with all that it
//! imports; a [`View`] is one file as one analysis sees it, its own document or an import of another.

use crate::positions::{Encoding, Lines};
use cnnc_compiler::check::{Checked, check};
use cnnc_compiler::graph::{Node, NodeKind, ShapedGraph, TraceId};
use cnnc_compiler::index::Index;
use cnnc_compiler::resolve::{Request, Sources};
use cnnc_compiler::summary::{Row, Summary, summarize};
use cnnc_compiler::write_kernels::Bindings;
use cnnc_grammar::ast::Ast;
use cnnc_grammar::span::{FileId, Span};
use lsp_types::Range;
use std::cell::OnceCell;
use std::rc::Rc;

/// A document with its imports, checked.
pub struct Analysis {
    /// What was found.
    pub checked: Checked,
    lines: Vec<Lines>,
    nothing: Index,
    summaries: OnceCell<Vec<Summary>>,
}

impl Analysis {
    /// Checks a document of that name.
    pub fn new(name: &str, sources: &dyn Sources, encoding: Encoding) -> Analysis {
        let request = Request { index: true, ..Request::default() };
        let checked = check(name, &request, sources, &mut ());
        let lines = checked.files.iter().map(|(_, file)| Lines::new(&file.text, encoding)).collect();
        Analysis { checked, lines, nothing: Index::default(), summaries: OnceCell::new() }
    }

    /// Whether a file of that name is part of it, or might be: where an import could not be read, any.
    pub fn depends_on(&self, name: &str) -> bool {
        self.checked.loaded.incomplete || self.file(name).is_some()
    }

    /// The file of that name.
    pub fn file(&self, name: &str) -> Option<FileId> {
        self.checked.files.iter().find(|(_, file)| file.name == name).map(|(id, _)| id)
    }

    /// The index.
    pub fn index(&self) -> &Index {
        self.checked.index.as_ref().unwrap_or(&self.nothing)
    }

    /// The table of every network that could be written out, without folding.
    pub fn summaries(&self) -> &[Summary] {
        self.summaries.get_or_init(|| {
            self.checked.networks.iter().map(|network| summarize(network, &Bindings::new(), None)).collect()
        })
    }

    /// Of every network the rows of its layers that came out of a statement, in the order in which they were written out.
    pub fn rows_of(&self, statement: Span) -> Vec<(&ShapedGraph, Vec<(&Node, &Row)>)> {
        let holds =
            |span: Span| span.file == statement.file && statement.start <= span.start && span.end <= statement.end;
        let networks = self.checked.networks.iter().zip(self.summaries());
        let of_network = networks.map(|(network, summary)| {
            let graph = &network.graph;
            let operators = graph.dag.iter().filter(|(_, node)| matches!(node.kind, NodeKind::Operator(_)));
            let came_by = |node: &Node| {
                let step = |id: &TraceId| graph.traces.get(id.0 as usize);
                let mut at = node.trace.as_ref().and_then(step);
                while let Some(trace) = at {
                    if holds(trace.span) {
                        return true;
                    }
                    at = trace.parent.as_ref().and_then(step);
                }
                false
            };
            let rows = operators.zip(&summary.rows).map(|((_, node), row)| (node, row));
            (network, rows.filter(|(node, _)| holds(node.span) || came_by(node)).collect::<Vec<_>>())
        });
        of_network.filter(|(_, rows)| !rows.is_empty()).collect()
    }

    /// The place of a span.
    pub fn range(&self, span: Span) -> Range {
        let text = self.text(span.file);
        self.lines
            .get(span.file.0 as usize)
            .map(|lines| lines.range(text, span.start as usize, span.end as usize))
            .unwrap_or_default()
    }

    /// The text of a file.
    pub fn text(&self, file: FileId) -> &str {
        self.checked.files.get(file).map_or("", |file| &file.text)
    }
}

/// One file in one analysis.
#[derive(Clone)]
pub struct View {
    /// The analysis.
    pub analysis: Rc<Analysis>,
    /// The file in it.
    pub file: FileId,
}

impl View {
    /// Its text.
    pub fn text(&self) -> &str {
        self.analysis.text(self.file)
    }

    /// Its lines.
    pub fn lines(&self) -> Option<&Lines> {
        self.analysis.lines.get(self.file.0 as usize)
    }

    /// Its tree.
    pub fn tree(&self) -> Option<&Ast> {
        self.analysis.checked.loaded.trees.iter().find(|(file, _)| *file == self.file).map(|(_, tree)| tree)
    }

    /// The byte of a position.
    pub fn byte(&self, position: lsp_types::Position) -> usize {
        self.lines().map_or(0, |lines| lines.byte(self.text(), position))
    }

    /// A part of the file.
    pub fn span(&self, start: usize, end: usize) -> Span {
        Span { file: self.file, start: start as u32, end: end as u32 }
    }
}
