//! The model that the arguments ask for, read and with its shapes, as every command that loads one needs it.

use crate::arguments::Model as Arguments;
use crate::console::{Console, Outcome};
use cnnc_compiler::resolve::{Request, Sources};
use cnnc_grammar::span::Files;
use cnnc_runtime::{Disk, Model, spec_name};
use std::path::Path;

/// The most layers of a network that is compiled only to be shown: what reads it, and makes a plan of it, takes seconds.
pub const MOST_PLANNED: usize = 100_000;

/// Which network the arguments ask for.
pub fn request(arguments: &Arguments) -> Request {
    Request {
        model: arguments.model.clone(),
        settings: arguments.set.clone(),
        input_shapes: arguments.input_shape.iter().map(|sizes| sizes.0.clone()).collect(),
        ..Request::default()
    }
}

/// Reads a spec from the disk and finds the shapes of the network that is wanted, or reports why there are none.
pub fn load(file: &Path, arguments: &Arguments, console: &mut Console<'_>) -> Outcome<Model> {
    load_from(name(file, console)?, &Disk, arguments, console)
}

/// The name of a spec on the disk, or a report of why it has none.
pub fn name<'f>(file: &'f Path, console: &mut Console<'_>) -> Outcome<&'f str> {
    spec_name(file).map_err(|failure| console.fail(&failure, &Files::default()))
}

/// As [`load`], from other sources.
pub fn load_from(
    path: &str,
    sources: &dyn Sources,
    arguments: &Arguments,
    console: &mut Console<'_>,
) -> Outcome<Model> {
    let asked = Model::builder().request(request(arguments)).sources(sources);
    let model = asked.named(path, console).map_err(|report| console.show(&report))?;
    console.tell(model.warnings(), model.files());
    Ok(model)
}
