//! Classes by name: a data set numbers its classes as they lie, and a model that names its classes has numbers of its own.

use super::{DataSet, Picture, Samples};
use crate::Result;
use crate::failure::failure;
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
        self.numbers[self.samples.label(index)]
    }

    fn picture(&self, index: usize, grey: bool) -> Result<Picture> {
        self.samples.picture(index, grey)
    }

    fn name(&self, index: usize) -> String {
        self.samples.name(index)
    }
}

/// The data set with the numbers that a model's labels give its classes; one without names stays as it is.
///
/// # Errors
/// E610 with both lists when a class is none of the labels.
pub fn by_labels(data: DataSet, labels: &[String], folder: &Path) -> Result<DataSet> {
    let Some(names) = data.class_names.as_deref() else { return Ok(data) };
    let number = |name: &String| labels.iter().position(|label| label == name);
    let unknown: Vec<&String> = names.iter().filter(|name| number(name).is_none()).collect();
    if let Some(first) = unknown.first() {
        let folder = folder.display();
        let message = match unknown.as_slice() {
            [_] => format!("the class `{first}` of `{folder}` is no label of the model"),
            all => format!("{} classes of `{folder}`, `{first}` among them, are no labels of the model", all.len()),
        };
        let mut differing = failure(Code::E610, message);
        differing.notes.push(format!("the data have {}", listed(names)));
        differing.notes.push(format!("the model's `labels` are {}", listed(labels)));
        for name in unknown.into_iter().take(SHOWN) {
            let near = nearest(name, labels.iter().map(String::as_str));
            differing.help.extend(near.map(|near| format!("`{name}` may be `{near}`")));
        }
        differing.help.push("name the folders as the labels, or the labels as the folders; their order is free".into());
        return Err(differing);
    }
    let numbers: Vec<usize> = names.iter().filter_map(number).collect();
    let renumbered = |samples| -> Arc<dyn Samples> { Arc::new(Renumbered { samples, numbers: numbers.clone() }) };
    Ok(DataSet {
        train: renumbered(data.train),
        validation: renumbered(data.validation),
        classes: labels.len(),
        class_names: Some(labels.to_vec()),
        ..data
    })
}

/// Names that are written out; of more, their number is.
const SHOWN: usize = 20;

fn listed(names: &[String]) -> String {
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    let more = if names.len() > SHOWN { format!(" and {} more", names.len() - SHOWN) } else { String::new() };
    shown.join(", ") + &more
}

#[cfg(test)]
mod tests {
    use super::by_labels;
    use crate::data::{DataSet, folder};
    use cnnc_compiler::diagnostic::Code;
    use std::path::Path;

    fn data(root: &Path) -> DataSet {
        for path in ["train/cat/a.png", "train/cat/b.png", "train/dog/a.png", "valid/dog/a.png"] {
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, "").expect("a file");
        }
        folder::open(root).expect("a data set")
    }

    #[test]
    fn classes_have_the_numbers_of_their_labels() {
        let root = tempfile::tempdir().expect("a folder");
        let labels = ["dog", "bird", "cat"].map(str::to_owned);
        let found = by_labels(data(root.path()), &labels, root.path()).expect("a data set");
        assert_eq!([0, 1, 2].map(|index| found.train.label(index)), [2, 2, 0]);
        assert_eq!((found.validation.label(0), found.classes), (0, 3));
        assert_eq!(found.class_names.as_deref(), Some(&labels[..]));
    }

    #[test]
    fn a_class_that_is_no_label_is_told_with_both_lists() {
        let root = tempfile::tempdir().expect("a folder");
        let labels = ["dog", "cats"].map(str::to_owned);
        let refused = by_labels(data(root.path()), &labels, root.path()).err().expect("a failure");
        assert_eq!(refused.code, Code::E610);
        assert!(refused.message.contains("the class `cat` of"), "{}", refused.message);
        assert_eq!(refused.notes, ["the data have `cat`, `dog`", "the model's `labels` are `dog`, `cats`"]);
        assert_eq!(refused.help[0], "`cat` may be `cats`");
    }
}
