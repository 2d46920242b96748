//! The loop: epochs of steps, validation, checkpoints.
//!
//! All that decides a number is a function of the recipe and of [`Progress`], so that a run which was broken off goes on to the
//! same bits. A checkpoint that was written holds numbers: weights that are none any more end the run before it is.

mod unfreezing;

use super::checkpoint::{self, BEST, Progress, Sums};
use super::evaluate::{Evaluation, evaluate};
use super::event::{Ending, Event};
use super::folder::RunFolder;
use super::history::Record;
use super::learner::{Learner, StepInputs};
use super::multi_label::MultiLabel;
use super::recipe::{PrintValue, Recipe};
use super::schedule::Moment;
use super::scorer::Scorer;
use super::setup::Setup;
use super::{counters, log};
use crate::data::{Batch, DataSet, Job, Mix, Skipped, balanced, in_order, load, shuffled};
use crate::failure::failure;
use crate::{Device, Error, Model, Parameters, Result, Weights, state, weights};
use cnnc_compiler::diagnostic::{Code, Label};
use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// What a run is made of.
pub struct Run<'a> {
    /// The recipe.
    pub recipe: &'a Recipe,
    /// The network.
    pub model: &'a Model,
    /// The data.
    pub data: &'a DataSet,
    /// What of them fits together.
    pub setup: Setup,
    /// The checkpoint to go on from.
    pub resume: Option<&'a Path>,
    /// Becomes true when the run is to end after the step.
    pub stop: &'a AtomicBool,
    /// Where validation runs; the learner's own device, whose rounding a checkpoint is bound to.
    pub device: &'a Device,
}

/// Who hears of events.
pub type Listener<'l> = dyn FnMut(Event<'_>) + 'l;

/// Trains; everything that is written goes to the folder, which was taken for this run's checkpoint.
///
/// # Errors
/// When data cannot be loaded, files cannot be written, a checkpoint is of another run, or loss or weights are no numbers any
/// more.
pub fn train(
    run: &Run<'_>,
    folder: RunFolder,
    learner: &mut dyn Learner,
    listener: &mut Listener<'_>,
) -> Result<Ending> {
    let progress = begin(run, learner)?;
    if folder.clear()? {
        checkpoint::save(folder.path(), &learner.state()?, &progress)?;
    }
    log::rewrite(folder.path(), &progress.history)?;
    let nothing = Weights::of(run.model, Parameters::default());
    let scorer = Scorer::of_answers(&nothing, &run.setup.answer, run.device);
    let saved = (progress.epoch, progress.batch);
    let mut training = Training { run, folder, learner, listener, scorer, progress, saved, skipped: HashSet::new() };
    training.go()
}

/// Where the run begins: at its start, or where a checkpoint stands.
fn begin(run: &Run<'_>, learner: &mut dyn Learner) -> Result<Progress> {
    let arithmetic =
        [Some(run.device.backend().arithmetic()), learner.tuning()].into_iter().flatten().collect::<Vec<_>>();
    let settings = run.setup.settings(run.recipe, run.model.graph(), run.data, arithmetic.join(", "));
    let recipe = run.recipe.keys.clone();
    let (class_names, multi_label) = (names_of_classes(run), run.data.multi_label);
    let Some(path) = run.resume else {
        return Ok(Progress { settings, recipe, class_names, multi_label, ..Progress::default() });
    };
    let (found, progress) = checkpoint::load(path)?;
    checkpoint::compare(path, &progress, &settings, &recipe)?;
    counters::check(path, &progress, run.recipe, &run.setup, run.data)?;
    unfreezing::catch_up(run, learner, &progress)?;
    learner.load(&state::fitting(path, &learner.state()?, &found)?)?;
    Ok(Progress { recipe, class_names, multi_label, ..progress })
}

/// What the classes are called that are told apart: the model's labels, or the data's names; none where numbers are learnt.
fn names_of_classes(run: &Run<'_>) -> Vec<String> {
    match run.model.labels() {
        [] if run.data.target.is_none() => run.data.class_names.clone().unwrap_or_default(),
        labels => labels.to_vec(),
    }
}

/// A run on its way.
struct Training<'r, 'l> {
    run: &'r Run<'r>,
    folder: RunFolder,
    learner: &'l mut dyn Learner,
    listener: &'l mut Listener<'l>,
    scorer: Scorer,
    progress: Progress,
    /// Epochs, and batches of the next, that the newest checkpoint is after.
    saved: (usize, usize),
    /// Names of pictures that were said to be left out.
    skipped: HashSet<String>,
}

impl Training<'_, '_> {
    fn go(&mut self) -> Result<Ending> {
        let recipe = self.run.recipe;
        let Progress { epoch, batch, .. } = self.progress;
        let (epochs, batches) = (recipe.epochs, self.run.setup.batches);
        (self.listener)(Event::Started { epoch, batch, epochs, batches, history: &self.progress.history });
        while self.progress.epoch < epochs {
            if self.progress.history.is_over(recipe.monitor, recipe.early_stopping) {
                return Ok(Ending::Early);
            }
            if !self.epoch()? {
                let Progress { epoch, batch, .. } = self.progress;
                self.save()?;
                return Ok(Ending::Stopped { epoch, batch });
            }
        }
        match self.progress.history.is_over(recipe.monitor, recipe.early_stopping) {
            true if self.progress.history.records.len() < epochs => Ok(Ending::Early),
            _ => Ok(Ending::Done),
        }
    }

    /// Trains one epoch to its end; `false` when it was to stop before.
    fn epoch(&mut self) -> Result<bool> {
        self.unfreeze()?;
        let (start, seconds_before) = (Instant::now(), self.progress.sums.seconds);
        let mut batches = load(&self.job());
        let mut next = batches.next();
        while let Some(batch) = next.take() {
            next = self.step(batch?, &mut batches)?;
            self.progress.sums.seconds = seconds_before + start.elapsed().as_secs_f64();
            if self.run.stop.load(Ordering::Relaxed) {
                return Ok(false);
            }
            let is_last = self.progress.batch == self.run.setup.batches;
            let every = self.run.recipe.checkpoint_batches;
            if every.is_some_and(|every| self.progress.batch.is_multiple_of(every)) && !is_last {
                self.save()?;
            }
        }
        if self.progress.sums.seen == 0 {
            let place = self.run.recipe.data.source.path.display();
            let mut unread = failure(Code::E610, format!("no picture of the training set in `{place}` can be read"));
            unread
                .help
                .push("leave out `corrupt: skip` under `data` to end at the first, with what is wrong with it".into());
            return Err(unread);
        }
        let start = Instant::now();
        let Some(evaluation) = self.validate()? else { return Ok(false) };
        self.finish(&evaluation, start.elapsed().as_secs_f64())?;
        Ok(true)
    }

    /// The rest of the epoch's batches.
    fn job(&self) -> Job {
        let Run { recipe, data, setup, .. } = self.run;
        training_job(recipe, data, setup, (self.progress.epoch, self.progress.batch))
    }

    /// That of a batch of this epoch.
    fn learning_rate(&self, batch: usize) -> f64 {
        let Run { recipe, setup, .. } = self.run;
        let moment = Moment { epoch: self.progress.epoch, batch };
        let records = &self.progress.history.records;
        recipe.schedule.learning_rate(recipe.learning_rate, moment, setup.length(recipe), records)
    }

    /// What a step on a batch of this epoch is told, so many steps after the last one that is done.
    fn told(&self, batch: usize, steps: u64) -> StepInputs {
        let Run { recipe, setup, .. } = self.run;
        let moment = Moment { epoch: self.progress.epoch, batch };
        let momentum = recipe.schedule.momentum(moment, setup.length(recipe));
        let (learning_rate, step) = (self.learning_rate(batch), self.progress.step + steps);
        StepInputs { learning_rate, momentum, step, seed: recipe.seed }
    }

    /// Does a step, and gives the batch after it, which is loaded and brought to the device meanwhile.
    fn step(
        &mut self,
        batch: Batch,
        batches: &mut dyn Iterator<Item = Result<Batch>>,
    ) -> Result<Option<Result<Batch>>> {
        self.name_skipped(&batch.skipped);
        let pictures = batch.len();
        let loss = self.run.setup.training_loss(self.run.recipe);
        let weight = loss.weight_of(pictures, &batch.labels);
        if pictures > 0 {
            let begun = self.learner.begin(batch, self.told(self.progress.batch, 1));
            begun.map_err(|failure| self.of_batch(pictures, failure))?;
        }
        let next = batches.next();
        let mut batch_loss = None;
        if pictures > 0 {
            if let Some(Ok(batch)) = &next
                && !batch.is_empty()
            {
                let staged = self.learner.stage(batch, self.told(self.progress.batch + 1, 2));
                staged.map_err(|failure| self.of_batch(batch.len(), failure))?;
            }
            let outputs = self.learner.finish()?;
            if !outputs.loss.is_finite() {
                return Err(self.diverged(&format!("the loss is {}", outputs.loss), self.progress.batch + 1));
            }
            self.progress.step += 1;
            batch_loss = Some(outputs.loss);
            let sums = &mut self.progress.sums;
            // Of classes that are mixed none is the right one.
            let correct = outputs.correct.filter(|_| self.run.recipe.data.mix.is_none());
            sums.correct = correct.map(|correct| sums.correct.unwrap_or(0) + correct);
            sums.loss += loss.sum_of(outputs.loss, weight);
            sums.weight += weight;
            sums.seen += pictures;
        }
        self.progress.batch += 1;
        self.print(batch_loss)?;
        let Progress { epoch, batch, ref sums, .. } = self.progress;
        let loss = sums.mean();
        (self.listener)(Event::Stepped { epoch: epoch + 1, batch, pictures, loss });
        Ok(next)
    }

    /// Says what the recipe wants to be printed of a step that is done.
    fn print(&mut self, loss: Option<f64>) -> Result<()> {
        let Progress { epoch, batch, step, .. } = self.progress;
        let (Some(print), Some(loss)) = (&self.run.recipe.print, loss) else { return Ok(()) };
        if !step.is_multiple_of(print.every as u64) {
            return Ok(());
        }
        let keys: Vec<&str> = print.values.iter().filter_map(PrintValue::parameter).collect();
        let state = if keys.is_empty() { Parameters::default() } else { self.learner.state()? };
        let parameters = keys.into_iter().map(|key| Ok((key, state.get(key)?))).collect::<Result<Vec<_>>>()?;
        let loss = print.values.iter().any(PrintValue::is_loss).then_some(loss);
        (self.listener)(Event::Printed { epoch: epoch + 1, batch, step, loss, parameters: &parameters });
        Ok(())
    }

    /// What a batch cannot be trained with; of one that is smaller than the others, that it is.
    fn of_batch(&self, samples: usize, mut failure: Error) -> Error {
        let recipe = self.run.recipe;
        if failure.code == Code::E403 && recipe.accumulate > 1 {
            let parts = format!("a batch of {samples} samples is computed in parts of at most {}", recipe.part_size());
            failure.labels.push(Label { span: recipe.batch_size_place, text: "the size of a batch".into() });
            failure.notes.push(parts);
            failure.help.push("a smaller `accumulate` makes larger parts, another `batch_size` others".into());
        } else if failure.code == Code::E403 && samples < recipe.batch_size {
            let of = if samples == 1 { "1 sample".into() } else { format!("{samples} samples") };
            failure.labels.push(Label { span: recipe.batch_size_place, text: "the size of the other batches".into() });
            failure.notes.push(format!("it is the last batch of an epoch, of {of}"));
            failure
                .help
                .push("`drop_last: true` under `data` leaves it out; another `batch_size` leaves more for it".into());
        }
        failure
    }

    /// E612 when a parameter that is trained is no number any more, so that a checkpoint never holds that.
    fn check_weights(&self, state: &Parameters) -> Result<()> {
        match state::without_numbers(self.run.model.graph(), state)? {
            Some(key) => Err(self.diverged(&format!("`{key}` has values that are no numbers"), self.progress.batch)),
            None => Ok(()),
        }
    }

    /// What cannot be gone on with, in a batch from 1, and from where it can.
    fn diverged(&self, what: &str, batch: usize) -> Error {
        let Run { recipe, .. } = self.run;
        let message = format!("{what} in batch {batch} of epoch {}", self.progress.epoch + 1);
        let mut diverged = failure(Code::E612, message);
        diverged.labels.push(Label { span: recipe.optimiser_place, text: "trained by this".into() });
        diverged.notes.push(format!("the learning rate is {}", self.learning_rate(batch.saturating_sub(1))));
        let (last, (epoch, batch)) = (checkpoint::newest(self.folder.path()), self.saved);
        diverged.notes.push(format!("`{}` is from after epoch {epoch} and batch {batch}", last.display()));
        let mends = [
            (true, "lower `optimizer.lr`"),
            (recipe.schedule.warmup.is_none(), "add a `warmup` to `schedule`"),
            (recipe.training.max_gradient_norm.is_none(), "set `clip_grad_norm`"),
        ];
        let mends: Vec<&str> = mends.into_iter().filter_map(|(fits, mend)| fits.then_some(mend)).collect();
        diverged.help.push(mends.join(", or "));
        diverged
    }

    fn name_skipped(&mut self, skipped: &[Skipped]) {
        for one in skipped {
            if self.skipped.insert(one.name.clone()) {
                (self.listener)(Event::Skipped(one));
            }
        }
    }

    /// The worth of the parameters as they are; `None` when it was to stop.
    fn validate(&mut self) -> Result<Option<Evaluation>> {
        let Run { recipe, data, setup, stop, .. } = self.run;
        let state = self.learner.state()?;
        self.check_weights(&state)?;
        self.scorer.set(state::averaged(&state)?);
        let job = validation_job(recipe, data, setup);
        let count = data.validation.len();
        let listener = &mut self.listener;
        let each = |seen| listener(Event::Validated { seen, count });
        let evaluation = evaluate(&mut self.scorer, &job, &setup.loss, stop, each)?;
        if let Some(evaluation) = &evaluation {
            self.name_skipped(&evaluation.skipped);
        }
        Ok(evaluation)
    }

    /// Takes in what an epoch came to: history, files, events.
    fn finish(&mut self, evaluation: &Evaluation, validation_seconds: f64) -> Result<()> {
        let learning_rate = self.learning_rate(self.run.setup.batches.saturating_sub(1));
        let sums = std::mem::take(&mut self.progress.sums);
        let Sums { correct, seen, seconds, .. } = sums;
        self.progress.epoch += 1;
        self.progress.batch = 0;
        let record = Record {
            epoch: self.progress.epoch,
            train_loss: sums.mean(),
            train_accuracy: correct.map(|correct| correct as f64 / seen.max(1) as f64),
            val_loss: evaluation.loss(),
            val_accuracy: evaluation.errors.is_none().then(|| evaluation.accuracy()),
            val_map: evaluation.multi_label.as_ref().and_then(MultiLabel::mean_average_precision),
            learning_rate,
            seconds: seconds + validation_seconds,
            images_per_second: seen as f64 / seconds.max(1e-9),
        };
        self.progress.history.records.push(record.clone());
        let is_best = self.progress.history.last_is_best(self.run.recipe.monitor);
        if is_best {
            let weights = state::averaged(&self.learner.state()?)?;
            let about = self.progress.about_weights();
            let about: Vec<(&str, &str)> = about.iter().map(|(key, text)| (*key, text.as_str())).collect();
            self.folder.write(|folder| weights::save(&folder.join(BEST), &weights, &about))?;
        }
        self.save()?;
        self.folder.write(|folder| log::append(folder, &self.progress.history))?;
        let history = &self.progress.history;
        (self.listener)(Event::Epoch { record: &record, history, is_best, evaluation });
        Ok(())
    }

    fn save(&mut self) -> Result<()> {
        let state = self.learner.state()?;
        self.check_weights(&state)?;
        self.folder.write(|folder| checkpoint::save(folder, &state, &self.progress))?;
        self.saved = (self.progress.epoch, self.progress.batch);
        (self.listener)(Event::Saved(&checkpoint::newest(self.folder.path())));
        Ok(())
    }
}

/// The training set in the order of an epoch, from one of its batches on.
pub fn training_job(recipe: &Recipe, data: &DataSet, setup: &Setup, (epoch, first_batch): (usize, usize)) -> Job {
    let mut order = match recipe.data.balanced {
        true => balanced(&*data.train, recipe.seed, epoch),
        false => shuffled(data.train.len(), recipe.seed, epoch),
    };
    order.truncate(setup.batches * recipe.batch_size);
    Job {
        samples: data.train.clone(),
        pipeline: setup.train.clone(),
        order: order.into(),
        batch_size: recipe.batch_size,
        first_batch,
        seed: recipe.seed,
        epoch,
        skip_corrupt: recipe.data.skip_corrupt,
        target: setup.target.clone(),
        mix: recipe.data.mix.map(|mix| Mix { classes: setup.classes, ..mix }),
        workers: recipe.data.workers,
    }
}

/// The whole validation set, in its own order.
pub fn validation_job(recipe: &Recipe, data: &DataSet, setup: &Setup) -> Job {
    Job {
        samples: data.validation.clone(),
        pipeline: setup.validation.clone(),
        order: Arc::from(in_order(data.validation.len())),
        batch_size: recipe.batch_size,
        first_batch: 0,
        seed: recipe.seed,
        epoch: 0,
        skip_corrupt: recipe.data.skip_corrupt,
        target: setup.target.clone(),
        mix: None,
        workers: recipe.data.workers,
    }
}

#[cfg(test)]
mod regression;
