//! What a network's answers are worth on labelled pictures: loss, accuracy, and which class is taken for which.

use super::errors::Errors;
use super::multi_label::MultiLabel;
use super::scorer::Scorer;
use super::worst::Worst;
use crate::data::{Job, Skipped, load};
use crate::failure::failure;
use crate::{Result, Tensor, labels};
use cnnc_compiler::diagnostic::Code;
use cnnc_compiler::training::{BinaryCrossEntropy, BinaryFocal, CrossEntropy, Loss, SumOrMean};
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
    /// Samples whose class has the highest score, the first of equals; of several classes those for which all scores are on the
    /// right side of 0.
    pub correct: usize,
    /// Samples whose class is among the five highest scores.
    pub correct_of_top: usize,
    /// Losses of samples, added up.
    loss: f64,
    /// What that sum is divided by: the samples, or the weights of their classes.
    weight: f64,
    /// How often a class was taken for which, where it was: of thousands of classes most pairs never occur.
    confusion: HashMap<[usize; 2], u64>,
    /// Samples whose answer has numbers that are none.
    pub without_numbers: usize,
    /// How far numbers are off, where those are the answer.
    pub errors: Option<Errors>,
    /// What each class comes to, where a sample may have several.
    pub multi_label: Option<MultiLabel>,
    /// What was left out.
    pub skipped: Vec<Skipped>,
    /// The samples that were answered worst.
    pub worst: Worst,
}

impl Evaluation {
    /// Of nothing yet.
    pub fn new(classes: usize) -> Evaluation {
        Evaluation {
            classes,
            seen: 0,
            correct: 0,
            correct_of_top: 0,
            loss: 0.0,
            weight: 0.0,
            confusion: HashMap::new(),
            without_numbers: 0,
            errors: None,
            multi_label: None,
            skipped: Vec::new(),
            worst: Worst::default(),
        }
    }

    /// Takes in the answers to a batch where numbers are asked for, and gives the loss of each.
    ///
    /// # Errors
    /// E604 when the answers have not the shape of the targets; nothing was taken in then.
    pub fn add_numbers(&mut self, answers: &Tensor, targets: &Tensor, loss: &Loss) -> Result<Vec<f64>> {
        let Some((samples, size)) = samples_and_size(answers, targets)? else { return Ok(Vec::new()) };
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
        self.weight += samples as f64;
        self.loss += match loss {
            Loss::MeanSquaredError(SumOrMean::Sum) => squares,
            _ => squares / size as f64,
        };
        Ok(losses)
    }

    /// Takes in the answers to a batch whose samples may have several classes, ones and zeros, and gives the loss of each.
    ///
    /// # Errors
    /// E604 when the answers have not the shape of the targets; nothing was taken in then.
    pub fn add_multi_label(
        &mut self,
        answers: &Tensor,
        targets: &Tensor,
        loss: &BinaryCrossEntropy,
    ) -> Result<Vec<f64>> {
        let Some((samples, size)) = samples_and_size(answers, targets)? else { return Ok(Vec::new()) };
        let mut losses = Vec::with_capacity(samples);
        let classes = self.multi_label.get_or_insert_with(|| MultiLabel::of(size));
        for (answers, targets) in answers.data().chunks_exact(size).zip(targets.data().chunks_exact(size)) {
            self.correct += usize::from(classes.add(answers, targets));
            self.without_numbers += usize::from(has_no_number(answers));
            losses.push(binary_loss_of(answers, targets, loss));
        }
        self.loss += losses.iter().sum::<f64>();
        self.seen += samples;
        self.weight += samples as f64;
        Ok(losses)
    }

    /// The mean loss over all samples, whatever batches they came in. With class weights it is the mean over these.
    pub fn loss(&self) -> f64 {
        if self.weight > 0.0 { self.loss / self.weight } else { f64::NAN }
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
        self.loss += each.iter().sum::<f64>();
        self.weight += loss.weight_of(labels.len(), labels);
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

/// How many samples a batch has, and how many numbers each; `None` where there are none.
///
/// # Errors
/// E604 when the answers have not the shape of the targets.
fn samples_and_size(answers: &Tensor, targets: &Tensor) -> Result<Option<(usize, usize)>> {
    if answers.shape() != targets.shape() {
        let (found, wanted) = (answers.shape(), targets.shape());
        return Err(failure(Code::E604, format!("the answers are {found:?}, and the targets {wanted:?}")));
    }
    let samples = targets.shape().first().copied().unwrap_or(0);
    let size = targets.data().len().checked_div(samples).filter(|&size| size > 0);
    Ok(size.map(|size| (samples, size)))
}

/// What one sample adds to the loss: for the mean of squares the mean over its scores.
fn loss_of(row: &[f32], label: usize, loss: &Loss) -> f64 {
    match loss {
        Loss::CrossEntropy(options) | Loss::SoftCrossEntropy(options) => cross_entropy_of(row, label, options),
        Loss::BinaryCrossEntropy(options) => {
            let targets: Vec<f32> = (0..row.len()).map(|class| f32::from(class == label)).collect();
            binary_loss_of(row, &targets, options)
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

fn cross_entropy_of(row: &[f32], label: usize, options: &CrossEntropy) -> f64 {
    let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let logarithm = f64::from(largest) + row.iter().map(|&score| f64::from(score - largest).exp()).sum::<f64>().ln();
    let of_class = |class: usize| {
        let negative_logarithm = logarithm - f64::from(row[class]);
        let weight = options.weight.as_ref().and_then(|weights| weights.get(class));
        let factor = options.focal.map_or(1.0, |gamma| (-(-negative_logarithm).exp_m1()).powf(gamma));
        negative_logarithm * factor * weight.map_or(1.0, |&weight| f64::from(weight))
    };
    let smoothing = options.label_smoothing;
    let spread = if smoothing > 0.0 { (0..row.len()).map(of_class).sum::<f64>() / row.len() as f64 } else { 0.0 };
    (1.0 - smoothing) * of_class(label) + smoothing * spread
}

/// What a sample that may have several classes adds to the loss: the mean over its classes.
fn binary_loss_of(scores: &[f32], targets: &[f32], options: &BinaryCrossEntropy) -> f64 {
    let of_class = |(class, (&score, &target)): (usize, (&f32, &f32))| {
        let (score, smoothing) = (f64::from(score), options.label_smoothing);
        let target = f64::from(target) * (1.0 - smoothing) + 0.5 * smoothing;
        let around = (-score.abs()).exp().ln_1p();
        let (of_one, of_zero) = ((-score).max(0.0) + around, score.max(0.0) + around);
        let (of_ones, of_zeros) = match options.focal {
            None => (of_one, of_zero),
            Some(BinaryFocal { gamma, alpha }) => {
                let [ones, zeros] = alpha.map_or([1.0, 1.0], |alpha| [alpha, 1.0 - alpha]);
                (ones * of_one * (-gamma * of_zero).exp(), zeros * of_zero * (-gamma * of_one).exp())
            }
        };
        let weight = options.pos_weight.as_ref().and_then(|weights| weights.get(class));
        target * of_ones * weight.map_or(1.0, |&weight| f64::from(weight)) + (1.0 - target) * of_zeros
    };
    scores.iter().zip(targets).enumerate().map(of_class).sum::<f64>() / scores.len() as f64
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
            let losses = match (&batch.targets, loss) {
                (Some(targets), Loss::BinaryCrossEntropy(loss)) => {
                    evaluation.add_multi_label(&answers, targets, loss)?
                }
                (Some(targets), _) => evaluation.add_numbers(&answers, targets, loss)?,
                (None, _) => evaluation.add(answers.data(), &batch.labels, loss)?,
            };
            evaluation.worst.add(&batch, &answers, &losses, evaluation.multi_label.is_some());
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
    use crate::Tensor;
    use cnnc_compiler::diagnostic::Code;
    use cnnc_compiler::training::{BinaryCrossEntropy, BinaryFocal, ClassWeights, CrossEntropy, Loss, SumOrMean};

    const CROSS_ENTROPY: f64 = 1.486442588;
    const SMOOTHED: f64 = 1.519775921;
    const MEAN_SQUARES: f64 = 2.041666667;
    const SQUARES: f64 = 12.250000000;

    const SCORES: [f32; 6] = [1.0, 2.0, -1.0, 0.5, 0.0, 3.0];

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-6, "{found} and not {expected}");
    }

    /// The loss of all scores in one batch, and in a batch each.
    fn losses(loss: &Loss) -> [f64; 2] {
        let (mut whole, mut parts) = (Evaluation::new(3), Evaluation::new(3));
        whole.add(&SCORES, &[1, 0], loss).unwrap();
        parts.add(&SCORES[..3], &[1], loss).unwrap();
        parts.add(&SCORES[3..], &[0], loss).unwrap();
        [whole.loss(), parts.loss()]
    }

    #[test]
    fn losses_are_those_of_pytorch_whatever_the_batches() {
        // torch.nn.functional.cross_entropy(scores, labels, weight=w, label_smoothing=s), and mse_loss with one_hot(labels).
        let weight: ClassWeights = [0.5, 2.0, 1.0].into();
        let weighted = |smoothing| Loss::cross_entropy(smoothing).with_class_weights(weight.clone());
        let focal = Loss::CrossEntropy(CrossEntropy { focal: Some(2.0), ..CrossEntropy::default() });
        for (loss, expected) in [
            (Loss::cross_entropy(0.0), CROSS_ENTROPY),
            (Loss::cross_entropy(0.1), SMOOTHED),
            (weighted(0.0), 0.803984365),
            (weighted(0.1), 0.888987237),
            // −Σ w (1 − p)² ln p of the labels, over the samples.
            (focal.with_class_weights(weight), 0.594568345),
            (Loss::MeanSquaredError(SumOrMean::Mean), MEAN_SQUARES),
            // Of sums the mean over samples: half of mse_loss(reduction="sum") on both.
            (Loss::MeanSquaredError(SumOrMean::Sum), SQUARES / 2.0),
        ] {
            losses(&loss).into_iter().for_each(|found| close(found, expected));
        }
    }

    #[test]
    fn losses_of_several_classes_are_those_of_pytorch_whatever_the_batches() {
        // binary_cross_entropy_with_logits(scores, t * 0.9 + 0.05, pos_weight=w), sigmoid_focal_loss(scores, t).
        let targets = [1.0, 0.0, 1.0, 0.0, 0.0, 1.0];
        let pos_weight = Some([0.5, 2.0, 1.0].into());
        let smooth = BinaryCrossEntropy { label_smoothing: 0.1, pos_weight, focal: None };
        let focal = Some(BinaryFocal { gamma: 2.0, alpha: Some(0.25) });
        let focal = BinaryCrossEntropy { focal, ..BinaryCrossEntropy::default() };
        for (loss, expected) in [(smooth, 0.895769239), (focal, 0.305290224)] {
            let (mut whole, mut parts) = (Evaluation::new(3), Evaluation::new(3));
            let rows = |rows: std::ops::Range<usize>, all: &[f32]| {
                Tensor::new(&[rows.len(), 3], all[3 * rows.start..3 * rows.end].to_vec()).unwrap()
            };
            whole.add_multi_label(&rows(0..2, &SCORES), &rows(0..2, &targets), &loss).unwrap();
            for row in [0..1, 1..2] {
                parts.add_multi_label(&rows(row.clone(), &SCORES), &rows(row, &targets), &loss).unwrap();
            }
            [&whole, &parts].into_iter().for_each(|found| close(found.loss(), expected));
            assert_eq!((whole.seen, whole.correct, &parts.multi_label), (2, 0, &whole.multi_label));
        }
    }

    #[test]
    fn the_first_of_equals_is_the_answer() {
        let mut evaluation = Evaluation::new(7);
        let equal = [0.0; 7];
        let scores = [equal, equal, equal].concat();
        evaluation.add(&scores, &[0, 4, 5], &Loss::cross_entropy(0.0)).unwrap();
        assert_eq!((evaluation.seen, evaluation.correct, evaluation.correct_of_top), (3, 1, 2));
        assert_eq!((evaluation.count(4, 0), evaluation.count(4, 4), evaluation.count(0, 0)), (1, 0, 1));
        assert!((evaluation.accuracy() - 1.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn a_label_that_is_no_class_is_refused_and_nothing_taken_in() {
        for loss in [Loss::cross_entropy(0.1), Loss::MeanSquaredError(SumOrMean::Sum)] {
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
