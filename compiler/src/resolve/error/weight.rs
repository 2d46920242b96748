//! Weights that the spec gives: constants, other layers' parameters, tied layers.

use super::{listed, sizes};
use crate::diagnostic::{Code, Diagnostic};
use cnnc_grammar::span::Span;

/// What is wrong with a given weight.
pub(in crate::resolve) enum WeightError<'e> {
    /// A parameter that the layer does not have here.
    Absent { layer: &'e str, name: &'e str, span: Span, present: &'e [&'static str] },
    /// Another layer's parameter of the wrong shape; whether its transposition would fit.
    Shape { name: &'e str, path: &'e str, is: &'e [usize], wanted: &'e [usize], span: Span, transpose: bool },
    /// A constant of the wrong shape, as it is written.
    ConstantShape { name: &'e str, is: &'e [usize], wanted: &'e [usize], span: Span, text: &'e str },
    /// A constant that holds something else than numbers.
    NoNumbers { name: &'e str, kind: &'e str, span: Span },
    /// A constant whose lists differ in length.
    Ragged { name: &'e str, span: Span },
    /// A tied layer on inputs of different sizes.
    TiedShape { name: &'e str, is: &'e [usize], wanted: &'e [usize], span: Span, first: Option<Span> },
}

/// Sizes without those of 1 in front.
fn without_leading(sizes: &[usize]) -> &[usize] {
    let ones = sizes.iter().take_while(|size| **size == 1).count();
    sizes.get(ones..).unwrap_or_default()
}

/// A value of these sizes with the axes of size 1 that it lacks, by loops in lists: `[[part] for part in K]`.
fn with_axes(text: &str, is: &[usize], wanted: &[usize], depth: usize) -> Option<String> {
    const NAMES: [&str; 3] = ["part", "row", "one"];
    if is == wanted {
        return Some(text.to_owned());
    }
    let (first, rest) = wanted.split_first()?;
    match is.split_first() {
        Some((size, inner)) if size == first && depth < NAMES.len() => {
            let name = NAMES.get(depth)?;
            Some(format!("[{} for {name} in {text}]", with_axes(name, inner, rest, depth + 1)?))
        }
        _ if *first == 1 => Some(format!("[{}]", with_axes(text, is, rest, depth)?)),
        _ => None,
    }
}

impl WeightError<'_> {
    /// What a person is told: the sentence, the places, and the mend where there is one.
    pub fn diagnostic(&self) -> Diagnostic {
        let code = Code::E222;
        match self {
            WeightError::Absent { layer, name, span, present } => {
                let diagnostic =
                    Diagnostic::new(code, format!("this `{layer}` has no `{name}`"), *span, "given for nothing");
                match present {
                    [] => diagnostic.note("with these arguments it has no parameters"),
                    present => diagnostic.note(format!("with these arguments it has {}", listed(present))),
                }
            }
            WeightError::Shape { name, path, is, wanted, span, transpose } => {
                let message = format!("`{path}` does not fit `{name}`");
                let label = format!("has {}, and {} is needed", sizes(is), sizes(wanted));
                let diagnostic = Diagnostic::new(code, message, *span, label);
                match transpose {
                    true => {
                        let end = Span { start: span.end, ..*span };
                        diagnostic.help("its transposition fits: `.T`").guess(end, ".T")
                    }
                    false => diagnostic,
                }
            }
            WeightError::ConstantShape { name, is, wanted, span, text } => {
                let label = format!("has {}, and {} is needed", sizes(is), sizes(wanted));
                let (has, needs): (usize, usize) = (is.iter().product(), wanted.iter().product());
                let diagnostic = Diagnostic::new(code, format!("the numbers do not fit `{name}`"), *span, label);
                let turned: Vec<usize> = is.iter().rev().copied().collect();
                let needed = without_leading(wanted);
                if is.len() == 2 && (turned == needed || without_leading(&turned) == needed) {
                    return diagnostic.help("its transposition fits: `.T`").guess(*span, format!("{text}.T"));
                }
                match with_axes(text, is, wanted, 0).filter(|_| has == needs && is.len() < wanted.len()) {
                    Some(mended) => diagnostic
                        .note("axes of size 1 may be left out in front, and not between or behind others")
                        .help(format!("write `{mended}`"))
                        .guess(*span, mended),
                    None => diagnostic.note(format!(
                        "that is {has} in place of {needs} numbers; axes of size 1 may be left out in front"
                    )),
                }
            }
            WeightError::NoNumbers { name, kind, span } => {
                let message = format!("`{name}` takes numbers, or another layer's parameter");
                Diagnostic::new(code, message, *span, format!("holds {kind}"))
            }
            WeightError::Ragged { name, span } => {
                let message = format!("the lists of `{name}` differ in length or depth");
                Diagnostic::new(code, message, *span, "no array of numbers")
            }
            WeightError::TiedShape { name, is, wanted, span, first } => {
                let message = format!("a tied layer has one `{name}`, and its uses need different ones");
                let diagnostic = Diagnostic::new(code, message, *span, format!("needs {}", sizes(wanted)));
                match first {
                    Some(first) => diagnostic.label(*first, format!("needs {}", sizes(is))),
                    None => diagnostic,
                }
            }
        }
    }
}
