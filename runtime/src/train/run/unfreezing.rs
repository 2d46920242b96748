//! Epochs that begin with more parameters that learn: the learner goes on with the same network, of which less is frozen.
//!
//! Since when a parameter learns counts steps, which a checkpoint keeps: with pictures that cannot be read, and are left out, an
//! epoch has no fixed number of them.

use super::{Event, Learner, Progress, Run, Training};
use crate::train::learning::{changes, set_learning_of};
use crate::{Model, Result};
use cnnc_compiler::graph::Parameter;
use std::collections::BTreeMap;

/// The network as it learns after so many epochs.
fn model_of(run: &Run<'_>, epoch: usize, begun: &BTreeMap<usize, u64>) -> Model {
    let mut graph = run.model.graph().clone();
    set_learning_of(run.recipe, &mut graph.graph, epoch, begun);
    Model::of(graph, run.model.files().clone(), Vec::new())
}

/// Brings a learner that begins to where it was when a checkpoint was written.
pub fn catch_up(run: &Run<'_>, learner: &mut dyn Learner, progress: &Progress) -> Result<()> {
    // Between two epochs what the next one frees is not free yet.
    let epoch = if progress.batch == 0 { progress.epoch.saturating_sub(1) } else { progress.epoch };
    if changes(run.recipe).into_iter().any(|change| change <= epoch) {
        learner.relearn(&model_of(run, epoch, &progress.begun))?;
    }
    Ok(())
}

impl Training<'_, '_> {
    /// Where the epoch begins with more parameters that learn, goes on so.
    pub(super) fn unfreeze(&mut self) -> Result<()> {
        let Progress { epoch, batch, step, .. } = self.progress;
        if batch > 0 || !changes(self.run.recipe).contains(&epoch) {
            return Ok(());
        }
        self.progress.begun.insert(epoch, step);
        let model = model_of(self.run, epoch, &self.progress.begun);
        self.learner.relearn(&model).map_err(|failure| self.of_batch(self.run.recipe.batch_size, failure))?;
        let [of, learnt] = [|one: &Parameter| one.trainable, Parameter::is_learnt]
            .map(|is_it: fn(&Parameter) -> bool| model.numbers(is_it));
        (self.listener)(Event::Unfrozen { epoch: epoch + 1, learnt, of });
        Ok(())
    }
}
