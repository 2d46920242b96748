//! `cnnc diff BEFORE AFTER`: what changed between two networks, in a terminal, in a review or for programs.
//!
//! The compiler says what differs; here the two sides are read, and what differs is put into words. With weights of the first
//! network it is told too whether they load into the second.

mod data;
mod markdown;
mod source;
mod text;
mod words;

use crate::arguments::{Diff, DiffFormat};
use crate::console::{Console, Outcome};
use crate::weights;
use cnnc_compiler::diff::{Difference, compare};
use cnnc_compiler::summary::Totals;
use cnnc_compiler::write_kernels::Bindings;
use cnnc_runtime::{Model, Weights};

/// What is told.
struct Answer {
    sides: [Side; 2],
    difference: Difference,
    /// Whether the weights that were given load into the second network as they are; the reason where they do not.
    weights: Option<Result<(), String>>,
}

/// One of the networks.
struct Side {
    /// As it was asked for.
    named: String,
    model: String,
    totals: Totals,
}

impl Side {
    fn new(named: &str, model: &Model) -> Side {
        let totals = model.summary(&Bindings::new(), Some(0)).totals;
        Side { named: named.to_owned(), model: model.name().to_owned(), totals }
    }
}

/// Compares.
pub fn diff(arguments: &Diff, console: &mut Console<'_>) -> Outcome {
    let before = source::load(&arguments.before, &arguments.model, console)?;
    let after = source::load(&arguments.after, &arguments.model, console)?;
    let difference = console.timed("compare", || compare(before.graph(), after.graph(), &Bindings::new()));
    let answer = Answer {
        sides: [Side::new(&arguments.before, &before), Side::new(&arguments.after, &after)],
        difference,
        weights: loads(arguments, &before, &after, console)?,
    };
    match arguments.format {
        DiffFormat::Table => text::print(&answer, console),
        DiffFormat::Markdown => console.print(&markdown::text(&answer)),
        DiffFormat::Json => data::json(&answer, console),
    }
}

/// Whether weights of the first network load into the second; an error where they are not the first one's.
fn loads(
    arguments: &Diff,
    before: &Model,
    after: &Model,
    console: &mut Console<'_>,
) -> Outcome<Option<Result<(), String>>> {
    let Some(path) = &arguments.weights.weights else { return Ok(None) };
    let options = weights::options(&arguments.weights.keys);
    let own =
        Weights::from_file_as(&options, path, before).map_err(|failure| console.fail(&failure, before.files()))?;
    console.tell(own.notes(), before.files());
    let other = Weights::from_file_as(&options, path, after);
    Ok(Some(other.map(|_| ()).map_err(|failure| failure.message.clone())))
}
