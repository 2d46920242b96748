//! Classes by name: a data set numbers its classes as they lie, and a model that names its classes has numbers of its own.

use super::{DataSet, Decoded, Samples, Set};
use crate::Result;
use crate::failure::{failure, note};
use cnnc_compiler::diagnostic::{Code, nearest};
use std::path::Path;
use std::sync::Arc;

/// Samples whose classes have other numbers.
struct Renumbered {
    samples: Arc<dyn Samples>,
    /// The number of each class.
    numbers: Vec<usize>,
}

impl Samples for Renumbered {
    fn len(&self) -> usize {
        self.samples.len()
    }

    fn label(&self, index: usize) -> usize {
        self.numbers.get(self.samples.label(index)).copied().unwrap_or(0)
    }

    fn labels(&self, index: usize) -> Option<Vec<usize>> {
        let mut labels = self.samples.labels(index)?;
        labels.iter_mut().for_each(|label| *label = self.numbers[*label]);
        labels.sort_unstable();
        Some(labels)
    }

    fn picture(&self, index: usize, grey: bool) -> Result<Decoded<'_>> {
        self.samples.picture(index, grey)
    }

    fn name(&self, index: usize) -> String {
        self.samples.name(index)
    }
}

/// A set whose classes have other numbers, of which there are so many.
pub(super) fn renumbered(set: Set, numbers: Vec<usize>, classes: usize) -> Set {
    Set { samples: Arc::new(Renumbered { samples: set.samples, numbers }), classes, ..set }
}

/// A set for validation with the numbers that the training set gives its classes. Classes that it has no picture of are said.
///
/// # Errors
/// E610 when the training set lacks a class.
pub fn as_in_training(set: Set, names: &[String]) -> Result<Set> {
    let Some(own) = set.class_names.clone() else { return Ok(set) };
    let number = |name: &String| names.iter().position(|known| known == name);
    let unknown: Vec<&String> = own.iter().filter(|name| number(name).is_none()).collect();
    if let Some(first) = unknown.first() {
        let message = match unknown.as_slice() {
            [_] => format!("`{first}` of the set for validation is a class that the training set lacks"),
            all => format!(
                "the set for validation has {} classes that the training set lacks: {}",
                all.len(),
                listed(&unknown)
            ),
        };
        let mut lacking = failure(Code::E610, message);
        for name in unknown.iter().take(SHOWN) {
            let near = nearest(name, names.iter().map(String::as_str));
            lacking.help.extend(near.map(|near| format!("there is `{near}`")));
        }
        return Err(lacking);
    }
    let numbers: Vec<usize> = own.iter().filter_map(number).collect();
    let absent: Vec<&String> = names.iter().filter(|name| !own.contains(name)).collect();
    let mut set = renumbered(set, numbers, names.len());
    if !absent.is_empty() {
        set.notes.push(note(Code::E610, format!("the set for validation has no picture of {}", listed(&absent))));
    }
    set.class_names = Some(names.to_vec());
    Ok(set)
}

/// A set of which the first class has that number.
///
/// # Errors
/// E610 when a label is smaller.
pub fn counted_from(set: Set, first: usize) -> Result<Set> {
    if first == 0 || set.target.is_some() || set.class_names.is_some() {
        return Ok(set);
    }
    let smallest = |index: usize| match set.samples.labels(index) {
        None => Some(set.samples.label(index)),
        Some(labels) => labels.first().copied(),
    };
    let smallest = |index: usize| smallest(index).filter(|&label| label < first).map(|label| (index, label));
    if let Some((wrong, label)) = (0..set.samples.len()).find_map(smallest) {
        let name = set.samples.name(wrong);
        return Err(failure(Code::E610, format!("{name} has the label {label}, and `first_label` is {first}")));
    }
    let numbers = (0..set.classes).map(|label: usize| label.saturating_sub(first)).collect();
    let classes = set.classes.saturating_sub(first);
    Ok(renumbered(set, numbers, classes))
}

/// The data set with the numbers that `of` gives its classes by name, such as the model's `labels`; one without names stays as it
/// is. Names without pictures to learn from are said.
///
/// # Errors
/// E610 with both lists when a class is none of the names.
pub fn by_names(data: DataSet, labels: &[String], of: &str, folder: &Path) -> Result<DataSet> {
    let Some(names) = data.class_names.as_deref() else { return Ok(data) };
    if names == labels {
        return Ok(data);
    }
    let number = |name: &String| labels.iter().position(|label| label == name);
    let unknown: Vec<&String> = names.iter().filter(|name| number(name).is_none()).collect();
    if let Some(first) = unknown.first() {
        let folder = folder.display();
        let message = match unknown.as_slice() {
            [_] => format!("the class `{first}` of `{folder}` is none of {of}"),
            all => format!("{} classes of `{folder}`, `{first}` among them, are none of {of}", all.len()),
        };
        let mut differing = failure(Code::E610, message);
        differing.notes.push(format!("the data have {}", listed(names)));
        differing.notes.push(format!("{of} are {}", listed(labels)));
        for name in unknown.into_iter().take(SHOWN) {
            let near = nearest(name, labels.iter().map(String::as_str));
            differing.help.extend(near.map(|near| format!("`{name}` may be `{near}`")));
        }
        differing.help.push("name the classes as the labels, or the labels as the classes; their order is free".into());
        return Err(differing);
    }
    let numbers: Vec<usize> = names.iter().filter_map(number).collect();
    let renumbered = |samples| -> Arc<dyn Samples> { Arc::new(Renumbered { samples, numbers: numbers.clone() }) };
    let absent: Vec<&String> = labels.iter().filter(|label| !names.contains(label)).collect();
    let said = (!absent.is_empty()).then(|| {
        note(Code::E610, format!("of {of} the data in `{}` have no picture of {}", folder.display(), listed(&absent)))
    });
    Ok(DataSet {
        train: renumbered(data.train),
        validation: renumbered(data.validation),
        classes: labels.len(),
        class_names: Some(labels.to_vec()),
        notes: data.notes.into_iter().chain(said).collect(),
        ..data
    })
}

/// Names that are written out; of more, their number is.
const SHOWN: usize = 20;

pub(super) fn listed<N: std::fmt::Display>(names: &[N]) -> String {
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    let more = if names.len() > SHOWN { format!(" and {} more", names.len() - SHOWN) } else { String::new() };
    shown.join(", ") + &more
}

#[cfg(test)]
mod tests {
    use super::by_names;
    use crate::data::{DataSet, Format, open};
    use cnnc_compiler::diagnostic::Code;
    use std::path::Path;

    fn data(root: &Path) -> DataSet {
        for path in ["train/cat/a.png", "train/cat/b.png", "train/dog/a.png", "valid/dog/a.png"] {
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, "").expect("a file");
        }
        open(Format::Folder, root).expect("a data set")
    }

    #[test]
    fn classes_have_the_numbers_of_their_labels() {
        let root = tempfile::tempdir().expect("a folder");
        let labels = ["dog", "bird", "cat"].map(str::to_owned);
        let found = by_names(data(root.path()), &labels, "the model's `labels`", root.path()).expect("a data set");
        assert_eq!([0, 1, 2].map(|index| found.train.label(index)), [2, 2, 0]);
        assert_eq!((found.validation.label(0), found.classes), (0, 3));
        assert_eq!(found.class_names.as_deref(), Some(&labels[..]));
        let said: Vec<&str> = found.notes.iter().map(|note| note.message.as_str()).collect();
        assert_eq!(said[0], "the set for validation has no picture of `cat`");
        assert!(
            said[1].starts_with("of the model's `labels` the data in") && said[1].ends_with("no picture of `bird`")
        );
    }

    #[test]
    fn a_class_that_is_no_label_is_told_with_both_lists() {
        let root = tempfile::tempdir().expect("a folder");
        let labels = ["dog", "cats"].map(str::to_owned);
        let refused =
            by_names(data(root.path()), &labels, "the model's `labels`", root.path()).err().expect("a failure");
        assert_eq!(refused.code, Code::E610);
        assert!(refused.message.contains("the class `cat` of"), "{}", refused.message);
        assert_eq!(refused.notes, ["the data have `cat`, `dog`", "the model's `labels` are `dog`, `cats`"]);
        assert_eq!(refused.help[0], "`cat` may be `cats`");
    }
}
