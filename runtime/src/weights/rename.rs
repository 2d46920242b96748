//! Renames of keys: `regex=text`, as `--rename` takes them.
//!
//! The expression is searched for everywhere in a key and every match is replaced, as `re.sub` of Python and `sed` with `g` do.
//! In the text, `$1`, `${1}` and `\1` are what the first group matched, `$$` is a `$`.

use regex_lite::{Captures, Regex};
use std::fmt;
use std::str::FromStr;

/// A rename of keys.
#[derive(Clone, Debug)]
pub struct Rename {
    written: String,
    pattern: Regex,
    parts: Vec<Part>,
}

/// A piece of the text in a match's place.
#[derive(Clone, Debug, PartialEq)]
enum Part {
    /// It, as it is.
    Text(String),
    /// What a group matched.
    Group(usize),
}

impl Rename {
    /// The rename that puts `text` in the place of `prefix`, both as they are.
    pub(crate) fn of_prefix(prefix: &str, text: &str) -> Option<Rename> {
        format!("^{}={}", escaped(prefix), text.replace('$', "$$")).parse().ok()
    }

    /// The rename that puts a name between dots in the place of another, wherever it stands.
    pub(crate) fn of_name(name: &str, other: &str) -> Option<Rename> {
        format!("\\b{}\\b={}", escaped(name), other.replace('$', "$$")).parse().ok()
    }

    /// The key under its new name; the same where nothing of it matches.
    pub fn apply(&self, key: &str) -> String {
        self.pattern
            .replace_all(key, |found: &Captures<'_>| {
                let part = |part: &Part| match part {
                    Part::Text(text) => text.clone(),
                    Part::Group(number) => found.get(*number).map_or(String::new(), |group| group.as_str().to_owned()),
                };
                self.parts.iter().map(part).collect::<String>()
            })
            .into_owned()
    }

    /// Whether something of the key matches.
    pub fn matches(&self, key: &str) -> bool {
        self.pattern.is_match(key)
    }
}

/// An expression that matches a text alone; `=` ends an expression, so it is escaped as well.
fn escaped(text: &str) -> String {
    regex_lite::escape(text).replace('=', "\\x3D")
}

impl fmt::Display for Rename {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl FromStr for Rename {
    type Err = String;

    fn from_str(written: &str) -> Result<Rename, String> {
        let (pattern, text) =
            written.split_once('=').ok_or("an expression, `=` and the text in its place: '^net\\.=model.'")?;
        if pattern.is_empty() {
            return Err("there is no expression before the `=`; `^` is the beginning of a key".into());
        }
        let pattern = Regex::new(pattern).map_err(|error| format!("`{pattern}` is no regular expression: {error}"))?;
        let parts = parts(text, &pattern)?;
        Ok(Rename { written: written.to_owned(), pattern, parts })
    }
}

/// The pieces of a text.
fn parts(text: &str, pattern: &Regex) -> Result<Vec<Part>, String> {
    let (mut parts, mut plain, mut rest) = (Vec::new(), String::new(), text);
    while let Some(character) = rest.chars().next() {
        rest = &rest[character.len_utf8()..];
        let is_doubled = matches!(character, '$' | '\\') && rest.starts_with(character);
        if is_doubled || !matches!(character, '$' | '\\') {
            plain.push(character);
            rest = &rest[usize::from(is_doubled)..];
            continue;
        }
        let (group, after) = group(character, rest).ok_or_else(|| {
            format!("`{character}` begins the number of a group; twice, `{character}{character}`, it stands for itself")
        })?;
        let number = group.parse().ok().or_else(|| pattern.capture_names().position(|name| name == Some(group)));
        let number = number.filter(|&number: &usize| number < pattern.captures_len());
        parts.push(Part::Text(std::mem::take(&mut plain)));
        parts.push(Part::Group(number.ok_or_else(|| format!("the expression has no group `{group}`"))?));
        rest = after;
    }
    parts.push(Part::Text(plain));
    parts.retain(|part| *part != Part::Text(String::new()));
    Ok(parts)
}

/// The name of the group that is meant, and what follows it.
fn group(mark: char, rest: &str) -> Option<(&str, &str)> {
    if mark == '$'
        && let Some(braced) = rest.strip_prefix('{')
    {
        return braced.split_once('}');
    }
    let end = rest.find(|character: char| !character.is_ascii_digit()).unwrap_or(rest.len());
    (end > 0).then(|| rest.split_at(end))
}

#[cfg(test)]
mod tests {
    use super::Rename;

    #[test]
    fn matches_are_replaced_with_their_groups() {
        for (written, key, expected) in [
            (r"^features\.=backbone.", "features.0.weight", "backbone.0.weight"),
            (r"^features\.=backbone.", "my.features.0", "my.features.0"),
            (r"conv(\d+)=c$1", "a.conv12.conv3", "a.c12.c3"),
            (r"conv(\d+)=c${1}_0", "conv12", "c12_0"),
            (r"(?P<n>\d)=<${n}>", "a.1", "a.<1>"),
            (r"(\w+)\.(\w+)=\2.\1", "a.b", "b.a"),
            (r"x=$$1", "x", "$1"),
            ("bn=", "a.bn.b", "a..b"),
            ("a==b", "a", "=b"),
        ] {
            assert_eq!(written.parse::<Rename>().unwrap().apply(key), expected, "{written}");
        }
        for (written, part) in [
            ("features", "`=`"),
            ("=x", "no expression"),
            ("(=x", "no regular expression"),
            ("a=$1", "no group `1`"),
            ("a=${b}", "no group `b`"),
            ("a=b$", "begins the number"),
        ] {
            let refused = written.parse::<Rename>().unwrap_err();
            assert!(refused.contains(part), "{written}: {refused}");
        }
    }

    #[test]
    fn texts_become_expressions_that_match_them_alone() {
        let prefix = Rename::of_prefix("a.b=c+", "$x.").unwrap();
        assert_eq!([prefix.apply("a.b=c+1"), prefix.apply("aXb=c+1")], ["$x.1", "aXb=c+1"]);
        let name = Rename::of_name("conv1", "c").unwrap();
        assert_eq!([name.apply("a.conv1.w"), name.apply("conv11.w"), name.apply("conv1")], ["a.c.w", "conv11.w", "c"]);
    }
}
