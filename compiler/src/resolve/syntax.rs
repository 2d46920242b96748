//! Syntax errors as diagnostics: the parser's facts in words.

use crate::diagnostic::{Code, Diagnostic};
use cnnc_grammar::error::{SyntaxError, SyntaxErrorKind};
use cnnc_grammar::span::{Files, Span};

/// What the parser could not read, for people.
pub(super) fn diagnostic(error: &SyntaxError, files: &Files) -> Diagnostic {
    let span = error.span;
    match &error.kind {
        SyntaxErrorKind::Unexpected { found, expected } => unexpected(found, expected, span),
        SyntaxErrorKind::Mistaken { found, meant } => mistaken(found, meant, span),
        SyntaxErrorKind::Unclosed { open } => {
            let close = closing(*open);
            Diagnostic::new(Code::E102, format!("this `{open}` is never closed"), span, "opened here")
                .help(format!("add the `{close}` that belongs to it"))
        }
        SyntaxErrorKind::Unopened { close } => {
            Diagnostic::new(Code::E102, format!("this `{close}` closes nothing"), span, "nothing is open here")
                .help("remove it, or look for a bracket that was closed too early")
        }
        SyntaxErrorKind::UnclosedString => {
            let line = "a string ends on its own line";
            let end = Span { start: span.end, ..span };
            Diagnostic::new(Code::E103, "this string is never closed", span, line)
                .help("add the closing `\"`")
                .mend(end, "\"")
        }
        SyntaxErrorKind::TooDeep { limit } => {
            let message = format!("nested deeper than {limit} levels");
            Diagnostic::new(Code::E104, message, span, "too deep from here")
                .help("take a part out into a block, or name a value with `let`")
        }
        SyntaxErrorKind::NumberTooLarge { digits } => {
            let shown: String = digits.chars().take(30).collect();
            let dots = if shown.len() < digits.len() { "…" } else { "" };
            Diagnostic::new(Code::E105, format!("the number {shown}{dots} does not fit 64 bits"), span, "too large")
        }
        SyntaxErrorKind::ChainedComparison => {
            Diagnostic::new(Code::E106, "comparisons cannot be chained", span, "compares the result of a comparison")
                .help("write `a < b and b < c`")
        }
        SyntaxErrorKind::NestedString => {
            Diagnostic::new(Code::E107, "a string cannot stand inside the braces of a string", span, "inside `{ }`")
                .help("name the value with `let` first, and write the name in the braces")
        }
        SyntaxErrorKind::FileTooLarge { size_bytes, limit_bytes } => {
            let name = files.get(span.file).map_or("", |file| file.name.as_str());
            let message = format!("{name} is too large: {size_bytes} bytes, and at most {limit_bytes} are read");
            Diagnostic::new(Code::E108, message, Span { end: span.start, ..span }, "")
        }
    }
}

fn unexpected(found: &str, expected: &[&'static str], span: Span) -> Diagnostic {
    let message = match found {
        "" => "the file ends too early".to_owned(),
        found => format!("cannot read {}", quoted(found)),
    };
    let label = match expected {
        [] => "cannot be read".to_owned(),
        [single] => format!("expected {single}"),
        [all @ .., last] => format!("expected {} or {last}", all.join(", ")),
    };
    Diagnostic::new(Code::E101, message, span, label)
}

/// A slip whose mend is plain.
fn mistaken(found: &str, meant: &str, span: Span) -> Diagnostic {
    let (message, help) = match meant {
        "" => ("nothing can stand here".to_owned(), "remove it".to_owned()),
        meant => (format!("{} is not of this language", quoted(found)), format!("write `{}`", meant.trim())),
    };
    Diagnostic::new(Code::E101, message, span, "cannot be read").help(help).mend(span, meant)
}

fn quoted(text: &str) -> String {
    let shown: String = text.chars().map(|character| if character.is_control() { '·' } else { character }).collect();
    if shown.contains('`') { format!("\"{shown}\"") } else { format!("`{shown}`") }
}

fn closing(open: char) -> char {
    match open {
        '(' => ')',
        '[' => ']',
        _ => '}',
    }
}
