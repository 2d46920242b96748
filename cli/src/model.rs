//! The model that the arguments ask for, read and with its shapes, as every command that loads one needs it.

use crate::arguments::Model as Arguments;
use crate::console::{Console, Outcome};
use cnnc_compiler::resolve::{Request, Sources};
use cnnc_runtime::{Disk, Model};
use std::path::Path;

/// Which network the arguments ask for.
pub fn request(arguments: &Arguments) -> Request {
    Request {
        model: arguments.model.clone(),
        settings: arguments.set.clone(),
        init: Vec::new(),
        input_shapes: arguments.input_shape.iter().map(|sizes| sizes.0.clone()).collect(),
    }
}

/// Reads a spec from the disk and finds the shapes of the network that is wanted, or reports why there are none.
pub fn load(file: &Path, arguments: &Arguments, console: &mut Console<'_>) -> Outcome<Model> {
    load_from(&file.to_string_lossy(), &Disk, arguments, console)
}

/// As [`load`], from other sources.
pub fn load_from(
    path: &str,
    sources: &dyn Sources,
    arguments: &Arguments,
    console: &mut Console<'_>,
) -> Outcome<Model> {
    Model::read(path, &request(arguments), sources, console).map_err(|report| console.show(&report))
}
