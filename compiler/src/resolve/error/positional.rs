//! Arguments by position that are, or could be, PyTorch's own list.

use crate::diagnostic::{Code, Diagnostic};
use cnnc_grammar::span::Span;

/// What is wrong with positions.
pub(in crate::resolve) enum PositionalError<'e> {
    /// What comes in is among the arguments; `call` is the call's parentheses and `mend` the arguments without it.
    Shifted {
        callee: &'e str,
        inferred: &'e str,
        span: Span,
        call: Option<Span>,
        mend: &'e str,
        incoming: Incoming<'e>,
    },
    /// Numbers that are to be one tuple, which `mend` is; `call` is the call's parentheses.
    Unpacked { callee: &'e str, name: &'e str, span: Span, call: Option<Span>, mend: &'e str },
    /// A list that begins with what comes in, and could be ours too; `call` is the call's parentheses.
    TwoReadings {
        callee: &'e str,
        inferred: &'e str,
        span: Span,
        call: Option<Span>,
        theirs: &'e str,
        ours: Option<&'e str>,
    },
    /// An argument that is given by name alone; whether its value then fits.
    ByName { callee: &'e str, name: &'e str, span: Span, written: &'e str, fits: bool },
}

/// What comes in, as far as it is known: the number that is written for it, and the one that it is.
#[derive(Clone, Copy)]
pub(in crate::resolve) struct Incoming<'e> {
    pub written: &'e str,
    pub actual: Option<i64>,
}

impl PositionalError<'_> {
    /// What a person is told: the sentence, the places, and the mend where there is one.
    pub fn diagnostic(&self) -> Diagnostic {
        match self {
            PositionalError::Shifted { callee, inferred, span, call, mend, incoming } => {
                let message = format!("`{callee}` takes no `{inferred}`: what comes in is inferred");
                let diagnostic = Diagnostic::new(Code::E207, message, *span, format!("PyTorch's `{inferred}`"));
                let actual = incoming.actual.map(|actual| actual.to_string());
                let is_right = actual.as_deref() == Some(incoming.written);
                let diagnostic = match &actual {
                    Some(actual) if !is_right => {
                        diagnostic.note(format!("{actual} come in here, not {}", incoming.written))
                    }
                    _ => diagnostic,
                };
                let diagnostic = diagnostic.help(format!("write `{}`", written(callee, mend)));
                match call {
                    Some(call) if is_right => diagnostic.safe_fix(*call, parentheses(mend)),
                    Some(call) => diagnostic.guess(*call, parentheses(mend)),
                    None => diagnostic,
                }
            }
            PositionalError::Unpacked { callee, name, span, call, mend } => {
                let message = format!("`{callee}` takes one argument, the tuple `{name}`");
                let diagnostic = Diagnostic::new(Code::E207, message, *span, "these are several")
                    .help(format!("write `{}`", written(callee, mend)));
                match call {
                    Some(call) => diagnostic.safe_fix(*call, parentheses(mend)),
                    None => diagnostic,
                }
            }
            PositionalError::TwoReadings { callee, inferred, span, call, theirs, ours } => {
                let message =
                    format!("these numbers can be read in two ways, and the first is the `{inferred}` of PyTorch");
                let diagnostic = Diagnostic::new(Code::E225, message, *span, "PyTorch's list, or this language's?")
                    .help(format!("`{}` is what they mean in PyTorch", written(callee, theirs)));
                let diagnostic = match call {
                    Some(call) => diagnostic.guess(*call, parentheses(theirs)),
                    None => diagnostic,
                };
                let Some(ours) = ours else { return diagnostic };
                let diagnostic = diagnostic.help(format!(
                    "`{}` is what they would mean here, where channels are inferred",
                    written(callee, ours)
                ));
                match call {
                    Some(call) => diagnostic.guess(*call, parentheses(ours)),
                    None => diagnostic,
                }
            }
            PositionalError::ByName { callee, name, span, written, fits } => {
                let message = format!("`{callee}` takes its `{name}` by name alone");
                let diagnostic = Diagnostic::new(Code::E206, message, *span, "which argument is it?")
                    .note("PyTorch has what comes in before it, which is inferred here");
                match fits {
                    true => {
                        diagnostic.help(format!("write `{name}={written}`")).guess(*span, format!("{name}={written}"))
                    }
                    false => diagnostic,
                }
            }
        }
    }
}

/// A call as it is written, without parentheses where nothing is in them.
fn written(callee: &str, arguments: &str) -> String {
    format!("{callee}{}", parentheses(arguments))
}

fn parentheses(arguments: &str) -> String {
    if arguments.is_empty() { String::new() } else { format!("({arguments})") }
}
