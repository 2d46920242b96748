//! YAML text to a tree whose every node knows its place. The only room that knows YAML.
//!
//! One pass of `saphyr_parser` yields events with places, of which the tree is built; what a plain scalar is (a number, a text,
//! nothing) serde_yaml says. Aliases are copies, counted like text that was written out. Refused, each with its place: tags, a
//! second document, what is nested too deeply, characters that YAML does not allow, and more values or bytes than a recipe may
//! have. `<<: *anchor` takes in the keys of a mapping elsewhere.

mod builder;
mod places;
#[cfg(test)]
mod tests;

use crate::contained::contained;
use builder::Builder;
use cnnc_grammar::span::{FileId, Span};
use places::Places;
use saphyr_parser::{Event, Parser, ScalarStyle, ScanError};

/// A value and where it stands: a scalar whole, of anything longer its first line.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// What it is.
    pub content: NodeContent,
    /// Where it stands; of a copy, where its alias does.
    pub place: Span,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq)]
pub enum NodeContent {
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
    /// What is wrong, as a sentence without its first capital and its full stop.
    pub reason: String,
    /// The characters that are at fault.
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
                let content =
                    if style == ScalarStyle::Plain { plain(&text) } else { NodeContent::Text(text.into_owned()) };
                builder.scalar(Node { content, place }, anchor)?;
            }
            Event::SequenceStart(anchor, tag) => {
                refuse_tag(tag.as_deref(), place)?;
                builder.open(NodeContent::List(Vec::new()), anchor, place)?;
            }
            Event::MappingStart(anchor, tag) => {
                refuse_tag(tag.as_deref(), place)?;
                builder.open(NodeContent::Map(Vec::new()), anchor, place)?;
            }
            Event::SequenceEnd | Event::MappingEnd => builder.close(places, place)?,
            Event::Alias(anchor) => builder.alias(anchor, place)?,
        }
    }
    match builder.into_root() {
        Some(root) if root.content != NodeContent::Null => Ok(root),
        _ => Err(Unreadable { reason: "the file is empty".into(), place: places.at(0, 0), help: None }),
    }
}

fn unreadable(error: &ScanError, places: &Places<'_>) -> Unreadable {
    let (start, reason) = (places.byte(error.marker().index()), error.info());
    if reason.contains("recursion limit") {
        return builder::too_deep(places.at(start, start));
    }
    // Of a tab where spaces indent the parser says a place shortly before it or behind it.
    let line = places.text[..start].rfind('\n').map_or(0, |end| end + 1);
    let tab = places.text[line..].find('\t').filter(|_| reason.contains("tab"));
    let start = tab.map_or(start, |tab| line + tab);
    let help = tab.map(|_| "indent with spaces: YAML allows no tabs there".to_owned());
    Unreadable { reason: reason.to_owned(), place: places.at(start, start), help }
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
fn plain(text: &str) -> NodeContent {
    // Behind a space it is a scalar still, and no mark between documents.
    match serde_yaml::from_str(&format!(" {text}")) {
        Ok(serde_yaml::Value::Null) => NodeContent::Null,
        Ok(serde_yaml::Value::Bool(value)) => NodeContent::Bool(value),
        Ok(serde_yaml::Value::Number(number)) => match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => NodeContent::Int(number),
            (None, number) => number.map_or_else(|| NodeContent::Text(text.to_owned()), NodeContent::Float),
        },
        _ => NodeContent::Text(text.to_owned()),
    }
}
