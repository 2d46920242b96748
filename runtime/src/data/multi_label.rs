//! Pictures that may have several classes, or none, in lists: `train.csv` and `validation.csv` (or `val.csv`, `valid.csv`,
//! `test.csv`), a line a picture: its file, relative to the list's folder, and its classes.
//!
//! These stand in the second cell with `;` between them (`a.png,cat;dog`), by name or all by number, and an empty cell is none of
//! them. Or each has a column of its own, which the first line names (`path,cat,dog`), with 1 where it is and 0 where it is not.
//! Which of the two it is, the first line says. Pictures are decoded when they are needed.

use super::list::{NAMES_OF_CLASSES, NAMES_OF_FILES, numbered};
use super::table::{PictureFiles, found, lines};
use super::{Decoded, Samples, Set, SetName};
use crate::Result;
use crate::failure::{broken_file, note};
use cnnc_compiler::diagnostic::Code;
use std::collections::BTreeMap;
use std::path::Path;

/// What stands between classes.
const BETWEEN: char = ';';
/// What others put there; a class that has it in its name is more likely two of them.
const ELSEWHERE: [char; 2] = ['|', ','];

/// The lines of one list.
struct MultiLabel {
    files: PictureFiles,
    classes: Classes,
}

/// The classes of all pictures, one after another.
#[derive(Default)]
struct Classes {
    all: Vec<u32>,
    /// How many of them there are when each picture's end.
    ends: Vec<usize>,
}

impl Classes {
    fn of(&self, index: usize) -> &[u32] {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.all[start..self.ends[index]]
    }

    /// Those of the next picture.
    fn push(&mut self, mut classes: Vec<u32>) {
        classes.sort_unstable();
        self.all.extend(classes);
        self.ends.push(self.all.len());
    }
}

impl Samples for MultiLabel {
    fn len(&self) -> usize {
        self.files.names.len()
    }

    fn label(&self, _index: usize) -> usize {
        0
    }

    fn labels(&self, index: usize) -> Option<Vec<usize>> {
        Some(self.classes.of(index).iter().map(|&class| class as usize).collect())
    }

    fn picture(&self, index: usize, grey: bool) -> Result<Decoded<'_>> {
        self.files.picture(index, grey)
    }

    fn name(&self, index: usize) -> String {
        self.files.path(index).display().to_string()
    }
}

/// How the classes of a line are written.
enum Form {
    /// In the second cell.
    Cell,
    /// A column each, of these names.
    Columns(Vec<String>),
}

/// Reads the list of a set.
pub fn open(folder: &Path, name: SetName) -> Result<Set> {
    let path = found(folder, name, "a picture's file and its classes, `cat;dog`, in each line")?;
    let mut files = PictureFiles::beside(&path);
    let (mut names, mut classes, mut form) = (BTreeMap::<String, u32>::new(), Classes::default(), None);
    lines(&path, |cells| {
        let form = match &form {
            Some(form) => form,
            None => {
                let (found, is_head) = form_of(&cells)?;
                let form = form.insert(found);
                if is_head {
                    return Ok(());
                }
                form
            }
        };
        let mut cells = cells.into_iter();
        let file = cells.next().unwrap_or_default();
        let of_line = match form {
            Form::Cell => of_cell(cells.collect(), &mut names)?,
            Form::Columns(columns) => of_columns(&cells.collect::<Vec<String>>(), columns)?,
        };
        if file.trim().is_empty() {
            return Err("names no picture".into());
        }
        files.names.push(file.trim().into());
        classes.push(of_line);
        Ok(())
    })?;
    if files.names.is_empty() {
        return Err(broken_file(&path, "names no picture"));
    }
    if let Some(Form::Columns(columns)) = form {
        let count = columns.len();
        return Ok(Set { multi_label: true, ..Set::of_classes(MultiLabel { files, classes }, count, Some(columns)) });
    }
    let (labels, count, names) = numbered(names, &path)?;
    let mut known = Classes::default();
    for index in 0..files.names.len() {
        known.push(classes.of(index).iter().map(|&class| labels[class as usize]).collect());
    }
    let has_several = (0..files.names.len()).any(|index| known.of(index).len() > 1);
    let mut set = Set::of_classes(MultiLabel { files, classes: known }, count, names);
    if !has_several && name == SetName::Train {
        let said = format!("no picture of `{}` has two classes; `{BETWEEN}` stands between them", path.display());
        set.notes.push(note(Code::E610, said));
    }
    Ok(Set { multi_label: true, ..set })
}

/// What the first line says of all, and whether it is a head.
fn form_of(cells: &[String]) -> std::result::Result<(Form, bool), String> {
    let is_one_of = |names: &[&str], cell: &String| names.contains(&cell.trim().to_lowercase().as_str());
    let [file, rest @ ..] = cells else { return Ok((Form::Cell, false)) };
    let is_head = is_one_of(NAMES_OF_FILES, file);
    match rest {
        [] => Err("has 1 cell, and a picture without a class has an empty one behind its file (`a.png,`),".into()),
        [one] if is_one_of(NAMES_OF_CLASSES, one) || !is_head => Ok((Form::Cell, is_head)),
        columns => {
            let names: Vec<String> = columns.iter().map(|name| name.trim().to_owned()).collect();
            if names.iter().any(|name| matches!(name.as_str(), "" | "0" | "1")) {
                let found = cells.len();
                return Err(format!("has {found} cells, and no line before it names the classes (`path,cat,dog`),"));
            }
            match (1..names.len()).find(|&second| names[..second].contains(&names[second])) {
                Some(second) => Err(format!("names the class `{}` twice", names[second])),
                None => Ok((Form::Columns(names), true)),
            }
        }
    }
}

/// The classes of a cell; of a name that is new the next number is its own.
fn of_cell(cells: Vec<String>, names: &mut BTreeMap<String, u32>) -> std::result::Result<Vec<u32>, String> {
    let [cell] = cells.as_slice() else {
        let found = cells.len() + 1;
        return Err(format!("has {found} cells, and a picture's file and its classes (`cat{BETWEEN}dog`) are 2,"));
    };
    let mut classes = Vec::new();
    for name in cell.split(BETWEEN).map(str::trim).filter(|name| !name.is_empty()) {
        if name.contains(ELSEWHERE) {
            return Err(format!("has the class `{name}`, and `{BETWEEN}` stands between classes,"));
        }
        let next = names.len() as u32;
        let class = *names.entry(name.to_owned()).or_insert(next);
        if classes.contains(&class) {
            return Err(format!("has the class `{name}` twice"));
        }
        classes.push(class);
    }
    Ok(classes)
}

/// The classes of a line of zeros and ones.
fn of_columns(cells: &[String], columns: &[String]) -> std::result::Result<Vec<u32>, String> {
    if cells.len() != columns.len() {
        return Err(format!(
            "has {} cells behind the picture's file, and the first line {},",
            cells.len(),
            columns.len()
        ));
    }
    let mut classes = Vec::new();
    for ((cell, column), class) in cells.iter().zip(columns).zip(0..) {
        match cell.trim() {
            "0" => {}
            "1" => classes.push(class),
            other => return Err(format!("has `{other}` under `{column}`, and a class is there (1) or not (0),")),
        }
    }
    Ok(classes)
}

#[cfg(test)]
mod tests {
    use crate::data::{DataSet, Format, Samples, table};

    fn opened(train: &str, validation: &str) -> crate::Result<DataSet> {
        table::opened(Format::MultiLabel, train, validation)
    }

    fn labels(samples: &dyn Samples) -> Vec<Vec<usize>> {
        (0..samples.len()).map(|index| samples.labels(index).expect("several classes")).collect()
    }

    #[test]
    fn classes_stand_in_a_cell_or_have_columns() {
        for train in [
            "path,labels\na.png,dog; cat\nb.png,\nc.png,bird;\n",
            "a.png,dog;cat\nb.png,\nc.png,bird\n",
            "image,bird,cat,dog\na.png,0,1,1\nb.png, 0,0,0\nc.png,1,0,0\n",
        ] {
            for validation in ["d.png,dog;bird\n", "id,dog,bird\nd.png,1,1\n"] {
                let data = opened(train, validation).expect("a data set");
                assert!(data.multi_label && data.classes == 3 && data.target.is_none());
                assert_eq!(data.class_names.as_ref().expect("names").join(" "), "bird cat dog");
                assert_eq!(labels(&*data.train), [vec![1, 2], vec![], vec![0]]);
                assert_eq!(labels(&*data.validation), [[0, 2]]);
            }
        }
        let data = opened("a.png,4;0\nb.png,2\n", "c.png,\n").expect("a data set");
        assert_eq!((labels(&*data.train), data.classes), (vec![vec![0, 4], vec![2]], 5));
        assert!(data.class_names.is_none() && labels(&*data.validation) == [Vec::<usize>::new()]);
        let one = opened("path,cat\na.png,1\nb.png,0\n", "path,cat\nc.png,1\n").expect("a data set");
        assert_eq!((labels(&*one.train), one.classes), (vec![vec![0], vec![]], 1));
    }

    #[test]
    fn what_is_no_line_is_told_with_its_number() {
        for (train, words) in [
            ("a.png,cat\nb.png\n", "has 1 cells, and a picture's file and its classes (`cat;dog`) are 2, in line 2"),
            ("a.png\n", "has an empty one behind its file (`a.png,`), in line 1"),
            ("a.png,cat|dog\n", "has the class `cat|dog`, and `;` stands between classes, in line 1"),
            ("a.png,\"cat,dog\"\n", "has the class `cat,dog`"),
            ("a.png,cat;dog;cat\n", "has the class `cat` twice in line 1"),
            (",cat\n", "names no picture in line 1"),
            ("path,labels\n", "names no picture"),
            ("a.png,0,1\n", "has 3 cells, and no line before it names the classes (`path,cat,dog`), in line 1"),
            ("path,cat,dog\na.png,1\n", "has 1 cells behind the picture's file, and the first line 2, in line 2"),
            ("path,cat,dog\na.png,1,2\n", "has `2` under `dog`, and a class is there (1) or not (0), in line 2"),
            ("path,cat,cat\na.png,1,1\n", "names the class `cat` twice in line 1"),
            ("a.png,cat;99999999\nb.png,1\n", "is a class that the training set lacks"),
            ("a.png,1;99999999\n", "has the class 99999999"),
        ] {
            let refused = opened(train, "d.png,lion\n").err().expect("a failure");
            assert!(refused.message.contains(words), "{train:?}: {}", refused.message);
        }
        let data = opened("a.png,cat\nb.png,dog\n", "c.png,dog\n").expect("a data set");
        assert!(data.notes[0].message.ends_with("has two classes; `;` stands between them"), "{:?}", data.notes);
    }
}
