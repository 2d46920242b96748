//! The keys of a mapping, asked for one by one; what is wrong is gathered, and what nobody asked for is an unknown key.

use super::yaml::{self, Node, Value};
use cnnc_compiler::diagnostic::{Code, Diagnostic, Problems, nearest};
use cnnc_grammar::span::{FileId, Span};
use std::cell::RefCell;
use std::fmt;
use std::ops::RangeInclusive;

/// The text of a recipe, and what is wrong with it so far.
pub struct Reader<'t> {
    text: &'t str,
    file: FileId,
    problems: RefCell<Problems>,
}

impl<'t> Reader<'t> {
    /// A reader of a text that is that file.
    pub fn new(text: &'t str, file: FileId) -> Self {
        Reader { text, file, problems: RefCell::default() }
    }

    /// Where a node stands.
    pub fn place(&self, node: &Node) -> Span {
        yaml::place(self.text, self.file, node)
    }

    /// Takes a problem in.
    pub fn report(&self, diagnostic: Diagnostic) {
        self.problems.borrow_mut().add(diagnostic);
    }

    /// A value that cannot be: `path` must be `wanted`.
    pub fn refuse(&self, path: &str, node: &Node, wanted: impl fmt::Display) {
        let message = format!("`{path}` must be {wanted}");
        self.report(Diagnostic::new(Code::E607, message, self.place(node), format!("is {}", kind(&node.value))));
    }

    /// A text that is none of the names: the nearest one is offered.
    pub fn refuse_name(&self, path: &str, node: &Node, name: &str, names: &[&str]) {
        let place = self.place(node);
        let message = format!("`{path}` cannot be `{name}`");
        let wrong = Diagnostic::new(Code::E607, message, place, "unknown name");
        let wrong = wrong.note(format!("it is one of {}", names.join(", ")));
        self.report(with_nearest(wrong, name, names, place));
    }

    /// Keys that do not go together.
    pub fn conflict(&self, node: &Node, message: &str, help: &str) {
        self.report(Diagnostic::new(Code::E609, message, self.place(node), "").help(help));
    }

    /// All problems, by place.
    pub fn into_problems(self) -> Vec<Diagnostic> {
        self.problems.into_inner().into_sorted()
    }
}

/// A mapping of a recipe.
pub struct Section<'r, 't> {
    /// What reads it.
    pub reader: &'r Reader<'t>,
    /// The keys that lead to it, with a point behind: `optimizer.`; empty at the top.
    path: String,
    node: &'r Node,
    pairs: &'r [(Node, Node)],
    asked: Vec<&'static str>,
}

impl<'r, 't> Section<'r, 't> {
    /// The section that a node is; `None`, reported, when it is no mapping.
    pub fn new(reader: &'r Reader<'t>, path: &str, node: &'r Node) -> Option<Self> {
        let Value::Map(pairs) = &node.value else {
            reader.refuse(if path.is_empty() { "a recipe" } else { path }, node, "keys with values, `key: value`");
            return None;
        };
        let path = if path.is_empty() { String::new() } else { format!("{path}.") };
        Some(Section { reader, path, node, pairs, asked: Vec::new() })
    }

    /// A key as messages call it: `optimizer.lr`.
    pub fn path(&self, key: &str) -> String {
        format!("{}{key}", self.path)
    }

    /// The value of a key; a key without one counts as not given.
    pub fn get(&mut self, key: &'static str) -> Option<&'r Node> {
        self.asked.push(key);
        let given = |pair: &&(Node, Node)| matches!(&pair.0.value, Value::Text(text) if text == key);
        let found = self.pairs.iter().find(given).map(|(_, value)| value);
        found.filter(|node| node.value != Value::Null)
    }

    /// The value of a key that must be given.
    pub fn need(&mut self, key: &'static str, what: &str) -> Option<&'r Node> {
        let found = self.get(key);
        if found.is_none() {
            let message = format!("`{}` is missing", self.path(key));
            let place = self.reader.place(self.node);
            let missing = Diagnostic::new(Code::E608, message, place, "not given here");
            self.reader.report(missing.help(format!("add `{key}: …`: {what}")));
        }
        found
    }

    /// A number that `fits`; the default when it is not given or wrong.
    pub fn number(&mut self, key: &'static str, default: f64, wanted: &str, fits: fn(f64) -> bool) -> f64 {
        self.optional_number(key, wanted, fits).unwrap_or(default)
    }

    /// A number that `fits`, where one is given.
    pub fn optional_number(&mut self, key: &'static str, wanted: &str, fits: fn(f64) -> bool) -> Option<f64> {
        let node = self.get(key)?;
        let number = number(node).filter(|&number| fits(number));
        if number.is_none() {
            self.reader.refuse(&self.path(key), node, wanted);
        }
        number
    }

    /// A whole number of at least `least`; the default when it is not given or wrong.
    pub fn count(&mut self, key: &'static str, default: usize, least: usize) -> usize {
        self.optional_count(key, least).unwrap_or(default)
    }

    /// A whole number of at least `least`, where one is given.
    pub fn optional_count(&mut self, key: &'static str, least: usize) -> Option<usize> {
        let node = self.get(key)?;
        count(self.reader, &self.path(key), node, least)
    }

    /// A whole number of a range; the default when it is not given or wrong.
    pub fn count_within(&mut self, key: &'static str, default: usize, range: RangeInclusive<usize>) -> usize {
        let Some(node) = self.get(key) else { return default };
        let found = match node.value {
            Value::Int(number) => usize::try_from(number).ok().filter(|number| range.contains(number)),
            _ => None,
        };
        found.unwrap_or_else(|| {
            let wanted = format_args!("a whole number from {} to {}", range.start(), range.end()).to_string();
            self.reader.refuse(&self.path(key), node, wanted);
            default
        })
    }

    /// `true` or `false`.
    pub fn flag(&mut self, key: &'static str, default: bool) -> bool {
        match self.get(key) {
            None => default,
            Some(Node { value: Value::Bool(flag), .. }) => *flag,
            Some(node) => {
                self.reader.refuse(&self.path(key), node, "true or false");
                default
            }
        }
    }

    /// A text, where one is given.
    pub fn text(&mut self, key: &'static str, wanted: &str) -> Option<&'r str> {
        let node = self.get(key)?;
        text(self.reader, &self.path(key), node, wanted)
    }

    /// One of some names, as its position; the first when none is given.
    pub fn choice(&mut self, key: &'static str, names: &[&str]) -> usize {
        self.get(key).map_or(0, |node| choice(self.reader, &self.path(key), node, names).unwrap_or(0))
    }

    /// Reports what nobody asked for.
    pub fn finish(self) {
        for (position, (key, _)) in self.pairs.iter().enumerate() {
            let Value::Text(name) = &key.value else {
                self.reader.refuse("a key", key, "a text");
                continue;
            };
            let place = self.reader.place(key);
            if let Some((first, _)) = self.pairs[..position].iter().find(|(first, _)| first.value == key.value) {
                let message = format!("`{}` is given twice", self.path(name));
                let twice = Diagnostic::new(Code::E609, message, place, "the second time");
                self.reader.report(twice.label(self.reader.place(first), "the first time"));
            } else if !self.asked.contains(&name.as_str()) {
                let place_of = if self.path.is_empty() { "a recipe" } else { self.path.trim_end_matches('.') };
                let mark = if self.path.is_empty() { "" } else { "`" };
                let message = format!("{mark}{place_of}{mark} has no key `{name}`");
                let unknown = Diagnostic::new(Code::E606, message, place, "unknown key");
                let unknown = unknown.note(format!("its keys are {}", self.asked.join(", ")));
                self.reader.report(with_nearest(unknown, name, &self.asked, place));
            }
        }
    }
}

/// A number, whole or not.
pub fn number(node: &Node) -> Option<f64> {
    match node.value {
        Value::Int(number) => Some(number as f64),
        Value::Float(number) => Some(number).filter(|number| number.is_finite()),
        _ => None,
    }
}

/// A whole number of at least `least`; `None`, reported, when it is none.
pub fn count(reader: &Reader<'_>, path: &str, node: &Node, least: usize) -> Option<usize> {
    let found = match node.value {
        Value::Int(number) => usize::try_from(number).ok().filter(|&number| number >= least),
        _ => None,
    };
    if found.is_none() {
        reader.refuse(path, node, format_args!("a whole number of at least {least}"));
    }
    found
}

/// A text; `None`, reported, when it is none.
pub fn text<'r>(reader: &Reader<'_>, path: &str, node: &'r Node, wanted: &str) -> Option<&'r str> {
    match &node.value {
        Value::Text(text) => Some(text),
        _ => {
            reader.refuse(path, node, wanted);
            None
        }
    }
}

/// One of some names, as its position; `None`, reported, when it is none.
pub fn choice(reader: &Reader<'_>, path: &str, node: &Node, names: &[&str]) -> Option<usize> {
    let name = text(reader, path, node, &format!("one of {}", names.join(", ")))?;
    let found = names.iter().position(|known| *known == name);
    if found.is_none() {
        reader.refuse_name(path, node, name, names);
    }
    found
}

fn with_nearest(diagnostic: Diagnostic, name: &str, names: &[&str], place: Span) -> Diagnostic {
    match nearest(name, names.iter().copied()) {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")).mend(place, near),
        None => diagnostic,
    }
}

/// A value in words.
fn kind(value: &Value) -> String {
    match value {
        Value::Null => "nothing".into(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Float(value) => value.to_string(),
        Value::Text(_) => "a text".into(),
        Value::List(_) => "a list".into(),
        Value::Map(_) => "keys with values".into(),
    }
}
