//! `labels`: the names of the classes, a list or a file beside the spec.

use super::error::LabelsError;
use super::state::{Expander, Frame};
use super::value::{MAX_LEAVES, Value};
use cnnc_grammar::ast::Expr;
use cnnc_grammar::span::Span;
use std::sync::Arc;

impl<'a> Expander<'a, '_> {
    /// Reads a `labels` statement. Those of a model that is called as a block say nothing of the whole.
    pub fn labels(&mut self, frame: &Frame<'a>, expr: &'a Expr, span: Span) {
        let value = self.evaluate(frame, expr);
        if frame.kind == cnnc_grammar::ast::DeclarationKind::Block {
            self.report(LabelsError::InBlock { span, declared: frame.header }.diagnostic());
            return;
        }
        if self.expanding && !frame.is_root {
            return;
        }
        if self.undecided == 0
            && let Some(first) = self.labels_span.replace(expr.span)
        {
            self.report(LabelsError::Twice { first, second: expr.span }.diagnostic());
            return;
        }
        let labels = match value {
            None => return,
            Some(Value::Text(path)) => self.labels_of_file(&path, expr.span),
            Some(Value::List(items)) => {
                let texts = items.values().iter().map(|item| match item {
                    Value::Text(text) => Ok(text.to_string()),
                    other => Err(other.kind()),
                });
                match texts.collect::<Result<Vec<String>, _>>() {
                    Ok(labels) => Some(labels),
                    Err(kind) => {
                        self.report(LabelsError::NotTexts { kind, span: expr.span }.diagnostic());
                        None
                    }
                }
            }
            Some(other) => {
                self.report(LabelsError::NotTexts { kind: other.kind(), span: expr.span }.diagnostic());
                None
            }
        };
        match labels {
            Some(labels) if labels.is_empty() => self.report(LabelsError::Empty { span: expr.span }.diagnostic()),
            Some(labels) => self.graph.labels = Some(Arc::from(labels)),
            None => {}
        }
    }

    /// Compares the labels with the classes that the model gives, where it gives one list of them. A preset or a setting may ask
    /// for another number of classes, which then have no names; the declaration itself must agree with its own labels.
    pub fn check_labels(&mut self, is_preset: bool) {
        let (Some(labels), [output]) = (&self.graph.labels, self.graph.outputs.as_slice()) else { return };
        let shape = self.shape(output.node);
        let [_, classes] = &*shape else { return };
        let Some(classes) = classes.number().and_then(|classes| usize::try_from(classes).ok()) else { return };
        if classes == labels.len() {
            return;
        }
        if is_preset {
            self.graph.labels = None;
        } else if let Some(span) = self.labels_span {
            let (count, origin) = (labels.len(), self.node_span(output.node));
            self.report(LabelsError::Count { labels: count, classes, span, origin }.diagnostic());
        }
    }

    /// The lines of a file, without blank ones at its end.
    fn labels_of_file(&mut self, path: &str, span: Span) -> Option<Vec<String>> {
        let importer = self.world.files.get(span.file).map(|file| file.name.clone());
        match self.world.sources.read(path, importer.as_deref()) {
            Ok((_, text)) => {
                if !self.spend(text.len() as u64 / 8, span) {
                    return None;
                }
                if text.lines().nth(MAX_LEAVES).is_some() {
                    let why = format!("it has more than {MAX_LEAVES} lines");
                    self.report(LabelsError::Unreadable { path, why: &why, span }.diagnostic());
                    return None;
                }
                let mut lines: Vec<String> = text.lines().map(|line| line.trim().to_owned()).collect();
                while lines.last().is_some_and(String::is_empty) {
                    lines.pop();
                }
                Some(lines)
            }
            Err(why) => {
                self.report(LabelsError::Unreadable { path, why: &why, span }.diagnostic());
                None
            }
        }
    }
}
