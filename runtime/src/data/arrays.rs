//! Arrays with the arrays that should be answered to them: `.npy` files of a folder, or tensors that are here.
//!
//! Both have a sample for each position of their first axis. The first axes of an array may be left out where they are of size 1:
//! one matrix is one sample of one channel.

use super::{DataSet, Decoded, Samples, Set, SetName};
use crate::failure::{failure, fault, file_failure};
use crate::input::read_array;
use crate::{Result, Tensor};
use cnnc_compiler::diagnostic::Code;
use std::io::ErrorKind;
use std::path::Path;

/// Inputs, and what should be answered to each.
#[derive(Clone, Debug, PartialEq)]
pub struct Pair {
    /// What messages call them: a file, or a key of the recipe.
    pub name: String,
    /// `[samples, …]`.
    pub inputs: Tensor,
    /// `[samples, …]`.
    pub targets: Tensor,
}

impl Samples for Pair {
    fn len(&self) -> usize {
        self.inputs.shape().first().copied().unwrap_or(0)
    }

    fn label(&self, _index: usize) -> usize {
        0
    }

    fn target(&self, index: usize) -> Option<&[f32]> {
        row(&self.targets, index)
    }

    fn values(&self, index: usize) -> Option<&[f32]> {
        row(&self.inputs, index)
    }

    fn picture(&self, _index: usize, _grey: bool) -> Result<Decoded<'_>> {
        Err(fault("an array was taken for a picture"))
    }

    fn name(&self, index: usize) -> String {
        format!("sample {index} of {}", self.name)
    }
}

/// The part of a tensor at one position of its first axis.
fn row(tensor: &Tensor, index: usize) -> Option<&[f32]> {
    let size = tensor.shape().get(1..)?.iter().product::<usize>();
    tensor.data().get(index * size..(index + 1) * size)
}

impl Pair {
    /// The same with axes of size 1 before the others, up to so many of the inputs and of the targets.
    #[must_use]
    pub fn with_axes(self, inputs: usize, targets: usize) -> Pair {
        let grown = |tensor: Tensor, axes: usize| {
            let missing = axes.saturating_sub(tensor.shape().len());
            let shape: Vec<usize> = std::iter::repeat_n(1, missing).chain(tensor.shape().iter().copied()).collect();
            Tensor::new(&shape, tensor.into_data()).unwrap_or_else(|| Tensor::filled(&[0], 0.0))
        };
        Pair { name: self.name, inputs: grown(self.inputs, inputs), targets: grown(self.targets, targets) }
    }

    /// E610 when there is not a target for each input.
    fn check(&self) -> Result<()> {
        let first = |tensor: &Tensor| tensor.shape().first().copied().unwrap_or(0);
        let (inputs, targets) = (first(&self.inputs), first(&self.targets));
        if inputs == targets && inputs > 0 {
            return Ok(());
        }
        let (name, shapes) = (&self.name, [&self.inputs, &self.targets].map(|tensor| format!("{:?}", tensor.shape())));
        let message = format!("{name} has {inputs} inputs and {targets} targets: {} and {}", shapes[0], shapes[1]);
        Err(failure(Code::E610, message).help("the first axis of both counts the samples"))
    }
}

/// A data set of arrays; without any for validation, those for training are asked.
///
/// # Errors
/// E610 when there is not a target for each input, or validation's have other sizes.
pub fn arrays(train: Pair, validation: Option<Pair>) -> Result<DataSet> {
    if let Some(validation) = &validation {
        for (what, of) in
            [("inputs", [&train.inputs, &validation.inputs]), ("targets", [&train.targets, &validation.targets])]
        {
            let [a, b] = of.map(|tensor| tensor.shape().get(1..).unwrap_or_default());
            if a != b {
                let message = format!("one of the {what} of {} is {a:?}, and of {} {b:?}", train.name, validation.name);
                return Err(failure(Code::E610, message));
            }
        }
    }
    let train = set(train)?;
    let validation = validation.map_or_else(|| Ok(train.clone()), set)?;
    DataSet::of(train, validation)
}

/// A set of arrays.
///
/// # Errors
/// E610 when there is not a target for each input.
pub(crate) fn set(pair: Pair) -> Result<Set> {
    pair.check()?;
    let of_one = |tensor: &Tensor| Some(tensor.shape().get(1..).unwrap_or_default().to_vec());
    let (input, target) = (of_one(&pair.inputs), of_one(&pair.targets));
    Ok(Set { input, target, ..Set::of_classes(pair, 0, None) })
}

/// Reads the arrays of a set, such as `train_inputs.npy` and `train_targets.npy`; those for training where none are there for
/// validation.
pub fn read_set(folder: &Path, name: SetName) -> Result<Pair> {
    let is_there =
        |name: &&&str| ["inputs", "targets"].iter().any(|kind| folder.join(format!("{name}_{kind}.npy")).exists());
    match (name.names().iter().find(is_there), name) {
        (Some(found), _) => pair(folder, found),
        (None, SetName::Train | SetName::Validation) => pair(folder, "train"),
        (None, SetName::Test) => pair(folder, "test"),
    }
}

/// Opens a set of `.npy` files whose arrays have all their axes.
pub fn open(folder: &Path, name: SetName) -> Result<Set> {
    read_set(folder, name).and_then(set)
}

fn pair(folder: &Path, part: &str) -> Result<Pair> {
    let read = |kind: &str| {
        let path = folder.join(format!("{part}_{kind}.npy"));
        if !path.exists() {
            let mut missing = file_failure("read", &path, &ErrorKind::NotFound.into());
            missing.notes.push(
                "a data set of arrays is train_inputs.npy and train_targets.npy, and validation_inputs.npy and validation_targets.npy"
                    .into(),
            );
            return Err(missing);
        }
        read_array(&path)
    };
    let name = format!("`{}` with {part}_targets.npy", folder.join(format!("{part}_inputs.npy")).display());
    Ok(Pair { name, inputs: read("inputs")?, targets: read("targets")? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::save_npy;

    fn tensor(shape: &[usize]) -> Tensor {
        let count = shape.iter().product::<usize>();
        Tensor::new(shape, (0..count).map(|number| number as f32).collect()).unwrap()
    }

    fn pair_of(inputs: &[usize], targets: &[usize]) -> Pair {
        Pair { name: "it".into(), inputs: tensor(inputs), targets: tensor(targets) }
    }

    #[test]
    fn samples_are_the_rows_of_both() {
        let folder = tempfile::tempdir().unwrap();
        let open = |folder: &Path| crate::data::open(crate::data::Format::Npy, folder);
        let missing = open(folder.path()).err().unwrap();
        assert!(missing.code == Code::E601 && missing.message.contains("train_inputs.npy"), "{missing}");
        save_npy(&folder.path().join("train_inputs.npy"), &tensor(&[3, 1, 2])).unwrap();
        save_npy(&folder.path().join("train_targets.npy"), &tensor(&[3, 4])).unwrap();
        let data = open(folder.path()).unwrap();
        assert_eq!((data.train.len(), data.validation.len(), data.classes), (3, 3, 0));
        assert_eq!((data.input.as_deref(), data.target.as_deref()), (Some(&[1, 2][..]), Some(&[4][..])));
        assert_eq!(data.train.values(1), Some(&[2.0, 3.0][..]));
        assert_eq!(data.train.target(2), Some(&[8.0, 9.0, 10.0, 11.0][..]));
        assert!(data.train.values(3).is_none());
        save_npy(&folder.path().join("validation_inputs.npy"), &tensor(&[1, 1, 2])).unwrap();
        assert!(open(folder.path()).err().unwrap().message.contains("validation_targets.npy"));
        save_npy(&folder.path().join("validation_targets.npy"), &tensor(&[1, 4])).unwrap();
        assert_eq!(open(folder.path()).unwrap().validation.len(), 1);
    }

    #[test]
    fn what_does_not_go_together_is_refused_and_axes_are_added() {
        let refused = |train, validation| arrays(train, validation).err().unwrap().message.clone();
        assert_eq!(refused(pair_of(&[2, 3], &[4, 3]), None), "it has 2 inputs and 4 targets: [2, 3] and [4, 3]");
        let other = refused(pair_of(&[2, 3], &[2, 1]), Some(pair_of(&[1, 4], &[1, 1])));
        assert_eq!(other, "one of the inputs of it is [3], and of it [4]");
        let one = arrays(pair_of(&[6, 8], &[6, 7]).with_axes(4, 4), None).unwrap();
        assert_eq!((one.train.len(), one.input.unwrap()), (1, vec![1, 6, 8]));
    }
}
