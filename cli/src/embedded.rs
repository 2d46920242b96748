//! What the executable holds: LeNet, its trained weights, and a picture to look at, so that `cnnc run` answers without any file;
//! and all specs that ship, which `cnnc import` holds checkpoints against.

use cnnc_compiler::resolve::Sources;
use cnnc_runtime::import::Library;
use cnnc_runtime::input::{Loaded, Wanted, read_picture};
use cnnc_runtime::{Model, Result, Weights};
use std::path::Path;

/// What messages call the spec.
pub const SPEC_NAME: &str = "lenet.cnn";
const SPEC: &str = include_str!("../embedded/lenet.cnn");
const WEIGHTS: &[u8] = include_bytes!("../embedded/lenet.safetensors");
const PICTURE: &[u8] = include_bytes!("../embedded/sample.png");

/// The specs that ship, by their paths in `models/`.
pub const SPECS: Library<'static> = Library(include!(concat!(env!("OUT_DIR"), "/specs.rs")));

/// The embedded spec as the only file there is.
pub struct Embedded;

impl Sources for Embedded {
    fn read(&self, path: &str, _importer: Option<&str>) -> std::result::Result<(String, String), String> {
        if path == SPEC_NAME { Ok((path.into(), SPEC.into())) } else { Err("there is no such file".into()) }
    }
}

/// The trained weights.
pub fn weights(model: &Model) -> Result<Weights> {
    Weights::from_bytes("the embedded weights", WEIGHTS, model)
}

/// The picture: an ankle boot from Fashion-MNIST's test set.
pub fn picture(wanted: &Wanted) -> Result<Loaded> {
    read_picture(Path::new("the embedded picture"), PICTURE, wanted)
}
