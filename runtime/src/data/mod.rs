//! Samples for training: data sets on the disk come in, batches of tensors go out, made in background threads.
//!
//! Of labelled pictures there are IDX files (MNIST and its kin), the binary files of CIFAR, folders of pictures by class, and
//! lists of pictures with their classes (CSV), of which each may have several. Pictures with numbers stand in a table (CSV),
//! arrays with arrays in `.npy` files or at hand ([`arrays()`]). What is done to a picture is a list of [`Transform`]s
//! ([`transforms`]). The order of samples and everything random in a sample are functions of seed, epoch and the sample's number
//! alone (`order.rs`), so that no result depends on threads or on where a run was broken off. Headers are held against the files'
//! lengths before anything is allocated.

mod arrays;
mod check;
mod choice;
mod cifar;
mod classes;
mod folder;
mod idx;
mod list;
mod loader;
mod mix;
mod multi_label;
mod order;
mod pipeline;
mod split;
mod table;

pub use crate::pictures::{Decoded, Picture, Size, Transform, transforms};
pub(crate) use arrays::read_set as read_arrays;
pub(crate) use arrays::set as of_arrays;
pub use arrays::{Pair, arrays};
pub(crate) use check::check;
pub use choice::ClassChoice;
pub(crate) use classes::by_names;
pub use loader::{Batch, Batches, Job, Skipped, load};
pub use mix::Mix;
pub use order::{balanced, in_order, shuffled};
pub use pipeline::Pipeline;

use crate::Result;
use crate::failure::failure;
use cnnc_compiler::diagnostic::{Code, Diagnostic};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Samples by number: pictures or arrays, and what the network should answer to each, a class or numbers.
pub trait Samples: Send + Sync {
    /// How many there are.
    fn len(&self) -> usize;

    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The class of one, from 0; 0 where numbers or several classes are the answer.
    fn label(&self, index: usize) -> usize;

    /// The classes of one that may have several, or none, in rising order; `None` where each has one, or numbers.
    fn labels(&self, _index: usize) -> Option<Vec<usize>> {
        None
    }

    /// The numbers that should be answered to one, in the order of the answer; `None` where that is a class.
    fn target(&self, _index: usize) -> Option<&[f32]> {
        None
    }

    /// One as the network takes it; `None` where it is a picture.
    fn values(&self, _index: usize) -> Option<&[f32]> {
        None
    }

    /// One as it lies there; in grey when `grey`.
    ///
    /// # Errors
    /// E601 and E603 when its file cannot be read.
    fn picture(&self, index: usize, grey: bool) -> Result<Decoded<'_>>;

    /// What messages call one.
    fn name(&self, index: usize) -> String;
}

/// One set of samples, and what should be answered to them.
#[derive(Clone)]
pub(crate) struct Set {
    pub samples: Arc<dyn Samples>,
    /// One more than the largest label; 0 where numbers are the answer.
    pub classes: usize,
    /// As in [`DataSet`].
    pub class_names: Option<Vec<String>>,
    /// As in [`DataSet`].
    pub input: Option<Vec<usize>>,
    /// As in [`DataSet`].
    pub target: Option<Vec<usize>>,
    /// As in [`DataSet`].
    pub multi_label: bool,
    /// What people should know of it.
    pub notes: Vec<Diagnostic>,
}

impl Set {
    /// Of pictures with classes.
    fn of_classes(samples: impl Samples + 'static, classes: usize, class_names: Option<Vec<String>>) -> Set {
        let (input, target, multi_label, notes) = (None, None, false, Vec::new());
        Set { samples: Arc::new(samples), classes, class_names, input, target, multi_label, notes }
    }
}

/// A data set: what is learnt from, and what is asked then.
#[derive(Clone)]
pub struct DataSet {
    /// For training.
    pub train: Arc<dyn Samples>,
    /// For validation.
    pub validation: Arc<dyn Samples>,
    /// How many classes there are: one more than the largest label; 0 where numbers are the answer.
    pub classes: usize,
    /// Their names, or those of the numbers, where the data set has them.
    pub class_names: Option<Vec<String>>,
    /// The sizes of one input, where they are arrays; `None` where they are pictures.
    pub input: Option<Vec<usize>>,
    /// The sizes of one answer, where that is numbers; `None` where it is a class.
    pub target: Option<Vec<usize>>,
    /// Whether a sample may have several classes, or none.
    pub multi_label: bool,
    /// What people should know of it.
    pub notes: Vec<Diagnostic>,
}

impl DataSet {
    /// What is learnt from, and what is asked then: where both name their classes, by these names.
    ///
    /// # Errors
    /// E610 when they do not go together.
    fn of(train: Set, validation: Set) -> Result<DataSet> {
        if let (Some(a), Some(b)) = (&train.target, &validation.target)
            && a != b
        {
            let [a, b] = [a, b].map(|sizes| sizes.iter().product::<usize>());
            let message = format!("{a} numbers are learnt from a sample, and {b} are asked of one");
            return Err(failure(Code::E610, message));
        }
        let validation = match &train.class_names {
            Some(names) if train.target.is_none() => classes::as_in_training(validation, names)?,
            _ => validation,
        };
        Ok(DataSet {
            classes: train.classes.max(validation.classes),
            train: train.samples,
            validation: validation.samples,
            class_names: train.class_names,
            input: train.input,
            target: train.target,
            multi_label: train.multi_label,
            notes: train.notes.into_iter().chain(validation.notes).collect(),
        })
    }

    /// A set that is asked alone.
    pub(crate) fn alone(set: Set) -> DataSet {
        DataSet {
            train: set.samples.clone(),
            validation: set.samples,
            classes: set.classes,
            class_names: set.class_names,
            input: set.input,
            target: set.target,
            multi_label: set.multi_label,
            notes: set.notes,
        }
    }
}

/// How a data set lies on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `train-images-idx3-ubyte` and three more, plain or gzipped.
    Idx,
    /// `data_batch_1.bin` to `data_batch_5.bin` and `test_batch.bin`.
    Cifar10,
    /// `train.bin` and `test.bin`.
    Cifar100,
    /// A folder for training and one for validation, in each a folder of pictures for each class.
    Folder,
    /// `train.csv` and `validation.csv`: a picture's file and its class in each line.
    List,
    /// `train.csv` and `validation.csv`: a picture's file and its classes, of which it may have several, in each line.
    MultiLabel,
    /// `train.csv` and `validation.csv`: a picture's file and numbers in each line.
    Csv,
    /// `train_inputs.npy`, `train_targets.npy`, and the same for validation.
    Npy,
}

/// Which set of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetName {
    /// What is learnt from.
    Train,
    /// What is asked after each epoch.
    Validation,
    /// What is asked in the end.
    Test,
}

impl SetName {
    /// What folders and files of it are called; the first that is there counts. Where nothing is kept for validation, the test
    /// set is asked.
    fn names(self) -> &'static [&'static str] {
        match self {
            SetName::Train => &["train"],
            SetName::Validation => &["validation", "val", "valid", "test"],
            SetName::Test => &["test"],
        }
    }
}

/// Where a data set lies, and how its sets are found in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// How it lies there.
    pub format: Format,
    /// Its folder; of IDX files also the folder and how their names begin.
    pub path: PathBuf,
    /// Which share of the training set is kept for validation, as many of each class; `None` where there is a set for that.
    pub split: Option<f64>,
    /// What decides which samples are kept.
    pub seed: u64,
    /// The number of the first class, in the formats that number them.
    pub first_label: usize,
    /// The classes that are taken alone, which are counted in this order then; `None` is all.
    pub classes: Option<Vec<ClassChoice>>,
}

impl Source {
    /// A folder that has a set for validation, with classes from 0 on.
    pub fn new(format: Format, path: &Path) -> Source {
        Source { format, path: path.to_owned(), split: None, seed: 0, first_label: 0, classes: None }
    }

    /// Opens what is learnt from and what is asked then.
    ///
    /// # Errors
    /// E601 when a file cannot be read, E603 when it is not what its header says, E610 when files do not go together.
    pub fn open(&self) -> Result<DataSet> {
        let train = self.set(SetName::Train)?;
        if self.split.is_some() {
            let [train, validation] = self.parts(train)?;
            return DataSet::of(train, validation);
        }
        DataSet::of(train, self.set(SetName::Validation)?)
    }

    /// Opens one set, as what is asked.
    ///
    /// # Errors
    /// As [`Source::open`].
    pub fn open_alone(&self, name: SetName) -> Result<DataSet> {
        if self.split.is_none() || name == SetName::Test {
            return self.set(name).map(DataSet::alone);
        }
        let [train, validation] = self.parts(self.set(SetName::Train)?)?;
        Ok(DataSet::alone(if name == SetName::Train { train } else { validation }))
    }

    /// Opens what is learnt from, and as what is asked then another set.
    ///
    /// # Errors
    /// As [`Source::open`].
    pub fn open_with(&self, name: SetName) -> Result<DataSet> {
        match (name, self.split) {
            (SetName::Validation, _) => self.open(),
            (SetName::Train, _) => self.open_alone(name),
            (SetName::Test, None) => DataSet::of(self.set(SetName::Train)?, self.set(name)?),
            (SetName::Test, Some(_)) => {
                let [train, _] = self.parts(self.set(SetName::Train)?)?;
                DataSet::of(train, self.set(name)?)
            }
        }
    }

    fn parts(&self, train: Set) -> Result<[Set; 2]> {
        split::split(train, self.split.unwrap_or(0.0), self.seed, &self.path)
    }

    /// Opens one set as it lies there.
    fn set(&self, name: SetName) -> Result<Set> {
        let folder = self.path.as_path();
        let set = match self.format {
            Format::Idx => idx::open(folder, name),
            Format::Cifar10 => cifar::open(&cifar::TEN, folder, name),
            Format::Cifar100 => cifar::open(&cifar::HUNDRED, folder, name),
            Format::Folder => folder::open(folder, name, self.split.is_some()),
            Format::List => list::open(folder, name),
            Format::MultiLabel => multi_label::open(folder, name),
            Format::Csv => table::open(folder, name),
            Format::Npy => arrays::open(folder, name),
        };
        set.and_then(|set| match &self.classes {
            Some(classes) => choice::chosen(set, classes, name, folder),
            None => classes::counted_from(set, self.first_label),
        })
    }
}

/// Opens a data set in a folder.
///
/// # Errors
/// As [`Source::open`].
pub fn open(format: Format, folder: &Path) -> Result<DataSet> {
    Source::new(format, folder).open()
}

/// How many samples have each of so many classes.
pub(crate) fn counts_of(samples: &dyn Samples, classes: usize) -> Vec<usize> {
    let mut counts = vec![0; classes];
    for index in 0..samples.len() {
        for label in samples.labels(index).unwrap_or_else(|| vec![samples.label(index)]) {
            if let Some(count) = counts.get_mut(label) {
                *count += 1;
            }
        }
    }
    counts
}

/// One more than the largest label.
fn class_count(samples: &dyn Samples) -> usize {
    (0..samples.len()).map(|index| samples.label(index) + 1).max().unwrap_or(0)
}
