//! The inputs of a run, one after the other: all of them have to agree in the sizes that the spec leaves open.
//!
//! Files, or whatever else reads a tensor, come in; tensors go out, and what their sizes give to the spec's symbols. Another
//! tensor for the same input may have other sizes than the one before.

use super::{bind_batch, bind_input};
use crate::failure::{failure, note};
use crate::input::{self, Loaded, Wanted};
use crate::{Model, Result, available_memory_bytes, random};
use cnnc_compiler::diagnostic::Code;
use cnnc_compiler::element::ElementType;
use cnnc_compiler::shape::Dim;
use cnnc_compiler::write_kernels::Bindings;
use std::collections::BTreeMap;
use std::path::Path;

/// Reads a model's inputs.
#[derive(Clone)]
pub struct InputReader {
    model: Model,
    bindings: Bindings,
    /// The input that each size is of, where an input bound it.
    bound_by: BTreeMap<String, usize>,
}

impl InputReader {
    pub(super) fn new(model: &Model) -> InputReader {
        InputReader { model: model.clone(), bindings: Bindings::new(), bound_by: BTreeMap::new() }
    }

    /// The sizes that symbols have by now.
    pub fn bindings(&self) -> &Bindings {
        &self.bindings
    }

    /// For batches of so many samples, whatever was said of the batch before or read for it.
    ///
    /// # Errors
    /// E402 when the spec gives the batch a number, or no sample is asked for.
    pub fn batch(mut self, samples: usize) -> Result<InputReader> {
        if samples == 0 {
            return Err(failure(Code::E402, "a batch of 0 is asked for, and a batch is 1 sample or more"));
        }
        let first = self.model.inputs().iter().filter_map(|input| input.shape.first());
        if first.clone().flat_map(Dim::symbols).next().is_none() {
            let (name, found) = (self.model.name(), first.map(Dim::to_string).next().unwrap_or_default());
            let message = format!("the input of {name} has a batch of {found}, so a batch of {samples} cannot be had");
            return Err(failure(Code::E402, message).help("write [N, ...] in the spec to leave the batch open"));
        }
        let mut bound = Bindings::new();
        bind_batch(self.model.graph(), &mut bound, samples);
        self.bound_by.retain(|symbol, _| !bound.contains_key(symbol));
        self.bindings.extend(bound);
        Ok(self)
    }

    /// The input of that number from a file: an array, a picture or an IDX file. Sizes that the spec leaves open become the
    /// file's.
    ///
    /// # Errors
    /// When the file cannot be read or does not fit: the spec, a batch that was asked for, or another input that was read.
    pub fn read(&mut self, number: usize, path: impl AsRef<Path>) -> Result<Loaded> {
        self.read_by(number, |wanted| input::read(path.as_ref(), wanted))
    }

    /// The input of that number, from whatever reads it; open sizes become the tensor's.
    ///
    /// # Errors
    /// What the reader says; E604 when the model has no such input.
    pub fn read_by(&mut self, number: usize, read: impl FnOnce(&Wanted) -> Result<Loaded>) -> Result<Loaded> {
        let port = self.model.port(number)?;
        let mut bindings = self.bindings.clone();
        bindings.retain(|symbol, _| self.bound_by.get(symbol) != Some(&number));
        let loaded = read(&Wanted::new(port, &bindings))?;
        let mut bound = Bindings::new();
        bind_input(port, loaded.tensor.shape(), &mut bound);
        bound.retain(|symbol, _| !bindings.contains_key(symbol));
        self.bound_by.extend(bound.keys().map(|symbol| (symbol.clone(), number)));
        self.bindings.extend(bound);
        Ok(loaded)
    }

    /// Sizes for what nothing else binds; the batch is 1.
    pub(crate) fn suggest(&mut self, sizes: Bindings) {
        bind_batch(self.model.graph(), &mut self.bindings, 1);
        for (symbol, size) in sizes {
            self.bindings.entry(symbol).or_insert(size);
        }
    }

    /// The input of that number, drawn evenly from −1 to 1, and a note that it is. A batch that nothing binds is 1.
    ///
    /// # Errors
    /// E402 when a size is open, E401 when it is larger than this machine's memory, E604 when the model has no such input.
    pub fn drawn(&mut self, number: usize, seed: u64) -> Result<Loaded> {
        let known = self.bindings.clone();
        bind_batch(self.model.graph(), &mut self.bindings, 1);
        let chosen = self.bindings.keys().filter(|symbol| !known.contains_key(*symbol));
        self.bound_by.extend(chosen.map(|symbol| (symbol.clone(), number)));
        let port = self.model.port(number)?;
        let bound = |symbol: &str| self.bindings.get(symbol).and_then(|&size| i64::try_from(size).ok());
        let Some(shape) = port.shape.at(&bound) else {
            let message = format!("the input `{}` is {}, and its sizes are not known", port.name, port.shape);
            return Err(failure(Code::E402, message).help(format!(
                "--input-shape gives sizes, such as --input-shape {}; --input reads an input from a file",
                self.model.graph().sizes.example(&port.shape)
            )));
        };
        if ElementType::Float32.tensor_bytes(&shape) > available_memory_bytes() {
            let message = format!("the input `{}` is {shape:?}, which is more than this machine's memory", port.name);
            return Err(failure(Code::E401, message));
        }
        let message = format!("the input `{}` {shape:?} is drawn from seed {seed}; --input reads one", port.name);
        Ok(Loaded { tensor: random::input(&port.name, &shape, seed), notes: vec![note(Code::E604, message)] })
    }
}
