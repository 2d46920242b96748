//! The inputs of a command that runs a model: from files, from numbers that are written out, or drawn.

use crate::arguments::InputSource;
use crate::console::{Console, Outcome};
use cnnc_compiler::diagnostic::{Code, Diagnostic};
use cnnc_grammar::span::Files;
use cnnc_runtime::input::{Loaded, Wanted, written};
use cnnc_runtime::{Model, Result, Tensor};

/// Reads what stands in for an input that is not given.
pub type InItsPlace = fn(&Wanted) -> Result<Loaded>;

/// The inputs in order: those that are given, then what is in their place or drawn. Drawn ones come last, when all sizes that
/// others give are known.
pub fn inputs(
    model: &Model,
    given: &[InputSource],
    in_its_place: Option<InItsPlace>,
    seed: u64,
    console: &mut Console<'_>,
) -> Outcome<Vec<Tensor>> {
    let taken = model.inputs().len();
    if given.len() > taken {
        let message = format!("{} inputs are given, and {} takes {taken}", given.len(), model.name());
        return Err(console.fail(&Diagnostic::without_place(Code::E604, message), &Files::default()));
    }
    let mut reader = model.reader();
    let mut tensors = Vec::new();
    for number in 0..taken {
        let read = match (given.get(number), in_its_place) {
            (Some(InputSource::File(path)), _) => console.timed("input", || reader.read(number, path)),
            (Some(InputSource::Numbers(text)), _) => reader.read_by(number, |wanted| written(text, wanted)),
            (None, Some(read)) => reader.read_by(number, read),
            (None, None) => reader.drawn(number, seed),
        };
        let Loaded { tensor, notes } = read.map_err(|error| console.show(&error))?;
        console.tell(&notes, &Files::default());
        tensors.push(tensor);
    }
    Ok(tensors)
}
