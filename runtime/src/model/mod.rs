//! A spec becomes a model: a network whose shapes are known, as all who use it share it.
//!
//! Text comes in, from a file, from memory, from any sources; a [`Model`] goes out, or an [`Error`] with everything that is wrong
//! with the spec. A model never changes: its weights are a [`Weights`], what it is made ready with are the arguments of
//! [`Model::prepare`], and what an input's sizes give to the spec's symbols is an [`InputReader`]'s.

mod bindings;
mod builder;
mod explain;
mod inputs;

pub use bindings::{bind_batch, bind_input};
pub use builder::ModelBuilder;
pub use explain::Explanation;
pub use inputs::InputReader;

use crate::cpu::{CpuOptions, Footprint, footprint, training_footprint};
use crate::failure::failure;
use crate::{Device, Error, Parameters, PrepareOptions, Prepared, Result, Tensor, Trainer, Weights};
use cnnc_compiler::diagnostic::{Code, Diagnostic, nearest};
use cnnc_compiler::graph::{Input, NodeKind, Output, Parameter, ShapedGraph};
use cnnc_compiler::ops::Chances;
use cnnc_compiler::passes::{self, Note};
use cnnc_compiler::plan::{Plan, Target, plan_with_notes};
use cnnc_compiler::summary::{Summary, summarize};
use cnnc_compiler::training::{Training, compile_gradients, compile_step, compile_update};
use cnnc_compiler::watch::{Watch, timed};
use cnnc_compiler::write_kernels::{Bindings, write_kernels};
use cnnc_grammar::span::Files;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

/// As much memory as no machine has, so that a network which does not fit is foretold too.
const NO_LIMIT: u64 = 1 << 48;

/// A half of a training step that is done in parts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Half {
    /// A part's gradients, which are gathered.
    Gradients,
    /// What the optimiser makes of them.
    Update,
}

/// A network whose shapes are known. Clones are the same one; threads share it.
#[derive(Clone)]
pub struct Model(Arc<Known>);

struct Known {
    files: Files,
    warnings: Vec<Diagnostic>,
    graph: ShapedGraph,
}

/// A network whose values are looked at.
pub(crate) struct Observed {
    /// The plan that answers every value that may be bytes, after the outputs.
    pub plan: Arc<Plan>,
    /// The names of these values, in the order of the answers.
    pub names: Vec<Arc<str>>,
    /// The keys of the weights that may be bytes.
    pub weights: BTreeSet<Arc<str>>,
}

impl Model {
    /// The model of a spec on disk: the file's last, as in every command.
    ///
    /// # Errors
    /// With everything that is wrong with the spec.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Model> {
        Model::builder().file(path)
    }

    /// The model of a spec that is text here, such as one that the program holds: the text's last. `name` is what messages call
    /// it; it imports nothing.
    ///
    /// # Errors
    /// With everything that is wrong with the spec.
    pub fn from_text(name: &str, text: &str) -> Result<Model> {
        Model::builder().text(name, text)
    }

    /// A model of another name, with arguments, or from other sources.
    pub fn builder() -> ModelBuilder<'static> {
        ModelBuilder::default()
    }

    /// A network that was checked already, such as a recipe's, with the files that it came from.
    pub(crate) fn of(graph: ShapedGraph, files: Files, warnings: Vec<Diagnostic>) -> Model {
        Model(Arc::new(Known { files, warnings, graph }))
    }

    /// Its name in the spec.
    pub fn name(&self) -> &str {
        &self.graph().graph.name
    }

    /// The network, layer by layer, with every shape.
    pub fn graph(&self) -> &ShapedGraph {
        &self.0.graph
    }

    /// The files that the spec is made of.
    pub fn files(&self) -> &Files {
        &self.0.files
    }

    /// What is to be said of the spec although nothing is wrong with it.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.0.warnings
    }

    /// What it takes, in the spec's order: names, shapes whose open sizes are symbols, and how pictures become an input.
    pub fn inputs(&self) -> &[Input] {
        &self.graph().graph.inputs
    }

    /// The names of what it answers, in the spec's order.
    pub fn outputs(&self) -> impl ExactSizeIterator<Item = &Arc<str>> {
        self.graph().graph.outputs.iter().map(|output| &output.name)
    }

    /// What the numbers of an answer stand for, when the spec lists `labels`.
    pub fn labels(&self) -> &[String] {
        self.graph().graph.labels.as_deref().unwrap_or_default()
    }

    /// How many classes it tells apart: the last size of a first output `[N, classes]`; `None` where that has other axes.
    pub fn classes(&self) -> Option<usize> {
        let output = self.graph().graph.outputs.first()?;
        let shape = self.graph().shape(output.node);
        let size = shape.get(1).filter(|_| shape.len() == 2)?.at(&|_| None)?;
        usize::try_from(size).ok()
    }

    /// What chances its first output is, where its last layer makes such.
    pub(crate) fn chances(&self) -> Option<Chances> {
        let graph = &self.graph().graph;
        match &graph.dag.get(graph.outputs.first()?.node)?.kind {
            NodeKind::Operator(operator) => operator.chances(),
            NodeKind::Input(_) => None,
        }
    }

    /// How many numbers its parameters of a kind have together.
    pub fn numbers(&self, is_it: impl Fn(&Parameter) -> bool) -> usize {
        let parameters = self.graph().graph.parameters.iter().filter(|parameter| is_it(parameter));
        parameters.map(|parameter| parameter.shape.iter().product::<usize>()).sum()
    }

    /// Weights as the spec's initialisers draw them from a seed: the same numbers on every machine.
    ///
    /// # Errors
    /// E401 when they are larger than this machine's memory.
    pub fn init(&self, seed: u64) -> Result<Weights> {
        Ok(Weights::of(self, Parameters::draw(&self.graph().graph, seed)?))
    }

    /// A note that [`Model::init`] draws, where the spec does not give all values.
    pub fn init_note(&self, seed: u64) -> Option<Diagnostic> {
        Parameters::drawn_note(&self.graph().graph, seed)
    }

    /// The first input from a file: an array, a picture or an IDX file. Several inputs, which have to agree in open sizes, are
    /// an [`InputReader`]'s.
    ///
    /// # Errors
    /// When the file cannot be read or does not fit the spec.
    pub fn input(&self, path: impl AsRef<Path>) -> Result<Tensor> {
        Ok(self.reader().read(0, path)?.tensor)
    }

    /// What reads several inputs, which have to agree in the sizes that the spec leaves open.
    pub fn reader(&self) -> InputReader {
        InputReader::new(self)
    }

    /// Every layer with its shape, parameters and cost, down to a depth of blocks, where one is given; sizes that nothing binds
    /// stay symbols.
    pub fn summary(&self, bindings: &Bindings, depth: Option<usize>) -> Summary {
        summarize(self.graph(), bindings, depth)
    }

    /// These weights, packed for a device, and ready for requests of any permitted sizes.
    ///
    /// # Errors
    /// E202 when an option names a layer that is not there, E308 and E309 when sizes fit no plan, E401 when there is too little
    /// memory, E601 to E603 when the weights cannot be read any more, E602 when they are another model's, E508 when it is
    /// cancelled.
    pub fn prepare(&self, weights: &Weights, device: &Device, options: PrepareOptions) -> Result<Prepared> {
        self.prepare_watched(weights, device, options, &mut ())
    }

    /// As [`Model::prepare`], while somebody is told how long each stage takes.
    ///
    /// # Errors
    /// As [`Model::prepare`].
    pub fn prepare_watched(
        &self,
        weights: &Weights,
        device: &Device,
        options: PrepareOptions,
        watch: &mut dyn Watch,
    ) -> Result<Prepared> {
        Prepared::new(self.showing(&options.taps)?, weights, device, options, watch)
    }

    /// A training that begins with these weights.
    pub fn trainer(&self, weights: &Weights, training: Training, device: &Device) -> Trainer {
        Trainer::new(self, weights, training, device)
    }

    /// With inner values as more outputs, each under its path: what the layer, block or group of that path gives. The network is
    /// compiled for them, so the last bits of other outputs may be others.
    ///
    /// # Errors
    /// E202 when the model has nothing of a path, or that gives no value.
    fn showing(&self, paths: &[String]) -> Result<Model> {
        if paths.is_empty() {
            return Ok(self.clone());
        }
        let mut shown = self.graph().clone();
        for path in paths {
            let graph = &mut shown.graph;
            let found = graph.modules.iter().find(|module| *module.path == **path).and_then(|module| module.output);
            let Some(node) = found else {
                let mut unknown = failure(Code::E202, format!("{} has no layer or block `{path}`", graph.name));
                let known = graph.modules.iter().map(|module| module.path.as_ref());
                unknown.help.extend(nearest(path, known).map(|near| format!("there is `{near}`")));
                return Err(unknown);
            };
            graph.outputs.push(Output { name: path.as_str().into(), node });
        }
        Ok(Model::of(shown, self.files().clone(), self.warnings().to_vec()))
    }

    /// The plan for a target, and what the passes and the planner did and did not do. A batch that nothing binds is 1.
    ///
    /// # Errors
    /// E402 and E308 when sizes are missing or do not fit, E401 when there is too little memory.
    pub fn compile(
        &self,
        bindings: &Bindings,
        target: &Target,
        watch: &mut dyn Watch,
    ) -> Result<(Arc<Plan>, Vec<Note>)> {
        let here = |failure: Box<Diagnostic>| Error::new(*failure, self.files());
        let bindings = self.with_batch(bindings);
        let mut kernels = timed(watch, "kernels", || write_kernels(self.graph(), &bindings)).map_err(here)?;
        let mut notes = timed(watch, "passes", || passes::run(&mut kernels)).map_err(here)?;
        let (plan, copies) = timed(watch, "plan", || plan_with_notes(&kernels, target)).map_err(here)?;
        notes.extend(copies);
        Ok((Arc::new(plan), notes))
    }

    /// The network as calibration runs it.
    ///
    /// # Errors
    /// As [`Model::compile`].
    pub(crate) fn compile_observed(&self, bindings: &Bindings, target: &Target) -> Result<Observed> {
        let here = |failure: Box<Diagnostic>| Error::new(*failure, self.files());
        let mut kernels = write_kernels(self.graph(), &self.with_batch(bindings)).map_err(here)?;
        passes::run(&mut kernels).map_err(here)?;
        let (names, weights) = passes::observe(&mut kernels);
        let (plan, _) = plan_with_notes(&kernels, target).map_err(here)?;
        Ok(Observed { plan: Arc::new(plan), names, weights })
    }

    /// As [`Model::compile`], of a training step.
    ///
    /// # Errors
    /// As [`Model::compile`], and E403 when the loss does not fit the network.
    pub fn compile_training(
        &self,
        training: &Training,
        bindings: &Bindings,
        target: &Target,
        watch: &mut dyn Watch,
    ) -> Result<(Arc<Plan>, Vec<Note>)> {
        let bindings = self.with_batch(bindings);
        let planned = timed(watch, "plan", || compile_step(self.graph(), &bindings, training, target));
        let (plan, notes) = planned.map_err(|failure| Error::new(*failure, self.files()))?;
        Ok((Arc::new(plan), notes))
    }

    /// The plan of a half of a training step that is done in parts; the sizes of the bindings are those of a part.
    pub(crate) fn compile_half(
        &self,
        half: Half,
        training: &Training,
        bindings: &Bindings,
        target: &Target,
    ) -> Result<Arc<Plan>> {
        let compile = match half {
            Half::Gradients => compile_gradients,
            Half::Update => compile_update,
        };
        let planned = compile(self.graph(), bindings, training, target);
        planned.map(Arc::new).map_err(|failure| Error::new(*failure, self.files()))
    }

    /// The memory that an engine of so many threads of this machine's processor takes (0: as many as there are cores), foretold:
    /// the network is compiled, and nothing is run.
    ///
    /// # Errors
    /// As [`Model::compile`], but for the memory.
    pub fn memory(&self, bindings: &Bindings, threads: usize) -> Result<Footprint> {
        let options = CpuOptions { threads, ..CpuOptions::default() };
        let target = Target { memory_bytes: NO_LIMIT, ..options.target() };
        footprint(&self.compile(bindings, &target, &mut ())?.0, &options)
    }

    /// As [`Model::memory`], of a training and its state.
    ///
    /// # Errors
    /// As [`Model::compile_training`], but for the memory.
    pub fn training_memory(&self, training: &Training, bindings: &Bindings, threads: usize) -> Result<Footprint> {
        let options = CpuOptions { threads, ..CpuOptions::default() };
        let target = Target { memory_bytes: NO_LIMIT, ..options.target() };
        let plan = self.compile_training(training, bindings, &target, &mut ())?.0;
        training_footprint(&plan, &options)
    }

    /// What the sizes of inputs give the spec's symbols.
    ///
    /// # Errors
    /// E604 when they do not fit the inputs, or each other.
    pub fn bindings(&self, sizes: &[&[usize]]) -> Result<Bindings> {
        bindings::of_inputs(self.graph(), sizes)
    }

    /// How many class labels a batch of inputs of these sizes has: one a sample, or one a place of the answer.
    ///
    /// # Errors
    /// As [`Model::bindings`]; E403 when the network gives no answer of known sizes.
    pub fn labels_of_batch(&self, sizes: &[&[usize]]) -> Result<usize> {
        let bindings = self.with_batch(&self.bindings(sizes)?);
        let bound = |symbol: &str| bindings.get(symbol).and_then(|&size| i64::try_from(size).ok());
        let shape = self.graph().graph.outputs.first().and_then(|output| self.graph().shape(output.node).at(&bound));
        let shape = shape.ok_or_else(|| failure(Code::E403, format!("{} gives no answer to train", self.name())))?;
        Ok(shape.iter().enumerate().filter(|(axis, _)| *axis != 1).map(|(_, size)| size).product())
    }

    fn with_batch(&self, bindings: &Bindings) -> Bindings {
        let mut bindings = bindings.clone();
        bind_batch(self.graph(), &mut bindings, 1);
        bindings
    }

    /// The input of that number.
    ///
    /// # Errors
    /// E604 when there are not as many.
    pub(crate) fn port(&self, number: usize) -> Result<&Input> {
        self.inputs().get(number).ok_or_else(|| {
            let (name, takes) = (self.name(), self.inputs().len());
            failure(Code::E604, format!("input {number} is asked for, and {name} takes {takes}"))
        })
    }
}
