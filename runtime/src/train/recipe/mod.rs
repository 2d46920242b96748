//! Recipes: how a network is trained, as YAML.
//!
//! Text comes in; a [`Recipe`] goes out, or everything that is wrong with it, each with its place. `docs/recipes.md` lists every
//! key. Nothing is read but the text: whether files exist and fit is found out when they are needed.

mod beginning;
mod data;
mod loss;
mod options;
mod read;
mod schedule;
mod section;
mod settings;
mod tensors;
mod transforms;
mod yaml;

use crate::data::{Format, Mix, Pair, Source, Transform};
use crate::train::schedule::Schedule;
use cnnc_compiler::diagnostic::Diagnostic;
use cnnc_compiler::resolve::{INIT_FILE, Request, SETTINGS_FILE};
use cnnc_compiler::training::Training;
use cnnc_grammar::span::{Files, Span};
use std::collections::BTreeMap;
use std::path::PathBuf;

pub use beginning::{Frozen, Group, Pattern, Selection, WeightsChoice, never_free};
pub use read::{load, read, read_with};
pub use settings::Setting;

/// The most epochs of a run; each is a line of the history that every checkpoint holds.
pub const MOST_EPOCHS: usize = 1_000_000;
/// The most samples of a step.
pub const MOST_SAMPLES: usize = 1_000_000;
/// The most threads that load.
pub const MOST_WORKERS: usize = 256;

/// How a network is trained.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// The network.
    pub model: ModelChoice,
    /// What it learns from.
    pub data: DataChoice,
    /// Initialisers after the model's own: targets and scheme of an `init` each.
    pub init: Vec<Entry>,
    /// Trained weights that it begins from, in the place of what is drawn.
    pub weights: Option<WeightsChoice>,
    /// Parameters and buffers that nothing changes, for the whole run or for its first epochs.
    pub freeze: Vec<Frozen>,
    /// Parameters that the optimiser treats otherwise; where several speak of one, the last counts.
    pub groups: Vec<Group>,
    /// Loss, optimiser, clipping.
    pub training: Training,
    /// What the classes count in the loss, where they do not count the same.
    pub class_weights: Option<ClassWeightsChoice>,
    /// Where the recipe says how it is trained.
    pub optimiser_place: Span,
    /// The learning rate that the schedule changes.
    pub learning_rate: f64,
    /// How it changes.
    pub schedule: Schedule,
    /// Samples of a step, at most [`MOST_SAMPLES`].
    pub batch_size: usize,
    /// Where the recipe says so.
    pub batch_size_place: Span,
    /// Parts that a step's batch is computed in, at least 1 and at most its samples.
    pub accumulate: usize,
    /// Times that the training set is gone through, at most [`MOST_EPOCHS`].
    pub epochs: usize,
    /// What first values, order, transforms and dropout depend on.
    pub seed: u64,
    /// Where it runs.
    pub device: crate::DeviceName,
    /// Threads that compute; 0 is one for each core.
    pub threads: usize,
    /// When to end early.
    pub early_stopping: Option<EarlyStopping>,
    /// Which weights are the best.
    pub monitor: Monitor,
    /// Steps between two checkpoints, besides those after every epoch.
    pub checkpoint_batches: Option<usize>,
    /// What is said on the way, instead of a line an epoch.
    pub print: Option<Print>,
    /// The folder that everything is written to.
    pub output: PathBuf,
    /// Every value under its dotted path, as text: what runs are told apart by.
    pub keys: BTreeMap<String, String>,
}

/// Which network.
#[derive(Clone, Debug)]
pub struct ModelChoice {
    /// The spec.
    pub file: PathBuf,
    /// Where the recipe names it.
    pub place: Span,
    /// The model; the file's last when none is named.
    pub name: Option<String>,
    /// Parameters of the model, in the language's own syntax.
    pub set: Vec<Entry>,
    /// Which of several outputs is trained, and where the recipe says so.
    pub output: Option<(String, Span)>,
}

/// A key and a value that go to the compiler, with their places in the recipe.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key, as the compiler reads it.
    pub key: String,
    /// The value, as the compiler reads it.
    pub value: String,
    /// Where they stand in the recipe.
    pub places: [Span; 2],
}

/// Which data.
#[derive(Clone, Debug)]
pub struct DataChoice {
    /// Where they lie on the disk, and how.
    pub source: Source,
    /// Tensors that stand in the recipe, for training and for validation; `None` where the data lie on the disk.
    pub tensors: Option<(Pair, Option<Pair>)>,
    /// What is done to a picture before training; `None` is what the spec's `image(...)` says.
    pub train: Option<Vec<Transform>>,
    /// What is done to a picture before validation.
    pub validation: Option<Vec<Transform>>,
    /// Whether each class is drawn as often; else every sample comes once an epoch.
    pub balanced: bool,
    /// How the samples of a batch are mixed; the classes are told by the network.
    pub mix: Option<Mix>,
    /// Whether a file that cannot be read is named and left out; else it ends the run.
    pub skip_corrupt: bool,
    /// Whether every picture is read once before anything is trained.
    pub check: bool,
    /// Threads that load, at most [`MOST_WORKERS`].
    pub workers: usize,
    /// Whether the last batch of an epoch is left out when it is smaller.
    pub drop_last: bool,
}

/// What the network should answer to a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A class.
    Class,
    /// Classes, several or none.
    Classes,
    /// Numbers.
    Numbers,
}

impl DataChoice {
    /// What is answered to a sample.
    pub fn answer(&self) -> Answer {
        match self.source.format {
            Format::Csv | Format::Npy => Answer::Numbers,
            Format::MultiLabel => Answer::Classes,
            Format::Idx | Format::Cifar10 | Format::Cifar100 | Format::Folder | Format::List => Answer::Class,
        }
    }
}

/// The weights of the classes in a loss.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassWeightsChoice {
    /// The key that says them: `loss.weight`.
    pub key: String,
    /// Where the recipe says them.
    pub place: Span,
    /// What they are.
    pub weighing: Weighing,
}

impl ClassWeightsChoice {
    /// Whether they are counted from the training set.
    pub fn is_balanced(&self) -> bool {
        self.weighing == Weighing::Balanced
    }
}

/// How classes get their weights.
#[derive(Clone, Debug, PartialEq)]
pub enum Weighing {
    /// All this one.
    Same(f64),
    /// A number for each class, in order.
    Listed(Vec<f64>),
    /// Numbers by the name of a class, and where it stands; the others have 1.
    Named(Vec<(String, f64, Span)>),
    /// By how often each occurs in the training set.
    Balanced,
}

/// What is said every so many steps.
#[derive(Clone, Debug, PartialEq)]
pub struct Print {
    /// Steps from one time to the next, at least 1.
    pub every: usize,
    /// What is said, in this order.
    pub values: Vec<PrintValue>,
}

/// A value to be said on the way.
#[derive(Clone, Debug, PartialEq)]
pub enum PrintValue {
    /// The loss of the step's batch.
    Loss,
    /// A parameter by its key, and where the recipe names it.
    Parameter(String, Span),
}

impl PrintValue {
    /// Whether it is the loss.
    pub fn is_loss(&self) -> bool {
        *self == PrintValue::Loss
    }

    /// The key of a parameter.
    pub fn parameter(&self) -> Option<&str> {
        match self {
            PrintValue::Loss => None,
            PrintValue::Parameter(key, _) => Some(key),
        }
    }
}

/// What tells good weights from bad ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Monitor {
    /// The share of the validation set that is right: more is better.
    ValidationAccuracy,
    /// The loss on the validation set: less is better.
    ValidationLoss,
    /// The mean of the classes' average precision on the validation set: more is better.
    ValidationMap,
}

/// When to end early.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EarlyStopping {
    /// Epochs in a row without a better one.
    pub patience: usize,
    /// What counts as better must be better by more than this.
    pub min_delta: f64,
}

impl Recipe {
    /// The most samples that are computed at once.
    pub fn part_size(&self) -> usize {
        self.batch_size.div_ceil(self.accumulate.max(1))
    }

    /// The network that it asks for, as the compiler takes that.
    pub fn request(&self) -> Request {
        let pairs = |entries: &[Entry]| entries.iter().map(|entry| (entry.key.clone(), entry.value.clone())).collect();
        let (settings, init) = (pairs(&self.model.set), pairs(&self.init));
        Request { model: self.model.name.clone(), settings, init, ..Request::default() }
    }

    /// Moves what the compiler says of settings and initialisers to where the recipe says them.
    pub fn relocate(&self, diagnostics: &mut [Diagnostic], files: &Files) {
        for diagnostic in diagnostics {
            let mut moved = false;
            for label in &mut diagnostic.labels {
                if let Some(place) = self.place_of(label.span, files) {
                    label.span = place;
                    moved = true;
                }
            }
            if moved {
                diagnostic.fixes.clear();
            }
        }
    }

    /// Where the recipe says what stands at a place of the files that the compiler made of settings and initialisers.
    fn place_of(&self, span: Span, files: &Files) -> Option<Span> {
        let file = files.get(span.file)?;
        let entries = match file.name.as_str() {
            SETTINGS_FILE => &self.model.set,
            INIT_FILE => &self.init,
            _ => return None,
        };
        // The compiler writes `key=value` and `key: value`, in order; keys and values are found one after another.
        let mut from = 0;
        for entry in entries {
            for (text, place) in [&entry.key, &entry.value].into_iter().zip(entry.places) {
                let start = from + file.text.get(from..)?.find(text.as_str())?;
                from = start + text.len();
                if (span.start as usize) < from {
                    return Some(place);
                }
            }
        }
        entries.last().map(|entry| entry.places[1])
    }
}

#[cfg(test)]
mod tests;
