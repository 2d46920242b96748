//! Losses, and what optimisers make of gradients, from PyTorch's definitions.

use super::array::{Array, places};
use super::number::Number;
use super::rounded::Rounded;
use cnnc_compiler::training::{Adam, CrossEntropy, Loss, Optimiser, Sgd, SumOrMean};

/// The loss of an answer: against a tensor of its shape, or against the number of a class for every image and place.
pub fn loss(loss: &Loss, answer: &Array, labels: &[f64]) -> Number {
    match loss {
        Loss::MeanSquaredError(made) => {
            let squares = answer.elements.iter().zip(labels).map(|(&number, &label)| {
                let difference = number + -label;
                difference.square()
            });
            let sum = squares.sum::<Number>();
            if *made == SumOrMean::Mean { sum / Number::exact(labels.len() as f64) } else { sum }
        }
        Loss::CrossEntropy(CrossEntropy { label_smoothing, weight: None, focal: None }) => {
            cross_entropy(answer, labels, *label_smoothing)
        }
        other => unreachable!("no net of the tests learns by {other:?}"),
    }
}

/// The mean of `−Σ t·ln p` over images and places: `p` the softmax along axis 1, `t` the label's 1, less and spread by the
/// smoothing.
fn cross_entropy(answer: &Array, labels: &[f64], smoothing: f64) -> Number {
    let classes = answer.shape[1];
    let logarithms = super::norm::softmax(answer, 1, true);
    let of_label = [&answer.shape[..1], &answer.shape[2..]].concat();
    let sum: Number = places(&of_label)
        .iter()
        .zip(labels)
        .map(|(place, &label)| {
            let target = |class: usize| {
                let spread = smoothing / classes as f64;
                if class as f64 == label { 1.0 - smoothing + spread } else { spread }
            };
            let own = |class: usize| [&place[..1], &[class], &place[1..]].concat();
            (0..classes).map(|class| logarithms.at(&own(class)) * -target(class)).sum::<Number>()
        })
        .sum();
    sum / Number::exact(labels.len() as f64)
}

/// How many labels are the class of the highest score, the first of equals.
pub fn correct(answer: &Array, labels: &[f64]) -> usize {
    let of_label = [&answer.shape[..1], &answer.shape[2..]].concat();
    let best = |place: &[usize]| {
        let score = |class: usize| answer.at(&[&place[..1], &[class], &place[1..]].concat());
        (1..answer.shape[1]).fold(0, |best, class| if score(class).is_greater(score(best)) { class } else { best })
    };
    places(&of_label).iter().zip(labels).filter(|(place, label)| best(place) as f64 == **label).count()
}

/// A parameter and its optimiser's states after a step; the states by the order in which [`states`] names them.
pub struct Learned {
    /// The parameter.
    pub value: Rounded,
    /// Its states.
    pub states: Vec<Rounded>,
}

/// The names of an optimiser's states.
pub fn states(optimiser: Optimiser) -> &'static [&'static str] {
    match optimiser {
        Optimiser::Sgd(Sgd { momentum: 0.0, .. }) => &[],
        Optimiser::Sgd(_) => &["momentum_buffer"],
        Optimiser::Adam(_) | Optimiser::AdamW(_) => &["exp_avg", "exp_avg_sq"],
        Optimiser::NAdam(_) | Optimiser::RmsProp(_) | Optimiser::Lamb(_) => unreachable!("no lesson has it"),
    }
}

/// One element of a parameter: its value and states before the step, and its gradient.
pub fn learned(optimiser: Optimiser, value: f64, states: &[f64], gradient: Rounded, rate: f64, step: f64) -> Learned {
    let (p, g) = (Number::exact(value), Number::constant(gradient));
    match optimiser {
        Optimiser::Sgd(Sgd { momentum, nesterov, weight_decay }) => {
            let g = if weight_decay == 0.0 { g } else { g + p * weight_decay };
            let [before] = states else { return Learned { value: (p - g * rate).rounded, states: Vec::new() } };
            let moved = Number::exact(*before) * momentum + g;
            let direction = if nesterov { g + moved * momentum } else { moved };
            Learned { value: (p - direction * rate).rounded, states: vec![moved.rounded] }
        }
        Optimiser::Adam(adam) => by_adam(adam, false, [p, g], states, rate, step),
        Optimiser::AdamW(adam) => by_adam(adam, true, [p, g], states, rate, step),
        Optimiser::NAdam(_) | Optimiser::RmsProp(_) | Optimiser::Lamb(_) => unreachable!("no lesson has it"),
    }
}

fn by_adam(adam: Adam, decoupled: bool, [p, g]: [Number; 2], states: &[f64], rate: f64, step: f64) -> Learned {
    let Adam { betas: [first, second], eps, weight_decay } = adam;
    let (p, g) = match (weight_decay == 0.0, decoupled) {
        (true, _) => (p, g),
        (false, true) => (p * (1.0 - rate * weight_decay), g),
        (false, false) => (p, g + p * weight_decay),
    };
    let mean = Number::exact(states[0]) * first + g * (1.0 - first);
    let square = Number::exact(states[1]) * second + g.square() * (1.0 - second);
    // The corrections are functions of the step, which float32 computes to a few units.
    let corrected = |beta: f64| 1.0 - beta.powf(step);
    let root = square.sqrt_of_any() / Number::exact(corrected(second).sqrt()) + eps;
    let value = p - mean / Number::exact(corrected(first)) * rate / root;
    Learned { value: value.rounded, states: vec![mean.rounded, square.rounded] }
}

/// The factor by which gradients are shortened so that all of them together are no longer than `most`, as `clip_grad_norm_`
/// does it.
pub fn clipping(gradients: impl Iterator<Item = Rounded>, most: f64) -> Rounded {
    let squares: Number = gradients.map(|gradient| Number::constant(gradient).square()).sum();
    let factor = Number::exact(most) / (squares.sqrt_of_any() + 1e-6);
    if factor.value() < 1.0 { factor.rounded } else { Rounded::exact(1.0) }
}
