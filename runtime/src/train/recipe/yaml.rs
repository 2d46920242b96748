//! YAML text to a tree whose every node knows its place. The only file that knows serde_yaml.
//!
//! serde_yaml says where it was when something failed and never otherwise. So nodes are numbered as they are read, and the place of
//! one is found by reading the text again and failing at that number.

use cnnc_grammar::span::{FileId, Span};
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use std::cell::Cell;
use std::fmt;

/// Nodes that a recipe may have.
const MOST_NODES: usize = 10_000;

/// A value and its number in the text.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// What it is.
    pub value: Value,
    number: usize,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing, or `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// A text.
    Text(String),
    /// Values in order.
    List(Vec<Node>),
    /// Keys and values in order; a key may be there twice.
    Map(Vec<(Node, Node)>),
}

impl Node {
    /// Nothing, nowhere.
    pub fn nothing() -> Node {
        Node { value: Value::Null, number: usize::MAX }
    }
}

/// Why a text is no tree: a sentence, and the place where there is one.
#[derive(Debug)]
pub struct Unreadable {
    /// In words.
    pub reason: String,
    /// The byte in the text.
    pub start: Option<usize>,
}

/// Reads a text.
pub fn parse(text: &str) -> Result<Node, Unreadable> {
    if text.trim().is_empty() {
        return Err(Unreadable { reason: "the file is empty".into(), start: None });
    }
    read(text, usize::MAX).map_err(|error| {
        let start = error.location().map(|location| location.index().min(text.len()));
        let reason = error.to_string();
        // The place is drawn; serde_yaml says it in words as well.
        let reason = reason.split(" at line ").next().unwrap_or(&reason).to_owned();
        Unreadable { reason, start }
    })
}

/// Where a node stands: a scalar whole, of anything longer its first line.
pub fn place(text: &str, file: FileId, node: &Node) -> Span {
    let start = read(text, node.number).err().and_then(|error| error.location().map(|location| location.index()));
    let start = start.filter(|&start| text.is_char_boundary(start)).unwrap_or(0);
    let rest = text.get(start..).unwrap_or("");
    let line = rest.lines().next().unwrap_or("");
    let length = match (&node.value, line.chars().next()) {
        (Value::List(_) | Value::Map(_), _) => line.find(" #").map_or(line, |end| &line[..end]).trim_end().len(),
        (_, Some(quote @ ('"' | '\''))) => line[1..].find(quote).map_or(line.len(), |end| end + 2),
        _ => plain(line).trim_end().len(),
    };
    Span { file, start: start as u32, end: (start + length.max(1).min(rest.len())) as u32 }
}

/// The plain scalar that a line begins with.
fn plain(line: &str) -> &str {
    let ends = [": ", " #", ", ", "]", "}"];
    let end = ends.iter().filter_map(|end| line.find(end)).min().unwrap_or(line.len());
    line[..end].trim_end_matches([':', ','])
}

/// Reads a text, and fails at the node of that number.
fn read(text: &str, until: usize) -> Result<Node, serde_yaml::Error> {
    let counter = Counter { next: Cell::new(0), until };
    (&counter).deserialize(serde_yaml::Deserializer::from_str(text))
}

/// Numbers nodes as they are read.
struct Counter {
    next: Cell<usize>,
    until: usize,
}

impl<'de> DeserializeSeed<'de> for &Counter {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Counter {
    fn number<E: de::Error>(&self) -> Result<usize, E> {
        let number = self.next.get();
        self.next.set(number + 1);
        match number {
            _ if number == self.until => Err(E::custom("here")),
            MOST_NODES.. => Err(E::custom("the recipe has too many values")),
            _ => Ok(number),
        }
    }

    fn node<E: de::Error>(&self, value: Value) -> Result<Node, E> {
        Ok(Node { number: self.number()?, value })
    }
}

impl<'de> Visitor<'de> for &Counter {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value without a tag")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Node, E> {
        self.node(Value::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Node, E> {
        self.node(Value::Bool(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Node, E> {
        self.node(Value::Int(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Node, E> {
        self.node(i64::try_from(value).map_or(Value::Float(value as f64), Value::Int))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Node, E> {
        self.node(Value::Float(value))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Node, E> {
        self.node(Value::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Node, A::Error> {
        let number = self.number()?;
        let mut nodes = Vec::new();
        while let Some(node) = sequence.next_element_seed(self)? {
            nodes.push(node);
        }
        Ok(Node { number, value: Value::List(nodes) })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let number = self.number()?;
        let mut pairs = Vec::new();
        while let Some(key) = map.next_key_seed(self)? {
            pairs.push((key, map.next_value_seed(self)?));
        }
        Ok(Node { number, value: Value::Map(pairs) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values that are texts or numbers, as they stand in the source.
    fn leaves(text: &str) -> Vec<String> {
        fn walk(text: &str, node: &Node, found: &mut Vec<String>) {
            match &node.value {
                Value::List(nodes) => nodes.iter().for_each(|node| walk(text, node, found)),
                Value::Map(pairs) => pairs.iter().for_each(|(key, value)| {
                    walk(text, key, found);
                    walk(text, value, found);
                }),
                _ => {
                    let span = place(text, FileId(0), node);
                    found.push(text[span.start as usize..span.end as usize].to_owned());
                }
            }
        }
        let mut found = Vec::new();
        walk(text, &parse(text).expect("a tree"), &mut found);
        found
    }

    #[test]
    fn every_node_has_its_place() {
        let text = "model: ../é.cnn # a file\nset: {a: 1, \"b c\": [2.5, 'x']}\nlist:\n  - one: yes\n  - two three\n";
        let expected =
            ["model", "../é.cnn", "set", "a", "1", "\"b c\"", "2.5", "'x'", "list", "one", "yes", "two three"];
        assert_eq!(leaves(text), expected);
    }

    #[test]
    fn what_is_longer_than_a_line_is_its_first_line() {
        let text = "a:\n  b: 1 # one\n  c: 2\n";
        let tree = parse(text).expect("a tree");
        let Value::Map(pairs) = &tree.value else { panic!("a map") };
        let span = place(text, FileId(0), &pairs[0].1);
        assert_eq!(&text[span.start as usize..span.end as usize], "b: 1");
    }

    #[test]
    fn numbers_texts_and_nothing_are_told_apart() {
        let value = |text: &str| parse(text).expect("a tree").value;
        assert_eq!(value("5e-4"), Value::Float(5e-4));
        assert_eq!(value("-3"), Value::Int(-3));
        assert_eq!(value("~"), Value::Null);
        assert_eq!(value("'3'"), Value::Text("3".into()));
        assert_eq!(value("18446744073709551615"), Value::Float(18446744073709551615.0));
    }

    #[test]
    fn what_cannot_be_read_says_where() {
        let unreadable = parse("a: 1\nb: [1, 2\n").expect_err("no tree");
        assert!(unreadable.start.is_some_and(|start| start >= 5), "{unreadable:?}");
        assert!(parse("").is_err() && parse("a: *b").is_err() && parse("!tag 3").is_err());
        let bomb = format!("a: &a [{}]\nb: [{}]", "x, ".repeat(4000), "*a, ".repeat(4000));
        assert!(parse(&bomb).is_err());
        assert!(parse(&"[".repeat(100_000)).is_err());
    }
}
