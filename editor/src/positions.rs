//! Bytes of a text to positions of the protocol and back: lines and columns from 0, columns in the units that client and server
//! agreed on.
//!
//! A position past the end of its line is that end, one past the last line the end of the text: any position has a place.

use lsp_types::{Position, PositionEncodingKind, Range};

/// What columns count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// Bytes.
    Utf8,
    /// Units of 16 bits, which every client speaks.
    #[default]
    Utf16,
}

impl Encoding {
    /// Bytes where the client offers them, for then nothing need be counted.
    pub fn of(offered: Option<&[PositionEncodingKind]>) -> Encoding {
        match offered.is_some_and(|kinds| kinds.contains(&PositionEncodingKind::UTF8)) {
            true => Encoding::Utf8,
            false => Encoding::Utf16,
        }
    }

    /// As the protocol names it.
    pub fn kind(self) -> PositionEncodingKind {
        match self {
            Encoding::Utf8 => PositionEncodingKind::UTF8,
            Encoding::Utf16 => PositionEncodingKind::UTF16,
        }
    }

    /// The columns of a text.
    pub fn columns(self, text: &str) -> u32 {
        match self {
            Encoding::Utf8 => text.len() as u32,
            Encoding::Utf16 => text.chars().map(|character| character.len_utf16() as u32).sum(),
        }
    }
}

/// Where the lines of a text begin.
#[derive(Clone, Debug)]
pub struct Lines {
    starts: Vec<usize>,
    encoding: Encoding,
}

impl Lines {
    /// Of a text. A line ends with `\n`, `\r\n` or `\r`.
    pub fn new(text: &str, encoding: Encoding) -> Lines {
        let bytes = text.as_bytes();
        let ends = bytes.iter().enumerate().filter(|(place, byte)| match byte {
            b'\n' => true,
            b'\r' => bytes.get(place + 1) != Some(&b'\n'),
            _ => false,
        });
        Lines { starts: std::iter::once(0).chain(ends.map(|(place, _)| place + 1)).collect(), encoding }
    }

    /// The line of a byte, from 0.
    pub fn line(&self, byte: usize) -> usize {
        self.starts.partition_point(|start| *start <= byte).saturating_sub(1)
    }

    /// Where a line begins and where its text ends, the line's end left out.
    pub fn bounds(&self, text: &str, line: usize) -> (usize, usize) {
        let Some(&start) = self.starts.get(line) else { return (text.len(), text.len()) };
        let next = self.starts.get(line + 1).copied().unwrap_or(text.len());
        let length = text.get(start..next).unwrap_or("").trim_end_matches(['\n', '\r']).len();
        (start, start + length)
    }

    /// The position of a byte; of one inside a character, of that character.
    pub fn position(&self, text: &str, byte: usize) -> Position {
        let byte = text.floor_char_boundary(byte);
        let line = self.line(byte);
        let start = self.starts.get(line).copied().unwrap_or(0);
        Position::new(line as u32, self.encoding.columns(text.get(start..byte).unwrap_or("")))
    }

    /// The range of some bytes.
    pub fn range(&self, text: &str, start: usize, end: usize) -> Range {
        Range::new(self.position(text, start), self.position(text, end))
    }

    /// The byte of a position.
    pub fn byte(&self, text: &str, position: Position) -> usize {
        let (start, end) = self.bounds(text, position.line as usize);
        let line = text.get(start..end).unwrap_or("");
        let column = position.character as usize;
        match self.encoding {
            Encoding::Utf8 => start + line.floor_char_boundary(column),
            Encoding::Utf16 => {
                let mut units = 0;
                let passed = line.char_indices().find(|(_, character)| {
                    units += character.len_utf16();
                    units > column
                });
                passed.map_or(end, |(place, _)| start + place)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_and_bytes_are_each_others_inverse() {
        let text = "a\r\nβ😀c\rd\n\n# ×";
        for encoding in [Encoding::Utf8, Encoding::Utf16] {
            let lines = Lines::new(text, encoding);
            for (byte, character) in text.char_indices().filter(|(_, character)| !matches!(character, '\r' | '\n')) {
                assert_eq!(lines.byte(text, lines.position(text, byte)), byte, "{character} in {encoding:?}");
            }
        }
    }

    #[test]
    fn columns_count_what_was_agreed_on() {
        let text = "β😀c";
        assert_eq!(Lines::new(text, Encoding::Utf16).position(text, 6), Position::new(0, 3));
        assert_eq!(Lines::new(text, Encoding::Utf8).position(text, 6), Position::new(0, 6));
        // In the middle of a pair of units: the character that it is half of.
        assert_eq!(Lines::new(text, Encoding::Utf16).byte(text, Position::new(0, 2)), 2);
    }

    #[test]
    fn places_outside_are_the_nearest_inside() {
        let text = "ab\ncd";
        let lines = Lines::new(text, Encoding::Utf16);
        assert_eq!(lines.byte(text, Position::new(0, 99)), 2);
        assert_eq!(lines.byte(text, Position::new(99, 0)), 5);
        assert_eq!(lines.byte(text, Position::new(u32::MAX, u32::MAX)), 5);
        assert_eq!(lines.position(text, 99), Position::new(1, 2));
    }
}
