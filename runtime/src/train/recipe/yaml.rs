//! YAML text to a tree whose every node knows its place. The only file that knows YAML.
//!
//! One pass of `saphyr_parser` yields events with places, of which the tree is built; what a plain scalar is (a number, a text,
//! nothing) serde_yaml says. Aliases are copies, counted like text that was written out. Refused, each with its place: tags, a
//! second document, what is nested too deeply, characters that YAML does not allow, and more values or bytes than a recipe may
//! have.

use crate::contained::contained;
use cnnc_grammar::span::{FileId, Span};
use saphyr_parser::{Event, Parser, ScalarStyle, ScanError};
use std::collections::HashMap;

/// Nodes that a recipe may have, those that aliases copy among them.
const MOST_NODES: usize = 20_000;
/// Bytes of text that scalars may have, those that aliases copy among them.
const MOST_BYTES: usize = 1 << 20;
/// Lists and mappings in one another. Those of a recipe that says something are four or five.
const DEEPEST: usize = 64;

/// A value and where it stands: a scalar whole, of anything longer its first line.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// What it is.
    pub value: Value,
    /// Where it stands; of a copy, where its alias does.
    pub place: Span,
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

/// Why a text is no tree: a sentence, and the place.
#[derive(Debug)]
pub struct Unreadable {
    /// In words.
    pub reason: String,
    /// Where.
    pub place: Span,
    /// What to do about it, where that can be said.
    pub help: Option<String>,
}

type Result<T> = std::result::Result<T, Unreadable>;

/// Reads a text, which is that file.
pub fn parse(text: &str, file: FileId) -> Result<Node> {
    let places = Places::new(text, file);
    if let Some((start, character)) = text.char_indices().find(|&(_, character)| is_forbidden(character)) {
        let reason = format!("the character U+{:04X} is not allowed in YAML", u32::from(character));
        return Err(Unreadable { reason, place: places.at(start, start + character.len_utf8()), help: None });
    }
    let read = contained(|| read(text, &places));
    read.unwrap_or_else(|panicked| {
        Err(Unreadable { reason: format!("its reader failed: {panicked}"), place: places.at(0, 0), help: None })
    })
}

/// Control characters besides tabs and line ends, as YAML 1.2 has it. To the parser a zero would be the end of the text.
fn is_forbidden(character: char) -> bool {
    character.is_control() && !matches!(character, '\t' | '\n' | '\r' | '\u{85}')
}

fn read(text: &str, places: &Places<'_>) -> Result<Node> {
    let mut builder = Builder::default();
    let mut documents = 0;
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| unreadable(&error, places))?;
        let place = places.of(span);
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
            Event::DocumentStart(_) => {
                documents += 1;
                if documents > 1 {
                    let reason = "a recipe is one document, and a second one begins here".into();
                    return Err(Unreadable { reason, place, help: Some("leave out `---` between keys".into()) });
                }
            }
            Event::Scalar(text, style, anchor, tag) => {
                refuse_tag(tag.as_deref(), place)?;
                let value = if style == ScalarStyle::Plain { plain(&text) } else { Value::Text(text.into_owned()) };
                builder.charge(1, length(&value), place)?;
                builder.finished(Node { value, place }, anchor)?;
            }
            Event::SequenceStart(anchor, tag) => {
                refuse_tag(tag.as_deref(), place)?;
                builder.open(Value::List(Vec::new()), anchor, place)?;
            }
            Event::MappingStart(anchor, tag) => {
                refuse_tag(tag.as_deref(), place)?;
                builder.open(Value::Map(Vec::new()), anchor, place)?;
            }
            Event::SequenceEnd | Event::MappingEnd => builder.close(places, place)?,
            Event::Alias(anchor) => builder.alias(anchor, place)?,
        }
    }
    match builder.root {
        Some(root) if root.value != Value::Null => Ok(root),
        _ => Err(Unreadable { reason: "the file is empty".into(), place: places.at(0, 0), help: None }),
    }
}

fn unreadable(error: &ScanError, places: &Places<'_>) -> Unreadable {
    let (start, reason) = (places.byte(error.marker().index()), error.info());
    if reason.contains("recursion limit") {
        return too_deep(places.at(start, start));
    }
    // Of a tab where spaces indent the parser says a place shortly before it or behind it.
    let line = places.text[..start].rfind('\n').map_or(0, |end| end + 1);
    let tab = places.text[line..].find('\t').filter(|_| reason.contains("tab"));
    let start = tab.map_or(start, |tab| line + tab);
    let help = tab.map(|_| "indent with spaces: YAML allows no tabs there".to_owned());
    Unreadable { reason: reason.to_owned(), place: places.at(start, start), help }
}

fn too_deep(place: Span) -> Unreadable {
    let reason = format!("lists and mappings are nested more than {DEEPEST} levels deep");
    Unreadable { reason, place, help: None }
}

fn refuse_tag(tag: Option<&saphyr_parser::Tag>, place: Span) -> Result<()> {
    let Some(tag) = tag else { return Ok(()) };
    let name = if tag.is_yaml_core_schema() { format!("!!{}", tag.suffix) } else { tag.to_string() };
    let reason = format!("the tag `{name}` says what a value is, and a recipe has no tags");
    Err(Unreadable {
        reason,
        place,
        help: Some("leave it out; a text that looks like a number stands in quotes".into()),
    })
}

/// What a scalar without quotes is.
fn plain(text: &str) -> Value {
    // Behind a space it is a scalar still, and no mark between documents.
    match serde_yaml::from_str(&format!(" {text}")) {
        Ok(serde_yaml::Value::Null) => Value::Null,
        Ok(serde_yaml::Value::Bool(value)) => Value::Bool(value),
        Ok(serde_yaml::Value::Number(number)) => match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => Value::Int(number),
            (None, number) => number.map_or_else(|| Value::Text(text.to_owned()), Value::Float),
        },
        _ => Value::Text(text.to_owned()),
    }
}

/// Bytes that a value holds itself.
fn length(value: &Value) -> usize {
    if let Value::Text(text) = value { text.len() } else { 0 }
}

/// Nodes and bytes of a whole node.
fn size(node: &Node) -> (usize, usize) {
    let add = |(nodes, bytes): (usize, usize), node: &Node| {
        let (more_nodes, more_bytes) = size(node);
        (nodes + more_nodes, bytes + more_bytes)
    };
    match &node.value {
        Value::List(nodes) => nodes.iter().fold((1, 0), add),
        Value::Map(pairs) => pairs.iter().flat_map(|(key, value)| [key, value]).fold((1, 0), add),
        value => (1, length(value)),
    }
}

/// A list or mapping whose end has not come.
struct Open {
    node: Node,
    anchor: usize,
    /// Of a mapping, the key whose value comes next.
    key: Option<Node>,
}

/// The tree as far as it is read.
#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    root: Option<Node>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    bytes: usize,
}

impl Builder {
    /// Counts what is made.
    fn charge(&mut self, nodes: usize, bytes: usize, place: Span) -> Result<()> {
        self.nodes += nodes;
        self.bytes += bytes;
        let (found, most, what) = match (self.nodes > MOST_NODES, self.bytes > MOST_BYTES) {
            (true, _) => (self.nodes, MOST_NODES, "values"),
            (_, true) => (self.bytes, MOST_BYTES, "bytes of text"),
            _ => return Ok(()),
        };
        let reason =
            format!("up to here there are {found} {what}, what aliases copy among them; a recipe may have {most}");
        Err(Unreadable { reason, place, help: None })
    }

    fn open(&mut self, value: Value, anchor: usize, place: Span) -> Result<()> {
        if self.open.len() == DEEPEST {
            return Err(too_deep(place));
        }
        self.charge(1, 0, place)?;
        self.open.push(Open { node: Node { value, place }, anchor, key: None });
        Ok(())
    }

    fn close(&mut self, places: &Places<'_>, end: Span) -> Result<()> {
        let Some(Open { mut node, anchor, .. }) = self.open.pop() else { return Ok(()) };
        node.place = places.first_line(node.place, end);
        self.finished(node, anchor)
    }

    /// A copy of what has that anchor.
    fn alias(&mut self, anchor: usize, place: Span) -> Result<()> {
        let Some(node) = self.anchors.get(&anchor).cloned() else {
            let reason = "this alias stands in what its anchor names, which has no end then".into();
            return Err(Unreadable { reason, place, help: None });
        };
        let (nodes, bytes) = size(&node);
        self.charge(nodes, bytes, place)?;
        self.finished(Node { value: node.value, place }, 0)
    }

    /// Puts a node where it belongs. What has an anchor is kept, and counted, once more.
    fn finished(&mut self, node: Node, anchor: usize) -> Result<()> {
        if anchor != 0 {
            let (nodes, bytes) = size(&node);
            self.charge(nodes, bytes, node.place)?;
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open { node: Node { value: Value::Map(pairs), .. }, key, .. }) => match key.take() {
                Some(key) => pairs.push((key, node)),
                None => *key = Some(node),
            },
            Some(Open { node: Node { value: Value::List(nodes), .. }, .. }) => nodes.push(node),
            Some(_) => {}
        }
        Ok(())
    }
}

/// From the parser's places, which count characters, to bytes of the text.
struct Places<'t> {
    text: &'t str,
    file: FileId,
    /// Where each character begins, when not each is a byte.
    starts: Vec<u32>,
}

impl<'t> Places<'t> {
    fn new(text: &'t str, file: FileId) -> Self {
        let starts =
            if text.is_ascii() { Vec::new() } else { text.char_indices().map(|(start, _)| start as u32).collect() };
        Places { text, file, starts }
    }

    /// The byte at which a character begins.
    fn byte(&self, character: usize) -> usize {
        let start =
            if self.starts.is_empty() { Some(character) } else { self.starts.get(character).map(|&at| at as usize) };
        start.unwrap_or(self.text.len()).min(self.text.len())
    }

    /// From one byte to another, at least a character where there is one.
    fn at(&self, start: usize, end: usize) -> Span {
        let next = self.text[start..].chars().next().map_or(start, |character| start + character.len_utf8());
        Span { file: self.file, start: start as u32, end: end.clamp(next, self.text.len()) as u32 }
    }

    /// Of what the parser found, what is in its first line, without an anchor before it.
    fn of(&self, span: saphyr_parser::Span) -> Span {
        let (start, end) = (self.byte(span.start.index()), self.byte(span.end.index()));
        let found = &self.text[start..end.max(start)];
        let rest =
            found.strip_prefix('&').map(|anchor| anchor.trim_start_matches(|letter: char| !letter.is_whitespace()));
        let rest = rest.map_or(found, str::trim_start);
        let start = start + found.len() - rest.len();
        self.at(start, start + rest.find('\n').unwrap_or(rest.len()))
    }

    /// Of a list or mapping from where it begins to where it ends, the first line without its comment.
    fn first_line(&self, start: Span, end: Span) -> Span {
        let start = start.start as usize;
        // What is in brackets ends with one; what is in lines of its own ends where something else begins.
        let bracket = self.text[end.start as usize..].starts_with([']', '}']);
        let whole = &self.text[start..(end.start as usize + usize::from(bracket)).max(start)];
        let length = match whole.split_once('\n') {
            None => whole.trim_end().len(),
            Some((line, _)) => line.find(" #").map_or(line, |comment| &line[..comment]).trim_end().len(),
        };
        self.at(start, start + length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(text: &str) -> Node {
        parse(text, FileId(0)).unwrap_or_else(|unreadable| panic!("{unreadable:?} in {text}"))
    }

    fn at(text: &str, place: Span) -> &str {
        &text[place.start as usize..place.end as usize]
    }

    /// The values that are texts or numbers, as they stand in the source.
    fn leaves(text: &str) -> Vec<&str> {
        fn walk<'t>(text: &'t str, node: &Node, found: &mut Vec<&'t str>) {
            match &node.value {
                Value::List(nodes) => nodes.iter().for_each(|node| walk(text, node, found)),
                Value::Map(pairs) => pairs.iter().for_each(|(key, value)| {
                    walk(text, key, found);
                    walk(text, value, found);
                }),
                _ => found.push(at(text, node.place)),
            }
        }
        let mut found = Vec::new();
        walk(text, &tree(text), &mut found);
        found
    }

    /// Why a text is refused, and what stands there: line, column, text.
    fn refused(text: &str) -> (String, usize, usize) {
        let unreadable = parse(text, FileId(0)).expect_err("no tree");
        let before = &text[..unreadable.place.start as usize];
        let line = before.rfind('\n').map_or(0, |end| end + 1);
        (unreadable.reason, before.matches('\n').count() + 1, before[line..].chars().count() + 1)
    }

    #[test]
    fn every_node_has_its_place() {
        let text = "model: ../é.cnn # a file\nset: {a: 1, \"b c\": [2.5, 'x']}\nlist:\n  - one: yes\n  - two three\n";
        let expected =
            ["model", "../é.cnn", "set", "a", "1", "\"b c\"", "2.5", "'x'", "list", "one", "yes", "two three"];
        assert_eq!(leaves(text), expected);
    }

    #[test]
    fn places_hold_behind_anchors_aliases_and_a_byte_order_mark() {
        let text = "\u{FEFF}é: &all [1, &two 2]\nb: *all\nc: {d: *two, e: 'it''s'}\nf: |\n  long\n  text\ng: last\n";
        let expected = ["é", "1", "2", "b", "1", "2", "c", "d", "*two", "e", "'it''s'", "f", "long", "g", "last"];
        assert_eq!(leaves(text), expected);
        let Value::Map(pairs) = tree(text).value else { panic!("a map") };
        assert_eq!(at(text, pairs[1].1.place), "*all");
        assert_eq!(pairs[1].1.value, pairs[0].1.value);
        assert_eq!(pairs[3].1.value, Value::Text("long\ntext\n".into()));
    }

    #[test]
    fn what_is_longer_than_a_line_is_its_first_line() {
        let text = "a:\n  b: 1 # one\n  c: 2\nd: [1, 2] # two\ne:\n- x\n- y\n";
        let Value::Map(pairs) = tree(text).value else { panic!("a map") };
        let places: Vec<&str> = pairs.iter().map(|(_, value)| at(text, value.place)).collect();
        assert_eq!(places, ["b: 1", "[1, 2]", "x"]);
    }

    #[test]
    fn numbers_texts_and_nothing_are_told_apart() {
        let value = |text: &str| match tree(&format!("[{text}]")).value {
            Value::List(nodes) => nodes[0].value.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(value("5e-4"), Value::Float(5e-4));
        assert_eq!(value("-3"), Value::Int(-3));
        assert_eq!(value("~"), Value::Null);
        assert_eq!(value("'3'"), Value::Text("3".into()));
        assert_eq!(value("18446744073709551615"), Value::Float(18446744073709551615.0));
        assert_eq!(value("true"), Value::Bool(true));
        assert_eq!(value("no"), Value::Text("no".into()));
        let Value::Map(pairs) = tree("a: --- 3\nb: 3, [\nc: x\n  y\n").value else { panic!("a map") };
        let texts: Vec<&Value> = pairs.iter().map(|(_, value)| &value.value).collect();
        assert_eq!(texts, [&Value::Text("--- 3".into()), &Value::Text("3, [".into()), &Value::Text("x y".into())]);
    }

    #[test]
    fn what_cannot_be_read_says_where() {
        for (text, reason, line, column) in [
            ("", "the file is empty", 1, 1),
            ("# nothing\n", "the file is empty", 1, 1),
            ("a: 1\nb: [1, 2\n", "", 3, 1),
            ("a: 1\n\tb: 2\n", "", 2, 1),
            ("a: 1\nb: *c\n", "unknown anchor", 2, 4),
            ("a: 1\nb: !tag 3\n", "tag `!tag`", 2, 4),
            ("a: 1\nb: !!str 3\n", "tag `!!str`", 2, 4),
            ("a: !x\n  b: 3\n", "tag `!x`", 1, 4),
            ("a: 1\n---\nb: 2\n", "a second one begins here", 2, 1),
            ("a: 1\nb: é\u{0}\nc: 3\n", "U+0000", 2, 5),
            ("a: \u{1b}[31m\n", "U+001B", 1, 4),
            ("a: &a [1, *a]\n", "which has no end", 1, 11),
            ("a: 1\nb: @c\n", "", 2, 4),
        ] {
            let (found, at_line, at_column) = refused(text);
            assert!(found.contains(reason), "{text:?}: {found}");
            assert_eq!((at_line, at_column), (line, column), "{text:?}: {found}");
        }
        assert!(parse("a:\n\tb: 2\n", FileId(0)).expect_err("a tab").help.is_some_and(|help| help.contains("spaces")));
    }

    #[test]
    fn what_is_too_deep_or_too_much_ends_where_it_is_too_much() {
        let (reason, line, _) = refused(&format!("a:\n  {}", "[".repeat(100_000)));
        assert_eq!((reason.as_str(), line), ("lists and mappings are nested more than 64 levels deep", 2));
        assert_eq!(refused(&"[\n".repeat(65)).1, 65);
        assert!(refused(&"- ".repeat(100_000)).0.contains("64 levels"));
        let mapping: String = (0..1000).map(|level| format!("{}a:\n", " ".repeat(level))).collect();
        assert!(refused(&mapping).0.contains("64 levels"));
        let (reason, line, _) = refused(&format!("a: 1\n{}", "- x\n".repeat(30_000)).replace("a: 1\n", ""));
        assert!(reason.contains("20001 values") && line == 20_000, "{reason} {line}");

        let long = format!("a: &a \"{}\"\nb: [{}]", "x".repeat(500_000), "*a, ".repeat(9000));
        let (reason, line, column) = refused(&long);
        assert!(reason.contains("1500002 bytes of text"), "{reason}");
        assert_eq!((line, column), (2, 5));
        let laughs: String = (1..60).map(|level| format!("l{level}: &l{level} [*l{0}, *l{0}]\n", level - 1)).collect();
        assert!(refused(&format!("l0: &l0 x\n{laughs}")).0.contains("values"));
    }
}
