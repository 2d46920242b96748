//! A cfg's text as sections: bytes that anybody may have made come in, sections with their keys and lines go out.
//!
//! Read as Darknet reads it: blanks anywhere in a line count for nothing, a line that begins with `#` or `;` is a comment, of a
//! key written twice the first counts. Where Darknet goes on with what it made up (a line without `=`, a number that is none, an
//! activation that it does not know) there is an error with the line.

use crate::failure::{Failure, Result};
use std::cell::Cell;

/// Sections that are read.
const MOST_SECTIONS: usize = 4_000;

/// Keys of a section that are read.
const MOST_KEYS: usize = 200;

/// Numbers of a list that are read.
const MOST_NUMBERS: usize = 1_000;

/// The largest number that a size, a count or a layer's number may be.
const LARGEST: i64 = 1 << 30;

/// A key and its value.
#[derive(Debug)]
struct Entry {
    key: String,
    value: String,
    line: usize,
    /// Whether anything asked for it.
    used: Cell<bool>,
}

/// A section.
#[derive(Debug)]
pub struct Section {
    /// Its name, between the brackets.
    pub name: String,
    /// Its line, from 1.
    pub line: usize,
    entries: Vec<Entry>,
    /// Keys that were written again: these and their lines count for nothing.
    pub repeated: Vec<(String, usize)>,
}

/// Whether bytes are those of a cfg: the first that is neither blank nor comment is the section `[net]` or `[network]`.
pub fn is_cfg(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut lines = bytes.split(|byte| *byte == b'\n').map(|line| line.trim_ascii());
    let first = lines.find(|line| !matches!(line.first(), None | Some(b'#' | b';')));
    first.is_some_and(|line| is_network(&without_blanks(&String::from_utf8_lossy(line))))
}

fn is_network(line: &str) -> bool {
    matches!(line, "[net]" | "[network]")
}

fn without_blanks(line: &str) -> String {
    line.chars().filter(|character| !character.is_whitespace()).collect()
}

/// The sections of a cfg.
///
/// # Errors
/// The first line that is none of a cfg.
pub fn sections(bytes: &[u8]) -> Result<Vec<Section>> {
    let text = str::from_utf8(bytes).map_err(|error| {
        let line = bytes.iter().take(error.valid_up_to()).filter(|byte| **byte == b'\n').count() + 1;
        Failure::broken(format!("is no text: line {line} is not UTF-8"))
    })?;
    let mut sections: Vec<Section> = Vec::new();
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let (number, line) = (index + 1, without_blanks(line));
        if matches!(line.chars().next(), None | Some('#' | ';')) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[') {
            let name = name.strip_suffix(']').ok_or_else(|| {
                wrong(number, format!("`{}` begins a section, and `]` does not end it", shortened(&line)))
            })?;
            if sections.len() == MOST_SECTIONS {
                return Err(wrong(number, format!("there are more than {MOST_SECTIONS} sections")));
            }
            let name = shortened(name);
            sections.push(Section { name, line: number, entries: Vec::new(), repeated: Vec::new() });
            continue;
        }
        let (key, value) = line
            .split_once('=')
            .filter(|(key, value)| !key.is_empty() && !value.is_empty())
            .ok_or_else(|| wrong(number, format!("`{}` is neither `[section]` nor `key=value`", shortened(&line))))?;
        let section = sections.last_mut().ok_or_else(|| wrong(number, "a key stands before the first section"))?;
        if section.entries.len() + section.repeated.len() == MOST_KEYS {
            return Err(wrong(number, format!("section `[{}]` has more than {MOST_KEYS} keys", section.name)));
        }
        if section.entries.iter().any(|entry| entry.key == key) {
            section.repeated.push((shortened(key), number));
        } else {
            let (key, value) = (key.to_owned(), value.to_owned());
            section.entries.push(Entry { key, value, line: number, used: Cell::new(false) });
        }
    }
    Ok(sections)
}

/// What is wrong with a line.
pub fn wrong(line: usize, what: impl AsRef<str>) -> Failure {
    Failure::broken(format!("is broken: line {line}: {}", what.as_ref()))
}

/// A word of the file, as a message may hold it.
fn shortened(text: &str) -> String {
    const MOST: usize = 40;
    let harmless = |character: char| if character.is_control() || character == '`' { '?' } else { character };
    let mut short: String = text.chars().take(MOST).map(harmless).collect();
    if text.chars().nth(MOST).is_some() {
        short.push('…');
    }
    short
}

impl Section {
    fn entry(&self, key: &str) -> Option<&Entry> {
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        entry.used.set(true);
        Some(entry)
    }

    /// Whether it has that key with one of these values, or with any where there are none; the key counts as unread.
    pub fn says(&self, key: &str, values: &[&str]) -> bool {
        let is = |entry: &&Entry| entry.key == key && (values.is_empty() || values.contains(&entry.value.as_str()));
        self.entries.iter().any(|entry| is(&entry))
    }

    /// Whether it has that key.
    pub fn has(&self, key: &str) -> bool {
        self.entry(key).is_some()
    }

    /// The line of a key, or its own.
    pub fn line_of(&self, key: &str) -> usize {
        self.entry(key).map_or(self.line, |entry| entry.line)
    }

    /// A word.
    pub fn text(&self, key: &str, default: &str) -> String {
        self.entry(key).map_or_else(|| default.to_owned(), |entry| shortened(&entry.value))
    }

    /// A whole number.
    ///
    /// # Errors
    /// When it is none, or larger than any that is meant.
    pub fn whole(&self, key: &str, default: i64) -> Result<i64> {
        let Some(entry) = self.entry(key) else { return Ok(default) };
        entry.one(numeral(&entry.value), "a whole number")
    }

    /// A whole number that is at least `least`.
    ///
    /// # Errors
    /// As [`Section::whole`], or when it is less.
    pub fn at_least(&self, least: i64, key: &str, default: i64) -> Result<i64> {
        let number = self.whole(key, default)?;
        if number < least {
            let line = self.line_of(key);
            return Err(wrong(
                line,
                format!("`{key}` of `[{}]` is {number}, and at least {least} is meant", self.name),
            ));
        }
        Ok(number)
    }

    /// Whether a number is given that is not 0.
    ///
    /// # Errors
    /// As [`Section::whole`].
    pub fn flag(&self, key: &str) -> Result<bool> {
        Ok(self.whole(key, 0)? != 0)
    }

    /// A number.
    ///
    /// # Errors
    /// When it is none, or not finite.
    pub fn real(&self, key: &str, default: f32) -> Result<f32> {
        let Some(entry) = self.entry(key) else { return Ok(default) };
        let number = numeral(&entry.value).parse::<f32>().ok().filter(|number| number.is_finite());
        number.ok_or_else(|| entry.wrong(&entry.value, "a number"))
    }

    /// Whole numbers with commas between; `None` where there is no such key.
    ///
    /// # Errors
    /// As [`Section::whole`].
    pub fn list(&self, key: &str) -> Result<Option<Vec<i64>>> {
        let Some(entry) = self.entry(key) else { return Ok(None) };
        let numbers = numeral(&entry.value).trim_end_matches(',').split(',');
        if numbers.clone().nth(MOST_NUMBERS).is_some() {
            return Err(wrong(entry.line, format!("`{}` has more than {MOST_NUMBERS} numbers", shortened(key))));
        }
        numbers.map(|number| entry.one(number, "whole numbers with commas between")).collect::<Result<_>>().map(Some)
    }

    /// Keys that nothing asked for, and their lines.
    pub fn unused(&self) -> impl Iterator<Item = (&str, usize)> {
        self.entries.iter().filter(|entry| !entry.used.get()).map(|entry| (entry.key.as_str(), entry.line))
    }
}

impl Entry {
    fn one(&self, number: &str, what: &str) -> Result<i64> {
        let parsed = number.parse::<i64>().ok().filter(|number| number.unsigned_abs() <= LARGEST.unsigned_abs());
        parsed.ok_or_else(|| self.wrong(&self.value, what))
    }

    fn wrong(&self, found: &str, what: &str) -> Failure {
        let message = format!("`{}` is `{}`, and {what} is meant", shortened(&self.key), shortened(found));
        wrong(self.line, message)
    }
}

/// A number without what stands behind it: Darknet's own reading stops at a comment too.
fn numeral(value: &str) -> &str {
    value.split(['#', ';']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(text: &str) -> String {
        sections(text.as_bytes()).map(|_| ()).expect_err("a cfg that is broken").reason
    }

    #[test]
    fn blanks_comments_and_line_ends_count_for_nothing() {
        let text = "\u{feff}# one\r\n; two\r\n\r\n [ net ]\r\n height = 1 6 \r\n#x=1\r\n[maxpool]\r\nsize=2#two\r\n";
        assert!(is_cfg(text.as_bytes()));
        let found = sections(text.as_bytes()).unwrap();
        assert_eq!(
            found.iter().map(|one| (one.name.as_str(), one.line)).collect::<Vec<_>>(),
            [("net", 4), ("maxpool", 7)]
        );
        assert_eq!((found[0].whole("height", 0).unwrap(), found[1].whole("size", 0).unwrap()), (16, 2));
    }

    #[test]
    fn kinds_are_told_by_the_first_section() {
        for (text, is) in
            [("[net]", true), ("\n#\n[network]\n", true), ("[convolutional]", false), ("net", false), ("", false)]
        {
            assert_eq!(is_cfg(text.as_bytes()), is, "{text}");
        }
    }

    #[test]
    fn of_a_key_written_twice_the_first_counts() {
        let found = sections(b"[net]\nbatch=1\nbatch=2\n").unwrap();
        assert_eq!(found[0].whole("batch", 0).unwrap(), 1);
        assert_eq!(found[0].repeated, [("batch".to_owned(), 3)]);
        assert_eq!(found[0].unused().count(), 0);
    }

    #[test]
    fn what_is_no_line_of_a_cfg_is_told_with_its_line() {
        assert_eq!(reason("size=1"), "is broken: line 1: a key stands before the first section");
        assert_eq!(reason("[net]\nsize"), "is broken: line 2: `size` is neither `[section]` nor `key=value`");
        assert_eq!(reason("[net]\nsize="), "is broken: line 2: `size=` is neither `[section]` nor `key=value`");
        assert_eq!(reason("[net"), "is broken: line 1: `[net` begins a section, and `]` does not end it");
        assert!(sections(b"[net]\n\xff").is_err_and(|failure| failure.reason == "is no text: line 2 is not UTF-8"));
        assert!(reason(&"[net]\n".repeat(MOST_SECTIONS + 1)).contains("more than 4000 sections"));
    }

    #[test]
    fn numbers_that_are_none_are_told_with_their_line() {
        let found = sections(b"[maxpool]\nsize=three\nstride=99999999999\npad=-1\nx=nan\nl=1,a\n").unwrap();
        let told = |result: Result<i64>| result.expect_err("no number").reason;
        assert_eq!(
            told(found[0].whole("size", 1)),
            "is broken: line 2: `size` is `three`, and a whole number is meant"
        );
        assert!(told(found[0].whole("stride", 1)).starts_with("is broken: line 3"));
        assert!(told(found[0].at_least(0, "pad", 0)).starts_with("is broken: line 4: `pad` of `[maxpool]` is -1"));
        assert!(found[0].real("x", 0.0).is_err() && found[0].list("l").is_err());
    }
}
