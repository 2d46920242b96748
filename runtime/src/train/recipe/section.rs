//! The keys of a mapping, asked for one by one; what is wrong is gathered, and what nobody asked for is an unknown key.

use super::yaml::{Node, NodeContent};
use cnnc_compiler::diagnostic::{Code, Diagnostic, Problems, nearest};
use cnnc_grammar::span::Span;
use std::cell::RefCell;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::ops::RangeInclusive;

/// What is wrong with a recipe so far.
#[derive(Default)]
pub struct Reader {
    problems: RefCell<Problems>,
}

impl Reader {
    /// Takes a problem in.
    pub fn report(&self, diagnostic: Diagnostic) {
        self.problems.borrow_mut().add(diagnostic);
    }

    /// A value that cannot be: `path` must be `wanted`.
    pub fn refuse(&self, path: &str, node: &Node, wanted: impl fmt::Display) {
        let message = format!("`{path}` must be {wanted}");
        self.report(Diagnostic::new(Code::E607, message, node.place, format!("is {}", kind(&node.content))));
    }

    /// A value that cannot be, and why.
    pub fn refuse_for(&self, place: Span, message: &str, reason: &str) {
        self.report(Diagnostic::new(Code::E607, message, place, reason));
    }

    /// A text that is none of the names: the nearest one is offered.
    pub fn refuse_name(&self, path: &str, node: &Node, name: &str, names: &[&str]) {
        let place = node.place;
        let message = format!("`{path}` cannot be `{name}`");
        let wrong = Diagnostic::new(Code::E607, message, place, "unknown name");
        let wrong = wrong.note(format!("it is one of {}", names.join(", ")));
        self.report(with_nearest(wrong, name, names, place));
    }

    /// Keys that do not go together.
    pub fn conflict(&self, node: &Node, message: &str, help: &str) {
        self.report(Diagnostic::new(Code::E609, message, node.place, "").help(help));
    }

    /// The pairs of a mapping, each key once; what is no text or there again is reported. `what` is what messages call one of
    /// them, and `path` leads to the mapping, with a point behind.
    pub fn keys<'r>(&self, what: &str, path: &str, pairs: &'r [(Node, Node)]) -> Vec<Pair<'r>> {
        let mut first = HashMap::new();
        let mut keys = Vec::new();
        for (key, value) in pairs {
            let NodeContent::Text(name) = &key.content else {
                self.refuse(what, key, "a text");
                continue;
            };
            match first.entry(name.as_str()) {
                Entry::Vacant(vacant) => {
                    vacant.insert(key.place);
                    keys.push((name.as_str(), key, value));
                }
                Entry::Occupied(first) => {
                    let message = format!("`{path}{name}` is given twice");
                    let twice = Diagnostic::new(Code::E609, message, key.place, "the second time");
                    self.report(twice.label(*first.get(), "the first time"));
                }
            }
        }
        keys
    }

    /// All problems, by place.
    pub fn into_problems(self) -> Vec<Diagnostic> {
        self.problems.into_inner().into_sorted()
    }
}

/// A key as text, and key and value as they stand in the recipe.
pub type Pair<'r> = (&'r str, &'r Node, &'r Node);

/// A mapping of a recipe.
pub struct Section<'r> {
    /// What reads it.
    pub reader: &'r Reader,
    /// The keys that lead to it, with a point behind: `optimizer.`; empty at the top.
    path: String,
    node: &'r Node,
    pairs: &'r [(Node, Node)],
    asked: Vec<&'static str>,
}

impl<'r> Section<'r> {
    /// The section that a node is; `None`, reported, when it is no mapping.
    pub fn new(reader: &'r Reader, path: &str, node: &'r Node) -> Option<Self> {
        let NodeContent::Map(pairs) = &node.content else {
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
        if !self.asked.contains(&key) {
            self.asked.push(key);
        }
        let given = |pair: &&(Node, Node)| matches!(&pair.0.content, NodeContent::Text(text) if text == key);
        let found = self.pairs.iter().find(given).map(|(_, value)| value);
        found.filter(|node| node.content != NodeContent::Null)
    }

    /// The value of a key that must be given.
    pub fn need(&mut self, key: &'static str, what: &str) -> Option<&'r Node> {
        let found = self.get(key);
        if found.is_none() {
            let message = format!("`{}` is missing", self.path(key));
            let place = self.node.place;
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

    /// Two numbers that `fit`; the default when they are not given or wrong.
    pub fn pair(&mut self, key: &'static str, default: [f64; 2], wanted: &str, fit: fn(f64) -> bool) -> [f64; 2] {
        let Some(node) = self.get(key) else { return default };
        let found = match &node.content {
            NodeContent::List(nodes) => nodes.iter().map(number).collect::<Option<Vec<f64>>>(),
            _ => None,
        };
        match found.as_deref() {
            Some(&[first, second]) if fit(first) && fit(second) => [first, second],
            _ => {
                self.reader.refuse(&self.path(key), node, wanted);
                default
            }
        }
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
        let found = match node.content {
            NodeContent::Int(number) => usize::try_from(number).ok().filter(|number| range.contains(number)),
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
            Some(Node { content: NodeContent::Bool(flag), .. }) => *flag,
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
        for (name, key, _) in self.reader.keys("a key", &self.path, self.pairs) {
            if !self.asked.contains(&name) {
                let place_of = if self.path.is_empty() { "a recipe" } else { self.path.trim_end_matches('.') };
                let mark = if self.path.is_empty() { "" } else { "`" };
                let message = format!("{mark}{place_of}{mark} has no key `{name}`");
                let unknown = Diagnostic::new(Code::E606, message, key.place, "unknown key");
                let unknown = unknown.note(format!("its keys are {}", self.asked.join(", ")));
                self.reader.report(with_nearest(unknown, name, &self.asked, key.place));
            }
        }
    }
}

/// A number, whole or not.
pub fn number(node: &Node) -> Option<f64> {
    match node.content {
        NodeContent::Int(number) => Some(number as f64),
        NodeContent::Float(number) => Some(number).filter(|number| number.is_finite()),
        _ => None,
    }
}

/// A whole number of at least `least`; `None`, reported, when it is none.
pub fn count(reader: &Reader, path: &str, node: &Node, least: usize) -> Option<usize> {
    let found = match node.content {
        NodeContent::Int(number) => usize::try_from(number).ok().filter(|&number| number >= least),
        _ => None,
    };
    if found.is_none() {
        reader.refuse(path, node, format_args!("a whole number of at least {least}"));
    }
    found
}

/// A whole number of at least `least` and at most `most`; `None`, reported, when it is none.
pub fn count_up_to(reader: &Reader, path: &str, node: &Node, least: usize, most: usize) -> Option<usize> {
    let found = count(reader, path, node, least)?;
    if found > most {
        reader.refuse(path, node, format_args!("a whole number of at most {most}"));
        return None;
    }
    Some(found)
}

/// A text; `None`, reported, when it is none.
pub fn text<'r>(reader: &Reader, path: &str, node: &'r Node, wanted: &str) -> Option<&'r str> {
    match &node.content {
        NodeContent::Text(text) => Some(text),
        _ => {
            reader.refuse(path, node, wanted);
            None
        }
    }
}

/// One of some names, as its position; `None`, reported, when it is none.
pub fn choice(reader: &Reader, path: &str, node: &Node, names: &[&str]) -> Option<usize> {
    let name = text(reader, path, node, &format!("one of {}", names.join(", ")))?;
    let found = names.iter().position(|known| *known == name);
    if found.is_none() {
        reader.refuse_name(path, node, name, names);
    }
    found
}

fn with_nearest(diagnostic: Diagnostic, name: &str, names: &[&str], place: Span) -> Diagnostic {
    match nearest(name, names.iter().copied()) {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")).guess(place, near),
        None => diagnostic,
    }
}

/// A value in words.
fn kind(value: &NodeContent) -> String {
    match value {
        NodeContent::Null => "nothing".into(),
        NodeContent::Bool(value) => value.to_string(),
        NodeContent::Int(value) => value.to_string(),
        // With its point: `1.0` is no whole number.
        NodeContent::Float(value) => format!("{value:?}"),
        NodeContent::Text(_) => "a text".into(),
        NodeContent::List(_) => "a list".into(),
        NodeContent::Map(_) => "keys with values".into(),
    }
}
