//! Training from a program: batches and what the network should answer come in, losses go out, and the weights change.
//!
//! A step is one compiled plan (forward, loss, backward, update) on a device; plans for batches of other sizes share one state.
//! [`train`](crate::train) does its steps by the same means.

mod gradients;
mod relearn;

pub use gradients::Gradients;

use crate::failure::{Result, failure, fault};
use crate::state;
use crate::view::{AsTensorView, TensorList, views};
use crate::{Device, Inputs, Model, Parameters, Tensor, TensorView, TrainingExecutable, Weights, labels, weights};
use cnnc_compiler::diagnostic::Code;
use cnnc_compiler::plan::{Plan, PlanPort};
use cnnc_compiler::training::{Loss, Training, names};
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
    /// Under the mean squared error it is a one for that class and zeros for the others.
    Classes(&'t [usize]),
    /// A tensor of the answer's shape, for the mean squared error.
    Tensor(TensorView<'t>),
}

/// What a step is told besides its batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepInputs {
    /// The learning rate.
    pub learning_rate: f64,
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
    /// The plan of the step that was begun, by its place in the list.
    begun: usize,
    /// The number of the step whose inputs are on their way, and the place of its plan.
    staged: Option<(u64, usize)>,
    steps: u64,
    seed: u64,
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
            begun: 0,
            staged: None,
            steps: 0,
            seed: 0,
        }
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
        self.begin(&inputs, target, StepInputs { learning_rate, step: self.steps + 1, seed: self.seed })?;
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
        StepInputs { learning_rate: 1e-6, step: self.steps + 1, seed: self.seed }
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
        let plan = self.model.compile_training(&self.training, &bindings, &target, &mut ())?.0;
        let number = match &mut self.running {
            Some(running) => running.add(plan.clone())?,
            None => {
                self.running = Some(self.device.backend().trainer(plan.clone(), &self.initial)?);
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
        // Sizes that did not occur yet have no plan, which is made when their step begins.
        let Some(place) = self.place(inputs) else { return Ok(()) };
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

    /// Everything that steps change, the optimiser's state among it.
    pub(crate) fn state(&self) -> Result<Parameters> {
        self.running.as_ref().map_or_else(|| Ok(self.initial.clone()), |running| running.state())
    }

    /// Puts a state in the place of its own, once there is a plan.
    pub(crate) fn load(&mut self, state: &Parameters) -> Result<()> {
        self.staged = None;
        running(&mut self.running)?.load(state)
    }
}

fn running(running: &mut Option<Box<dyn TrainingExecutable>>) -> Result<&mut (dyn TrainingExecutable + 'static)> {
    running.as_deref_mut().ok_or_else(no_step)
}

fn no_step() -> crate::Error {
    fault("a training step without its plan, inputs or outputs")
}

/// What a step is given beside the network's inputs.
struct Given<'t> {
    labels: Labels<'t>,
    learning_rate: Tensor,
    step: Tensor,
    seed: Tensor,
}

enum Labels<'t> {
    Made(Tensor),
    Given(TensorView<'t>),
}

impl<'t> Given<'t> {
    /// # Errors
    /// E604 when the target is not what the loss compares with.
    fn new(plan: &Plan, training: &Training, target: Target<'t>, told: StepInputs) -> Result<Given<'t>> {
        let port = plan.inputs.iter().find(|port| &*port.name == names::LABELS).ok_or_else(no_step)?;
        let labels = match target {
            Target::Tensor(view) => Labels::Given(view),
            Target::Classes(classes) => Labels::Made(of_classes(&port.view.shape, training.loss, classes)?),
        };
        let learning_rate = Tensor::filled(&[], told.learning_rate as f32);
        Ok(Given { labels, learning_rate, step: Tensor::count(told.step), seed: Tensor::count(told.seed) })
    }

    /// What a plan takes, in its order.
    fn beside<'g>(&'g self, ports: &[PlanPort], inputs: &'g dyn TensorList) -> Result<Vec<TensorView<'g>>> {
        let mut inputs = views(inputs);
        let input = |name: &str| match name {
            names::LABELS => Some(match &self.labels {
                Labels::Made(tensor) => tensor.view(),
                Labels::Given(view) => *view,
            }),
            names::LEARNING_RATE => Some(self.learning_rate.view()),
            names::STEP => Some(self.step.view()),
            names::SEED => Some(self.seed.view()),
            _ => inputs.next(),
        };
        ports.iter().map(|port| &*port.name).map(input).collect::<Option<_>>().ok_or_else(no_step)
    }
}

/// Class numbers as a loss compares with them: the numbers, or ones and zeros.
///
/// # Errors
/// E604 when there are not as many as the network answers, or one is no class.
fn of_classes(shape: &[usize], loss: Loss, classes: &[usize]) -> Result<Tensor> {
    let (samples, wanted, known) = match (loss, shape) {
        (Loss::MeanSquaredError(_) | Loss::SoftCrossEntropy { .. }, [samples, known]) => {
            (*samples, *samples, Some(*known))
        }
        (Loss::MeanSquaredError(_) | Loss::SoftCrossEntropy { .. }, _) => {
            let message = format!("class numbers stand for answers [N, classes], and the network's are {shape:?}");
            return Err(failure(Code::E604, message).help("`Target::Tensor` is a tensor of the answer's shape"));
        }
        (Loss::CrossEntropy { .. }, _) => (shape.first().copied().unwrap_or(0), shape.iter().product(), None),
    };
    if classes.len() != wanted {
        let (found, each) = (classes.len(), if wanted == samples { "" } else { ", one a place" });
        let message = format!("a batch of {samples} samples has {found} labels, and {wanted} are wanted{each}");
        return Err(failure(Code::E604, message));
    }
    let Some(known) = known else {
        let numbers = classes.iter().map(|&class| class as f32).collect();
        return Tensor::new(shape, numbers).ok_or_else(no_step);
    };
    labels::check(classes, known)?;
    let mut target = Tensor::filled(shape, 0.0);
    target.data_mut().chunks_exact_mut(known.max(1)).zip(classes).for_each(|(row, &class)| row[class] = 1.0);
    Ok(target)
}
