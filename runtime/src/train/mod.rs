//! Training by a recipe: a network, data and a [`recipe::Recipe`] come in; trained weights, a log and events on the way go out.
//!
//! [`fit`] does all of it. [`Setup`] holds the three against each other, [`train`] is the loop. What does the steps is a
//! [`Learner`]; what is said on the way are [`Event`]s, which others draw. All files of a run lie in one folder: checkpoints, the
//! best weights, the log.

pub mod checkpoint;
mod class_weights;
mod counters;
mod errors;
mod evaluate;
mod event;
mod exact;
mod find_lr;
mod fit;
mod folder;
mod history;
mod learner;
mod learning;
mod log;
mod multi_label;
pub mod recipe;
mod run;
pub mod schedule;
mod scorer;
mod setup;
mod source;
mod step;
mod worst;

pub use errors::{ErrorOf, Errors};
pub use evaluate::{Evaluation, TOP, evaluate};
pub use event::{Ending, Event};
pub use find_lr::{FINDER_STEPS, FoundRates, RateStep, find_rates};
pub use fit::{fit, learn, network};
pub use folder::{CURVES, REPORT, RunFolder};
pub use history::{History, Record};
pub use learner::{Learner, StepInputs, StepOutputs};
pub use log::{LOG, read as read_log};
pub use multi_label::{Found, MultiLabel};
pub use run::{Listener, Run, train, training_job, validation_job};
pub use scorer::Scorer;
pub use setup::Setup;
pub use source::{open_data, open_set};
pub use step::StepLearner;
pub use worst::{Answered, Wanted, Worst};
