//! Where in a text its values stand.

use cnnc_grammar::span::{FileId, Span};

/// From the parser's places, which count characters, to bytes of the text.
pub struct Places<'t> {
    /// The text.
    pub text: &'t str,
    file: FileId,
    /// Where each character begins, when not each is a byte.
    starts: Vec<u32>,
}

impl<'t> Places<'t> {
    /// Of a text, which is that file.
    pub fn new(text: &'t str, file: FileId) -> Self {
        let starts =
            if text.is_ascii() { Vec::new() } else { text.char_indices().map(|(start, _)| start as u32).collect() };
        Places { text, file, starts }
    }

    /// The byte at which a character begins.
    pub fn byte(&self, character: usize) -> usize {
        let start =
            if self.starts.is_empty() { Some(character) } else { self.starts.get(character).map(|&at| at as usize) };
        start.unwrap_or(self.text.len()).min(self.text.len())
    }

    /// From one byte to another, at least a character where there is one.
    pub fn at(&self, start: usize, end: usize) -> Span {
        let next = self.text[start..].chars().next().map_or(start, |character| start + character.len_utf8());
        Span { file: self.file, start: start as u32, end: end.clamp(next, self.text.len()) as u32 }
    }

    /// Of what the parser found, what is in its first line, without an anchor before it.
    pub fn of(&self, span: saphyr_parser::Span) -> Span {
        let (start, end) = (self.byte(span.start.index()), self.byte(span.end.index()));
        let found = &self.text[start..end.max(start)];
        let rest =
            found.strip_prefix('&').map(|anchor| anchor.trim_start_matches(|letter: char| !letter.is_whitespace()));
        let rest = rest.map_or(found, str::trim_start);
        let start = start + found.len() - rest.len();
        self.at(start, start + rest.find('\n').unwrap_or(rest.len()))
    }

    /// Of a list or mapping from where it begins to where it ends, the first line without its comment.
    pub fn first_line(&self, start: Span, end: Span) -> Span {
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
