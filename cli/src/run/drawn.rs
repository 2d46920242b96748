//! Pictures of a run, `--pictures DIR`: what each layer gives as a grid of maps, the kernels of each convolution as a grid of
//! tiles, and how the numbers of each layer are spread.
//!
//! Values and weights come in, files in a folder and their names go out. Tiles of one file share a scale, which its caption says.

use crate::console::{Console, Outcome};
use crate::draw::kernels::{TILES, kernels};
use crate::draw::raster::{Scale, grid, shaded};
use crate::draw::svg;
use cnnc_compiler::diagnostic::{Code, Diagnostic};
use cnnc_grammar::span::Files;
use cnnc_runtime::{Model, Tensor, Weights};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Maps that the terminal shows of a value.
const SHOWN: usize = 4;
/// Bars of a histogram.
const BARS: usize = 40;

/// Writes all pictures, and says where they are.
pub fn pictures(
    folder: &Path,
    model: &Model,
    weights: &Weights,
    values: &[(String, String, Tensor)],
    console: &mut Console<'_>,
) -> Outcome {
    let mut files: Vec<(PathBuf, Vec<u8>)> = Vec::new();
    let mut text = String::new();
    for (path, layer, value) in values {
        let Some((planes, size)) = maps(value) else { continue };
        let scale = Scale::grey(value.data());
        let shown =
            if planes.len() < channels(value) { format!(", the first {}", planes.len()) } else { String::new() };
        let captions = [format!("{path} {layer} {:?}{shown}", value.shape()), scale.legend()];
        match grid(&captions, &planes, size, scale) {
            Ok(picture) => files.push((folder.join(format!("{}.maps.png", named(path))), picture)),
            Err(error) => return Err(console.show(&error)),
        }
        let few: Vec<&[f32]> = planes.iter().take(SHOWN).copied().collect();
        text += &format!(
            "{} {layer} {:?}, {}\n{}",
            console.bold(path),
            value.shape(),
            scale.legend(),
            shaded(&few, size, scale, 28)
        );
    }
    for parameter in &model.graph().graph.parameters {
        let Ok(weight) = weights.get(&parameter.path) else { continue };
        if weight.counts().is_none()
            && let Some(picture) = kernels(&parameter.path, &weight)
        {
            let picture = picture.map_err(|error| console.show(&error))?;
            files.push((folder.join(format!("{}.kernels.png", named(&parameter.path))), picture));
        }
    }
    if !values.is_empty() {
        files.push((folder.join("histograms.svg"), histograms(model.name(), values).into_bytes()));
    }
    console.print(&text)?;
    write(folder, &files, console)
}

/// Writes files to a folder, which is made, and says where they are.
pub fn write(folder: &Path, files: &[(PathBuf, Vec<u8>)], console: &mut Console<'_>) -> Outcome {
    let failed = |reason: String| Diagnostic::without_place(Code::E601, reason);
    let made = std::fs::create_dir_all(folder);
    made.map_err(|error| {
        console.fail(&failed(format!("cannot make `{}`: {error}", folder.display())), &Files::default())
    })?;
    let mut text = String::new();
    for (file, bytes) in files {
        let written = std::fs::write(file, bytes);
        written.map_err(|error| {
            console.fail(&failed(format!("cannot write `{}`: {error}", file.display())), &Files::default())
        })?;
        text += &format!("{}\n", file.display());
    }
    console.print(&text)
}

/// The planes of a value's first sample, `[N, C, H, W]`, at most so many.
fn maps(value: &Tensor) -> Option<(Vec<&[f32]>, [usize; 2])> {
    let &[_, channels, height, width] = value.shape() else { return None };
    let area = height * width;
    (area > 1).then(|| (value.data().chunks(area).take(channels.min(TILES)).collect(), [height, width]))
}

fn channels(value: &Tensor) -> usize {
    value.shape().get(1).copied().unwrap_or(0)
}

/// A path as a file's name.
pub fn named(path: &str) -> String {
    path.replace(|character: char| !character.is_alphanumeric() && !"._-".contains(character), "_")
}

/// A histogram for each value, below each other; each has its own scales, which it says.
fn histograms(name: &str, values: &[(String, String, Tensor)]) -> String {
    const WIDTH: f64 = 620.0;
    const HEIGHT: f64 = 92.0;
    const LEFT: f64 = 24.0;
    const TOP: f64 = 44.0;
    let title = format!("{name}: how the numbers of each layer are spread");
    let mut body = String::new();
    svg::text(&mut body, [LEFT, 26.0], "ink title", "start", &title);
    for (number, (path, layer, value)) in values.iter().enumerate() {
        let top = TOP + number as f64 * HEIGHT;
        let finite: Vec<f32> = value.data().iter().copied().filter(|value| value.is_finite()).collect();
        let (low, high) = finite
            .iter()
            .fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), &value| (low.min(value), high.max(value)));
        let zeros = finite.iter().filter(|value| **value == 0.0).count();
        let share = 100.0 * zeros as f64 / value.data().len().max(1) as f64;
        let caption = format!("{path} {layer} {:?}: {share:.1} % zeros", value.shape());
        svg::text(&mut body, [LEFT, top + 14.0], "ink", "start", &caption);
        if finite.is_empty() {
            continue;
        }
        let mut counts = [0usize; BARS];
        let range = f64::from(high) - f64::from(low);
        for &value in &finite {
            let place = if range > 0.0 { (f64::from(value) - f64::from(low)) / range * BARS as f64 } else { 0.0 };
            counts[(place as usize).min(BARS - 1)] += 1;
        }
        let most = counts.iter().copied().max().unwrap_or(1).max(1) as f64;
        let (base, room, bar) = (top + 70.0, 48.0, (WIDTH - 2.0 * LEFT) / BARS as f64);
        for (place, &count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let tall = (room * count as f64 / most).max(0.75);
            let (x, y) = (LEFT + place as f64 * bar, base - tall);
            let _ = writeln!(
                body,
                "<rect class=\"cell\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{tall:.1}\"/>",
                bar - 1.0
            );
        }
        let _ =
            writeln!(body, "<line class=\"axis\" x1=\"{LEFT}\" x2=\"{}\" y1=\"{base}\" y2=\"{base}\"/>", WIDTH - LEFT);
        svg::text(&mut body, [LEFT, base + 13.0], "faint", "start", &format!("{low:.3}"));
        svg::text(&mut body, [WIDTH - LEFT, base + 13.0], "faint", "end", &format!("{high:.3}"));
    }
    svg::picture(WIDTH, TOP + values.len() as f64 * HEIGHT + 12.0, &title, &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_names_of_files() {
        assert_eq!(named("block 1.conv/2"), "block_1.conv_2");
    }

    #[test]
    fn histograms_of_any_numbers() {
        let value = |data: Vec<f32>| ("0".to_owned(), "ReLU".to_owned(), Tensor::new(&[1, data.len()], data).unwrap());
        let text = histograms(
            "Net",
            &[value(vec![0.0, 0.0, 1.0, 2.0]), value(vec![f32::NAN]), value(vec![3.0; 4]), value(Vec::new())],
        );
        assert!(
            text.contains("50.0 % zeros") && text.contains(">2.000</text>") && text.ends_with("</svg>\n"),
            "{text}"
        );
    }
}
