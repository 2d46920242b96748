//! What one number sees of the model's inputs, its receptive field: in words, and drawn on the inputs.

use super::drawn::{named, write};
use super::explained::Element;
use crate::console::{Console, Outcome};
use crate::draw::raster::{Scale, framed};
use cnnc_compiler::summary::SeenPart;
use cnnc_runtime::{Explanation, Model, Tensor};
use std::path::{Path, PathBuf};

/// Channels of an input that are drawn at most.
const CHANNELS: usize = 4;

/// `it sees rows 4 to 9, columns 5 to 10 of input`: a line for each input, where the number is not made from inputs directly.
pub fn words(explanation: &Explanation, model: &Model) -> String {
    let inputs = &model.graph().graph.inputs;
    if explanation.inputs.iter().any(|(name, _)| inputs.iter().any(|input| input.name == *name)) {
        return String::new();
    }
    let line = |part: &SeenPart| {
        let name = inputs.get(part.input).map_or("input", |input| &*input.name);
        format!("it sees {} of {name}\n", place(part))
    };
    explanation.receptive_field.iter().map(line).collect()
}

/// `rows -1 to 3, columns 4 to 9`, row 2 for one alone; what lies outside is padding.
fn place(part: &SeenPart) -> String {
    let along = |word: &str, (first, last): (i64, i64)| match first == last {
        true => format!("{word} {first}"),
        false => format!("{word}s {first} to {last}"),
    };
    format!("{}, {}", along("row", part.rows), along("column", part.columns))
}

/// Draws each input that is a plane with a frame around what the number sees of it; what is seen of no input has no picture.
pub fn pictures(
    folder: &Path,
    element: &Element,
    explanation: &Explanation,
    (model, inputs): (&Model, &[Tensor]),
    console: &mut Console<'_>,
) -> Outcome {
    let mut files: Vec<(PathBuf, Vec<u8>)> = Vec::new();
    for part in &explanation.receptive_field {
        let Some(input) = inputs.get(part.input) else { continue };
        let sample = element.index.first().copied().filter(|_| element.index.len() == explanation.shape.len());
        let Some((planes, size)) = planes(input, sample.unwrap_or(0)) else { continue };
        let within = |(first, last): (i64, i64), size: usize| {
            let (first, last) = (usize::try_from(first.max(0)).ok()?, usize::try_from(last).ok()?.min(size - 1));
            (first <= last).then_some((first, last))
        };
        let frame =
            within(part.rows, size[0]).zip(within(part.columns, size[1])).map(|(rows, columns)| [rows, columns]);
        let name = model.graph().graph.inputs.get(part.input).map_or("input", |input| &*input.name);
        let shown = match input.shape().get(input.shape().len().saturating_sub(3)) {
            Some(&channels) if channels > planes.len() => format!(", the first {} channels", planes.len()),
            _ => String::new(),
        };
        let (what, scale) = (format!("{}{:?}", element.path, element.index), Scale::grey(input.data()));
        let padding = if is_inside(part, size) { "" } else { "; what lies outside is padding" };
        let captions = [
            format!("{what} sees {} of {name} {:?}{shown}", place(part), input.shape()),
            format!("{}{padding}", scale.legend()),
        ];
        let picture = framed(&captions, &planes, size, scale, frame).map_err(|error| console.show(&error))?;
        let index: Vec<String> = element.index.iter().map(usize::to_string).collect();
        let of = if explanation.receptive_field.len() > 1 { format!("_of_{}", named(name)) } else { String::new() };
        let file = format!("{}.{}.receptive_field{of}.png", named(&element.path), index.join("-"));
        files.push((folder.join(file), picture));
    }
    write(folder, &files, console)
}

fn is_inside(part: &SeenPart, [height, width]: [usize; 2]) -> bool {
    let inside =
        |(first, last): (i64, i64), size: usize| first >= 0 && usize::try_from(last).is_ok_and(|last| last < size);
    inside(part.rows, height) && inside(part.columns, width)
}

/// The first channels of a sample.
fn planes(input: &Tensor, sample: usize) -> Option<(Vec<&[f32]>, [usize; 2])> {
    let (&[height, width], before) = input.shape().split_last_chunk::<2>().map(|(before, plane)| (plane, before))?;
    let area = height.checked_mul(width).filter(|area| *area > 0)?;
    let channels = before.last().copied().unwrap_or(1);
    let sample = if before.len() > 1 { sample } else { 0 };
    let planes: Vec<&[f32]> = input.data().chunks(area).skip(sample * channels).take(channels.min(CHANNELS)).collect();
    (!planes.is_empty()).then_some((planes, [height, width]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_in_words() {
        let part = |rows, columns| SeenPart { input: 0, rows, columns };
        assert_eq!(place(&part((-1, 3), (2, 2))), "rows -1 to 3, column 2");
        assert!(is_inside(&part((0, 3), (0, 4)), [4, 5]) && !is_inside(&part((0, 4), (0, 4)), [4, 5]));
    }

    #[test]
    fn planes_of_the_sample_that_is_asked_for() {
        let input = Tensor::new(&[2, 2, 1, 3], (0..12).map(|number| number as f32).collect()).unwrap();
        let (planes, size) = planes(&input, 1).unwrap();
        assert_eq!((planes[0], planes.len(), size), (&[6.0, 7.0, 8.0][..], 2, [1, 3]));
        assert!(super::planes(&Tensor::filled(&[3], 0.0), 0).is_none());
    }
}
