//! The samples that were answered worst: answers and their losses come in batch by batch, the few of the highest loss stay, each
//! as the network was given it.

use crate::Tensor;
use crate::data::Batch;

/// Samples that are kept.
const MOST: usize = 24;
/// Numbers that the inputs of all of them may have together, so that large pictures take no memory worth a word.
const MOST_NUMBERS: usize = 1 << 24;

/// A sample, what was answered, and what should have been.
#[derive(Clone, Debug, PartialEq)]
pub struct Answered {
    /// Its number in its set.
    pub sample: usize,
    /// Its loss, which may be no number.
    pub loss: f64,
    /// What should have been answered.
    pub wanted: Wanted,
    /// What was: a score for each class, or the numbers.
    pub answer: Vec<f32>,
    /// What the network was given, the sample's axes alone.
    pub input: Vec<f32>,
}

/// What should be answered to a sample.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Wanted {
    /// A class, from 0.
    Class(usize),
    /// Several classes, from 0, or none.
    Classes(Vec<usize>),
    /// Numbers, in the order of the answer.
    Numbers(Vec<f32>),
}

/// The samples of the highest loss.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Worst {
    /// In falling order of the loss; of equals the first that came stands before.
    kept: Vec<Answered>,
}

impl Worst {
    /// In falling order of the loss, what is no number first.
    pub fn samples(&self) -> &[Answered] {
        &self.kept
    }

    /// Takes in a batch with its answers and the loss of each of its samples; whether targets are ones for several classes.
    pub(super) fn add(&mut self, batch: &Batch, answers: &Tensor, losses: &[f64], are_classes: bool) {
        let samples = batch.len().max(1);
        let [input, answer] = [&batch.inputs, answers].map(|tensor| tensor.data().len() / samples);
        let most = MOST.min(MOST_NUMBERS / input.max(1)).max(1);
        let part = |tensor: &Tensor, place: usize, size: usize| {
            tensor.data().get(place * size..(place + 1) * size).unwrap_or_default().to_vec()
        };
        for (place, (&sample, &loss)) in batch.samples.iter().zip(losses).enumerate() {
            let stays = |other: &Answered| rank(other.loss).total_cmp(&rank(loss)).is_ge();
            if self.kept.len() >= most && self.kept.last().is_some_and(stays) {
                continue;
            }
            let wanted = match &batch.targets {
                Some(targets) if are_classes => {
                    let ones = part(targets, place, answer).into_iter().enumerate().filter(|(_, one)| *one > 0.5);
                    Wanted::Classes(ones.map(|(class, _)| class).collect())
                }
                Some(targets) => Wanted::Numbers(part(targets, place, answer)),
                None => Wanted::Class(batch.labels.get(place).copied().unwrap_or_default()),
            };
            let (answer, input) = (part(answers, place, answer), part(&batch.inputs, place, input));
            let at = self.kept.partition_point(stays);
            self.kept.insert(at, Answered { sample, loss, wanted, answer, input });
            self.kept.truncate(most);
        }
    }
}

/// What is no number is the worst.
fn rank(loss: f64) -> f64 {
    if loss.is_nan() { f64::INFINITY } else { loss }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(first: usize, losses: &[f64]) -> (Batch, Tensor) {
        let count = losses.len();
        let samples: Vec<usize> = (first..first + count).collect();
        let values = samples.iter().flat_map(|&sample| [sample as f32, -1.0]).collect();
        let inputs = Tensor::new(&[count, 2], values).expect("inputs");
        let answers = Tensor::new(&[count, 1], losses.iter().map(|&loss| loss as f32).collect()).expect("answers");
        (Batch { inputs, labels: samples.clone(), targets: None, skipped: Vec::new(), samples }, answers)
    }

    #[test]
    fn the_highest_losses_stay_whatever_the_batches() {
        let losses: Vec<f64> = (0..100).map(|number| f64::from(number * 37 % 50)).collect();
        let kept = |size: usize| {
            let mut worst = Worst::default();
            for (number, losses) in losses.chunks(size).enumerate() {
                let (batch, answers) = batch(number * size, losses);
                worst.add(&batch, &answers, losses, false);
            }
            worst
        };
        let worst = kept(7);
        assert_eq!((worst.samples().len(), &kept(100)), (MOST, &worst));
        let found: Vec<(f64, usize)> = worst.samples().iter().map(|one| (one.loss, one.sample)).collect();
        let mut expected: Vec<(f64, usize)> = losses.iter().copied().zip(0..).collect();
        expected.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        assert_eq!(found, expected[..MOST]);
        let first = &worst.samples()[0];
        assert_eq!((&first.input, &first.answer), (&vec![first.sample as f32, -1.0], &vec![49.0]));
        assert_eq!(first.wanted, Wanted::Class(first.sample));
    }

    #[test]
    fn what_is_no_number_is_the_worst() {
        let losses = [1.0, f64::NAN, 3.0];
        let (batch, answers) = batch(0, &losses);
        let mut worst = Worst::default();
        worst.add(&batch, &answers, &losses, false);
        assert_eq!(worst.samples().iter().map(|one| one.sample).collect::<Vec<_>>(), [1, 2, 0]);
    }
}
