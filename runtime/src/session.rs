//! A prepared model and its sessions: weights are packed once for all of them, and a request of any permitted sizes is answered.
//!
//! What comes in are tensors, what goes out [`Outputs`]. A [`Prepared`] keeps the plans of the sizes that were asked for last,
//! and shares among them the weights that they pack alike; a [`Session`] adds the memory of one run at a time. Sessions on
//! several threads share packed weights and threads: one that finds these busy computes by itself, and the bits are the same.

use crate::answer::{Likely, likeliest};
use crate::cpu::{Engine, Footprint, Shared, Stock, footprint};
use crate::failure::{Result, failure};
use crate::given::wrong_number;
use crate::model::{Model, bind_batch, bind_input};
use crate::{Cancel, Parameters, Tensor};
use cnnc_compiler::diagnostic::Code;
use cnnc_compiler::plan::{Plan, PlanPort};
use cnnc_compiler::write_kernels::Bindings;
use std::sync::{Arc, Mutex, PoisonError};

/// Sizes whose plans are kept; of more, those that were asked for last.
const KEPT: usize = 8;

/// A model whose weights are packed for the CPU. Clones are the same one; threads share it.
#[derive(Clone)]
pub struct Prepared(Arc<Kept>);

struct Kept {
    model: Model,
    parameters: Parameters,
    pool: crate::cpu::Threads,
    stock: Stock,
    /// One for each sizes of the inputs, those asked for last at the end.
    plans: Mutex<Vec<Shared>>,
}

impl Prepared {
    /// Packs the weights for the sizes that the model has bound, and one sample where nothing binds the batch; for sizes that are
    /// open still, at the first request.
    pub(crate) fn new(model: &Model) -> Result<Prepared> {
        let options = model.options;
        let within = |error: crate::Error| error.within(&model.files);
        let parameters = model.parameters().map_err(within)?;
        let pool = options.threads().map_err(within)?;
        let prepared = Prepared(Arc::new(Kept {
            model: model.clone(),
            parameters,
            pool,
            stock: Stock::default(),
            plans: Mutex::new(Vec::new()),
        }));
        let mut bindings = model.bindings.clone();
        bind_batch(&model.graph, &mut bindings, 1);
        if let Some(shapes) = prepared.shapes(&bindings) {
            prepared.shared(&shapes.iter().map(Vec::as_slice).collect::<Vec<_>>())?;
        }
        Ok(prepared)
    }

    /// A session: memory of its own, and nothing else. It may go to another thread.
    pub fn session(&self) -> Session {
        Session { prepared: self.clone(), engine: None }
    }

    /// The memory that the weights packed for inputs of these sizes take together with one session, foretold.
    ///
    /// # Errors
    /// As [`Session::run`] for the sizes.
    pub fn memory(&self, shapes: &[&[usize]]) -> Result<Footprint> {
        let shared = self.shared(shapes)?;
        footprint(shared.plan(), &self.0.model.options)
    }

    /// The sizes of the inputs, where these bindings give all of them.
    fn shapes(&self, bindings: &Bindings) -> Option<Vec<Vec<usize>>> {
        let bound = |symbol: &str| bindings.get(symbol).and_then(|&size| i64::try_from(size).ok());
        self.0.model.graph.graph.inputs.iter().map(|input| input.shape.at(&bound)).collect()
    }

    /// The packed plan for inputs of these sizes.
    fn shared(&self, shapes: &[&[usize]]) -> Result<Shared> {
        let Kept { model, parameters, pool, stock, plans } = &*self.0;
        // A panic leaves a list of whole plans.
        let mut plans = plans.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = plans.iter().position(|shared| is_for(shared.plan(), shapes.iter().copied())) {
            plans[place..].rotate_left(1);
        } else {
            let bindings = self.bindings(shapes)?;
            let plan = model.compile_for(&bindings, &model.target(), &mut ())?.0;
            let shared = Shared::new(plan, parameters, model.options, pool.clone(), stock);
            let shared = shared.map_err(|error| error.within(&model.files))?;
            if plans.len() == KEPT {
                plans.remove(0);
            }
            plans.push(shared);
        }
        plans.last().cloned().ok_or_else(|| crate::failure::fault("a plan that was made is not kept"))
    }

    /// What the sizes of inputs give the spec's symbols.
    ///
    /// # Errors
    /// E604 when they do not fit the inputs, or each other.
    fn bindings(&self, shapes: &[&[usize]]) -> Result<Bindings> {
        let graph = &self.0.model.graph;
        let inputs = &graph.graph.inputs;
        if inputs.len() != shapes.len() {
            return Err(wrong_number(inputs.iter().map(|input| &*input.name), shapes.len()));
        }
        let mut bindings = Bindings::new();
        for (input, shape) in inputs.iter().zip(shapes) {
            bind_input(input, shape, &mut bindings);
        }
        let bound = |symbol: &str| bindings.get(symbol).and_then(|&size| i64::try_from(size).ok());
        for (input, &shape) in inputs.iter().zip(shapes) {
            if input.shape.at(&bound).is_none_or(|wanted| wanted != shape) {
                let message = format!("`{}` is {shape:?}, and the model takes {}", input.name, input.shape);
                return Err(failure(Code::E604, message));
            }
        }
        Ok(bindings)
    }
}

/// Whether a plan takes inputs of these sizes.
fn is_for<'s>(plan: &Plan, shapes: impl ExactSizeIterator<Item = &'s [usize]>) -> bool {
    plan.inputs.len() == shapes.len() && plan.inputs.iter().zip(shapes).all(|(port, shape)| port.view.shape == shape)
}

/// One run at a time of a prepared model.
pub struct Session {
    prepared: Prepared,
    /// For the sizes of the run before.
    engine: Option<Engine>,
}

impl Session {
    /// The answers to these inputs, in the order of the spec. They stay until the next run, which allocates nothing where its
    /// inputs have the same sizes. For sizes that nobody asked for before, a plan is made and weights are packed first.
    ///
    /// # Errors
    /// E604 when the inputs are not those that the model takes; E308 and E309 when their sizes fit no plan, E401 when there is
    /// too little memory, E601 to E603 when the weights cannot be read any more. The session goes on.
    pub fn run(&mut self, inputs: &[Tensor]) -> Result<Outputs<'_>> {
        self.run_with(inputs, &RunOptions::default())
    }

    /// As [`Session::run`], with options.
    ///
    /// # Errors
    /// As [`Session::run`], and E508 when it is cancelled.
    pub fn run_with(&mut self, inputs: &[Tensor], options: &RunOptions) -> Result<Outputs<'_>> {
        if !self.engine.as_ref().is_some_and(|engine| is_for(engine.plan(), inputs.iter().map(Tensor::shape))) {
            let shapes: Vec<&[usize]> = inputs.iter().map(Tensor::shape).collect();
            let shared = self.prepared.shared(&shapes)?;
            // The memory of other sizes goes before there is that of these.
            self.engine = None;
            self.engine = Some(shared.engine()?);
        }
        let Some(engine) = &mut self.engine else { return Err(crate::failure::fault("a session without an engine")) };
        engine.run_unless(inputs, &options.cancel)?;
        Ok(Outputs { ports: &engine.plan().outputs, tensors: engine.answers(), labels: self.prepared.0.model.labels() })
    }
}

/// How a session runs.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RunOptions {
    /// What stops the run between two steps of its plan. It does not stop a plan that is being made.
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
    /// themselves where they are probabilities, else by their softmax. Classes have names where the spec has `labels`.
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
        let top = |row: &[f32]| likeliest(row, labels).into_iter().take(count).collect();
        Ok(tensor.data().chunks(classes.max(1)).map(top).collect())
    }
}
