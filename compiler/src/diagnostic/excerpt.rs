//! Source lines as they are printed: cut to the room there is, with blanks for tabs and escapes for what no terminal should get.
//!
//! A line and the marks in it come in, both in bytes of the source; the printed text and the marks in bytes of that text go out.
//! Only the part of a line that will be shown is ever looked at, so that a line of a megabyte costs no more than a short one.

use std::ops::Range;

/// Blanks that a tab becomes.
const TAB: &str = "    ";
/// Stands where a line was cut.
const CUT: char = '…';

/// A line, or the part of one, as it is printed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Excerpt {
    /// The text, of about the room's columns at most.
    pub text: String,
    /// The marks in bytes of the text, in the order in which they came; one outside the shown part lies on the cut.
    pub marks: Vec<Range<usize>>,
}

/// Prints `line` in `room` columns (at least 20); the first mark decides which part is shown. A mark past the end lies at the
/// end.
pub(super) fn excerpt(line: &str, marks: &[Range<usize>], room: usize) -> Excerpt {
    let room = room.max(20);
    let shown = part(line, marks.first().cloned().unwrap_or(0..0), room);
    let mut text = String::new();
    // Byte in the line and byte in the text, at each printed character.
    let mut places = Vec::new();
    if shown.start > 0 {
        text.push(CUT);
    }
    for (offset, character) in line.get(shown.clone()).unwrap_or("").char_indices() {
        places.push((shown.start + offset, text.len()));
        push_printable(&mut text, character);
    }
    places.push((shown.end, text.len()));
    if shown.end < line.len() {
        text.push(CUT);
    }
    let place = |byte: usize| match places.partition_point(|(original, _)| *original < byte.min(shown.end)) {
        0 if byte < shown.start => 0,
        index => places.get(index).map_or(text.len(), |(_, printed)| *printed),
    };
    let marks = marks.iter().map(|mark| place(mark.start)..place(mark.end)).collect();
    Excerpt { text, marks }
}

/// The bytes of the line to show: all of it if it fits, else what is around the mark, more before it than after.
fn part(line: &str, mark: Range<usize>, room: usize) -> Range<usize> {
    let start = floor_boundary(line, mark.start);
    let after = forward(line, start, room);
    let whole = after == line.len() && backward(line, line.len(), room) == 0;
    if whole {
        return 0..line.len();
    }
    let mark_end = floor_boundary(line, mark.end).clamp(start, forward(line, start, room / 2));
    let from = backward(line, start, room / 3);
    let to = forward(line, mark_end, room / 6).max(forward(line, from, room - 2));
    from..to.min(forward(line, from, room - 2))
}

/// The byte up to which `room` columns reach from `start` on.
fn forward(line: &str, start: usize, room: usize) -> usize {
    let mut columns = 0;
    for (offset, character) in line.get(start..).unwrap_or("").char_indices() {
        columns += columns_of(character);
        if columns > room {
            return start + offset;
        }
    }
    line.len()
}

/// The byte down to which `room` columns reach from `end` back.
fn backward(line: &str, end: usize, room: usize) -> usize {
    let mut columns = 0;
    for (offset, character) in line.get(..end).unwrap_or("").char_indices().rev() {
        columns += columns_of(character);
        if columns > room {
            return offset + character.len_utf8();
        }
    }
    0
}

/// The last place at or before `byte` where a character begins.
fn floor_boundary(line: &str, byte: usize) -> usize {
    let byte = byte.min(line.len());
    (0..=byte).rev().find(|&place| line.is_char_boundary(place)).unwrap_or(0)
}

fn columns_of(character: char) -> usize {
    let mut text = String::new();
    push_printable(&mut text, character);
    text.chars().count()
}

/// A character as it is printed: a tab as blanks, what would move the cursor, change colours or turn the writing round as an
/// escape.
fn push_printable(text: &mut String, character: char) {
    match character {
        '\t' => text.push_str(TAB),
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' => {
            text.extend(character.escape_unicode());
        }
        control if control.is_control() => text.extend(control.escape_default()),
        other => text.push(other),
    }
}

/// Text from elsewhere, such as a name out of a spec, made fit to print: what would move the cursor, change colours or turn the
/// writing round becomes an escape. Line ends stay.
pub fn printable(text: &str) -> String {
    let mut printed = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => printed.push('\n'),
            other => push_printable(&mut printed, other),
        }
    }
    printed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str, mark: Range<usize>, room: usize) -> (String, String) {
        let printed = excerpt(line, std::slice::from_ref(&mark), room);
        let marked = printed.text.get(printed.marks[0].clone()).expect("a mark in the text").to_owned();
        (printed.text, marked)
    }

    #[test]
    fn a_line_that_fits_is_shown_whole() {
        assert_eq!(shown("    Conv2d(6)", 4..13, 80), ("    Conv2d(6)".into(), "Conv2d(6)".into()));
    }

    #[test]
    fn a_long_line_is_cut_around_its_mark() {
        let line = format!("{}Conv2d(6){}", "a; ".repeat(1000), "; b".repeat(1000));
        let (text, marked) = shown(&line, 3000..3009, 60);
        assert_eq!(marked, "Conv2d(6)");
        assert!(text.starts_with('…') && text.ends_with('…') && text.chars().count() <= 60, "{text}");
    }

    #[test]
    fn a_mark_longer_than_the_room_keeps_its_start() {
        let (text, marked) = shown(&"x".repeat(500), 100..400, 40);
        assert!(text.chars().count() <= 40 && marked.len() > 20, "{text}");
    }

    #[test]
    fn tabs_escapes_and_letters_of_many_bytes_keep_marks_in_place() {
        assert_eq!(shown("\tα\u{7}β", 1..3, 80), ("    α\\u{7}β".into(), "α".into()));
        assert_eq!(shown("\tα\u{7}β", 4..6, 80).1, "β");
        assert_eq!(shown("\u{202e}x", 3..4, 80), ("\\u{202e}x".into(), "x".into()));
    }

    #[test]
    fn marks_outside_the_line_or_the_shown_part_are_harmless() {
        assert_eq!(shown("abc", 7..9, 80).1, "");
        let line = "z".repeat(300);
        let printed = excerpt(&line, &[0..1, 290..291], 40);
        assert_eq!(printed.marks[1].start, printed.text.len() - '…'.len_utf8());
        let printed = excerpt(&line, &[290..291, 0..1], 40);
        assert_eq!(printed.marks[1], 0..0);
    }
}
