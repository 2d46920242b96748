//! What a run says on its way; who draws it is another's business.

use super::evaluate::Evaluation;
use super::history::{History, Record};
use crate::Tensor;
use crate::data::Skipped;
use cnnc_compiler::diagnostic::Diagnostic;
use std::path::Path;
use std::sync::Arc;

/// Something that happened.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The run begins, or goes on from a checkpoint.
    Started {
        /// Epochs that are over.
        epoch: usize,
        /// Batches of this epoch that are over.
        batch: usize,
        /// Epochs of the run.
        epochs: usize,
        /// Batches of an epoch.
        batches: usize,
        /// The epochs that are over.
        history: &'a History,
    },
    /// What people should know of the weights that the run begins from.
    Noted(&'a Diagnostic),
    /// More parameters learn than before.
    Unfrozen {
        /// The epoch that begins, from 1.
        epoch: usize,
        /// Numbers that learn.
        learnt: usize,
        /// Numbers that could.
        of: usize,
    },
    /// A step is done.
    Stepped {
        /// The epoch, from 1.
        epoch: usize,
        /// Batches of this epoch that are over.
        batch: usize,
        /// Pictures of the batch.
        pictures: usize,
        /// The mean loss of the epoch so far.
        loss: f64,
    },
    /// What the recipe wants to be printed, every so many steps.
    Printed {
        /// The epoch, from 1.
        epoch: usize,
        /// Batches of this epoch that are over.
        batch: usize,
        /// Steps of the run that are over.
        step: u64,
        /// The loss of this step's batch, before the step; `None` where that is not wanted.
        loss: Option<f64>,
        /// The parameters that are wanted, after the step, by key.
        parameters: &'a [(&'a str, Arc<Tensor>)],
    },
    /// Validation goes on.
    Validated {
        /// Pictures of the validation set that are done.
        seen: usize,
        /// Pictures that there are.
        count: usize,
    },
    /// An epoch is over.
    Epoch {
        /// What was measured.
        record: &'a Record,
        /// All epochs.
        history: &'a History,
        /// Whether it is the best so far.
        is_best: bool,
        /// What the validation came to.
        evaluation: &'a Evaluation,
    },
    /// A picture was left out, said once.
    Skipped(&'a Skipped),
    /// A checkpoint was written.
    Saved(&'a Path),
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Ending {
    /// After its last epoch.
    Done,
    /// Since nothing became better.
    Early,
    /// Because it was told to; a checkpoint holds what was done.
    Stopped {
        /// Epochs that are over.
        epoch: usize,
        /// Batches of the next that are over.
        batch: usize,
    },
}
