//! Numbers and texts as protocol 0 writes them, in lines of ASCII.

/// A whole number, with or without Python 2's `L`; `None` for what is none or has more than 64 bits.
pub fn int(line: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(line).ok()?.trim();
    text.strip_suffix('L').unwrap_or(text).parse().ok()
}

/// Whether a line is a whole number of any length.
pub fn is_int(line: &[u8]) -> bool {
    let digits = line.trim_ascii();
    let digits = digits.strip_suffix(b"L").unwrap_or(digits);
    let digits = digits.strip_prefix(b"-").unwrap_or(digits);
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
}

/// Whether a line is a number with a fraction.
pub fn is_float(line: &[u8]) -> bool {
    std::str::from_utf8(line).is_ok_and(|text| text.trim().parse::<f64>().is_ok())
}

/// A text in quotation marks with Python's escapes; `None` when it has none.
pub fn quoted(line: &[u8]) -> Option<Vec<u8>> {
    let line = line.trim_ascii();
    let mark = *line.first().filter(|mark| matches!(mark, b'\'' | b'"'))?;
    let inner = line.get(1..line.len().checked_sub(1)?)?;
    if line.len() < 2 || line.last() != Some(&mark) {
        return None;
    }
    let mut text = Vec::new();
    let mut rest = inner.iter().copied();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            text.push(byte);
            continue;
        }
        match rest.next()? {
            b'n' => text.push(b'\n'),
            b't' => text.push(b'\t'),
            b'r' => text.push(b'\r'),
            b'x' => text.push(hexadecimal(rest.by_ref(), 2)? as u8),
            other @ (b'\\' | b'\'' | b'"') => text.push(other),
            other => text.extend([b'\\', other]),
        }
    }
    Some(text)
}

/// A text in Latin-1 with escapes for other characters; `None` when one is wrong.
pub fn unescaped(line: &[u8]) -> Option<String> {
    let mut text = String::new();
    let mut rest = line.iter().copied().peekable();
    while let Some(byte) = rest.next() {
        let digits = match (byte, rest.peek()) {
            (b'\\', Some(b'u')) => 4,
            (b'\\', Some(b'U')) => 8,
            _ => {
                text.push(char::from(byte));
                continue;
            }
        };
        rest.next();
        let number = hexadecimal(rest.by_ref(), digits)?;
        // Half of a pair stands for no character.
        text.push(char::from_u32(number).unwrap_or(char::REPLACEMENT_CHARACTER));
    }
    Some(text)
}

/// The number of so many digits.
fn hexadecimal(bytes: impl Iterator<Item = u8>, count: usize) -> Option<u32> {
    let digits: String = bytes.take(count).map(char::from).filter(char::is_ascii_hexdigit).collect();
    if digits.len() == count { u32::from_str_radix(&digits, 16).ok() } else { None }
}

/// A persistent id as protocol 0 writes it, which is a tuple as Python prints it: its parts, a class by its name. `None` when it
/// is no such tuple.
pub fn printed_tuple(line: &str) -> Option<Vec<Part>> {
    let mut rest = line.trim().strip_prefix('(')?.strip_suffix(')')?;
    let mut parts = Vec::new();
    while !rest.is_empty() && parts.len() < 8 {
        let (part, after) = part(rest)?;
        parts.push(part);
        rest = after.trim_start().strip_prefix(',').unwrap_or(after).trim_start();
    }
    Some(parts)
}

/// A part of a printed tuple.
#[derive(Debug, PartialEq)]
pub enum Part {
    /// A text.
    Text(Vec<u8>),
    /// A whole number.
    Int(i64),
    /// A class: its module and its name.
    Class(String),
    /// Anything else.
    Other,
}

/// The first part, and what follows it.
fn part(text: &str) -> Option<(Part, &str)> {
    if let Some(class) = text.strip_prefix("<class '") {
        let (name, after) = class.split_once("'>")?;
        return Some((Part::Class(name.to_owned()), after));
    }
    if let Some(mark) = text.chars().next().filter(|mark| matches!(mark, '\'' | '"')) {
        let mut is_escaped = false;
        for (place, character) in text.char_indices().skip(1) {
            match character {
                _ if is_escaped => is_escaped = false,
                '\\' => is_escaped = true,
                _ if character == mark => {
                    let (whole, after) = text.split_at_checked(place + 1)?;
                    return Some((Part::Text(quoted(whole.as_bytes())?), after));
                }
                _ => {}
            }
        }
        return None;
    }
    let end = text.find(',').unwrap_or(text.len());
    let (word, after) = text.split_at_checked(end)?;
    Some((word.trim().parse().map_or(Part::Other, Part::Int), after))
}

#[cfg(test)]
mod tests {
    use super::{Part, int, is_float, is_int, printed_tuple, quoted, unescaped};

    #[test]
    fn lines_are_numbers_and_texts() {
        assert_eq!((int(b"12"), int(b"-3L"), int(b"x")), (Some(12), Some(-3), None));
        assert!(is_int(b"119547037146038801333356L") && !is_int(b"-") && is_float(b"1e-05") && !is_float(b"one"));
        assert_eq!(quoted(b"'fc\\'\\x41\\\\'").as_deref(), Some(&b"fc'A\\"[..]));
        assert_eq!([quoted(b"'"), quoted(b""), quoted(b"'a\""), quoted(b"'\\")], [None, None, None, None]);
        assert_eq!(unescaped(b"caf\xe9 \\u0041\\U0001F600").as_deref(), Some("café A😀"));
        assert_eq!([unescaped(b"\\u00"), unescaped(b"\\u")], [None, None]);
    }

    #[test]
    fn a_tuple_is_read_as_python_prints_it() {
        let parts = printed_tuple("('storage', <class 'torch.FloatStorage'>, '0', 'cpu', 6, None)").unwrap();
        let text = |text: &str| Part::Text(text.into());
        let class = Part::Class("torch.FloatStorage".into());
        assert_eq!(parts, [text("storage"), class, text("0"), text("cpu"), Part::Int(6), Part::Other]);
        assert_eq!([printed_tuple("'storage'"), printed_tuple("('storage")], [None, None]);
    }
}
