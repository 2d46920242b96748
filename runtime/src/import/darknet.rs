//! Cfgs of Darknet, and the file of weights that belongs to one.

use super::{Options, Read, broken, mistaken, parameters, read_whole, unsaid};
use crate::failure::fault;
use crate::parameters::{Make, Parts, Room, TensorSource};
use crate::{Parameters, Result, Tensor};
use cnnc_compiler::element::ElementType;
use cnnc_formats::darknet;
use std::path::Path;
use std::sync::Arc;

/// Reads a cfg of Darknet, and its weights where they are given.
pub fn read(path: &Path, bytes: &[u8], name: &str, options: &Options<'_>) -> Result<Read> {
    let file = options.weights.map(read_whole).transpose()?;
    let imported = darknet::import(bytes, file.as_ref(), name, options.form);
    let imported = imported.map_err(|refusal| match refusal {
        darknet::Refusal::Cfg(failure) => broken(path, failure),
        darknet::Refusal::Weights(failure) => broken(options.weights.unwrap_or(path), failure),
        darknet::Refusal::Unsaid(lines) => unsaid(path, &lines),
        darknet::Refusal::Fault(reason) => mistaken(path, &reason),
    })?;
    let darknet::Imported { written, tensors, mut notes, origin, ports } = imported;
    let parameters = match tensors {
        Some(tensors) => parameters(&written, &tensors, |tensor| TensorSource::made(tensor.clone()))?,
        None => Parameters::default(),
    };
    let beside = path.with_extension("weights");
    if options.weights.is_none() && beside.is_file() {
        notes.push(format!("`{0}` lies beside it and was not read: --weights {0}", beside.display()));
    }
    Ok(Read::of(written, parameters, notes, origin, ports))
}

impl Make for darknet::Tensor {
    fn shape(&self) -> &[usize] {
        darknet::Tensor::shape(self)
    }

    fn element(&self) -> ElementType {
        ElementType::Float32
    }

    fn make(&self, _: Room<'_>) -> Result<Tensor> {
        Tensor::new(darknet::Tensor::shape(self), self.floats())
            .ok_or_else(|| fault("a tensor has another number of values than it says"))
    }

    fn parts(self: Arc<Self>) -> Option<Arc<dyn Parts>> {
        None
    }
}
