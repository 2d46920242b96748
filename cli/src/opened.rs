//! A model whose sizes the spec fixes, with these left open: what `solve` and the page of `graph` ask about other sizes.

use crate::arguments;
use crate::console::{Console, Outcome};
use crate::model;
use cnnc_compiler::shape::{Dim, Shape};
use cnnc_runtime::{Disk, Model};
use std::path::Path;
use std::sync::Arc;

/// A model with as many sizes left open as can be.
pub struct Opened {
    /// The model; the spec's own where nothing was opened.
    pub model: Model,
    /// Why what is fixed cannot be left open.
    pub why_not: Option<String>,
    /// The sizes that the spec fixes and that were left open, by the symbols that they became.
    pub fixed: Vec<(Arc<str>, i64)>,
}

/// The model with its fixed sizes left open, where it has some; else itself, and why not where that cannot be.
pub fn opened(model: &Model, file: &Path, arguments: &arguments::Model, console: &mut Console<'_>) -> Outcome<Opened> {
    let as_it_is = |why_not| Opened { model: model.clone(), why_not, fixed: Vec::new() };
    let is_fixed = |shape: &Shape| shape.iter().skip(2).any(|size| size.number().is_some());
    if !model.inputs().iter().any(|input| is_fixed(&input.shape)) || !arguments.input_shape.is_empty() {
        return Ok(as_it_is(None));
    }
    let mut request = model::request(arguments);
    request.open = true;
    let path = model::name(file, console)?;
    let open = match Model::builder().request(request).sources(&Disk).named(path, &mut ()) {
        Ok(open) => open,
        Err(error) => return Ok(as_it_is(reason(&error))),
    };
    let pairs = model.inputs().iter().zip(open.inputs());
    let pairs = pairs.flat_map(|(fixed, open)| fixed.shape.iter().zip(open.shape.iter()));
    let mut fixed: Vec<(Arc<str>, i64)> = pairs.filter_map(|(fixed, open)| became(fixed, open)).collect();
    fixed.dedup();
    Ok(Opened { model: open, why_not: None, fixed })
}

/// What is wrong first, and where.
fn reason(error: &cnnc_runtime::Error) -> Option<String> {
    let first = error.details().next()?;
    let place = first.place.map(|place| format!(" ({}:{}:{})", place.file, place.line, place.column));
    Some(format!("{}{}", first.message, place.unwrap_or_default()))
}

/// The symbol that a fixed size became, and the size.
fn became(fixed: &Dim, open: &Dim) -> Option<(Arc<str>, i64)> {
    let symbol = open.symbols().first().cloned()?;
    Some((symbol, fixed.number()?))
}
