//! Kept values and outputs.

use super::did_you_mean;
use crate::diagnostic::{Code, Diagnostic};
use cnnc_grammar::span::Span;

/// What is wrong with `keep`, `from` or `output`.
pub(in crate::resolve) enum KeepError<'e> {
    /// Two values kept under one name.
    Twice { name: &'e str, first: Span, second: Span, mend: Option<String> },
    /// A value that is not kept here. Where a call keeps one of that name, and a value of that name that is no tensor, are said
    /// too.
    Unknown {
        name: &'e str,
        span: Span,
        near: Option<&'e str>,
        elsewhere: Option<&'e str>,
        /// Where a call around this one keeps it.
        outside: Option<Span>,
        value: Option<&'static str>,
    },
    /// A value that is not kept in a call; whether it is kept here instead.
    NotInCall { name: &'e str, span: Span, near: Option<&'e str>, call: &'e str, here: bool },
    /// An output of a block.
    OutputInBlock { span: Span, declared: Span },
}

impl KeepError<'_> {
    /// What a person is told: the sentence, the places, and the mend where there is one.
    pub fn diagnostic(&self) -> Diagnostic {
        match self {
            KeepError::Twice { name, first, second, mend } if first == second => {
                let message = format!("a loop keeps more than one value as `{name}`");
                let diagnostic = Diagnostic::new(Code::E211, message, *second, "the same name in every turn");
                match mend {
                    Some(mend) => diagnostic
                        .help(format!("let the name hold the loop's variable: {mend}"))
                        .guess(*second, mend.clone()),
                    None => diagnostic.help("count the turns with `for i in 0..n` and let the name hold `{i}`"),
                }
            }
            KeepError::Twice { name, first, second, .. } => {
                Diagnostic::new(Code::E211, format!("`{name}` is kept twice"), *second, "the second")
                    .label(*first, "the first")
            }
            KeepError::Unknown { name, span, outside: Some(outside), .. } => {
                let message = format!("no value is kept as `{name}` within this block or these braces");
                Diagnostic::new(Code::E211, message, *span, "not kept here")
                    .label(*outside, "kept outside")
                    .help("what is kept outside reaches a block as a parameter of type `tensor`, and braces not at all")
            }
            KeepError::Unknown { name, span, near, elsewhere, value, outside: None } => {
                let message = format!("no value is kept as `{name}` before this line");
                let diagnostic = Diagnostic::new(Code::E211, message, *span, "not kept here");
                let diagnostic = match value {
                    Some(kind) => diagnostic.note(format!("`{name}` is {kind}, not a kept value")),
                    None => diagnostic,
                };
                match elsewhere {
                    None if *value == Some("a str") => diagnostic
                        .help(format!("`from \"{{{name}}}\"` takes the one that the text names"))
                        .guess(*span, format!("\"{{{name}}}\"")),
                    Some(path) => diagnostic.help(format!("a call keeps it: `from {path}`")).guess(*span, *path),
                    None if *name == "here" => {
                        diagnostic.help("the value of this place flows on by itself, and as a branch it is `Identity`")
                    }
                    None => did_you_mean(diagnostic, *near, *span),
                }
            }
            KeepError::NotInCall { name, span, near, call, here } => {
                let message = format!("`{call}` keeps no value as `{name}`");
                let diagnostic =
                    did_you_mean(Diagnostic::new(Code::E211, message, *span, "not kept there"), *near, *span);
                match here {
                    true => diagnostic.help(format!("it is kept here, whatever braces it stands in: `from {name}`")),
                    false => diagnostic,
                }
            }
            KeepError::OutputInBlock { span, declared } => {
                Diagnostic::new(Code::E223, "a block has no outputs but its last value", *span, "in a block")
                    .label(*declared, "declared as a block here")
                    .help("`keep` a value, and reach it from outside with `from call.name`")
            }
        }
    }
}
