//! Slips whose mend is plain, mostly habits from other languages and characters from word processors.
//!
//! Each rule looks at one failure and says which bytes stand there and what was meant; the first that fits is the error.

use super::Rule;
use super::failure::Failure;
use super::recover::Fact;
use super::scan::{Token, TokenKind};
use super::words::{AMOUNT, expected, is_join, quote};
use crate::error::SyntaxErrorKind;

/// The slip at a failure.
pub(super) fn mistake(failure: &Failure<'_>) -> Option<Fact> {
    first_word(failure).or_else(|| bare_dot(failure)).or_else(|| {
        let found = failure.found()?;
        foreign_quotes(failure, found)
            .or_else(|| look_alike(failure, found))
            .or_else(|| foreign_letters(failure, found))
            .or_else(|| bare_tuple(failure, found))
            .or_else(|| sign(failure, found))
            .or_else(|| leading_dot(failure, found))
            .or_else(|| number(failure, found))
    })
}

fn mistaken(failure: &Failure<'_>, from: usize, to: usize, meant: impl Into<String>) -> Option<Fact> {
    let found = failure.text.get(from..to)?.to_owned();
    Some((SyntaxErrorKind::Mistaken { found, meant: meant.into() }, from, to))
}

/// `elif` for `else if`, `var x = 1` for `let x = 1`.
fn first_word(failure: &Failure<'_>) -> Option<Fact> {
    let first = *failure.tokens.first()?;
    let follows_assignment = matches!(failure.tokens.get(1..3), Some([name, equals])
        if name.kind == TokenKind::Word && failure.text_of(*equals) == "=");
    let meant = match failure.text_of(first) {
        "elif" | "elsif" | "elseif" => "else if",
        "var" | "const" | "val" | "auto" | "set" if follows_assignment => "let",
        _ => return None,
    };
    (failure.lone == Rule::lone_statement).then(|| mistaken(failure, first.start, first.end, meant))?
}

/// `'text'` or `“text”` for `"text"`.
fn foreign_quotes(failure: &Failure<'_>, found: Token) -> Option<Fact> {
    const QUOTES: [char; 12] = ['\'', '`', '‘', '’', '‚', '“', '”', '„', '‟', '«', '»', '″'];
    let TokenKind::Other(quote) = found.kind else { return None };
    if !QUOTES.contains(&quote) {
        return None;
    }
    let line = failure.text.get(found.end..)?.lines().next().unwrap_or("");
    match line.split_once(QUOTES) {
        Some((text, rest)) => {
            let end = found.end + line.len() - rest.len();
            mistaken(failure, found.start, end, format!("\"{text}\""))
        }
        None => mistaken(failure, found.start, found.end, "\""),
    }
}

/// A character that looks like one of the language's.
fn look_alike(failure: &Failure<'_>, found: Token) -> Option<Fact> {
    let TokenKind::Other(character) = found.kind else { return None };
    let meant = match character {
        '×' | '·' | '∗' | '⋅' => "*",
        '÷' | '⁄' | '∕' => "/",
        '−' | '–' | '—' | '‐' | '‑' => "-",
        '≤' => "<=",
        '≥' => ">=",
        '≠' => "!=",
        '…' => "..",
        '、' => ",",
        '∶' | '։' => ":",
        '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' | '\u{b}' | '\u{c}' => " ",
        '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{ad}' => "",
        'А' | 'Α' => "A",
        'В' | 'Β' => "B",
        'С' => "C",
        'Е' | 'Ε' => "E",
        'Н' | 'Η' => "H",
        'К' | 'Κ' => "K",
        'М' | 'Μ' => "M",
        'Ν' => "N",
        'О' | 'Ο' => "O",
        'Р' | 'Ρ' => "P",
        'Т' | 'Τ' => "T",
        'Х' | 'Χ' => "X",
        'а' => "a",
        'с' => "c",
        'е' => "e",
        'о' | 'ο' => "o",
        'р' => "p",
        'х' => "x",
        'у' => "y",
        'і' => "i",
        'ѕ' => "s",
        '\u{ff01}'..='\u{ff5e}' => {
            let ascii = char::from_u32(u32::from(character) - 0xfee0)?;
            return mistaken(failure, found.start, found.end, ascii);
        }
        _ => return None,
    };
    mistaken(failure, found.start, found.end, meant)
}

/// A word with letters that no name may have: the whole word is what stands there.
fn foreign_letters(failure: &Failure<'_>, found: Token) -> Option<Fact> {
    let TokenKind::Other(character) = found.kind else { return None };
    if !character.is_alphanumeric() {
        return None;
    }
    let is_part = |character: char| character.is_alphanumeric() || character == '_';
    let before = failure.text.get(..found.start)?;
    let after = failure.text.get(found.start..)?;
    let start = before.trim_end_matches(is_part).len();
    let end = failure.text.len() - after.trim_start_matches(is_part).len();
    let found = quote(failure.text.get(start..end)?);
    let expected = vec!["a name made of the letters a to z, digits and `_`"];
    Some((SyntaxErrorKind::Unexpected { found, expected }, start, end))
}

/// `for i, x in` or `let a, b =`, which need parentheses.
fn bare_tuple(failure: &Failure<'_>, found: Token) -> Option<Fact> {
    let first = failure.tokens.first().map(|token| failure.text_of(*token));
    if failure.text_of(found) != "," || !matches!(first, Some("for" | "let")) || failure.before().len() != 2 {
        return None;
    }
    let is_end = |token: &Token| matches!(failure.text_of(*token), "in" | "=");
    let end = failure.tokens.iter().position(is_end)?;
    let names = failure.tokens.get(1..end)?;
    let (from, to) = (names.first()?.start, names.last()?.end);
    mistaken(failure, from, to, format!("({})", failure.text.get(from..to)?))
}

/// A sign of another language, or one in the place of another.
fn sign(failure: &Failure<'_>, found: Token) -> Option<Fact> {
    let is_statement = failure.lone == Rule::lone_statement;
    let meant = match failure.text_of(found) {
        "&&" => return mistaken(failure, found.start, found.end, apart(failure, found, "and")),
        "||" => return mistaken(failure, found.start, found.end, apart(failure, found, "or")),
        "!" => "not ",
        "//" if failure.position == 0 || failure.attempts.iter().any(|rule| matches!(rule, Rule::end | Rule::EOI)) => {
            "#"
        }
        "=" if failure.lone == Rule::lone_header_value && failure.open().is_none() => "==",
        "=" if is_statement && failure.before().len() == 1 => return assignment(failure, found),
        ":" if failure.attempts.contains(&Rule::equals) && failure.open().is_some() => "=",
        _ => return None,
    };
    mistaken(failure, found.start, found.end, meant)
}

/// A word in the place of a sign, with a blank on each side where none is.
fn apart(failure: &Failure<'_>, found: Token, word: &str) -> String {
    let blank_unless = |is_blank: bool| if is_blank { "" } else { " " };
    let before = failure.text.get(..found.start).is_some_and(|before| before.ends_with([' ', '\t']));
    let after = failure.text.get(found.end..).is_some_and(|after| after.starts_with([' ', '\t']));
    format!("{}{word}{}", blank_unless(before), blank_unless(after))
}

/// `conv1 = Conv2d(64)` for `conv1: Conv2d(64)`, `n = 3` for `let n = 3`.
fn assignment(failure: &Failure<'_>, equals: Token) -> Option<Fact> {
    let name = *failure.tokens.first()?;
    let value = failure.tokens.get(2).map_or("", |value| failure.text_of(*value));
    let is_item = value.starts_with(|first: char| first.is_ascii_uppercase()) || value == "{" || is_join(value);
    if is_item {
        return mistaken(failure, equals.start, equals.end, ":");
    }
    mistaken(failure, name.start, name.end, format!("let {}", failure.text_of(name)))
}

/// `1.`, which needs a digit behind its dot.
fn bare_dot(failure: &Failure<'_>) -> Option<Fact> {
    let [.., number, dot] = failure.before() else { return None };
    let is_bare = number.kind == TokenKind::Number && number.end == dot.start && failure.text_of(*dot) == ".";
    is_bare.then(|| mistaken(failure, number.start, dot.end, format!("{}.0", failure.text_of(*number))))?
}

/// `.5`, which needs a digit before its dot.
fn leading_dot(failure: &Failure<'_>, found: Token) -> Option<Fact> {
    let digits = *failure.tokens.get(failure.before().len() + 1)?;
    let is_number = failure.text_of(found) == "." && digits.kind == TokenKind::Number && digits.start == found.end;
    is_number.then(|| mistaken(failure, found.start, digits.end, format!("0.{}", failure.text_of(digits))))?
}

/// `5MB`, `5K` or `64mib`, as the grammar's `amount` has them.
fn meant_amount(text: &str) -> Option<String> {
    let (digits, unit) = text.split_at(text.find(char::is_alphabetic)?);
    let unit = match unit.to_ascii_lowercase().as_str() {
        "k" | "kb" => "k",
        "m" | "mb" => "M",
        "g" | "gb" => "G",
        "kib" | "ki" => "KiB",
        "mib" | "mi" => "MiB",
        "gib" | "gi" => "GiB",
        _ => return None,
    };
    Some(format!("{digits}{unit}"))
}

/// `1_000`, and letters in a number.
fn number(failure: &Failure<'_>, found: Token) -> Option<Fact> {
    let text = failure.text_of(found);
    let wants_value = expected(&failure.attempts).contains(&"an expression");
    if found.kind != TokenKind::Number || !wants_value || text.parse::<f64>().is_ok() {
        return None;
    }
    let digits = text.replace('_', "");
    if digits.parse::<f64>().is_ok() {
        return mistaken(failure, found.start, found.end, digits);
    }
    if expected(&failure.attempts).contains(&AMOUNT)
        && let Some(meant) = meant_amount(text)
    {
        return mistaken(failure, found.start, found.end, meant);
    }
    let kind = SyntaxErrorKind::Unexpected { found: quote(text), expected: vec!["a number"] };
    Some((kind, found.start, found.end))
}
