//! Changes of a spec that are tried before anybody is told of them: edits come in, and what a check of the changed text finds
//! goes out. Budgets and branches that do not meet take their mends from here.

use crate::check::Checked;
use crate::diagnostic::{Applicability, Code, Edit, Fix, Problems, mended};
use crate::resolve::{LoadedSpec, Sources};
use cnnc_grammar::ast::{Argument, Call};
use cnnc_grammar::span::{Files, Span};

/// What a spec is made of, for changes to be looked for.
#[derive(Clone, Copy)]
pub(crate) struct Text<'t> {
    /// Its files.
    pub files: &'t Files,
    /// Their trees.
    pub loaded: &'t LoadedSpec,
}

/// A text that is checked again with changes in it.
pub(crate) struct Trial<'t> {
    /// The text.
    pub text: Text<'t>,
    /// Where its files come from.
    pub sources: &'t dyn Sources,
    /// Checks what other sources have; budgets are left aside.
    pub check: &'t dyn Fn(&dyn Sources) -> (Checked, Problems),
    /// What is wrong with the text as it is.
    pub known: Vec<(Code, String)>,
    /// How many layers may be written out in all trials for one fault.
    pub most_layers: usize,
}

impl Trial<'_> {
    /// What a check finds of the text with these changes in one file of it, if it has no faults that it did not have.
    pub fn of(&self, edits: &[Edit]) -> Option<(Checked, Problems)> {
        let fix = Fix { applicability: Applicability::Guess, edits: edits.to_vec() };
        let (file, text) = mended(self.text.files, &[&fix]).pop_first()?;
        let changed = Changed { name: &self.text.files.get(file)?.name, text: &text, sources: self.sources };
        let (checked, problems) = (self.check)(&changed);
        let is_known =
            |code: Code, message: &str| self.known.iter().any(|known| (known.0, &*known.1) == (code, message));
        let is_clean = problems.errors().all(|problem| is_known(problem.code, &problem.message));
        is_clean.then_some((checked, problems))
    }
}

/// Sources of which one has another text.
struct Changed<'s> {
    name: &'s str,
    text: &'s str,
    sources: &'s dyn Sources,
}

impl Sources for Changed<'_> {
    fn read(&self, path: &str, importer: Option<&str>) -> Result<(String, String), String> {
        let (name, text) = self.sources.read(path, importer)?;
        let text = if name == self.name { self.text.to_owned() } else { text };
        Ok((name, text))
    }
}

/// The edit that gives a call an argument by name: in the place of the value that it has, or behind the others.
pub(crate) fn argument(call: &Call, name: &str, value: &str) -> Edit {
    let given = |argument: &&Argument| argument.key.as_ref().is_some_and(|key| key.text == name);
    let arguments = call.arguments.as_deref().unwrap_or_default();
    if let Some(argument) = arguments.iter().find(given) {
        return Edit { span: argument.value.span, replacement: value.to_owned() };
    }
    let at = |place: u32| Span { start: place, end: place, ..call.span };
    match (arguments.last(), &call.arguments) {
        (Some(last), _) => Edit { span: at(last.span.end), replacement: format!(", {name}={value}") },
        (None, Some(_)) => Edit { span: at(call.span.end.saturating_sub(1)), replacement: format!("{name}={value}") },
        (None, None) => Edit { span: at(call.span.end), replacement: format!("({name}={value})") },
    }
}

/// ``line 4, `Linear(256)` ``: where a change is made.
pub(crate) fn place(span: Span, text: Text<'_>) -> String {
    const MOST: usize = 48;
    let Some(file) = text.files.get(span.file) else { return String::new() };
    let line = file.text.get(..span.start as usize).unwrap_or("").matches('\n').count() + 1;
    let is_first = text.loaded.trees.first().is_some_and(|(first, _)| *first == span.file);
    let file = if is_first { String::new() } else { format!(" of {}", file.name) };
    let written = text.files.text(span);
    let shown: String = written.lines().next().unwrap_or("").chars().take(MOST).collect();
    let cut = if shown.len() < written.len() { "…" } else { "" };
    format!("line {line}{file}, `{shown}{cut}`")
}
