//! From a path to parameters and a part of them: `0.weight`, `0.block 1`, `[0][1].bias`, `0.weight[0, :]`.
//!
//! A path is a key of the `state_dict` or leads to a layer; a child may be named by its position in brackets, as in PyTorch:
//! `[0][1][0].bias` is `0.block 1.0.bias`, and brackets behind a parameter take a part of it. What is not there is told with its
//! place in the text and with what there is.

use crate::slice::{Misfit, Part, Slice};
use cnnc_compiler::diagnostic::{Code, Diagnostic, nearest};
use cnnc_compiler::graph::{Graph, Module, Parameter};
use cnnc_grammar::span::{FileId, Span};
use std::ops::Range;

/// An argument that names parameters, as a source that messages point into.
#[derive(Clone, Copy)]
pub struct Argument<'t> {
    /// What was given.
    pub text: &'t str,
    /// The file that messages know it as.
    pub file: FileId,
}

impl Argument<'_> {
    /// What is wrong at some bytes of it.
    pub fn wrong(&self, code: Code, message: impl Into<String>, place: Range<usize>, label: &str) -> Box<Diagnostic> {
        let end = place.end.min(self.text.len()).max(place.start.min(self.text.len()));
        let span = Span { file: self.file, start: place.start.min(end) as u32, end: end as u32 };
        Box::new(Diagnostic::new(code, message, span, label))
    }

    /// What is wrong with indices.
    fn misfit(&self, Misfit { reason, place }: Misfit) -> Box<Diagnostic> {
        self.wrong(Code::E205, reason, place, "")
    }
}

/// What a path leads to.
pub struct Selection<'g> {
    /// The parameters, in `state_dict` order.
    pub parameters: Vec<&'g Parameter>,
    /// The part of the one parameter; `None` where whole ones are named.
    pub part: Option<Part>,
    /// The indices as they were written, with brackets; empty for whole parameters.
    pub indices: String,
}

/// The parameters of a path.
///
/// # Errors
/// E202 when there is no such parameter or layer, E205 when it has no such part.
pub fn find<'g>(graph: &'g Graph, path: Argument<'_>) -> Result<Selection<'g>, Box<Diagnostic>> {
    let whole = |parameters| Selection { parameters, part: None, indices: String::new() };
    let text = path.text.trim();
    if let Some(parameters) = under(graph, text) {
        return Ok(whole(parameters));
    }
    let Followed { key, slices, end } = followed(graph, path)?;
    let parameters = under(graph, &key).ok_or_else(|| unknown(graph, path, &key, end))?;
    if slices.is_empty() {
        return Ok(whole(parameters));
    }
    let [parameter] = parameters.as_slice() else {
        let keys: Vec<&str> = parameters.iter().map(|parameter| &*parameter.path).take(8).collect();
        let message = format!("`{key}` is a layer of {} parameters, and indices take a part of one", parameters.len());
        let wrong = path.wrong(Code::E202, message, end..text.len(), "a part of which?");
        return Err(Box::new(wrong.note(format!("its parameters are {}", keys.join(", ")))));
    };
    let part = slices.iter().try_fold(Part::whole(&parameter.shape), |part, slice| part.of(slice));
    let part = part.map_err(|misfit| {
        Box::new(
            path.misfit(misfit).note(format!("`{}` is {:?}; indices count from 0", parameter.path, parameter.shape)),
        )
    })?;
    let indices = path.text.get(end..).unwrap_or_default().trim().to_owned();
    Ok(Selection { parameters, part: Some(part), indices })
}

fn unknown(graph: &Graph, path: Argument<'_>, key: &str, end: usize) -> Box<Diagnostic> {
    let known =
        graph.parameters.iter().flat_map(|parameter| std::iter::once(&parameter.path).chain(&parameter.aliases));
    let known = known.map(AsRef::as_ref).chain(graph.modules.iter().map(|module| module.path.as_ref()));
    let message = format!("{} has no parameter or layer `{key}`", graph.name);
    let unknown = path.wrong(Code::E202, message, 0..end, "unknown key");
    Box::new(match nearest(key, known.filter(|known| !known.is_empty())) {
        Some(near) => unknown.help(format!("there is `{near}`")),
        None => unknown.help("`cnnc params FILE` lists them all"),
    })
}

/// The parameter with that key, or those whose keys begin with it.
fn under<'g>(graph: &'g Graph, path: &str) -> Option<Vec<&'g Parameter>> {
    if let Some(parameter) = graph.parameters.iter().find(|parameter| parameter.has_key(path)) {
        return Some(vec![parameter]);
    }
    let below = |key: &str| key.strip_prefix(path).is_some_and(|rest| rest.starts_with('.'));
    let inside = |parameter: &&Parameter| below(&parameter.path) || parameter.aliases.iter().any(|alias| below(alias));
    let inside: Vec<&Parameter> = graph.parameters.iter().filter(inside).collect();
    (!inside.is_empty()).then_some(inside)
}

/// A path as a key, with what stands behind it.
struct Followed {
    key: String,
    slices: Vec<Slice>,
    /// Where in the text the key ends.
    end: usize,
}

/// Follows names and positions in brackets from the model on.
fn followed(graph: &Graph, path: Argument<'_>) -> Result<Followed, Box<Diagnostic>> {
    let mut module: Option<&Module> = graph.modules.first();
    let mut names: Vec<&str> = Vec::new();
    let mut found = Followed { key: String::new(), slices: Vec::new(), end: 0 };
    let children = |module: &'_ Module| module.children.iter().filter_map(|&id| graph.module(id)).collect::<Vec<_>>();
    let mut at = 0;
    while let Some(rest) = path.text.get(at..).filter(|rest| !rest.trim().is_empty()) {
        if rest.starts_with(['.', ' ']) {
            at += 1;
        } else if let Some(inside) = rest.strip_prefix('[') {
            let Some(length) = inside.find(']') else {
                return Err(path.wrong(Code::E205, "a bracket is not closed", at..at + rest.len(), "begins here"));
            };
            let (content, place) = (&inside[..length], at + 1..at + 1 + length);
            at += length + 2;
            let here = module.map(children).unwrap_or_default();
            if here.is_empty() {
                found.slices.push(Slice::read(content, place.start).map_err(|misfit| path.misfit(misfit))?);
                continue;
            }
            let child = content.trim().parse::<usize>().ok().and_then(|position| here.get(position).copied());
            let Some(child) = child else {
                let of = if names.is_empty() { graph.name.to_string() } else { format!("`{}`", names.join(".")) };
                let last = here.len() - 1;
                let message = format!("{of} has children from 0 to {last}, and none at `{}`", content.trim());
                return Err(path.wrong(Code::E205, message, place, ""));
            };
            (module, found.end) = (Some(child), at);
            names.push(child.name());
        } else {
            let length = rest.find(['.', '[']).unwrap_or(rest.len());
            let name = rest[..length].trim();
            at += length;
            let here = module.map(children).unwrap_or_default();
            module = here.iter().find(|child| child.name() == name).copied();
            found.end = at;
            names.push(name);
        }
    }
    found.key = names.join(".");
    Ok(found)
}
