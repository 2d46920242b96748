//! Samples for training: data sets on the disk come in, batches of tensors go out, made in background threads.
//!
//! Of labelled pictures three formats ([`open`]): IDX files (MNIST and its kin), CIFAR-10's binary batches, and folders of
//! pictures by class. Pictures with numbers stand in a table (CSV), arrays with arrays in `.npy` files or at hand
//! ([`arrays`]). What is done to a picture is a list of [`Transform`]s. The order of samples and everything random in a sample
//! are functions of seed, epoch and the sample's number alone (`order.rs`), so that no result depends on threads or on where a
//! run was broken off. Headers are held against the files' lengths before anything is allocated.

mod arrays;
mod cifar10;
mod classes;
mod folder;
mod idx;
mod loader;
mod order;
mod pipeline;
mod table;

pub use crate::pictures::{Picture, Resize, Transform};
pub(crate) use arrays::read as read_arrays;
pub use arrays::{Pair, arrays};
pub(crate) use classes::by_labels;
pub use loader::{Batch, Batches, Job, Skipped, load};
pub use order::{in_order, shuffled};
pub use pipeline::Pipeline;

use crate::Result;
use std::path::Path;
use std::sync::Arc;

/// Samples by number: pictures or arrays, and what the network should answer to each, a class or numbers.
pub trait Samples: Send + Sync {
    /// How many there are.
    fn len(&self) -> usize;

    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The class of one, from 0; 0 where numbers are the answer.
    fn label(&self, index: usize) -> usize;

    /// The numbers that should be answered to one, in the order of the answer; `None` where that is a class.
    fn target(&self, _index: usize) -> Option<&[f32]> {
        None
    }

    /// One as the network takes it; `None` where it is a picture.
    fn values(&self, _index: usize) -> Option<&[f32]> {
        None
    }

    /// One, its numbers from 0 to 255; in one plane when `grey`.
    ///
    /// # Errors
    /// E601 and E603 when its file cannot be read.
    fn picture(&self, index: usize, grey: bool) -> Result<Picture>;

    /// What messages call one.
    fn name(&self, index: usize) -> String;
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
}

/// How a data set lies on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `train-images-idx3-ubyte` and three more, plain or gzipped.
    Idx,
    /// `data_batch_1.bin` to `data_batch_5.bin` and `test_batch.bin`.
    Cifar10,
    /// A folder for training and one for validation, in each a folder of pictures for each class.
    Folder,
    /// `train.csv` and `validation.csv`: a picture's file and numbers in each line.
    Csv,
    /// `train_inputs.npy`, `train_targets.npy`, and the same for validation.
    Npy,
}

/// Opens a data set in a folder.
///
/// # Errors
/// E601 when a file cannot be read, E603 when it is not what its header says, E610 when files do not go together.
pub fn open(format: Format, folder: &Path) -> Result<DataSet> {
    match format {
        Format::Idx => idx::open(folder),
        Format::Cifar10 => cifar10::open(folder),
        Format::Folder => folder::open(folder),
        Format::Csv => table::open(folder),
        Format::Npy => arrays::open(folder),
    }
}

/// One more than the largest label.
fn class_count(samples: &[&dyn Samples]) -> usize {
    let labels = samples.iter().flat_map(|samples| (0..samples.len()).map(|index| samples.label(index)));
    labels.max().map_or(0, |largest| largest + 1)
}
