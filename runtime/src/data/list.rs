//! Pictures with their classes, in lists: `train.csv` and `validation.csv` (or `val.csv`, `valid.csv`, `test.csv`), a line a
//! picture: its file, relative to the list's folder, and its class, by name or by number.
//!
//! Where every class is a whole number, these are the classes' own numbers; else the classes are the names, in their order. A
//! first line that names the columns (`path,label`) is passed over. Pictures are decoded when they are needed.

use super::table::{PictureFiles, found, lines};
use super::{Decoded, Samples, Set, SetName};
use crate::Result;
use crate::failure::broken_file;
use std::collections::BTreeMap;
use std::path::Path;

/// What the column of the pictures is called in a first line that names the columns.
pub(super) const NAMES_OF_FILES: &[&str] = &[
    "path",
    "file",
    "filename",
    "file_name",
    "image",
    "image_name",
    "image_path",
    "filepath",
    "name",
    "id",
    "image_id",
];
/// What that of the classes is called.
pub(super) const NAMES_OF_CLASSES: &[&str] =
    &["label", "class", "class_name", "category", "target", "labels", "classes", "categories", "tag", "tags"];
/// The largest number of a class that is taken for one.
const LARGEST_CLASS: usize = 1_000_000;

/// The lines of one list.
struct List {
    files: PictureFiles,
    labels: Vec<u32>,
}

impl Samples for List {
    fn len(&self) -> usize {
        self.files.names.len()
    }

    fn label(&self, index: usize) -> usize {
        self.labels[index] as usize
    }

    fn picture(&self, index: usize, grey: bool) -> Result<Decoded<'_>> {
        self.files.picture(index, grey)
    }

    fn name(&self, index: usize) -> String {
        self.files.path(index).display().to_string()
    }
}

/// Reads the list of a set.
pub fn open(folder: &Path, name: SetName) -> Result<Set> {
    let path = found(folder, name, "a picture's file and its class in each line")?;
    // Of a class the name alone is held, once.
    let mut files = PictureFiles::beside(&path);
    let (mut names, mut classes) = (BTreeMap::<String, u32>::new(), Vec::new());
    let mut is_first = true;
    lines(&path, |cells| {
        let found = cells.len();
        let Ok([file, class]) = <[String; 2]>::try_from(cells) else {
            return Err(format!("has {found} cells, and a picture's file and its class are 2,"));
        };
        let [file, class] = [file.trim(), class.trim()];
        let is_head = std::mem::take(&mut is_first)
            && [(NAMES_OF_FILES, file), (NAMES_OF_CLASSES, class)]
                .into_iter()
                .all(|(names, cell)| names.contains(&cell.to_lowercase().as_str()));
        if is_head {
            return Ok(());
        }
        if file.is_empty() || class.is_empty() {
            return Err(if file.is_empty() { "names no picture" } else { "names no class" }.into());
        }
        let next = names.len() as u32;
        classes.push(*names.entry(class.to_owned()).or_insert(next));
        files.names.push(file.into());
        Ok(())
    })?;
    if files.names.is_empty() {
        return Err(broken_file(&path, "names no picture"));
    }
    let (labels, count, names) = numbered(names, &path)?;
    let labels = classes.into_iter().map(|class| labels[class as usize]).collect();
    Ok(Set::of_classes(List { files, labels }, count, names))
}

/// Of classes by the order in which a list names them: the number of each, how many there are, and their names, unless all of
/// these are whole numbers, which then are the classes' own.
///
/// # Errors
/// E603 when a number is too large for a class.
pub(super) fn numbered(names: BTreeMap<String, u32>, path: &Path) -> Result<(Vec<u32>, usize, Option<Vec<String>>)> {
    let numbers: Option<Vec<usize>> = names.keys().map(|name| name.parse().ok()).collect();
    let mut labels = vec![0; names.len()];
    for (place, (name, &number)) in names.iter().enumerate() {
        labels[number as usize] = match &numbers {
            None => place,
            Some(_) => name.parse().unwrap_or(0),
        };
    }
    if let Some(large) = labels.iter().find(|&&label| label > LARGEST_CLASS) {
        return Err(broken_file(path, format!("has the class {large}, and {LARGEST_CLASS} is the largest")));
    }
    let count = labels.iter().max().map_or(0, |largest| largest + 1);
    let names = numbers.is_none().then(|| names.into_keys().collect());
    Ok((labels.into_iter().map(|label| label as u32).collect(), count, names))
}

#[cfg(test)]
mod tests {
    use crate::data::{DataSet, Format, table};

    fn opened(train: &str, validation: &str) -> crate::Result<DataSet> {
        table::opened(Format::List, train, validation)
    }

    fn labels(samples: &dyn super::Samples) -> Vec<usize> {
        (0..samples.len()).map(|index| samples.label(index)).collect()
    }

    #[test]
    fn classes_are_names_in_their_order_or_numbers() {
        let data = opened("\u{feff}path,label\r\na/x.png,dog\r\nb.png,\"cat, tabby\"\r\nc.png,dog", "d.png,dog\n");
        let data = data.expect("a data set");
        assert_eq!((labels(&*data.train), labels(&*data.validation)), (vec![1, 0, 1], vec![1]));
        assert_eq!(data.class_names.as_deref(), Some(&["cat, tabby".to_owned(), "dog".to_owned()][..]));
        assert!(data.train.name(0).ends_with("a/x.png"));
        let data = opened("a.png,10\nb.png,2\n", "d.png,3\n").expect("a data set");
        assert_eq!((labels(&*data.train), labels(&*data.validation), data.classes), (vec![10, 2], vec![3], 11));
        assert!(data.class_names.is_none());
    }

    #[test]
    fn what_is_no_line_of_a_list_is_told_with_its_number() {
        for (train, words) in [
            ("a.png,cat\nb.png\n", "has 1 cells, and a picture's file and its class are 2, in line 2"),
            ("a.png,cat\n,dog\n", "names no picture in line 2"),
            ("a.png,\n", "names no class in line 1"),
            ("path,label\n", "names no picture"),
            ("a.png,99999999\n", "has the class 99999999"),
            ("a.png,cats\n", "is a class that the training set lacks"),
        ] {
            let refused = opened(train, "d.png,cat\n").err().expect("a failure");
            assert!(refused.message.contains(words), "{train:?}: {}", refused.message);
        }
    }
}
