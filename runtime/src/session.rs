//! A prepared model and its sessions: weights are packed once for all of them, and a request of any permitted sizes is answered.
//!
//! What comes in are tensors, what goes out [`Outputs`]. A [`Prepared`] keeps the plans of the sizes that were asked for last;
//! what they pack alike they share. A [`Session`] adds the memory of one run at a time. Sessions on several threads share packed
//! weights and threads: one that finds these busy computes by itself, and the bits are the same.

use crate::answer::{Likely, Scores, likeliest};
use crate::cpu::Footprint;
use crate::failure::{Result, failure, fault};
use crate::model::bind_batch;
use crate::view::{TensorList, TensorViewMut, views};
use crate::{Cancel, Device, Executable, Model, Packed, Store, Tensor, Weights};
use cnnc_compiler::diagnostic::Code;
use cnnc_compiler::element::ElementType;
use cnnc_compiler::passes::Quantisations;
use cnnc_compiler::plan::{Plan, PlanPort};
use cnnc_compiler::watch::{Watch, timed};
use std::sync::{Arc, Mutex, PoisonError};

/// Sizes whose plans are kept; of more, those that were asked for last.
const KEPT: usize = 8;

/// How a model is made ready.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct PrepareOptions {
    /// Paths of layers, blocks or groups whose values are answered too, as more outputs under these names.
    pub taps: Vec<String>,
    /// Whether only methods are used that do what the definition says, in another order at most: no Winograd.
    pub exact: bool,
    /// Whether it will run a single time, so that methods are chosen by what packing their weights takes too.
    pub once: bool,
    /// The sizes of the inputs that weights are packed for at once. Without them it is one sample, where nothing else is open;
    /// for sizes that are open still, the first request decides.
    pub sizes: Option<Vec<Vec<usize>>>,
    /// What stops the making of plans and the packing of weights, between two of their parts.
    pub cancel: Cancel,
}

impl PrepareOptions {
    /// With the value of that path as one more output.
    #[must_use]
    pub fn tap(mut self, path: &str) -> PrepareOptions {
        self.taps.push(path.into());
        self
    }

    /// By methods alone that do what the definition says.
    #[must_use]
    pub fn exact(self) -> PrepareOptions {
        PrepareOptions { exact: true, ..self }
    }

    /// For a single run.
    #[must_use]
    pub fn once(self) -> PrepareOptions {
        PrepareOptions { once: true, ..self }
    }

    /// For inputs of the sizes that these have.
    #[must_use]
    pub fn sizes_of(self, inputs: &(impl TensorList + ?Sized)) -> PrepareOptions {
        let sizes = views(&inputs).map(|input| input.shape().to_vec()).collect();
        PrepareOptions { sizes: Some(sizes), ..self }
    }

    /// Unless this stops it.
    #[must_use]
    pub fn stopped_by(self, cancel: &Cancel) -> PrepareOptions {
        PrepareOptions { cancel: cancel.clone(), ..self }
    }
}

/// A model whose weights are packed for a device. Clones are the same one; threads share it.
#[derive(Clone)]
pub struct Prepared(Arc<Kept>);

struct Kept {
    model: Model,
    /// What the classes are called.
    labels: Box<[String]>,
    /// What its scores are.
    scores: Scores,
    device: Device,
    store: Arc<dyn Store>,
    /// Which values are bytes.
    quantisations: Arc<Quantisations>,
    /// One for each sizes of the inputs, those asked for last at the end.
    plans: Mutex<Vec<Arc<dyn Packed>>>,
}

impl Prepared {
    /// Packs the weights for the sizes that the options have, or else for one sample where that leaves nothing open.
    pub(crate) fn new(
        model: Model,
        weights: &Weights,
        device: &Device,
        options: PrepareOptions,
        watch: &mut dyn Watch,
    ) -> Result<Prepared> {
        let device = device.planning(&options);
        let store = device.backend().store(weights.parameters()).map_err(|error| error.within(model.files()))?;
        let (labels, scores) = (weights.labels().into(), weights.scores());
        let quantisations = weights.quantisations().clone();
        let plans = Mutex::new(Vec::new());
        let prepared = Prepared(Arc::new(Kept { model, labels, scores, device, store, quantisations, plans }));
        let sizes = options.sizes.or_else(|| prepared.one_sample());
        if let Some(sizes) = sizes {
            let sizes: Vec<&[usize]> = sizes.iter().map(Vec::as_slice).collect();
            prepared.packed(&sizes, &options.cancel, watch)?;
        }
        Ok(prepared)
    }

    /// The model, with the inner values that it is to answer.
    pub fn model(&self) -> &Model {
        &self.0.model
    }

    /// A session: memory of its own, and nothing else. It may go to another thread.
    pub fn session(&self) -> Session {
        Session { prepared: self.clone(), executable: None }
    }

    /// The plan for inputs of these sizes; it is made, and its weights are packed, unless it is there.
    ///
    /// # Errors
    /// As [`Session::run`] for the sizes.
    pub fn plan(&self, sizes: &[&[usize]]) -> Result<Arc<Plan>> {
        Ok(self.packed(sizes, &Cancel::default(), &mut ())?.plan().clone())
    }

    /// The memory that the weights packed for inputs of these sizes take together with one session on the processor, foretold.
    ///
    /// # Errors
    /// As [`Session::run`] for the sizes.
    pub fn memory(&self, sizes: &[&[usize]]) -> Result<Footprint> {
        self.0.device.footprint(&*self.plan(sizes)?)
    }

    /// The sizes of the inputs for one sample, where that leaves nothing open.
    fn one_sample(&self) -> Option<Vec<Vec<usize>>> {
        let mut bindings = Default::default();
        bind_batch(self.0.model.graph(), &mut bindings, 1);
        let bound = |symbol: &str| bindings.get(symbol).and_then(|&size| i64::try_from(size).ok());
        self.0.model.inputs().iter().map(|input| input.shape.at(&bound)).collect()
    }

    /// The packed plan for inputs of these sizes.
    fn packed(&self, sizes: &[&[usize]], cancel: &Cancel, watch: &mut dyn Watch) -> Result<Arc<dyn Packed>> {
        let Kept { model, device, store, plans, quantisations, .. } = &*self.0;
        // A panic leaves a list of whole plans.
        let mut plans = plans.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = plans.iter().position(|packed| is_for(packed.plan(), sizes.iter().copied())) {
            plans[place..].rotate_left(1);
        } else {
            cancel.check("making a plan")?;
            let bindings = model.bindings(sizes)?;
            // The engine keeps room for the inputs beside what the plan says.
            let inputs: u64 = sizes.iter().map(|sizes| ElementType::Float32.tensor_bytes(sizes)).sum();
            let mut target = device.target();
            target.memory_bytes = target.memory_bytes.saturating_sub(inputs);
            if let Some(blocks) = &mut target.blocks {
                blocks.quantisations = quantisations.clone();
            }
            let plan = model.compile(&bindings, &target, watch)?.0;
            let packed = timed(watch, "prepare", || store.pack(plan, cancel));
            let packed = packed.map_err(|error| error.within(model.files()))?;
            if plans.len() == KEPT {
                plans.remove(0);
            }
            plans.push(packed);
        }
        plans.last().cloned().ok_or_else(|| fault("a plan that was made is not kept"))
    }
}

/// Whether a plan takes inputs of these sizes.
fn is_for<'s>(plan: &Plan, sizes: impl ExactSizeIterator<Item = &'s [usize]>) -> bool {
    plan.inputs.len() == sizes.len() && plan.inputs.iter().zip(sizes).all(|(port, sizes)| port.view.shape == sizes)
}

/// One run at a time of a prepared model.
pub struct Session {
    prepared: Prepared,
    /// For the sizes of the run before.
    executable: Option<Box<dyn Executable>>,
}

impl Session {
    /// The answers to these inputs, in the order of the spec. They stay until the next run, which allocates nothing where its
    /// inputs have the same sizes. For sizes that nobody asked for before, a plan is made and weights are packed first.
    ///
    /// # Errors
    /// E604 when the inputs are not those that the model takes; E308 and E309 when their sizes fit no plan, E401 when there is
    /// too little memory, E601 to E603 when the weights cannot be read any more, E505 when the device fails. The session goes on.
    pub fn run<L: TensorList + ?Sized>(&mut self, inputs: &L) -> Result<Outputs<'_>> {
        self.run_with(inputs, &RunOptions::default())
    }

    /// As [`Session::run`], with options.
    ///
    /// # Errors
    /// As [`Session::run`], and E508 when it is cancelled.
    pub fn run_with(&mut self, inputs: &(impl TensorList + ?Sized), options: &RunOptions) -> Result<Outputs<'_>> {
        self.ready(&inputs, &options.cancel)?.run_unless(&inputs, &options.cancel)?;
        let executable = self.executable()?;
        let (ports, tensors) = (&executable.plan().outputs, executable.answers());
        let Kept { labels, scores, .. } = &*self.prepared.0;
        Ok(Outputs { ports, tensors, labels, scores: *scores })
    }

    /// As [`Session::run`], with the answers in memory of the caller's, which must be of the answers' sizes.
    ///
    /// # Errors
    /// As [`Session::run_with`], and E604 when the memory is not of the outputs' number, sizes and type. What lies there after
    /// E508 is no answer.
    pub fn run_into(
        &mut self,
        inputs: &(impl TensorList + ?Sized),
        outputs: &mut [TensorViewMut<'_>],
        options: &RunOptions,
    ) -> Result<()> {
        self.ready(&inputs, &options.cancel)?.run_into(&inputs, outputs, &options.cancel)
    }

    /// One more run on the inputs of the run before. A device with memory of its own moves neither these nor the answers: what is
    /// timed is the network alone.
    ///
    /// # Errors
    /// As [`Session::run`].
    pub fn again(&mut self, inputs: &(impl TensorList + ?Sized)) -> Result<()> {
        self.ready(&inputs, &Cancel::default())?.again(&inputs)
    }

    /// The median seconds of every step of the plan over some runs, in the order of its `run`; empty where nobody can tell.
    ///
    /// # Errors
    /// As [`Session::run`].
    pub fn profile(&mut self, inputs: &(impl TensorList + ?Sized), runs: usize) -> Result<Vec<f64>> {
        self.ready(&inputs, &Cancel::default())?.profile(&inputs, runs)
    }

    /// The plan for inputs of these sizes.
    ///
    /// # Errors
    /// As [`Session::run`] for the sizes.
    pub fn plan(&self, inputs: &(impl TensorList + ?Sized)) -> Result<Arc<Plan>> {
        self.prepared.plan(&views(&inputs).map(|input| input.shape()).collect::<Vec<_>>())
    }

    /// What makes runs slower than they might be, in words, where something does.
    pub fn hindrance(&self) -> Option<&str> {
        self.executable.as_ref()?.hindrance()
    }

    /// What runs inputs of these sizes.
    fn ready(&mut self, inputs: &dyn TensorList, cancel: &Cancel) -> Result<&mut dyn Executable> {
        let sizes = || views(inputs).map(|input| input.shape());
        if !self.executable.as_ref().is_some_and(|executable| is_for(executable.plan(), sizes())) {
            let packed = self.prepared.packed(&sizes().collect::<Vec<_>>(), cancel, &mut ())?;
            // The memory of other sizes goes before there is that of these.
            self.executable = None;
            self.executable = Some(packed.executable()?);
        }
        match &mut self.executable {
            Some(executable) => Ok(&mut **executable),
            None => Err(fault("a session that cannot run")),
        }
    }

    fn executable(&self) -> Result<&dyn Executable> {
        self.executable.as_deref().ok_or_else(|| fault("a session that cannot run"))
    }
}

/// How a session runs.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RunOptions {
    /// What stops the run between two steps of its plan, and the making of a plan between two of its parts.
    pub cancel: Cancel,
}

impl RunOptions {
    /// A run that this stops.
    pub fn stopped_by(cancel: &Cancel) -> RunOptions {
        RunOptions { cancel: cancel.clone() }
    }
}

/// What a run answered; it lies in its session.
#[derive(Clone, Copy)]
pub struct Outputs<'s> {
    ports: &'s [PlanPort],
    tensors: &'s [Tensor],
    labels: &'s [String],
    scores: Scores,
}

impl<'s> Outputs<'s> {
    /// The output of that name.
    pub fn get(&self, name: &str) -> Option<&'s Tensor> {
        let number = self.ports.iter().position(|port| &*port.name == name)?;
        self.tensors.get(number)
    }

    /// The output of that number, in the spec's order.
    ///
    /// # Panics
    /// When there are not as many.
    pub fn at(&self, number: usize) -> &'s Tensor {
        &self.tensors[number]
    }

    /// All of them, in the spec's order.
    pub fn all(&self) -> &'s [Tensor] {
        self.tensors
    }

    /// The likeliest `count` classes of every sample by the first output, `[N, classes]`, the likeliest first: by the numbers
    /// themselves where they are probabilities, else by their softmax, or by the sigmoid of each where the weights were trained
    /// on samples that may have several classes ([`Weights::scores`]). Classes have names where the spec has `labels`, or the
    /// weights were trained with names.
    ///
    /// # Errors
    /// E604 when the first output has no such shape, or another number of classes than the spec has labels.
    pub fn top(&self, count: usize) -> Result<Vec<Vec<Likely<'s>>>> {
        let labels = self.labels;
        let Some((tensor, &[_, classes])) = self.tensors.first().map(|tensor| (tensor, tensor.shape())) else {
            let shapes: Vec<&[usize]> = self.tensors.iter().map(Tensor::shape).collect();
            let message = format!("the outputs are {shapes:?}, and classes are those of a first output [N, classes]");
            return Err(failure(Code::E604, message));
        };
        if !labels.is_empty() && labels.len() != classes {
            let message = format!("the spec has {} labels, and the model tells {classes} classes apart", labels.len());
            return Err(failure(Code::E604, message));
        }
        let top = |row: &[f32]| likeliest(row, labels, self.scores).into_iter().take(count).collect();
        Ok(tensor.data().chunks(classes.max(1)).map(top).collect())
    }
}
