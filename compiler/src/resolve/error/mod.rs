//! What can be wrong with a spec that can be read, as facts: one enum a family, each with one method that makes a diagnostic.
//!
//! A fact carries the places and values that its sentence, its labels and its mend need; no other file of this folder writes
//! prose.

mod argument;
mod budget;
mod file;
mod foreign;
mod initialiser;
mod input;
mod keep;
mod labels;
mod limit;
mod name;
mod positional;
mod shape;
mod shown;
mod site;
mod structure;
mod value;
mod weight;

pub(super) use argument::ArgumentError;
pub(super) use budget::BudgetError;
pub(super) use file::FileError;
pub(super) use foreign::{TheirArgument, argument_of, layer_of_function};
pub(super) use initialiser::InitError;
pub(super) use input::InputError;
pub(super) use keep::KeepError;
pub(super) use labels::LabelsError;
pub(super) use limit::LimitError;
pub(super) use name::NameError;
pub(super) use positional::{Incoming, PositionalError};
pub(super) use shape::ShapeReport;
pub(super) use shown::ShownValue;
pub(super) use site::{CallSite, LayerSite, SiteArgument};
pub(super) use structure::StructureError;
pub(super) use value::ValueError;
pub(super) use weight::WeightError;

use crate::diagnostic::Diagnostic;
use cnnc_grammar::span::Span;

/// Offers the nearest name, in words and as an edit.
fn did_you_mean(diagnostic: Diagnostic, near: Option<&str>, span: Span) -> Diagnostic {
    match near {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")).guess(span, near),
        None => diagnostic,
    }
}

/// `a`, `b` and `c`
fn listed(names: &[impl AsRef<str>]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{}`", name.as_ref())).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [single] => single.clone(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    }
}

/// The sizes of a parameter or constant: `[8, 4]`.
fn sizes(sizes: &[usize]) -> String {
    let all: Vec<String> = sizes.iter().map(usize::to_string).collect();
    format!("[{}]", all.join(", "))
}

/// A number with its thing: "1 axis", "3 axes".
fn counted(count: usize, one: &str, many: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        count => format!("{count} {many}"),
    }
}
