//! `labels`: the names of the classes, a list or a file beside the spec.

use crate::resolve::Sources;
use crate::resolve::builder::{Builder, Frame};
use crate::resolve::error::LabelsError;
use crate::resolve::expression::{MAX_LEAVES, Value};
use crate::resolve::report::Reporter;
use cnnc_grammar::ast::{DeclarationKind, Expr};
use cnnc_grammar::span::Span;
use std::sync::Arc;

/// What some editors put before a text.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// The names of a network's classes.
pub(in crate::resolve) struct Labels<'p> {
    /// Where files of them come from.
    sources: &'p dyn Sources,
    /// Where they are listed.
    span: Option<Span>,
}

impl<'p> Labels<'p> {
    /// None yet.
    pub fn new(sources: &'p dyn Sources) -> Self {
        Labels { sources, span: None }
    }

    /// Reads a `labels` statement. Those of a model that is called as a block say nothing of the whole.
    pub fn read<'a>(&mut self, builder: &mut Builder<'a, '_>, frame: &Frame<'a>, expr: &'a Expr, span: Span) {
        let value = builder.evaluate(frame, expr);
        let reporter = &mut builder.reporter;
        if frame.kind == DeclarationKind::Block {
            reporter.report(LabelsError::InBlock { span, declared: frame.header }.diagnostic());
            return;
        }
        if builder.network.expanding && !frame.is_root {
            return;
        }
        if builder.network.undecided == 0
            && let Some(first) = self.span.replace(expr.span)
        {
            reporter.report(LabelsError::Twice { first, second: expr.span }.diagnostic());
            return;
        }
        let labels = match value {
            None => return,
            Some(Value::Text(path)) => self.of_file(reporter, &path, expr.span),
            Some(Value::List(items)) => {
                let texts = items.values().iter().map(|item| match item {
                    Value::Text(text) => Ok(text.to_string()),
                    other => Err(other.kind()),
                });
                match texts.collect::<Result<Vec<String>, _>>() {
                    Ok(labels) => Some(labels),
                    Err(kind) => {
                        reporter.report(LabelsError::NotTexts { kind, span: expr.span }.diagnostic());
                        None
                    }
                }
            }
            Some(other) => {
                reporter.report(LabelsError::NotTexts { kind: other.kind(), span: expr.span }.diagnostic());
                None
            }
        };
        match labels {
            Some(labels) if labels.is_empty() => reporter.report(LabelsError::Empty { span: expr.span }.diagnostic()),
            Some(labels) => builder.network.graph.labels = Some(Arc::from(labels)),
            None => {}
        }
    }

    /// Compares the labels with the classes that the model gives, where it gives one list of them. A preset or a setting may ask
    /// for another number of classes, which then have no names; the declaration itself must agree with its own labels.
    pub fn check(&self, builder: &mut Builder<'_, '_>, is_preset: bool) {
        let Builder { reporter, network, .. } = builder;
        let (Some(labels), [output]) = (&network.graph.labels, network.graph.outputs.as_slice()) else { return };
        let shape = network.shape(output.node);
        let [_, classes] = &*shape else { return };
        let Some(classes) = classes.number().and_then(|classes| usize::try_from(classes).ok()) else { return };
        if classes == labels.len() {
            return;
        }
        if is_preset {
            network.graph.labels = None;
        } else if let Some(span) = self.span {
            let (count, origin) = (labels.len(), network.node_span(output.node));
            reporter.report(LabelsError::Count { labels: count, classes, span, origin }.diagnostic());
        }
    }

    /// The lines of a file, without blank ones at its end.
    fn of_file(&self, reporter: &mut Reporter<'_>, path: &str, span: Span) -> Option<Vec<String>> {
        let importer = reporter.files.get(span.file).map(|file| file.name.clone());
        match self.sources.read(path, importer.as_deref()) {
            Ok((_, text)) => {
                if !reporter.spend(text.len() as u64 / 8, span) {
                    return None;
                }
                if text.lines().nth(MAX_LEAVES).is_some() {
                    let why = format!("it has more than {MAX_LEAVES} lines");
                    reporter.report(LabelsError::Unreadable { path, why: &why, span }.diagnostic());
                    return None;
                }
                let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&text);
                let mut lines: Vec<String> = text.lines().map(|line| line.trim().to_owned()).collect();
                while lines.last().is_some_and(String::is_empty) {
                    lines.pop();
                }
                Some(lines)
            }
            Err(why) => {
                reporter.report(LabelsError::Unreadable { path, why: &why, span }.diagnostic());
                None
            }
        }
    }
}
