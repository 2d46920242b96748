//! What a network's answers are worth on labelled pictures: loss, accuracy, and which class is taken for which.

use super::errors::Errors;
use super::scorer::Scorer;
use super::worst::Worst;
use crate::data::{Job, Skipped, load};
use crate::failure::failure;
use crate::{Result, Tensor, labels};
use cnnc_compiler::diagnostic::Code;
use cnnc_compiler::training::{Loss, SumOrMean};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

/// Answers among which the right one counts for the second accuracy.
pub const TOP: usize = 5;

/// What all answers together are worth.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Evaluation {
    /// Classes that the model tells apart.
    pub classes: usize,
    /// Samples.
    pub seen: usize,
    /// Samples whose class has the highest score, the first of equals.
    pub correct: usize,
    /// Samples whose class is among the five highest scores.
    pub correct_of_top: usize,
    /// Losses, each times its batch's samples.
    loss: f64,
    /// How often a class was taken for which, where it was: of thousands of classes most pairs never occur.
    confusion: HashMap<[usize; 2], u64>,
    /// Samples whose answer has numbers that are none.
    pub without_numbers: usize,
    /// How far numbers are off, where those are the answer.
    pub errors: Option<Errors>,
    /// What was left out.
    pub skipped: Vec<Skipped>,
    /// The samples that were answered worst.
    pub worst: Worst,
}

impl Evaluation {
    /// Of nothing yet.
    pub fn new(classes: usize) -> Evaluation {
        let confusion = HashMap::new();
        let (skipped, errors, worst) = (Vec::new(), None, Worst::default());
        let (seen, correct, correct_of_top, without_numbers) = (0, 0, 0, 0);
        Evaluation {
            classes,
            seen,
            correct,
            correct_of_top,
            loss: 0.0,
            confusion,
            without_numbers,
            errors,
            skipped,
            worst,
        }
    }

    /// Takes in the answers to a batch where numbers are asked for, and gives the loss of each.
    ///
    /// # Errors
    /// E604 when the answers have not the shape of the targets; nothing was taken in then.
    pub fn add_numbers(&mut self, answers: &Tensor, targets: &Tensor, loss: &Loss) -> Result<Vec<f64>> {
        if answers.shape() != targets.shape() {
            let (found, wanted) = (answers.shape(), targets.shape());
            return Err(failure(Code::E604, format!("the answers are {found:?}, and the targets {wanted:?}")));
        }
        let samples = targets.shape().first().copied().unwrap_or(0);
        let Some(size) = targets.data().len().checked_div(samples).filter(|&size| size > 0) else {
            return Ok(Vec::new());
        };
        let errors = self.errors.get_or_insert_with(|| Errors::of(size));
        let before = errors.squares();
        let mut losses = Vec::with_capacity(samples);
        for (answers, targets) in answers.data().chunks_exact(size).zip(targets.data().chunks_exact(size)) {
            errors.add(answers, targets);
            self.without_numbers += usize::from(has_no_number(answers));
            let square = |(answer, target): (&f32, &f32)| (f64::from(*answer) - f64::from(*target)).powi(2);
            let squares: f64 = answers.iter().zip(targets).map(square).sum();
            losses.push(of_squares(squares, size, loss));
        }
        let squares = errors.squares() - before;
        self.seen += samples;
        self.loss += match loss {
            // The sum over the batch stands for each of its samples, as the mean does.
            Loss::MeanSquaredError(SumOrMean::Sum) => squares * samples as f64,
            _ => squares / size as f64,
        };
        Ok(losses)
    }

    /// The mean loss.
    pub fn loss(&self) -> f64 {
        self.loss / self.seen as f64
    }

    /// The share that is right.
    pub fn accuracy(&self) -> f64 {
        self.correct as f64 / self.seen as f64
    }

    /// The share whose class is among the five highest scores.
    pub fn top_accuracy(&self) -> f64 {
        self.correct_of_top as f64 / self.seen as f64
    }

    /// How often a class was taken for another.
    pub fn count(&self, label: usize, answer: usize) -> u64 {
        self.confusion.get(&[label, answer]).copied().unwrap_or(0)
    }

    /// Every pair of a class and what it was taken for that occurs, with how often.
    pub fn pairs(&self) -> impl Iterator<Item = ([usize; 2], u64)> {
        self.confusion.iter().map(|(&pair, &count)| (pair, count))
    }

    /// The largest of those counts.
    pub fn largest_count(&self) -> u64 {
        self.confusion.values().copied().max().unwrap_or(0)
    }

    /// Takes in the scores of a batch, a row of classes each, and gives the loss of each.
    ///
    /// # Errors
    /// E604 when a label is no class, or there is not a row for each label; nothing was taken in then.
    pub fn add(&mut self, scores: &[f32], labels: &[usize], loss: &Loss) -> Result<Vec<f64>> {
        labels::check(labels, self.classes)?;
        if labels.len().checked_mul(self.classes) != Some(scores.len()) {
            let (found, samples, classes) = (scores.len(), labels.len(), self.classes);
            let message = format!("there are {found} scores for {samples} samples of {classes} classes each");
            return Err(failure(Code::E604, message));
        }
        if labels.is_empty() {
            return Ok(Vec::new());
        }
        let rows = scores.chunks_exact(self.classes).zip(labels);
        let each: Vec<f64> = rows.clone().map(|(row, &label)| loss_of(row, label, loss)).collect();
        let losses: f64 = each.iter().sum();
        self.loss += match loss {
            // The sum over the batch stands for each of its samples, as the mean does.
            Loss::MeanSquaredError(SumOrMean::Sum) => losses * labels.len() as f64,
            _ => losses,
        };
        for (row, &label) in rows {
            let answer = (0..row.len()).fold(0, |best, class| if row[class] > row[best] { class } else { best });
            let above = |class: &usize| row[*class] > row[label] || (row[*class] == row[label] && *class < label);
            self.seen += 1;
            self.without_numbers += usize::from(has_no_number(row));
            self.correct += usize::from(answer == label);
            self.correct_of_top += usize::from((0..row.len()).filter(above).count() < TOP);
            *self.confusion.entry([label, answer]).or_insert(0) += 1;
        }
        Ok(each)
    }
}

fn has_no_number(answer: &[f32]) -> bool {
    answer.iter().any(|value| value.is_nan())
}

/// The loss of one sample: for the mean of squares the mean over its scores.
fn loss_of(row: &[f32], label: usize, loss: &Loss) -> f64 {
    match loss {
        Loss::CrossEntropy { label_smoothing } | Loss::SoftCrossEntropy { label_smoothing } => {
            let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let logarithm =
                f64::from(largest) + row.iter().map(|&score| f64::from(score - largest).exp()).sum::<f64>().ln();
            let mean = row.iter().map(|&score| logarithm - f64::from(score)).sum::<f64>() / row.len() as f64;
            (1.0 - label_smoothing) * (logarithm - f64::from(row[label])) + label_smoothing * mean
        }
        Loss::MeanSquaredError(_) => {
            let square = |(class, &score): (usize, &f32)| (f64::from(score) - f64::from(class == label)).powi(2);
            let squares: f64 = row.iter().enumerate().map(square).sum();
            of_squares(squares, row.len(), loss)
        }
    }
}

/// The loss of one sample of so many numbers, of its squared errors together.
fn of_squares(squares: f64, size: usize, loss: &Loss) -> f64 {
    match loss {
        Loss::MeanSquaredError(SumOrMean::Sum) => squares,
        _ => squares / size as f64,
    }
}

/// Evaluates a network on everything that a job loads; `None` when it was to stop.
///
/// # Errors
/// When samples cannot be loaded or do not fit.
pub fn evaluate(
    scorer: &mut Scorer,
    job: &Job,
    loss: &Loss,
    stop: &AtomicBool,
    mut each: impl FnMut(usize),
) -> Result<Option<Evaluation>> {
    let mut evaluation = Evaluation::new(scorer.classes());
    let mut batches = load(job).peekable();
    while let Some(batch) = batches.next() {
        if stop.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let batch = batch?;
        evaluation.skipped.extend_from_slice(&batch.skipped);
        if !batch.is_empty() {
            let next = batches.peek().and_then(|next| next.as_ref().ok()).filter(|next| !next.is_empty());
            let answers = scorer.score(&batch.inputs, next.map(|next| &next.inputs))?;
            let losses = match &batch.targets {
                Some(targets) => evaluation.add_numbers(&answers, targets, loss)?,
                None => evaluation.add(answers.data(), &batch.labels, loss)?,
            };
            evaluation.worst.add(&batch, &answers, &losses);
        }
        each(evaluation.seen);
    }
    if evaluation.seen == 0 {
        let message = format!("none of the {} samples for validation can be read", job.order.len());
        let mut unread = failure(Code::E610, message);
        unread.notes.extend(evaluation.skipped.first().map(|first| format!("the first: {}", first.reason)));
        return Err(unread);
    }
    Ok(Some(evaluation))
}

#[cfg(test)]
mod tests {
    use super::Evaluation;
    use cnnc_compiler::diagnostic::Code;
    use cnnc_compiler::training::{Loss, SumOrMean};

    const CROSS_ENTROPY: f64 = 1.486442588;
    const SMOOTHED: f64 = 1.519775921;
    const MEAN_SQUARES: f64 = 2.041666667;
    const SQUARES: f64 = 12.250000000;

    #[test]
    fn losses_are_those_of_pytorch() {
        // torch.nn.functional.cross_entropy(scores, labels, label_smoothing=s), and mse_loss with one_hot(labels).
        let scores = [1.0, 2.0, -1.0, 0.5, 0.0, 3.0];
        let loss = |loss| {
            let mut evaluation = Evaluation::new(3);
            evaluation.add(&scores, &[1, 0], &loss).unwrap();
            evaluation.loss()
        };
        let close = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-6, "{found}");
        close(loss(Loss::CrossEntropy { label_smoothing: 0.0 }), CROSS_ENTROPY);
        close(loss(Loss::CrossEntropy { label_smoothing: 0.1 }), SMOOTHED);
        close(loss(Loss::MeanSquaredError(SumOrMean::Mean)), MEAN_SQUARES);
        close(loss(Loss::MeanSquaredError(SumOrMean::Sum)), SQUARES);
    }

    #[test]
    fn the_first_of_equals_is_the_answer() {
        let mut evaluation = Evaluation::new(7);
        let equal = [0.0; 7];
        let scores = [equal, equal, equal].concat();
        evaluation.add(&scores, &[0, 4, 5], &Loss::CrossEntropy { label_smoothing: 0.0 }).unwrap();
        assert_eq!((evaluation.seen, evaluation.correct, evaluation.correct_of_top), (3, 1, 2));
        assert_eq!((evaluation.count(4, 0), evaluation.count(4, 4), evaluation.count(0, 0)), (1, 0, 1));
        assert!((evaluation.accuracy() - 1.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn a_label_that_is_no_class_is_refused_and_nothing_taken_in() {
        for loss in [Loss::CrossEntropy { label_smoothing: 0.1 }, Loss::MeanSquaredError(SumOrMean::Sum)] {
            let said = |classes: usize, scores: &[f32], labels: &[usize]| {
                let mut evaluation = Evaluation::new(classes);
                let refused = evaluation.add(scores, labels, &loss).unwrap_err();
                assert_eq!((refused.code, evaluation), (Code::E604, Evaluation::new(classes)));
                refused.message.clone()
            };
            let expected = "sample 1 of the batch has the label 3, and the model's classes are 0 to 2";
            assert_eq!(said(3, &[0.0; 6], &[2, 3]), expected);
            assert!(said(3, &[0.0; 6], &[usize::MAX, 0]).starts_with("sample 0 of the batch has the label 1844"));
            assert!(said(0, &[], &[0]).ends_with("the model tells no classes apart"));
            assert_eq!(said(3, &[0.0; 5], &[1, 1]), "there are 5 scores for 2 samples of 3 classes each");
            assert_eq!(said(3, &[0.0; 9], &[1, 1]), "there are 9 scores for 2 samples of 3 classes each");
            Evaluation::new(0).add(&[], &[], &loss).unwrap();
            assert_eq!(Evaluation::new(usize::MAX).count(5, usize::MAX), 0);
        }
    }
}
