//! Batch norms and instance norms, whose running statistics a training moves.

use super::array::Array;
use super::norm;
use super::number::Number;
use super::{Mode, State};

/// A batch norm of any number of axes.
pub struct BatchNorm {
    eps: f64,
    /// The share of a batch, where it does not go by the number of batches.
    momentum: Option<f64>,
    /// How many of weight and bias there are.
    learned: usize,
    /// Whether there are running statistics.
    tracked: bool,
    /// Whether each image is normalised by itself, and no batch is counted.
    alone: bool,
}

impl BatchNorm {
    /// With a weight and a bias or without, each by itself.
    pub fn new(eps: f64, momentum: Option<f64>, learned: [bool; 2], tracked: bool, alone: bool) -> BatchNorm {
        BatchNorm { eps, momentum, learned: learned.into_iter().filter(|&is_there| is_there).count(), tracked, alone }
    }

    pub fn evaluate(&self, x: &Array, own: &[Array], state: &mut State, name: &dyn Fn(usize) -> String) -> Array {
        let channels = x.shape[1];
        let (learned, buffers) = own.split_at(self.learned);
        let is_known = state.mode == Mode::Inference && self.tracked;
        // The images that share statistics are one.
        let images = if self.alone && !is_known { x.shape[0] } else { 1 };
        let group = |place: &[usize]| place[0] % images * channels + place[1];
        let statistics = match buffers {
            [mean, variance, _] if is_known => {
                (0..channels).map(|channel| [mean.at(&[channel]), variance.at(&[channel])]).collect()
            }
            _ => norm::statistics_of(x, images * channels, group),
        };
        if state.mode != Mode::Inference && self.tracked {
            let share = Number::exact(images as f64);
            let mean = |channel: usize, which: usize| {
                let all = (0..images).map(|image| statistics[image * channels + channel][which].fixed());
                all.sum::<Number>() / share
            };
            let batch: Vec<[Number; 2]> = (0..channels).map(|channel| [mean(channel, 0), mean(channel, 1)]).collect();
            self.track(&batch, x.elements.len() / (images * channels), buffers, state, name);
        }
        norm::scaled(&norm::normalised(x, &statistics, group, self.eps), learned, |place| vec![place[1]])
    }

    /// Moves the running statistics towards the batch's, the variance as that of a sample, and counts the batch.
    fn track(
        &self,
        statistics: &[[Number; 2]],
        count: usize,
        buffers: &[Array],
        state: &mut State,
        name: &dyn Fn(usize) -> String,
    ) {
        let sample = count as f64 / (count as f64 - 1.0);
        let counter = state.updates.get(&name(self.learned + 2)).unwrap_or(&buffers[2]);
        let batches = counter.at(&[]).value() + 1.0;
        let momentum = self.momentum.unwrap_or(1.0 / batches);
        for (index, buffer) in buffers.iter().enumerate() {
            let path = name(self.learned + index);
            let before = state.updates.get(&path).unwrap_or(buffer).clone();
            let moved = Array::of(&before.shape, |place| match index {
                2 => before.at(place) + if self.alone { 0.0 } else { 1.0 },
                _ => {
                    let batch = statistics[place[0]][index].fixed() * if index == 1 { sample } else { 1.0 };
                    before.at(place).fixed() * (1.0 - momentum) + batch * momentum
                }
            });
            state.updates.insert(path, moved);
        }
    }
}
