//! A text up to a place, read as words, strings, comments and brackets: what stands around a cursor while a spec is being
//! typed, when no tree holds it yet.
//!
//! It knows no more of the language than where strings and comments end. Both end with their line.

/// What one place stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inside {
    /// Words and signs.
    Code,
    /// A comment.
    Comment,
    /// A string, which begins behind this byte.
    String(usize),
}

/// An open bracket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// Which: `(`, `[` or `{`.
    pub bracket: char,
    /// Its place, in bytes.
    pub at: usize,
    /// The commas behind it, each by its place.
    pub commas: Vec<usize>,
}

/// What stands before a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Before {
    /// What it stands in.
    pub inside: Inside,
    /// The brackets that are open there, outermost first.
    pub open: Vec<Open>,
}

/// A word outside strings and comments: an identifier or a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word<'t> {
    /// Where it begins.
    pub at: usize,
    /// It.
    pub text: &'t str,
}

/// Whether a character is part of a word.
pub fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

/// What stands before a byte, read from `start`, which is no place inside a string or comment.
pub fn before(text: &str, start: usize, byte: usize) -> Before {
    let mut before = Before { inside: Inside::Code, open: Vec::new() };
    for (at, character) in text.get(start..byte).unwrap_or("").char_indices() {
        let at = start + at;
        match (before.inside, character) {
            (_, '\n') => before.inside = Inside::Code,
            (Inside::Comment, _) => {}
            (Inside::String(_), '"') => before.inside = Inside::Code,
            (Inside::String(_), _) => {}
            (Inside::Code, '#') => before.inside = Inside::Comment,
            (Inside::Code, '"') => before.inside = Inside::String(at + 1),
            (Inside::Code, '(' | '[' | '{') => before.open.push(Open { bracket: character, at, commas: Vec::new() }),
            (Inside::Code, ')' | ']' | '}') => {
                before.open.pop();
            }
            (Inside::Code, ',') => before.open.last_mut().into_iter().for_each(|open| open.commas.push(at)),
            (Inside::Code, _) => {}
        }
    }
    before
}

/// All words of a text, in order.
pub fn words(text: &str) -> Vec<Word<'_>> {
    let (mut words, mut begun, mut inside) = (Vec::new(), None, Inside::Code);
    let end = std::iter::once((text.len(), '\n'));
    for (at, character) in text.char_indices().chain(end) {
        let goes_on = inside == Inside::Code && is_word(character);
        if let Some(start) = begun.filter(|_| !goes_on) {
            words.extend(text.get(start..at).map(|text| Word { at: start, text }));
            begun = None;
        }
        if goes_on {
            begun = begun.or(Some(at));
        }
        inside = match (inside, character) {
            (_, '\n') | (Inside::String(_), '"') => Inside::Code,
            (Inside::Code, '#') => Inside::Comment,
            (Inside::Code, '"') => Inside::String(at + 1),
            (other, _) => other,
        };
    }
    words
}

/// The word that ends at a byte; empty where none does.
pub fn word_before(text: &str, byte: usize) -> &str {
    let head = text.get(..byte).unwrap_or("");
    head.get(head.trim_end_matches(is_word).len()..).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_in_strings_and_comments_are_none() {
        let text = "model A { # (\n  \"b(\": Conv2d(3, kernel_size=(3, ";
        let before = before(text, 0, text.len());
        assert_eq!(before.inside, Inside::Code);
        assert_eq!(before.open.iter().map(|open| open.bracket).collect::<String>(), "{((");
        assert_eq!(before.open[1].commas.len(), 1);
    }

    #[test]
    fn strings_and_comments_end_with_their_line() {
        assert_eq!(before("\"a", 0, 2).inside, Inside::String(1));
        assert_eq!(before("\"a\nb", 0, 4).inside, Inside::Code);
        assert_eq!(before("# a\nb", 0, 3).inside, Inside::Comment);
    }

    #[test]
    fn words_are_those_of_code() {
        let found: Vec<&str> = words("a1: \"b\" c # d\ne").into_iter().map(|word| word.text).collect();
        assert_eq!(found, ["a1", "c", "e"]);
        assert_eq!(word_before("sum {Conv", 9), "Conv");
    }
}
