//! Values: wrong types, arithmetic without a result, symbols where numbers are needed.

use super::{ShownValue, counted};
use crate::diagnostic::{Code, Diagnostic};
use crate::shape::Dim;
use cnnc_grammar::ast::{BinaryOperator, UnaryOperator};
use cnnc_grammar::span::Span;
use std::sync::Arc;

/// What is wrong with a value.
pub(in crate::resolve) enum ValueError<'e> {
    /// A value of the wrong type; `what` says what it is for.
    NotA { what: &'static str, wanted: &'static str, value: ShownValue, span: Span },
    /// Operands that an operator does not take.
    Operands { operator: BinaryOperator, wanted: &'static str, sides: [(ShownValue, Span); 2], span: Span },
    /// An operand that an operator does not take.
    Operand { operator: UnaryOperator, wanted: &'static str, value: ShownValue, span: Span },
    /// Values that a function does not take.
    Function { name: &'static str, wanted: &'static str, span: Span },
    /// Arithmetic without a result; the note is the arithmetic with its numbers.
    NoResult { why: &'static str, span: Span, note: Option<String> },
    /// Lists of different lengths: of each its length, its place, and whether a slice may stand right behind it.
    Lengths { name: &'static str, lists: Vec<(i64, Span, bool)>, span: Span },
    /// An index past the end.
    Index { position: i64, length: i64, span: Span, value_span: Span },
    /// A `let` in a loop with the name of a value outside: a warning.
    Hides { name: &'e str, span: Span, outer: Span },
    /// A loop with a negative count.
    NegativeCount { turns: i64, span: Span },
    /// A pattern of another length than its value.
    Pattern { names: usize, value: ShownValue, span: Span, origin: Span },
    /// A symbol where a number is needed, and where the symbol comes from.
    Symbol { size: &'e Dim, span: Span, what: &'e str, origin: Option<(Arc<str>, Span)> },
}

impl ValueError<'_> {
    /// What a person is told: the sentence, the places, and the mend where there is one.
    pub fn diagnostic(&self) -> Diagnostic {
        match self {
            ValueError::NotA { what, wanted, value, span } => {
                let diagnostic =
                    Diagnostic::new(Code::E213, format!("{what} must be {wanted}"), *span, format!("is {value}"));
                match (value.kind, *wanted) {
                    ("a range", "an int") => diagnostic.help("a part of a list is `values[1:3]`, with a colon"),
                    ("an int", "a bool") => diagnostic.help("compare it: `x != 0`"),
                    ("a float", "an int") => diagnostic
                        .help("`//` divides without a rest; `round`, `floor` and `ceil` make an int of a float"),
                    _ => diagnostic,
                }
            }
            ValueError::Operands { operator, wanted, sides: [(left, left_span), (right, right_span)], span } => {
                let message = format!("`{operator}` takes {wanted}");
                let diagnostic = Diagnostic::new(Code::E213, message, *span, "no such operation")
                    .label(*left_span, format!("is {left}"))
                    .label(*right_span, format!("is {right}"));
                match (*operator, left.kind, right.kind) {
                    (BinaryOperator::Add, "a list", "a list") => diagnostic
                        .help("`[row for rows in [a, b] for row in rows]` joins two, `a - -b` adds number by number"),
                    (BinaryOperator::Multiply, "a list", "an int") | (BinaryOperator::Multiply, "an int", "a list") => {
                        diagnostic.help(
                            "`2.0 * K` multiplies each number, `[row for _ in 0..2 for row in K]` repeats the list",
                        )
                    }
                    _ => diagnostic,
                }
            }
            ValueError::Operand { operator, wanted, value, span } => {
                let word = match operator {
                    UnaryOperator::Negate => "-",
                    UnaryOperator::Not => "not",
                };
                let label = format!("its operand is {value}");
                Diagnostic::new(Code::E213, format!("`{word}` takes {wanted}"), *span, label)
            }
            ValueError::Function { name, wanted, span } => {
                Diagnostic::new(Code::E213, format!("`{name}` takes {wanted}"), *span, "gets something else")
            }
            ValueError::NoResult { why, span, note } => {
                let diagnostic = Diagnostic::new(Code::E214, *why, *span, "has no result");
                match note {
                    Some(note) => diagnostic.note(note.clone()),
                    None => diagnostic,
                }
            }
            ValueError::Lengths { name, lists, span } => lengths(name, lists, *span),
            ValueError::Index { position, length, span, value_span } => index(*position, *length, *span, *value_span),
            ValueError::Hides { name, span, outer } => {
                let message = format!("this `{name}` is a new one in each turn, and hides the one outside");
                Diagnostic::new(Code::E208, message, *span, "forgotten at the end of the turn")
                    .label(*outer, "is not changed by it")
                    .note("a value never changes, so that each turn sees the outer one first")
                    .help(format!(
                        "what differs from turn to turn is gone through: `for {name} in [8, 16, 32] {{ … }}`"
                    ))
                    .help("what is of the turn alone has a name of its own")
                    .as_warning()
            }
            ValueError::NegativeCount { turns, span } => {
                let message = format!("`repeat` cannot turn {turns} times");
                Diagnostic::new(Code::E213, message, *span, format!("is {turns}"))
                    .help("a count is an int of at least 0")
            }
            ValueError::Pattern { names, value, span, origin } => {
                let names = counted(*names, "name", "names");
                let parts = match value.length {
                    Some(length) => counted(usize::try_from(length).unwrap_or(0), "part", "parts"),
                    None => "no parts".into(),
                };
                Diagnostic::new(Code::E213, "the names do not fit the value that is taken apart", *span, names)
                    .label(*origin, format!("gives {}, which has {parts}", value.kind))
            }
            ValueError::Symbol { size, span, what, origin } => symbol_for_number(size, *span, what, origin.as_ref()),
        }
    }
}

fn lengths(name: &str, lists: &[(i64, Span, bool)], span: Span) -> Diagnostic {
    let message = format!("`{name}` takes lists of one length");
    let mut diagnostic = Diagnostic::new(Code::E214, message, span, "what is left over would be lost");
    let shortest = lists.iter().map(|(length, ..)| *length).min().unwrap_or(0);
    for (length, span, _) in lists {
        let count = usize::try_from(*length).unwrap_or(0);
        diagnostic = diagnostic.label(*span, format!("has {}", counted(count, "element", "elements")));
    }
    let longer: Vec<_> = lists.iter().filter(|(length, ..)| *length > shortest).collect();
    match longer.as_slice() {
        [(_, place, true)] => diagnostic
            .help("if the rest is not wanted, take a part of the longer one")
            .guess(Span { start: place.end, ..*place }, format!("[:{shortest}]")),
        _ => diagnostic.help(format!("a part of a list: `values[:{shortest}]`")),
    }
}

fn index(position: i64, length: i64, span: Span, value_span: Span) -> Diagnostic {
    let message = format!("there is no element {position}");
    let count = usize::try_from(length).unwrap_or(0);
    let diagnostic = Diagnostic::new(Code::E214, message, span, "past the end")
        .label(value_span, format!("has {}", counted(count, "element", "elements")));
    match length {
        0 => diagnostic,
        length => diagnostic.help(format!("the first is 0, the last is {}", length - 1)),
    }
}

fn symbol_for_number(size: &Dim, span: Span, what: &str, origin: Option<&(Arc<str>, Span)>) -> Diagnostic {
    let is_operator = what.chars().all(|character| !character.is_alphanumeric() && character != '_');
    let wanted = if is_operator { format!("`{what}`") } else { what.to_owned() };
    let message = format!("{wanted} needs a number, and `{size}` is left open");
    let diagnostic = Diagnostic::new(Code::E215, message, span, format!("is {size}"));
    match origin {
        Some((name, origin)) => diagnostic
            .label(*origin, format!("`{name}` stands for any size"))
            .help(format!("give the input a number in place of `{name}`")),
        None => diagnostic,
    }
}
