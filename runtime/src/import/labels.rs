//! Names of classes for a spec that is made: files of other programs have none, so people give them.
//!
//! What comes in is the text of a spec and what a list is called: a file with a name a line, or one that ships (`imagenet`).
//! What goes out is the text with a `labels` statement, and the list, which is to be written beside it. The result is compiled,
//! so that a list of another length than the network has classes is an error before anything is written.

use super::Library;
use crate::failure::{Result, failure, fault};
use crate::sources::Disk;
use crate::{Error, Model};
use cnnc_compiler::diagnostic::Code;
use cnnc_compiler::graph::ShapedGraph;
use cnnc_compiler::resolve::Sources;
use cnnc_grammar::ast::{
    Ast, Declaration, Expr, ExprKind, Gap, ItemKind, Layout, Statement, StatementKind, StringPart,
};
use cnnc_grammar::span::{FileId, Span};
use cnnc_grammar::{format, parse};
use std::path::Path;

/// A list of names.
pub struct Names {
    /// What people called it.
    called: String,
    /// A name a line.
    pub text: String,
}

impl Names {
    /// The list that ships under a name, or else a file.
    ///
    /// # Errors
    /// E601 when there is neither, E224 when there are both.
    pub fn read(called: &Path, library: &Library<'_>) -> Result<Names> {
        let name = called.display().to_string();
        let mut shipped = library.0.iter().filter_map(|(path, text)| Some((list_name(path)?, *text)));
        if let Some((_, text)) = shipped.clone().find(|(known, _)| *known == name) {
            if called.exists() {
                let both = failure(Code::E224, format!("`{name}` is a list that ships, and a file that lies here"));
                return Err(both.help(format!("./{name} is the file; where that does not lie, the list is meant")));
            }
            return Ok(Names { called: name, text: text.to_owned() });
        }
        match Disk.read(&name, None) {
            Ok((_, text)) => Ok(Names { called: name, text }),
            Err(reason) => {
                let known: Vec<String> = shipped.by_ref().map(|(known, _)| format!("`{known}`")).collect();
                let told = failure(Code::E601, format!("cannot read the names of classes in `{name}`: {reason}"));
                Err(told.help(format!("lists that ship are {}; a file has a name a line", known.join(", "))))
            }
        }
    }

    /// The text of a spec, whose classes have these names, which lie beside it as `file`; and its network.
    ///
    /// # Errors
    /// E224 when there are not as many names as classes.
    pub fn added(&self, text: &str, file: &str) -> Result<(String, ShapedGraph)> {
        let (mut tree, errors) = parse(text, FileId::default());
        let statements = errors.is_empty().then(|| statements_of_the_last(&mut tree)).flatten();
        let place = statements.and_then(|statements| {
            let input = statements.iter().rposition(|one| matches!(one.kind, StatementKind::Input { .. }))?;
            statements.insert(input + 1, labels(file));
            Some(())
        });
        let text = place.and_then(|()| format(&tree).ok());
        let text = text.ok_or_else(|| fault("names of classes have no place in the spec that was made"))?;
        let sources = Library(&[("imported.cnn", &text), (file, &self.text)]);
        let model = Model::builder().sources(&sources).named("imported.cnn", &mut ());
        let model = model.map_err(|error| self.refused(error))?;
        if model.labels().is_empty() {
            let message = format!("`{}` has not as many names as the network has classes", self.called);
            return Err(failure(Code::E224, message));
        }
        Ok((text, model.graph().clone()))
    }

    /// What is wrong with the list, without a place in a spec that nobody has seen.
    fn refused(&self, error: Error) -> Error {
        failure(error.code, format!("the names of classes in `{}`: {}", self.called, error.message))
    }
}

impl<'l> Library<'l> {
    /// The list that ships, by its name, which a network has the names of its classes from.
    pub(super) fn list_of(&self, graph: &ShapedGraph) -> Option<&'l str> {
        let labels = graph.graph.labels.as_ref()?;
        let is_it = |text: &str| text.lines().map(str::trim).eq(labels.iter().map(String::as_str));
        self.0.iter().find_map(|(path, text)| list_name(path).filter(|_| is_it(text)))
    }
}

/// The name of a list that ships: `imagenet`.
fn list_name(path: &str) -> Option<&str> {
    path.strip_suffix(".txt").and_then(|path| path.rsplit('/').next())
}

/// The statements of the last model, or of the one that it is a preset of.
fn statements_of_the_last(tree: &mut Ast) -> Option<&mut Vec<Statement>> {
    let mut place = tree.items.len().checked_sub(1)?;
    while let ItemKind::Preset(preset) = &tree.items[place].kind {
        let base = &preset.base.callee.text;
        // A base is told before what is made of it.
        place = tree.items[..place].iter().rposition(|item| match &item.kind {
            ItemKind::Declaration(one) => one.name.text == *base,
            ItemKind::Preset(one) => one.name.text == *base,
            ItemKind::Import(_) | ItemKind::Unreadable(_) => false,
        })?;
    }
    match &mut tree.items[place].kind {
        ItemKind::Declaration(Declaration { body, .. }) => Some(&mut body.statements),
        _ => None,
    }
}

fn labels(file: &str) -> Statement {
    let file =
        Expr { kind: ExprKind::String(vec![StringPart::Text(file.to_owned())]), span: Span::default(), grouped: false };
    let layout = Layout { gap: Gap::NextLine, comments: None };
    Statement { kind: StatementKind::Labels(file), span: Span::default(), layout }
}
