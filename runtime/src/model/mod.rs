//! The door for other programs, and for the command line: a spec becomes a model, a model an engine.
//!
//! ```
//! # #[cfg(feature = "pictures")] {
//! use cnnc_runtime::Model;
//!
//! let mut model = Model::load("../models/lenet.cnn")?.weights("../models/lenet.safetensors");
//! let picture = model.input("../models/sample.png")?;
//! let mut session = model.prepare()?.session();
//! let top = session.run(&[picture])?.top(1)?;
//! assert_eq!(top[0][0].label, Some("ankle boot"));
//! # }
//! # Ok::<(), cnnc_runtime::Error>(())
//! ```
//!
//! What is wrong is a [`Error`], which prints as the command line prints it. Whatever is said twice, the later counts: weights
//! after a seed, a batch after a batch. Sizes that the spec leaves open are bound by [`Model::batch`] and by the inputs that are
//! read, of which all must agree; a batch that nothing binds is 1.

mod bindings;

pub use bindings::{bind_batch, bind_input};

use crate::cpu::{Cpu, CpuOptions};
use crate::failure::{failure, note};
use crate::input::{self, Loaded, Wanted};
use crate::tuning::{self, Measured, Tuning};
use crate::{
    Backend, Disk, Error, Parameters, Prepared, Result, Tensor, available_memory_bytes, random, spec_name, weights,
};
use cnnc_compiler::check::{Checked, Spec};
use cnnc_compiler::diagnostic::{Code, Diagnostic, nearest};
use cnnc_compiler::element::ElementType;
use cnnc_compiler::graph::{Input, Output, ShapedGraph};
use cnnc_compiler::passes::{self, Note};
use cnnc_compiler::plan::{Plan, Target, plan_with_notes};
use cnnc_compiler::resolve::{Request, Sources};
use cnnc_compiler::shape::Dim;
use cnnc_compiler::training::{Training, compile_step};
use cnnc_compiler::watch::{Watch, timed};
use cnnc_compiler::write_kernels::{Bindings, write_kernels};
use cnnc_grammar::span::Files;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A network whose shapes are known, with all that a session for it is made of.
#[derive(Clone)]
pub struct Model {
    /// The files that the spec is made of.
    pub files: Files,
    /// What is to be said of the spec although nothing is wrong with it.
    pub warnings: Vec<Diagnostic>,
    /// The network.
    pub graph: ShapedGraph,
    /// The sizes that symbols have.
    pub bindings: Bindings,
    /// How the CPU computes.
    pub options: CpuOptions,
    /// Measured choices of methods that plans use.
    pub tuning: Tuning,
    source: Source,
    /// The input that each size is of, where an input bound it: another tensor for the same input may have other sizes.
    bound_by: BTreeMap<String, usize>,
}

/// Where parameters come from.
#[derive(Clone)]
enum Source {
    /// The spec's initialisers and this seed.
    Seed(u64),
    /// A safetensors file.
    File(PathBuf),
    /// The program.
    Given(Parameters),
}

/// A spec that is text, as the only file there is.
struct Text<'t> {
    name: &'t str,
    text: &'t str,
}

impl Sources for Text<'_> {
    fn read(&self, path: &str, _importer: Option<&str>) -> std::result::Result<(String, String), String> {
        let Text { name, text } = self;
        let none = || format!("there is no such file: `{name}` is text, and imports nothing");
        (path == *name).then(|| (path.into(), (*text).into())).ok_or_else(none)
    }
}

impl Model {
    /// The model of a spec on disk: the file's last, as in every command. Its parameters are drawn from seed 0 until
    /// [`Model::weights`] says otherwise.
    ///
    /// # Errors
    /// With everything that is wrong with the spec.
    pub fn load(path: impl AsRef<Path>) -> Result<Model> {
        Model::read(spec_name(path.as_ref())?, &Request::default(), &Disk, &mut ())
    }

    /// As [`Model::load`], from any sources: the model that is asked for, with its settings and input shapes.
    ///
    /// # Errors
    /// With everything that is wrong with the spec.
    pub fn read(path: &str, request: &Request, sources: &dyn Sources, watch: &mut dyn Watch) -> Result<Model> {
        let Checked { files, problems, mut networks, .. } = Spec::read(path, sources, watch).network(request, watch);
        let Some(graph) = networks.pop() else { return Err(Error::of_spec(problems, files)) };
        Ok(Model {
            files,
            warnings: problems,
            graph,
            bindings: Bindings::new(),
            options: CpuOptions::default(),
            tuning: Tuning::default(),
            source: Source::Seed(0),
            bound_by: BTreeMap::new(),
        })
    }

    /// The model of a spec that is text here, such as one that the program holds: the text's last. `name` is what messages call
    /// it; it imports nothing.
    ///
    /// # Errors
    /// With everything that is wrong with the spec.
    pub fn from_text(name: &str, text: &str) -> Result<Model> {
        Model::read(name, &Request::default(), &Text { name, text }, &mut ())
    }

    /// With the parameters of a safetensors file, under PyTorch's keys.
    pub fn weights(self, path: impl Into<PathBuf>) -> Model {
        Model { source: Source::File(path.into()), ..self }
    }

    /// With the parameters of a safetensors file whose bytes are here, such as one that the program holds; `name` is what
    /// messages call them.
    ///
    /// # Errors
    /// E603 when it is no safetensors file, E602 with all differences when it does not fit.
    pub fn weights_from_bytes(self, name: &str, bytes: &[u8]) -> Result<Model> {
        let parameters = weights::load_bytes(Path::new(name), bytes, &self.graph.graph, "")?;
        Ok(self.parameters_of(parameters))
    }

    /// With these parameters.
    pub fn parameters_of(self, parameters: Parameters) -> Model {
        Model { source: Source::Given(parameters), ..self }
    }

    /// With parameters drawn from a seed.
    pub fn seed(self, seed: u64) -> Model {
        Model { source: Source::Seed(seed), ..self }
    }

    /// With other threads, kernels or instructions.
    pub fn options(self, options: CpuOptions) -> Model {
        Model { options, ..self }
    }

    /// With methods that were measured.
    pub fn tuned(self, tuning: Tuning) -> Model {
        Model { tuning, ..self }
    }

    /// With an inner value as one more output, under its path: what the layer, block or group of that path gives. The network is
    /// compiled for it, so the last bits of other outputs may be others.
    ///
    /// # Errors
    /// E202 when the model has nothing of that path, or that gives no value.
    pub fn showing(mut self, path: &str) -> Result<Model> {
        let graph = &mut self.graph.graph;
        let found = graph.modules.iter().find(|module| *module.path == *path).and_then(|module| module.output);
        let Some(node) = found else {
            let mut unknown = failure(Code::E202, format!("{} has no layer or block `{path}`", graph.name));
            let known = graph.modules.iter().map(|module| module.path.as_ref());
            unknown.help.extend(nearest(path, known).map(|near| format!("there is `{near}`")));
            return Err(unknown);
        };
        graph.outputs.push(Output { name: path.into(), node });
        Ok(self)
    }

    /// For batches of so many samples, whatever was said of the batch before or read for it.
    ///
    /// # Errors
    /// E402 when the spec gives the batch a number, or no sample is asked for.
    pub fn batch(mut self, samples: usize) -> Result<Model> {
        if samples == 0 {
            return Err(failure(Code::E402, "a batch of 0 is asked for, and a batch is 1 sample or more"));
        }
        let first = self.graph.graph.inputs.iter().filter_map(|input| input.shape.first());
        if first.clone().flat_map(Dim::symbols).next().is_none() {
            let (name, found) = (&self.graph.graph.name, first.map(Dim::to_string).next().unwrap_or_default());
            let message = format!("the input of {name} has a batch of {found}, so a batch of {samples} cannot be had");
            return Err(failure(Code::E402, message).help("write [N, ...] in the spec to leave the batch open"));
        }
        let mut bound = Bindings::new();
        bind_batch(&self.graph, &mut bound, samples);
        self.bound_by.retain(|symbol, _| !bound.contains_key(symbol));
        self.bindings.extend(bound);
        Ok(self)
    }

    /// What the numbers of an answer stand for, when the spec lists `labels`.
    pub fn labels(&self) -> &[String] {
        self.graph.graph.labels.as_deref().unwrap_or_default()
    }

    /// Reads the first input from a file: an array, a picture or an IDX file. Sizes that the spec leaves open become the file's,
    /// also where another file was read before.
    ///
    /// # Errors
    /// When the file cannot be read or does not fit: the spec, a batch that was asked for, or another input that was read.
    pub fn input(&mut self, path: impl AsRef<Path>) -> Result<Tensor> {
        let read = |wanted: &Wanted| input::read(path.as_ref(), wanted);
        self.input_by(0, read).map(|loaded| loaded.tensor)
    }

    /// The input of that number, from whatever reads it; open sizes become the tensor's.
    ///
    /// # Errors
    /// What the reader says; E604 when the model has no such input.
    pub fn input_by(&mut self, number: usize, read: impl FnOnce(&Wanted) -> Result<Loaded>) -> Result<Loaded> {
        let port = port(&self.graph, number)?;
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

    /// The input of that number, drawn evenly from −1 to 1, and a note that it is.
    ///
    /// # Errors
    /// E402 when a size is open, E401 when it is larger than this machine's memory.
    pub fn drawn_input(&mut self, number: usize, seed: u64) -> Result<Loaded> {
        let known = self.bindings.clone();
        bind_batch(&self.graph, &mut self.bindings, 1);
        let chosen = self.bindings.keys().filter(|symbol| !known.contains_key(*symbol));
        self.bound_by.extend(chosen.map(|symbol| (symbol.clone(), number)));
        let port = port(&self.graph, number)?;
        let bound = |symbol: &str| self.bindings.get(symbol).and_then(|&size| i64::try_from(size).ok());
        let Some(shape) = port.shape.at(&bound) else {
            let message = format!("the input `{}` is {}, and its sizes are not known", port.name, port.shape);
            return Err(failure(Code::E402, message).help(format!(
                "--input-shape gives sizes, such as --input-shape {}; --input reads an input from a file",
                self.graph.sizes.example(&port.shape)
            )));
        };
        if ElementType::Float32.tensor_bytes(&shape) > available_memory_bytes() {
            let message = format!("the input `{}` is {shape:?}, which is more than this machine's memory", port.name);
            return Err(failure(Code::E401, message));
        }
        let message = format!("the input `{}` {shape:?} is drawn from seed {seed}; --input reads one", port.name);
        Ok(Loaded { tensor: random::input(&port.name, &shape, seed), notes: vec![note(Code::E604, message)] })
    }

    /// The parameters, read or drawn.
    ///
    /// # Errors
    /// When the file cannot be read or does not fit, or there is too little memory.
    pub fn parameters(&self) -> Result<Parameters> {
        match &self.source {
            Source::Seed(seed) => Parameters::draw(&self.graph.graph, *seed),
            Source::File(path) => weights::load(path, &self.graph.graph, ""),
            Source::Given(parameters) => Ok(parameters.clone()),
        }
    }

    /// The plan for a device, and what the passes and the planner did and did not do.
    ///
    /// # Errors
    /// E402 and E308 when sizes are missing or do not fit, E401 when there is too little memory.
    pub fn compile(&self, target: &Target, watch: &mut dyn Watch) -> Result<(Arc<Plan>, Vec<Note>)> {
        let mut bindings = self.bindings.clone();
        bind_batch(&self.graph, &mut bindings, 1);
        self.compile_for(&bindings, target, watch)
    }

    /// As [`Model::compile`], for these sizes.
    pub(crate) fn compile_for(
        &self,
        bindings: &Bindings,
        target: &Target,
        watch: &mut dyn Watch,
    ) -> Result<(Arc<Plan>, Vec<Note>)> {
        let here = |failure: Box<Diagnostic>| Error::new(*failure, &self.files);
        let mut kernels = timed(watch, "kernels", || write_kernels(&self.graph, bindings)).map_err(here)?;
        let mut notes = timed(watch, "passes", || passes::run(&mut kernels)).map_err(here)?;
        let (plan, copies) = timed(watch, "plan", || plan_with_notes(&kernels, target)).map_err(here)?;
        notes.extend(copies);
        Ok((Arc::new(plan), notes))
    }

    /// As [`Model::compile`], of a training step.
    ///
    /// # Errors
    /// As [`Model::compile`], and when the loss does not fit the network.
    pub fn compile_training(
        &self,
        training: &Training,
        target: &Target,
        watch: &mut dyn Watch,
    ) -> Result<(Arc<Plan>, Vec<Note>)> {
        let mut bindings = self.bindings.clone();
        bind_batch(&self.graph, &mut bindings, 1);
        let planned = timed(watch, "plan", || compile_step(&self.graph, &bindings, training, target));
        let (plan, notes) = planned.map_err(|failure| Error::new(*failure, &self.files))?;
        Ok((Arc::new(plan), notes))
    }

    /// The CPU with the model's options and measured choices, for [`Model::compile`].
    pub fn target(&self) -> Target {
        let mut target = Cpu(self.options).target();
        self.tuning.apply(&mut target);
        target
    }

    /// Measures, on these inputs, every method of every convolution that has more than one, and uses the best from now on. Some
    /// seconds.
    ///
    /// # Errors
    /// As [`Model::prepare`].
    pub fn tune(&mut self, parameters: &Parameters, inputs: &[Tensor]) -> Result<Vec<Measured>> {
        let target = self.target();
        let Some(blocks) = &target.blocks else { return Ok(Vec::new()) };
        let mut compile = |choices: &Tuning| {
            let mut target = target.clone();
            choices.apply(&mut target);
            self.compile(&target, &mut ()).map(|(plan, _)| plan)
        };
        let measured = tuning::measure(&mut compile, blocks, parameters, inputs, self.options)?;
        self.tuning.0.extend(measured.iter().map(|one| (one.key.clone(), one.after)));
        Ok(measured)
    }

    /// The model with its weights packed for the CPU, for the sizes that are bound and any others that are asked for.
    ///
    /// # Errors
    /// As [`Model::compile`] and [`Model::parameters`].
    pub fn prepare(&self) -> Result<Prepared> {
        Prepared::new(self)
    }
}

/// The input of that number.
pub(crate) fn port(graph: &ShapedGraph, number: usize) -> Result<&Input> {
    let inputs = &graph.graph.inputs;
    inputs.get(number).ok_or_else(|| {
        failure(Code::E604, format!("input {number} is asked for, and {} takes {}", graph.graph.name, inputs.len()))
    })
}
