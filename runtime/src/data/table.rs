//! Pictures with numbers that should be answered to them, in tables: `train.csv` and `validation.csv` (or `val.csv`, or
//! `test.csv`), a line a picture: its file, relative to the table's folder, and the numbers.
//!
//! CSV as RFC 4180 has it, whose cells may stand in quotes. A first line whose second cell is no number names the columns.
//! Pictures are decoded when they are needed.

use super::{Decoded, Samples, Set, SetName};
use crate::failure::{broken_file, file_failure};
use crate::pictures::decode;
use crate::{Result, available_memory_bytes, files};
use std::io::{BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

/// Numbers of a line that may be learnt.
const MOST_NUMBERS: usize = 10_000;

/// The files of pictures that a table names, relative to its own folder.
pub(super) struct PictureFiles {
    folder: PathBuf,
    pub names: Vec<Box<str>>,
}

impl PictureFiles {
    /// None yet of those that the table at a path names.
    pub fn beside(table: &Path) -> PictureFiles {
        PictureFiles { folder: table.parent().unwrap_or(Path::new("")).to_owned(), names: Vec::new() }
    }

    /// Decodes one.
    pub fn picture(&self, index: usize, grey: bool) -> Result<Decoded<'_>> {
        let path = self.path(index);
        decode(&path, BufReader::new(files::open(&path)?), grey)
    }

    /// Where one lies.
    pub fn path(&self, index: usize) -> PathBuf {
        self.folder.join(&*self.names[index])
    }
}

/// The lines of one table.
struct Table {
    files: PictureFiles,
    /// A line's numbers after those of the one before.
    numbers: Vec<f32>,
    /// Numbers of a line.
    width: usize,
    /// What the columns of the numbers are called.
    names: Option<Vec<String>>,
}

impl Samples for Table {
    fn len(&self) -> usize {
        self.files.names.len()
    }

    fn label(&self, _index: usize) -> usize {
        0
    }

    fn target(&self, index: usize) -> Option<&[f32]> {
        self.numbers.get(index * self.width..(index + 1) * self.width)
    }

    fn picture(&self, index: usize, grey: bool) -> Result<Decoded<'_>> {
        self.files.picture(index, grey)
    }

    fn name(&self, index: usize) -> String {
        self.files.path(index).display().to_string()
    }
}

/// Reads the table of a set.
pub fn open(folder: &Path, name: SetName) -> Result<Set> {
    let path = found(folder, name, "a picture's file and numbers in each line")?;
    let mut table = Table { files: PictureFiles::beside(&path), numbers: Vec::new(), width: 0, names: None };
    lines(&path, |cells| take(&mut table, cells))?;
    if table.files.names.is_empty() {
        return Err(broken_file(&path, "names no picture"));
    }
    let (class_names, target) = (table.names.clone(), Some(vec![table.width]));
    Ok(Set { target, ..Set::of_classes(table, 0, class_names) })
}

/// The table of a set under one of its names; `what` it has.
pub(super) fn found(folder: &Path, name: SetName, what: &str) -> Result<PathBuf> {
    let paths = || name.names().iter().map(|name| folder.join(format!("{name}.csv")));
    paths().find(|path| path.exists()).ok_or_else(|| {
        let path = paths().next().unwrap_or_default();
        let mut missing = file_failure("read", &path, &ErrorKind::NotFound.into());
        missing.notes.push(format!("such a data set is train.csv and validation.csv: {what}"));
        if name == SetName::Validation {
            missing.help.push("`split: 0.2` under `data` keeps a fifth of train.csv for validation".into());
        }
        missing
    })
}

/// Hands out the cells of every line that has any; what is said of one becomes the file's error.
pub(super) fn lines(path: &Path, mut each: impl FnMut(Vec<String>) -> std::result::Result<(), String>) -> Result<()> {
    let file = files::open(path)?;
    let cannot_read = |error| file_failure("read", path, &error);
    let (length, memory) = (file.metadata().map_err(cannot_read)?.len(), available_memory_bytes());
    if length > memory / 4 {
        return Err(broken_file(path, format!("has {length} bytes, and {memory} bytes of memory are free")));
    }
    let mut text = String::new();
    file.take(length).read_to_string(&mut text).map_err(|error| match error.kind() {
        ErrorKind::InvalidData => broken_file(path, "is no UTF-8 text"),
        _ => cannot_read(error),
    })?;
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let mut line = 1;
    while let Some((cells, lines, after)) =
        row(rest).map_err(|reason| broken_file(path, format!("{reason} in line {line}")))?
    {
        rest = after;
        if cells.iter().any(|cell| !cell.is_empty()) {
            each(cells).map_err(|reason| broken_file(path, format!("{reason} in line {line}")))?;
        }
        line += lines;
    }
    Ok(())
}

/// Adds a line, or what is wrong with it.
fn take(table: &mut Table, cells: Vec<String>) -> std::result::Result<(), String> {
    let mut cells = cells.into_iter();
    let file = cells.next().unwrap_or_default();
    let cells: Vec<String> = cells.collect();
    if cells.is_empty() || cells.len() > MOST_NUMBERS {
        return Err(format!(
            "has {} numbers behind the picture's file, and 1 to {MOST_NUMBERS} are read,",
            cells.len()
        ));
    }
    let number = |cell: &String| cell.trim().parse::<f32>().ok().filter(|number| number.is_finite());
    let is_first = table.files.names.is_empty() && table.names.is_none();
    if is_first && cells.iter().all(|cell| number(cell).is_none()) {
        table.width = cells.len();
        table.names = Some(cells);
        return Ok(());
    }
    if is_first {
        table.width = cells.len();
    }
    if cells.len() != table.width {
        return Err(format!("has {} numbers, where the lines before have {},", cells.len(), table.width));
    }
    for cell in &cells {
        table.numbers.push(number(cell).ok_or_else(|| format!("has `{cell}`, which is no number of float32,"))?);
    }
    if file.trim().is_empty() {
        return Err("names no picture".into());
    }
    table.files.names.push(file.trim().into());
    Ok(())
}

/// The cells of the first line, how many lines of the file it takes, and what is behind; `None` at the end.
type Row<'t> = Option<(Vec<String>, usize, &'t str)>;

/// Splits off a line.
fn row(text: &str) -> std::result::Result<Row<'_>, &'static str> {
    if text.is_empty() {
        return Ok(None);
    }
    let (mut cells, mut cell, mut lines) = (Vec::new(), String::new(), 1);
    let mut characters = text.char_indices().peekable();
    let mut quoted = false;
    while let Some((at, character)) = characters.next() {
        let next_is_quote = |characters: &mut std::iter::Peekable<std::str::CharIndices<'_>>| {
            characters.next_if(|(_, next)| *next == '"').is_some()
        };
        match character {
            '"' if quoted && next_is_quote(&mut characters) => cell.push('"'),
            '"' if quoted => quoted = false,
            '"' if cell.is_empty() => quoted = true,
            ',' if !quoted => cells.push(std::mem::take(&mut cell)),
            '\n' if !quoted => {
                cells.push(cell.trim_end_matches('\r').to_owned());
                return Ok(Some((cells, lines, &text[at + 1..])));
            }
            other => {
                lines += usize::from(other == '\n');
                cell.push(other);
            }
        }
    }
    if quoted {
        return Err("has a quote that is not closed, which begins");
    }
    cells.push(cell);
    Ok(Some((cells, lines, "")))
}

/// A data set of two tables of text, for the tests of every format that has such.
#[cfg(test)]
pub(super) fn opened(format: super::Format, train: &str, validation: &str) -> Result<super::DataSet> {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("train.csv"), train).expect("a file");
    std::fs::write(folder.path().join("valid.csv"), validation).expect("a file");
    super::open(format, folder.path())
}

#[cfg(test)]
mod tests {
    use crate::data::Format;

    fn opened(train: &str) -> crate::Result<crate::data::DataSet> {
        super::opened(Format::Csv, train, "x.png,1,2\n")
    }

    #[test]
    fn lines_are_pictures_and_numbers() {
        let data =
            opened("\u{feff}file,x,\"the \"\"y\"\"\"\r\na.png,1,-2.5\r\n\r\n\"b, c.png\", 3e2 ,4").expect("a data set");
        assert_eq!(data.class_names.as_deref(), Some(&["x".to_owned(), "the \"y\"".to_owned()][..]));
        assert_eq!((data.train.len(), data.validation.len(), data.target.as_deref()), (2, 1, Some(&[2][..])));
        assert_eq!((data.train.target(0), data.train.target(1)), (Some(&[1.0, -2.5][..]), Some(&[300.0, 4.0][..])));
        assert!(data.train.name(1).ends_with("b, c.png"));
        assert_eq!(opened("a.png,1,2").expect("a data set").class_names, None);
    }

    #[test]
    fn what_is_no_line_is_told_with_its_number() {
        for (text, words) in [
            ("file,x,y\na.png,1,2\nb.png,1", "has 1 numbers, where the lines before have 2, in line 3"),
            ("a.png,1,2\nb.png,1,much", "has `much`, which is no number of float32, in line 2"),
            ("a.png,1,inf", "has `inf`"),
            ("a.png", "has 0 numbers behind the picture's file"),
            (",1,2", "names no picture in line 1"),
            ("file,x,y\n", "names no picture"),
            ("\n\n\"a.png,1,2\n", "has a quote that is not closed, which begins in line 3"),
            ("a.png,1", "1 numbers are learnt from a sample, and 2 are asked of one"),
        ] {
            let refused = opened(text).err().expect("a failure");
            assert!(refused.message.contains(words), "{text:?}: {}", refused.message);
        }
    }
}
