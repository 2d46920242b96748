//! Training from a program: batches and what the network should answer come in, losses go out, and the weights change.
//!
//! A step is one compiled plan (forward, loss, backward, update) on a device; plans for batches of other sizes share one state.
//! [`train`](crate::train) does its steps by the same means.

mod given;
mod gradients;
mod parts;
mod relearn;

pub use gradients::Gradients;

use crate::failure::{Result, failure, fault};
use crate::given::initial_state;
use crate::model::Half;
use crate::state;
use crate::view::{TensorList, views};
use crate::{Device, Inputs, Model, Parameters, TensorView, TrainingExecutable, Weights, weights};
use cnnc_compiler::diagnostic::Code;
use cnnc_compiler::plan::Plan;
use cnnc_compiler::training::{Training, names};
use given::Given;
use parts::Parts;
use std::path::Path;
use std::sync::Arc;

/// The keys of a checkpoint's text: how many steps it is after, and what dropout draws from.
const STEPS: &str = "cnnc.steps";
const SEED: &str = "cnnc.seed";

/// What a network should answer to a batch.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Target<'t> {
    /// The number of a class, from 0, for each sample; of a network that answers `[N, classes, H, W]`, for each pixel by rows.
    /// Under the mean squared error and the binary cross-entropy it is a one for that class and zeros for the others.
    Classes(&'t [usize]),
    /// A tensor of the answer's shape, for these.
    Tensor(TensorView<'t>),
}

/// What a step is told besides its batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepInputs {
    /// The learning rate.
    pub learning_rate: f64,
    /// The momentum, or the first beta, where [`Training::scheduled_momentum`] says that it changes; the optimiser's own where
    /// it is left open.
    pub momentum: Option<f64>,
    /// The number of the step in the run, from 1.
    pub step: u64,
    /// What dropout draws from, with the step's number.
    pub seed: u64,
}

/// What a step says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepOutputs {
    /// The loss of the batch before the step.
    pub loss: f64,
    /// How many labels were the class of the highest score before the step, where the loss tells.
    pub correct: Option<usize>,
}

/// A network that learns. It may go to another thread.
pub struct Trainer {
    model: Model,
    training: Training,
    device: Device,
    /// The parameters until the first batch, whose sizes decide what is compiled.
    initial: Parameters,
    running: Option<Box<dyn TrainingExecutable>>,
    plans: Vec<Compiled>,
    /// How a step's batch is cut, where it is.
    parts: Option<Parts>,
    /// The plan of the step that was begun, by its place in the list.
    begun: usize,
    /// The number of the step whose inputs are on their way, and the place of its plan.
    staged: Option<(u64, usize)>,
    steps: u64,
    seed: u64,
    momentum: Option<f64>,
}

/// A step for inputs of some sizes, and its number on the device.
struct Compiled {
    sizes: Vec<Vec<usize>>,
    plan: Arc<Plan>,
    number: usize,
}

impl Trainer {
    pub(crate) fn new(model: &Model, weights: &Weights, training: Training, device: &Device) -> Trainer {
        Trainer {
            model: model.clone(),
            training,
            device: device.clone(),
            initial: weights.parameters().clone(),
            running: None,
            plans: Vec::new(),
            parts: None,
            begun: 0,
            staged: None,
            steps: 0,
            seed: 0,
            momentum: None,
        }
    }

    /// With steps whose batches are computed in parts of at most so many samples (at least 1), one after another: the gradients
    /// of the whole batch in the memory of a part. Inputs and targets count samples along their first axis.
    ///
    /// The parts of a batch are as large as each other, give or take a sample. Each sees its own batch statistics and draws its
    /// own random numbers.
    #[must_use]
    pub fn in_parts_of(self, samples: usize) -> Trainer {
        Trainer { parts: Some(Parts::of(samples)), ..self }
    }

    /// Sets the momentum, or the first beta, of the steps to come, where [`Training::scheduled_momentum`] says that it changes.
    pub fn set_momentum(&mut self, momentum: f64) {
        self.momentum = Some(momentum);
    }

    /// With another number from which dropout draws; 0 without it.
    #[must_use]
    pub fn seed(self, seed: u64) -> Trainer {
        Trainer { seed, ..self }
    }

    /// The steps that were done, those before a checkpoint that was gone on from among them.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// One step on a batch: loss, gradients, and what the optimiser makes of them. For sizes that did not occur before, a plan is
    /// made first.
    ///
    /// # Errors
    /// E403 when the loss does not fit the network, E604 when inputs or targets are not those that it takes, E308 and E309 when
    /// their sizes fit no plan, E401 or E504 when there is too little memory; the weights are as they were then. E505 when the
    /// device fails.
    pub fn step(
        &mut self,
        inputs: &(impl TensorList + ?Sized),
        target: Target<'_>,
        learning_rate: f64,
    ) -> Result<StepOutputs> {
        let told = StepInputs { learning_rate, ..self.told() };
        self.begin(&inputs, target, told)?;
        let outputs = self.finish()?;
        self.steps += 1;
        Ok(outputs)
    }

    /// The weights as they are now.
    ///
    /// # Errors
    /// When they cannot be read back.
    pub fn weights(&self) -> Result<Weights> {
        Ok(Weights::of(&self.model, state::parameters(&self.state()?)))
    }

    /// Writes all that the training goes on from: weights, the optimiser's state, the number of steps. The file is there whole or
    /// not at all; its weights are read as any weights are.
    ///
    /// # Errors
    /// E601 when it cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let (steps, seed) = (self.steps.to_string(), self.seed.to_string());
        weights::save(path.as_ref(), &self.state()?, &[(STEPS, &steps), (SEED, &seed)])
    }

    /// Goes on from what [`Trainer::save`] wrote, to the bits of a training that was not broken off. `inputs` are such as the
    /// next step will be given: their sizes count.
    ///
    /// # Errors
    /// E601 and E603 when the file cannot be read, E611 when it is of another training, and as [`Trainer::step`] for the sizes.
    pub fn resume(&mut self, path: impl AsRef<Path>, inputs: &(impl TensorList + ?Sized)) -> Result<()> {
        let path = path.as_ref();
        let (found, about) = weights::load_all(path)?;
        let number = |key: &str| about.get(key).and_then(|text| text.parse().ok());
        let (Some(steps), Some(seed)) = (number(STEPS), number(SEED)) else {
            let message = format!("`{}` does not say after how many steps it was saved", path.display());
            return Err(failure(Code::E611, message).help("`Trainer::save` writes a file that does"));
        };
        self.ready(&inputs)?;
        self.load(&state::fitting(path, &self.state()?, &found)?)?;
        (self.steps, self.seed) = (steps, seed);
        Ok(())
    }

    /// One more step on a batch whose inputs are where it computes already: what is timed is the step alone.
    ///
    /// # Errors
    /// As [`Trainer::step`].
    pub fn again(&mut self, inputs: &(impl TensorList + ?Sized), target: Target<'_>) -> Result<()> {
        let (place, told) = (self.ready(&inputs)?, self.told());
        let Compiled { plan, number, .. } = &self.plans[place];
        let given = Given::new(plan, &self.training, target, told)?;
        running(&mut self.running)?.again(*number, &given.beside(&plan.inputs, &inputs)?)
    }

    /// The median seconds of every step of the plan over some runs, which train; empty where nobody can tell.
    ///
    /// # Errors
    /// As [`Trainer::step`].
    pub fn profile(
        &mut self,
        inputs: &(impl TensorList + ?Sized),
        target: Target<'_>,
        runs: usize,
    ) -> Result<Vec<f64>> {
        let (place, told) = (self.ready(&inputs)?, self.told());
        let Compiled { plan, number, .. } = &self.plans[place];
        let given = Given::new(plan, &self.training, target, told)?;
        running(&mut self.running)?.profile(*number, &given.beside(&plan.inputs, &inputs)?, runs)
    }

    /// What makes steps slower than they might be, in words, where something does.
    pub fn hindrance(&self) -> Option<&str> {
        self.running.as_ref()?.hindrance(self.plans.get(self.begun)?.number)
    }

    /// The plan of a step on a batch of these sizes.
    ///
    /// # Errors
    /// As [`Trainer::step`].
    pub fn plan(&mut self, inputs: &(impl TensorList + ?Sized)) -> Result<Arc<Plan>> {
        let place = self.ready(&inputs)?;
        Ok(self.plans[place].plan.clone())
    }

    /// What a step that is only timed is told: so small a learning rate that the network stays what it is.
    fn told(&self) -> StepInputs {
        StepInputs { learning_rate: 1e-6, momentum: self.momentum, step: self.steps + 1, seed: self.seed }
    }

    /// The place of the plan for inputs of these sizes, which is made unless it is there.
    fn ready(&mut self, inputs: &dyn TensorList) -> Result<usize> {
        match self.place(inputs) {
            Some(place) => Ok(place),
            None => self.ready_for(&views(inputs).map(|input| input.shape()).collect::<Vec<_>>()),
        }
    }

    /// Makes the plan for a batch of these sizes, and gives its place.
    pub(crate) fn ready_for(&mut self, sizes: &[&[usize]]) -> Result<usize> {
        let bindings = self.model.bindings(sizes)?;
        let target = self.device.target();
        let plan = match &self.parts {
            None => self.model.compile_training(&self.training, &bindings, &target, &mut ())?.0,
            Some(_) => self.model.compile_half(Half::Gradients, &self.training, &bindings, &target)?,
        };
        let number = match (&mut self.running, &mut self.parts) {
            (Some(running), _) => running.add(plan.clone())?,
            (running, parts) => {
                let update = match parts {
                    None => None,
                    Some(_) => Some(self.model.compile_half(Half::Update, &self.training, &bindings, &target)?),
                };
                let state = update.as_ref().map(|update| initial_state(update, &self.initial)).transpose()?;
                let begun = self.device.backend().trainer(plan.clone(), state.as_ref().unwrap_or(&self.initial))?;
                let begun = running.insert(begun);
                if let (Some(parts), Some(update)) = (parts, update) {
                    parts.update = Some((begun.add(update.clone())?, update));
                }
                self.initial = Parameters::default();
                0
            }
        };
        let sizes = sizes.iter().map(|sizes| sizes.to_vec()).collect();
        self.plans.push(Compiled { sizes, plan, number });
        Ok(self.plans.len() - 1)
    }

    /// The place of the plan for inputs of these sizes, if there is one.
    fn place(&self, inputs: &dyn TensorList) -> Option<usize> {
        let is_for = |sizes: &[Vec<usize>]| {
            sizes.len() == inputs.count() && sizes.iter().zip(views(inputs)).all(|(sizes, one)| sizes == one.shape())
        };
        self.plans.iter().position(|compiled| is_for(&compiled.sizes))
    }

    /// Begins a step.
    ///
    /// # Errors
    /// As [`Trainer::step`].
    pub(crate) fn begin(&mut self, inputs: &dyn TensorList, target: Target<'_>, told: StepInputs) -> Result<()> {
        if self.parts.is_some() {
            return self.begin_in_parts(inputs, target, told);
        }
        let place = self.ready(inputs)?;
        let Compiled { plan, number, .. } = &self.plans[place];
        self.begun = place;
        if self.staged.take() == Some((told.step, place)) {
            return running(&mut self.running)?.begin(*number, Inputs::Staged);
        }
        let given = Given::new(plan, &self.training, target, told)?;
        running(&mut self.running)?.begin(*number, Inputs::Given(&given.beside(&plan.inputs, inputs)?))
    }

    /// Tells of the step that is begun next, so that its batch may be on its way while this one is computed.
    ///
    /// # Errors
    /// As [`Trainer::step`].
    pub(crate) fn stage(&mut self, inputs: &dyn TensorList, target: Target<'_>, told: StepInputs) -> Result<()> {
        // Sizes that did not occur yet have no plan, which is made when their step begins; so have those that are cut.
        let Some(place) = self.place(inputs).filter(|_| self.parts.is_none()) else { return Ok(()) };
        let Compiled { plan, number, .. } = &self.plans[place];
        let given = Given::new(plan, &self.training, target, told)?;
        let all = given.beside(&plan.inputs, inputs)?.iter().map(TensorView::to_tensor).collect();
        running(&mut self.running)?.stage(*number, all)?;
        self.staged = Some((told.step, place));
        Ok(())
    }

    /// Waits for the step that was begun.
    ///
    /// # Errors
    /// E505 when the device fails.
    pub(crate) fn finish(&mut self) -> Result<StepOutputs> {
        if self.parts.is_some() {
            return self.finish_parts();
        }
        self.finish_begun()
    }

    /// Waits for the run of a plan that was begun, and gives what it says of its samples.
    fn finish_begun(&mut self) -> Result<StepOutputs> {
        let Some(Compiled { plan, number, .. }) = self.plans.get(self.begun) else { return Err(no_step()) };
        let answers = running(&mut self.running)?.finish(*number)?;
        let output = |name: &str| {
            let place = plan.outputs.iter().position(|port| &*port.name == name)?;
            answers.get(place)?.data().first().copied()
        };
        let loss = f64::from(output(names::LOSS).ok_or_else(no_step)?);
        Ok(StepOutputs { loss, correct: output(names::CORRECT).map(|correct| correct as usize) })
    }

    /// What measuring chose; see [`TrainingExecutable::tuning`].
    pub(crate) fn tuning(&self) -> Option<String> {
        self.running.as_ref()?.tuning()
    }

    /// Everything that steps change, the optimiser's state among it. Sums of gradients are none of it: each step begins them
    /// anew.
    pub(crate) fn state(&self) -> Result<Parameters> {
        let Some(running) = &self.running else { return Ok(self.initial.clone()) };
        let state = running.state()?;
        Ok(if self.parts.is_some() { state.filtered(|key| !is_sum(key)) } else { state })
    }

    /// Puts a state in the place of its own, once there is a plan.
    pub(crate) fn load(&mut self, state: &Parameters) -> Result<()> {
        self.staged = None;
        let running = running(&mut self.running)?;
        if self.parts.is_none() {
            return running.load(state);
        }
        let sums = running.state()?.filtered(is_sum);
        running.load(&state.clone().with(&sums))
    }
}

/// Whether a key is that of a sum of gradients.
fn is_sum(key: &str) -> bool {
    key.starts_with(&names::state_key(names::GRADIENT, ""))
}

fn running(running: &mut Option<Box<dyn TrainingExecutable>>) -> Result<&mut (dyn TrainingExecutable + 'static)> {
    running.as_deref_mut().ok_or_else(no_step)
}

fn no_step() -> crate::Error {
    fault("a training step without its plan, inputs or outputs")
}
