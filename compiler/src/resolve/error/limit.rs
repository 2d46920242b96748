//! Limits: layers, steps, depth, elements.

use crate::diagnostic::{Code, Diagnostic};
use crate::shape::Shape;
use cnnc_grammar::span::Span;

/// A limit that is passed.
pub(in crate::resolve) enum LimitError<'e> {
    /// More layers than a network may have; how many a loop or call would write out at the least.
    Layers { limit: u64, at_least: Option<u64>, span: Span },
    /// A loop with more turns than an expansion may take.
    Turns { turns: u64, limit: u64, span: Span },
    /// More work than all expansions of a spec may take; the call or loop of the model that leads there.
    Work { limit: u64, span: Span, of: Option<Span> },
    /// Paths that take more memory than they may.
    Paths { span: Span },
    /// Calls and braces nested too deeply; the block or model that calls itself, if one does.
    Depth { limit: usize, span: Span, itself: Option<&'e str> },
    /// A tensor with more elements than can be counted.
    Elements { name: &'e str, shape: &'e Shape, span: Span },
}

impl LimitError<'_> {
    /// What a person is told: the sentence, the places, and the mend where there is one.
    pub fn diagnostic(&self) -> Diagnostic {
        match self {
            LimitError::Layers { limit, at_least, span } => {
                let message = format!("the network has more than {} layers", grouped(*limit));
                let label = match at_least {
                    Some(u64::MAX) => "writes out more than can be counted".into(),
                    Some(layers) => format!("writes out at least {}", grouped(*layers)),
                    None => "one past the limit".into(),
                };
                Diagnostic::new(Code::E217, message, *span, label)
            }
            LimitError::Turns { turns, limit, span } => {
                let message = format!(
                    "this loop turns {} times, and at most {} steps are taken",
                    grouped(*turns),
                    grouped(*limit)
                );
                Diagnostic::new(Code::E217, message, *span, "too many turns")
            }
            LimitError::Work { limit, span, of } => {
                let message = format!("writing the network out takes more than {} steps", grouped(*limit));
                let diagnostic = Diagnostic::new(Code::E217, message, *span, "reached here")
                    .note("a step is a statement or an expression; a turn of a loop, a call, a module, a value that is kept and every few elements of a list count as some");
                match of {
                    Some(of) if of != span => diagnostic.label(*of, "within this"),
                    _ => diagnostic,
                }
            }
            LimitError::Paths { span } => {
                let message = "the paths of all layers together are too long";
                Diagnostic::new(Code::E217, message, *span, "reached here")
                    .help("shorten the names, or nest less deeply")
            }
            LimitError::Depth { limit, span, itself: None } => {
                let message = format!("calls and braces nest deeper than {limit}");
                Diagnostic::new(Code::E217, message, *span, "too deep")
            }
            LimitError::Depth { limit, span, itself: Some(name) } => {
                let message = format!(
                    "`{name}` calls itself again and again, and no `if` ends it within {limit} calls and braces"
                );
                Diagnostic::new(Code::E217, message, *span, "too deep").help(format!(
                    "let every call count down, and an `if` around it end at 0: `if depth > 0 {{ {name}(depth - 1) }}`"
                ))
            }
            LimitError::Elements { name, shape, span } => {
                let message = format!("a tensor of `{name}` would be too large for any machine");
                Diagnostic::new(Code::E309, message, *span, format!("would be {shape}"))
            }
        }
    }
}

/// A number with its thousands parted: 1,000,000.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn thousands_are_parted() {
        assert_eq!(super::grouped(1_000_000), "1,000,000");
        assert_eq!(super::grouped(999), "999");
    }
}
