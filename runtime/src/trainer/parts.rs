//! A step whose batch is computed in parts: each part's gradients are gathered where the parameters are, and the last one is
//! followed by the update. What the step says is what one of the whole batch would: losses and counts are added by samples.

use super::given::{Given, Part, Told};
use super::{StepInputs, StepOutputs, Target, Trainer, no_step, running};
use crate::failure::{Result, failure};
use crate::given::check_inputs;
use crate::view::{TensorList, views};
use crate::{Inputs, TensorView};
use cnnc_compiler::diagnostic::Code;
use cnnc_compiler::plan::Plan;
use std::ops::Range;
use std::sync::Arc;

/// How a step's batch is cut, and what the step that was begun has come to.
pub(super) struct Parts {
    /// The most samples of a part.
    largest: usize,
    /// The plan of the update and its number, once there is a plan.
    pub update: Option<(usize, Arc<Plan>)>,
    /// What the step was told, what the parts that are done say, and what the last one is of the step.
    begun: Option<(StepInputs, StepOutputs, f64)>,
}

impl Parts {
    /// Parts of at most so many samples.
    pub fn of(largest: usize) -> Parts {
        Parts { largest: largest.max(1), update: None, begun: None }
    }

    /// Has no plan any more.
    pub fn forget(&mut self) {
        (self.update, self.begun) = (None, None);
    }

    /// The samples of each part of a batch: as few parts as may be, as large as each other, give or take one.
    fn ranges(&self, samples: usize) -> Vec<Range<usize>> {
        let count = samples.div_ceil(self.largest).max(1);
        (0..count).map(|part| part * samples / count..(part + 1) * samples / count).collect()
    }
}

impl Trainer {
    /// Computes all parts of a batch but the last, and begins that.
    ///
    /// # Errors
    /// As [`Trainer::step`]; what is wrong with inputs or targets is told before anything is computed.
    pub(super) fn begin_in_parts(
        &mut self,
        inputs: &dyn TensorList,
        target: Target<'_>,
        told: StepInputs,
    ) -> Result<()> {
        let samples = samples(inputs, target)?;
        let ranges = self.parts.as_ref().map(|parts| parts.ranges(samples)).unwrap_or_default();
        let sizes = |range: &Range<usize>| -> Vec<Vec<usize>> {
            views(inputs).map(|input| resized(input.shape(), range.len())).collect()
        };
        let sizes: Vec<Vec<Vec<usize>>> = ranges.iter().map(sizes).collect();
        let targets: Vec<Vec<usize>> = ranges.iter().map(|range| resized(target_shape(&target), range.len())).collect();
        let whole = labels_of(target);
        let mut parts = Vec::new();
        for (number, range) in ranges.iter().enumerate() {
            let cut = views(inputs).zip(&sizes[number]).map(|(input, shape)| rows(input, shape, range));
            let inputs: Vec<TensorView> = cut.collect::<Option<_>>().ok_or_else(no_step)?;
            let target = part_of(target, &targets[number], range, samples).ok_or_else(no_step)?;
            let place = self.ready(&inputs)?;
            let share = self.training.loss.share((range.len(), labels_of(target)), (samples, whole));
            let told = Told::new(&self.training, told, Part { number, share });
            let plan = &self.plans[place].plan;
            let given = Given::of_part(plan, &self.training, target, told)?;
            check_inputs(plan, &given.beside(&plan.inputs, &inputs)?)?;
            parts.push((place, given, inputs, share));
        }
        let mut sums = StepOutputs { loss: 0.0, correct: None };
        let last = parts.len().saturating_sub(1);
        for (number, (place, given, inputs, share)) in parts.iter().enumerate() {
            let compiled = &self.plans[*place];
            let all = given.beside(&compiled.plan.inputs, inputs)?;
            self.begun = *place;
            running(&mut self.running)?.begin(compiled.number, Inputs::Given(&all))?;
            if number < last {
                sums.add(self.finish_begun()?, *share);
            } else if let Some(parts) = &mut self.parts {
                parts.begun = Some((told, sums, *share));
            }
        }
        Ok(())
    }

    /// Waits for the last part, and does the update.
    ///
    /// # Errors
    /// As [`Trainer::finish`].
    pub(super) fn finish_parts(&mut self) -> Result<StepOutputs> {
        let last = self.finish_begun()?;
        let parts = self.parts.as_mut().ok_or_else(no_step)?;
        let (told, mut sums, share) = parts.begun.take().ok_or_else(no_step)?;
        sums.add(last, share);
        let (number, plan) = parts.update.as_ref().ok_or_else(no_step)?;
        let told = Told::new(&self.training, told, Part::WHOLE);
        let running = running(&mut self.running)?;
        running.begin(*number, Inputs::Given(&told.alone(&plan.inputs)?))?;
        running.finish(*number)?;
        Ok(sums)
    }
}

/// The numbers of the classes, where these are what should be answered.
fn labels_of(target: Target<'_>) -> &[usize] {
    match target {
        Target::Classes(classes) => classes,
        Target::Tensor(_) => &[],
    }
}

impl StepOutputs {
    /// Takes in what a part says that is so much of the step.
    fn add(&mut self, part: StepOutputs, share: f64) {
        self.loss += part.loss * share;
        self.correct = part.correct.map(|correct| correct + self.correct.unwrap_or(0));
    }
}

/// The samples of a batch.
///
/// # Errors
/// E604 when inputs and targets do not agree on it.
fn samples(inputs: &dyn TensorList, target: Target<'_>) -> Result<usize> {
    let mut counts = views(inputs).map(|input| input.shape().first().copied());
    let Some(samples) = counts.next().flatten().filter(|&first| counts.all(|other| other == Some(first))) else {
        let shapes: Vec<String> = views(inputs).map(|input| format!("{:?}", input.shape())).collect();
        let message = format!("a batch is cut along the first axes of its inputs, and these are {}", shapes.join(", "));
        return Err(failure(Code::E604, message));
    };
    let (fits, found) = match target {
        Target::Classes(classes) => (classes.len().is_multiple_of(samples.max(1)), format!("{} labels", classes.len())),
        Target::Tensor(view) => (view.shape().first() == Some(&samples), format!("a target {:?}", view.shape())),
    };
    if fits { Ok(samples) } else { Err(failure(Code::E604, format!("a batch of {samples} samples has {found}"))) }
}

/// The shape of a target that is a tensor.
fn target_shape<'t>(target: &Target<'t>) -> &'t [usize] {
    match target {
        Target::Classes(_) => &[],
        Target::Tensor(view) => view.shape(),
    }
}

/// A shape of so many samples.
fn resized(shape: &[usize], samples: usize) -> Vec<usize> {
    let rest = shape.iter().skip(1).copied();
    shape.first().map(|_| samples).into_iter().chain(rest).collect()
}

/// Some samples of a tensor, which have that shape.
fn rows<'t>(all: TensorView<'t>, shape: &'t [usize], range: &Range<usize>) -> Option<TensorView<'t>> {
    let each: usize = shape.iter().skip(1).product();
    let range = range.start * each..range.end * each;
    match (all.data(), all.counts()) {
        (Some(data), _) => TensorView::new(shape, data.get(range)?),
        (None, counts) => TensorView::of_counts(shape, counts?.get(range)?),
    }
}

/// What should be answered to some samples of a batch.
fn part_of<'t>(target: Target<'t>, shape: &'t [usize], range: &Range<usize>, samples: usize) -> Option<Target<'t>> {
    Some(match target {
        Target::Classes(classes) => {
            let each = classes.len() / samples.max(1);
            Target::Classes(classes.get(range.start * each..range.end * each)?)
        }
        Target::Tensor(view) => Target::Tensor(rows(view, shape, range)?),
    })
}

#[cfg(test)]
mod tests {
    use super::Parts;

    #[test]
    fn parts_are_as_large_as_each_other() {
        let sizes = |largest, samples| -> Vec<usize> {
            Parts::of(largest).ranges(samples).into_iter().map(|range| range.len()).collect()
        };
        assert_eq!(sizes(32, 128), [32; 4]);
        assert_eq!(sizes(9, 33), [8, 8, 8, 9]);
        assert_eq!(sizes(32, 33), [16, 17]);
        assert_eq!(sizes(32, 5), [5]);
        assert_eq!(sizes(0, 2), [1, 1]);
        assert_eq!(sizes(4, 0), [0]);
    }
}
