//! Inputs that are written out: as a value of the expression language, or as rows of a text or CSV file.
//!
//! Text comes in; what goes out is a tensor of the wanted shape. Axes of size 1 that are missing in front are added, and a note
//! says so; nothing else is done to a shape.

use super::{Loaded, Wanted};
use crate::Result;
use crate::failure::{Error, broken_file, failure, file_failure, note};
use crate::tensor::Tensor;
use cnnc_compiler::diagnostic::Code;
use cnnc_compiler::resolve::{Numbers, read_numbers};
use cnnc_grammar::span::Files;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// What messages call an input that stands on the command line.
const ARGUMENT: &str = "--input";

/// Reads an input that is written out: `[[0, 1], [2, 3]]`, `arange(9, 3, 3)`, `ones(6, 8)`.
///
/// # Errors
/// What is wrong with the text; E604 when the numbers do not fit the input.
pub fn written(text: &str, wanted: &Wanted) -> Result<Loaded> {
    let numbers = of_text(ARGUMENT, text)?;
    fitted(&numbers.values, &[numbers.shape.as_slice()], Path::new(text), wanted)
}

/// Reads an array that is written out, as [`written`] does, whatever its shape; `name` is what messages call the text.
///
/// # Errors
/// What is wrong with the text; E604 for a number that float32 has not.
pub fn written_array(name: &str, text: &str) -> Result<Tensor> {
    let numbers = of_text(name, text)?;
    let shape = numbers.shape.iter().map(|&size| Some(size)).collect();
    let wanted = Wanted { name: name.into(), shape, text: format!("{:?}", numbers.shape), image: None };
    Ok(fitted(&numbers.values, &[numbers.shape.as_slice()], Path::new(text), &wanted)?.tensor)
}

fn of_text(name: &str, text: &str) -> Result<Numbers> {
    let mut files = Files::default();
    let file = files.add(name, text);
    read_numbers(file, &files).map_err(|diagnostics| Error::of_spec(diagnostics, files))
}

/// Reads an input from a file of text: lists in brackets, or rows of numbers, parted by blanks, commas, semicolons or tabs.
pub(super) fn read(path: &Path, mut file: File, wanted: &Wanted) -> Result<Loaded> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(|error| file_failure("read", path, &error))?;
    let text = String::from_utf8(bytes).map_err(|_| broken_file(path, "is no text in UTF-8"))?;
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(&text);
    if text.trim_start().starts_with('[') {
        let numbers = of_text(&path.display().to_string(), text)?;
        return fitted(&numbers.values, &[numbers.shape.as_slice()], path, wanted);
    }
    let (values, [rows, columns]) = table(path, text)?;
    // A single row or column may stand for an axis alone.
    let mut shapes: Vec<&[usize]> = Vec::new();
    let whole = [rows, columns];
    shapes.push(&whole);
    if rows == 1 {
        shapes.push(&whole[1..]);
    } else if columns == 1 {
        shapes.push(&whole[..1]);
    }
    fitted(&values, &shapes, path, wanted)
}

/// The numbers of a text with a row a line, and how many rows and columns there are.
fn table(path: &Path, text: &str) -> Result<(Vec<f64>, [usize; 2])> {
    let mut values = Vec::new();
    let (mut rows, mut columns, mut first) = (0, 0, 0);
    for (line, row) in text.lines().enumerate() {
        let row = row.split('#').next().unwrap_or_default().trim();
        if row.is_empty() {
            continue;
        }
        let before = values.len();
        let separator = [',', ';', '\t'].into_iter().find(|separator| row.contains(*separator));
        let cells: Vec<&str> = match separator {
            Some(separator) => row.split(separator).map(str::trim).collect(),
            None => row.split_whitespace().collect(),
        };
        for cell in cells {
            let number: f64 = cell.parse().map_err(|_| {
                let broken = broken_file(path, format!("has `{}` in line {}, which is no number", cut(cell), line + 1));
                if rows == 0 {
                    broken.help("a line of headings is not read: remove it, or begin it with #")
                } else {
                    broken
                }
            })?;
            values.push(number);
        }
        let count = values.len() - before;
        if rows == 0 {
            (columns, first) = (count, line + 1);
        } else if count != columns {
            let reason = format!("has {count} numbers in line {}, and {columns} in line {first}", line + 1);
            return Err(broken_file(path, reason));
        }
        rows += 1;
    }
    if rows == 0 {
        return Err(broken_file(path, "holds no numbers"));
    }
    Ok((values, [rows, columns]))
}

/// A cell short enough for a message.
fn cut(cell: &str) -> String {
    cell.chars().take(30).collect()
}

/// The first of these shapes that fits, with axes of size 1 in front where they are missing.
fn fitted(values: &[f64], shapes: &[&[usize]], path: &Path, wanted: &Wanted) -> Result<Loaded> {
    let axes = wanted.shape.len();
    let filled = |shape: &&[usize]| -> Option<Vec<usize>> {
        let missing = axes.checked_sub(shape.len())?;
        Some(std::iter::repeat_n(1, missing).chain(shape.iter().copied()).collect())
    };
    let fits = shapes
        .iter()
        .find_map(|shape| filled(shape).filter(|filled| wanted.accepts(filled)).map(|filled| (*shape, filled)));
    let found = shapes.first().copied().unwrap_or_default();
    let Some((shape, filled)) = fits else {
        return Err(wanted.refuse(path, format!("{found:?}")));
    };
    let floats: Vec<f32> = values.iter().map(|&value| value as f32).collect();
    if let Some((large, _)) = values.iter().zip(&floats).find(|(value, float)| value.is_finite() && !float.is_finite())
    {
        return Err(failure(Code::E604, format!("`{}` holds {large:e}, which is no float32", path.display())));
    }
    if let Some((value, float)) = values.iter().zip(&floats).find(|(value, float)| is_other(**value, **float)) {
        let message = format!("`{}` holds {value}, and the nearest float32 is {float}", path.display());
        return Err(failure(Code::E604, message));
    }
    let mut notes = Vec::new();
    if filled.len() != shape.len() {
        let message = format!("the input `{}` is {shape:?}, taken as {filled:?}", wanted.name);
        notes.push(note(Code::E604, message));
    }
    match Tensor::new(&filled, floats) {
        Some(tensor) => Ok(Loaded { tensor, notes }),
        None => Err(wanted.refuse(path, format!("{} numbers", values.len()))),
    }
}

/// Whether a whole number becomes another: float32 has not every one above 16,777,216.
fn is_other(value: f64, float: f32) -> bool {
    value.fract() == 0.0 && f64::from(float) != value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(shape: &[Option<usize>]) -> Wanted {
        Wanted { name: "input".into(), shape: shape.to_vec(), text: "[N, 1, H, W]".into(), image: None }
    }

    const PLANE: [Option<usize>; 4] = [None, Some(1), None, None];

    #[test]
    fn missing_axes_are_added_and_said() {
        let loaded = written("[[0, 1, 2], [3, 4, 5]]", &wanted(&PLANE)).expect("an input");
        assert_eq!((loaded.tensor.shape(), loaded.tensor.data()[4]), (&[1, 1, 2, 3][..], 4.0));
        assert_eq!(loaded.notes[0].message, "the input `input` is [2, 3], taken as [1, 1, 2, 3]");
        assert!(written("ones(1, 1, 2, 3)", &wanted(&PLANE)).expect("an input").notes.is_empty());
        assert_eq!(written("3", &wanted(&[None])).expect("an input").tensor.shape(), [1]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let said = |text: &str| written(text, &wanted(&PLANE)).expect_err(text).to_string();
        assert!(
            said("ones(2, 3, 3)").contains("holds [2, 3, 3], and the input `input` is [N, 1, H, W]"),
            "{}",
            said("ones(2, 3, 3)")
        );
        assert!(said("ones(1, 1, 1, 2, 3)").contains("[1, 1, 1, 2, 3]"));
        assert!(said("[[16777217]]").contains("the nearest float32 is 16777216"));
        assert!(said("[[1e39]]").contains("no float32"));
        assert!(said("[[1, 2], [3]]").contains("E213") || said("[[1, 2], [3]]").contains("equal lengths"));
    }

    #[test]
    fn rows_of_text() {
        let table = |text: &str| table(Path::new("x.csv"), text).map_err(|error| error.to_string());
        assert_eq!(table("1, 2\n3,4\n"), Ok((vec![1.0, 2.0, 3.0, 4.0], [2, 2])));
        assert_eq!(table("# a\n1 2 3 # b\n\n-4 5e-1 nan\n").map(|(_, shape)| shape), Ok([2, 3]));
        assert_eq!(table("1;2\n").map(|(values, _)| values), Ok(vec![1.0, 2.0]));
        let said = |text: &str| table(text).expect_err(text);
        assert!(said("width,height\n1,2\n").contains("`width` in line 1"));
        assert!(said("1,2\n\n3\n").contains("1 numbers in line 3, and 2 in line 1"));
        assert!(said("1,,2\n").contains("`` in line 1"));
        assert!(said("# nothing\n").contains("holds no numbers"));
    }
}
