//! What a step is given beside the network's inputs: what should be answered, and what it is told.

use super::{StepInputs, Target, no_step};
use crate::failure::{Result, failure};
use crate::view::{AsTensorView, TensorList, views};
use crate::{Tensor, TensorView, labels};
use cnnc_compiler::diagnostic::Code;
use cnnc_compiler::plan::{Plan, PlanPort};
use cnnc_compiler::training::{Loss, Training, names};

/// A part of a step's batch: its number, from 0, and what its loss is of the step's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub number: usize,
    pub share: f64,
}

impl Part {
    /// The whole of it.
    pub const WHOLE: Part = Part { number: 0, share: 1.0 };
}

/// What a step is told, a tensor each.
pub(super) struct Told {
    learning_rate: Tensor,
    momentum: Tensor,
    step: Tensor,
    seed: Tensor,
    part: Tensor,
    share: Tensor,
}

impl Told {
    /// Of a part of a step. Each part draws its own random numbers; the first one those of a step in one.
    pub fn new(training: &Training, inputs: StepInputs, part: Part) -> Told {
        let number = |number: f64| Tensor::filled(&[], number as f32);
        let seed = inputs.seed ^ (part.number as u64).wrapping_mul(SEED_OF_PARTS);
        Told {
            learning_rate: number(inputs.learning_rate),
            momentum: number(inputs.momentum.unwrap_or(training.optimiser.momentum())),
            step: Tensor::count(inputs.step),
            seed: Tensor::count(seed),
            part: Tensor::count(part.number as u64),
            share: number(part.share),
        }
    }

    /// The tensor of an input that is none of the network's.
    fn get(&self, name: &str) -> Option<TensorView<'_>> {
        match name {
            names::LEARNING_RATE => Some(self.learning_rate.view()),
            names::MOMENTUM => Some(self.momentum.view()),
            names::STEP => Some(self.step.view()),
            names::SEED => Some(self.seed.view()),
            names::PART => Some(self.part.view()),
            names::SHARE => Some(self.share.view()),
            _ => None,
        }
    }

    /// What a plan takes that takes nothing else, in its order.
    pub fn alone(&self, ports: &[PlanPort]) -> Result<Vec<TensorView<'_>>> {
        ports.iter().map(|port| self.get(&port.name)).collect::<Option<_>>().ok_or_else(no_step)
    }
}

/// The golden ratio in 64 bits: an odd number whose multiples differ in most bits.
const SEED_OF_PARTS: u64 = 0x9e37_79b9_7f4a_7c15;

/// What a step is given beside the network's inputs.
pub(super) struct Given<'t> {
    labels: Labels<'t>,
    class_weights: Option<Tensor>,
    told: Told,
}

enum Labels<'t> {
    Made(Tensor),
    Given(TensorView<'t>),
}

impl<'t> Given<'t> {
    /// # Errors
    /// E604 when the target is not what the loss compares with.
    pub fn new(plan: &Plan, training: &Training, target: Target<'t>, told: StepInputs) -> Result<Given<'t>> {
        Given::of_part(plan, training, target, Told::new(training, told, Part::WHOLE))
    }

    /// As [`Given::new`], of a part of a batch.
    pub fn of_part(plan: &Plan, training: &Training, target: Target<'t>, told: Told) -> Result<Given<'t>> {
        let port = plan.inputs.iter().find(|port| &*port.name == names::LABELS).ok_or_else(no_step)?;
        let labels = match target {
            Target::Tensor(view) => Labels::Given(view),
            Target::Classes(classes) => Labels::Made(of_classes(&port.view.shape, &training.loss, classes)?),
        };
        let class_weights = training.loss.class_weights();
        let class_weights = class_weights.and_then(|weights| Tensor::new(&[weights.len()], weights.to_vec()));
        Ok(Given { labels, class_weights, told })
    }

    /// What a plan takes, in its order.
    pub fn beside<'g>(&'g self, ports: &[PlanPort], inputs: &'g dyn TensorList) -> Result<Vec<TensorView<'g>>> {
        let mut inputs = views(inputs);
        let input = |name: &str| match name {
            names::LABELS => Some(match &self.labels {
                Labels::Made(tensor) => tensor.view(),
                Labels::Given(view) => *view,
            }),
            names::CLASS_WEIGHTS => self.class_weights.as_ref().map(AsTensorView::view),
            name => self.told.get(name).or_else(|| inputs.next()),
        };
        ports.iter().map(|port| &*port.name).map(input).collect::<Option<_>>().ok_or_else(no_step)
    }
}

/// Class numbers as a loss compares with them: the numbers, or ones and zeros.
///
/// # Errors
/// E604 when there are not as many as the network answers, or one is no class.
fn of_classes(shape: &[usize], loss: &Loss, classes: &[usize]) -> Result<Tensor> {
    let (samples, wanted, known) = match (loss, shape) {
        (Loss::CrossEntropy(_), _) => (shape.first().copied().unwrap_or(0), shape.iter().product(), None),
        (_, [samples, known]) => (*samples, *samples, Some(*known)),
        _ => {
            let message = format!("class numbers stand for answers [N, classes], and the network's are {shape:?}");
            return Err(failure(Code::E604, message).help("`Target::Tensor` is a tensor of the answer's shape"));
        }
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
