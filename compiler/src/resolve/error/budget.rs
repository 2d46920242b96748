//! Budgets that cannot be read. That one is not met is said in `crate::budgets`.

use super::{did_you_mean, listed};
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::Measure;
use cnnc_grammar::span::Span;

/// What is wrong with an `assert`.
pub(in crate::resolve) enum BudgetError<'e> {
    /// In a block, or in braces that are handed to one.
    InBlock { span: Span, declared: Span },
    /// Within braces of a model.
    Nested { span: Span },
    /// A word that names no measure.
    UnknownMeasure { name: &'e str, near: Option<&'e str>, span: Span },
    /// An argument that the measure does not take, or takes once.
    Argument { measure: &'e str, span: Span },
    /// A size below 1.
    NoSize { size: i64, span: Span },
    /// What is no path.
    NoPath { span: Span },
    /// A path to nothing.
    NoPlace { path: &'e str, near: Option<&'e str>, span: Span },
    /// A path of an item under which another value is kept.
    TwoValues { path: &'e str, span: Span, item: Span, kept: Span },
}

impl BudgetError<'_> {
    /// What a person is told: the sentence, the places, and the mend where there is one.
    pub fn diagnostic(&self) -> Diagnostic {
        let new = |message: &str, span: Span, label: &str| Diagnostic::new(Code::E226, message, span, label);
        match self {
            BudgetError::InBlock { span, declared } => new("a budget is a whole model's", *span, "in a block")
                .label(*declared, "declared as a block here")
                .help("assert it in the model that calls the block"),
            BudgetError::Nested { span } => {
                new("a budget stands in the outermost braces of a model", *span, "within other braces")
                    .help("it speaks of the whole model, wherever it stands there; `if` and `for` may be around it")
            }
            BudgetError::UnknownMeasure { name, near, span } => {
                let message = format!("`{name}` cannot be asserted: {} can", listed(&Measure::WORDS));
                did_you_mean(new(&message, *span, "no measure"), *near, *span)
            }
            BudgetError::Argument { measure: "params", span } => {
                new("`params` takes no arguments", *span, "parameters depend on no size")
            }
            BudgetError::Argument { measure, span } => {
                let message = format!("`{measure}` does not take this");
                new(&message, *span, "not taken").help(match *measure {
                    "receptive_field" => {
                        "it takes a path, and sizes once each: `receptive_field(layer4, H=224, W=224)`"
                    }
                    _ => "it takes open sizes by name, once each: `macs(H=224, W=224)`",
                })
            }
            BudgetError::NoSize { size, span } => {
                new("a size is a whole number of at least 1", *span, &format!("is {size}"))
            }
            BudgetError::NoPath { span } => new("a path is expected here", *span, "no path")
                .help("name an item or a kept value, `layer4`, or its path in quotes: `\"layer4.0.conv1\"`"),
            BudgetError::NoPlace { path, near, span } => {
                let message = format!("the model has no item or kept value `{path}`");
                let diagnostic = new(&message, *span, "leads nowhere");
                match near {
                    Some(near) => {
                        let quoted = format!("\"{near}\"");
                        let is_word = near.split('.').all(cnnc_grammar::is_free_word);
                        did_you_mean(diagnostic, Some(if is_word { near } else { &quoted }), *span)
                    }
                    None => diagnostic,
                }
            }
            BudgetError::TwoValues { path, span, item, kept } => {
                let message = format!("`{path}` is an item, and another value is kept under that name");
                new(&message, *span, "one of two").label(*item, "the item").label(*kept, "the kept value")
            }
        }
    }
}
