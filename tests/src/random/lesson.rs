//! A training step of a net: the loss and optimiser that it has, what it is given, and what the evaluation says is to come out.

use super::dice::Dice;
use super::net::{DEVIATIONS, Net, Precision, TOO_LARGE, widened};
use super::report::Report;
use crate::evaluation::number::{Derivatives, Number, largest, narrowest};
use crate::evaluation::{Array, Evaluation, Mode, evaluate, learn};
use cnnc_compiler::plan::Plan;
use cnnc_compiler::training::{Adam, Loss, Optimiser, Sgd, SumOrMean, Training, names};
use cnnc_runtime::{Parameters, Tensor, random};
use std::collections::BTreeMap;

/// What dropout draws with, and how fast a step goes.
const SEED: u32 = 5;
pub const RATE: f32 = 0.5;

/// A training step of a net: what it is given and what is to come out.
pub struct Lesson<'a> {
    pub net: &'a Net,
    pub training: Training,
    pub inputs: Vec<Tensor>,
    labels: Tensor,
    pub report: &'a mut Report,
}

/// What the evaluation says of a step from some state.
pub struct Expected {
    /// The loss, gradients, what buffers become, how many are right: by the names of the graph's outputs.
    pub values: BTreeMap<String, Array>,
    /// How narrow the narrowest decision was.
    narrowest: f64,
    /// How large the largest number on the way to the loss was.
    largest: f64,
}

/// A loss that the answer's shape allows, and an optimiser.
fn training(dice: &mut Dice, answer: &[usize]) -> Training {
    let smoothing = dice.pick(&[0.0, 0.0, 0.1]);
    let losses = [
        Loss::cross_entropy(smoothing),
        Loss::cross_entropy(smoothing),
        Loss::MeanSquaredError(SumOrMean::Sum),
        Loss::MeanSquaredError(SumOrMean::Mean),
    ];
    let loss = if answer.len() < 2 { losses[2 + dice.below(2)].clone() } else { dice.pick(&losses) };
    let weight_decay = dice.pick(&[0.0, 0.1]);
    let adam = Adam { weight_decay, ..Adam::default() };
    let momentum = dice.pick(&[0.0, 0.9]);
    let optimisers = [
        Optimiser::Sgd(Sgd { momentum, nesterov: momentum > 0.0 && dice.percent(50), weight_decay }),
        Optimiser::Adam(adam),
        Optimiser::AdamW(adam),
    ];
    let optimiser = dice.pick(&optimisers);
    let max_gradient_norm = dice.percent(30).then_some(0.5);
    Training { loss, optimiser, max_gradient_norm, recompute: dice.percent(50), ..Training::plain() }
}

/// What the net should answer.
fn labels(dice: &mut Dice, loss: &Loss, answer: &[usize]) -> Tensor {
    match loss {
        Loss::CrossEntropy(_) => {
            let shape = [&answer[..1], &answer[2..]].concat();
            let classes = (0..shape.iter().product()).map(|_| dice.below(answer[1]) as f32).collect();
            Tensor::new(&shape, classes).expect("a class each")
        }
        _ => random::input(names::LABELS, answer, 1),
    }
}

impl Expected {
    /// Whether a computation in that precision takes the same branches, and what rounding makes of it can be said.
    pub fn decided(&self, precision: Precision) -> bool {
        let numbers = || self.values.values().flat_map(|array| &array.elements);
        self.narrowest > DEVIATIONS * precision.unit && numbers().all(|number| number.rounded.variance.is_finite())
    }

    /// Whether float32 can hold all of it, and the squares that optimisers make of it.
    pub fn is_held(&self) -> bool {
        let held = |number: &Number| number.value().powi(2) < TOO_LARGE;
        self.largest < TOO_LARGE && self.values.values().flat_map(|array| &array.elements).all(held)
    }

    /// The expected value of a graph's output; of a leaf that the loss does not depend on, zeros.
    pub fn get(&self, name: &str) -> &Array {
        self.values.get(name).unwrap_or_else(|| panic!("the evaluation has no `{name}`"))
    }
}

impl<'a> Lesson<'a> {
    pub fn new(net: &'a Net, report: &'a mut Report) -> Lesson<'a> {
        let mut dice = Dice::new(net.seed.wrapping_mul(31).wrapping_add(7));
        let inputs = net.inputs();
        let mode = Mode::Training { seed: SEED, step: 1 };
        let answer = evaluate(&net.network, &net.parameters(), &inputs, mode).outputs.remove(0);
        let training = training(&mut dice, &answer.shape);
        let labels = labels(&mut dice, &training.loss, &answer.shape);
        Lesson { net, training, inputs, labels, report }
    }

    pub fn expected(&self, parameters: &Parameters, step: u32) -> Expected {
        let found = evaluate(&self.net.network, parameters, &self.inputs, Mode::Training { seed: SEED, step });
        let Evaluation { outputs, leaves, updates } = found;
        let labels = widened(&self.labels);
        let loss = learn::loss(&self.training.loss, &outputs[0], &labels);
        let derivatives = Derivatives::of(loss);
        let single = |number: Number| Array { shape: Vec::new(), elements: vec![number] };
        let mut values = updates;
        for (name, leaf) in leaves {
            values.insert(name, leaf.each(|number| Number::constant(derivatives.by(number))));
        }
        values.insert(names::LOSS.into(), single(loss));
        if let Loss::CrossEntropy(_) = self.training.loss {
            values.insert(names::CORRECT.into(), single(Number::exact(learn::correct(&outputs[0], &labels) as f64)));
        }
        Expected { values, narrowest: narrowest(), largest: largest() }
    }

    pub fn given(&self, plan: &Plan, step: u32) -> Vec<Tensor> {
        plan.inputs.iter().map(|port| self.given_as(&port.name, step)).collect()
    }

    /// What a plan is given under a name.
    pub fn given_as(&self, name: &str, step: u32) -> Tensor {
        match name {
            names::LABELS => self.labels.clone(),
            names::LEARNING_RATE => Tensor::filled(&[], RATE),
            names::STEP => Tensor::count(step.into()),
            names::SEED => Tensor::count(SEED.into()),
            _ => {
                let mut inputs = self.net.network.graph.inputs.iter();
                self.inputs[inputs.position(|input| *input.name == *name).expect("an input of the net")].clone()
            }
        }
    }
}
