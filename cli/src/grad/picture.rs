//! The gradient of the first input as a picture: a tile for each channel, a row of tiles for each sample; white where it is
//! zero, red where more of the input would raise the loss, blue where it would lessen it, on one scale.

use cnnc_compiler::diagnostic::{Code, Diagnostic};
use cnnc_runtime::input::png;
use cnnc_runtime::{Gradients, Result, Tensor, write_whole};
use std::path::Path;

/// Pixels that the longer side of a tile has at least, and around each tile.
const SIDE: usize = 224;
const GAP: usize = 4;
/// Tiles beside and above each other at most.
const MOST: usize = 16;
const GREY: [u8; 3] = [128; 3];

/// Writes the picture; gives in words what it leaves out, where it does.
///
/// # Errors
/// E604 when there is no gradient by an input, E601 when the file cannot be written.
pub fn draw(gradients: &Gradients, path: &Path) -> Result<Option<String>> {
    let found = gradients.inputs.first().and_then(|(_, gradient)| gradient.as_ref());
    let Some(gradient) = found else {
        return Err(Diagnostic::without_place(
            Code::E604,
            "the loss does not depend on the input, so that has no gradient",
        )
        .into());
    };
    let Tiles { width, height, pixels, left_out } = tiles(gradient);
    let bytes = png(width, height, &pixels)?;
    write_whole(path, |writer| writer.write_all(&bytes))?;
    Ok(left_out)
}

/// Pixels of red, green and blue.
struct Tiles {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
    left_out: Option<String>,
}

fn tiles(gradient: &Tensor) -> Tiles {
    let shape = gradient.shape();
    let size =
        |from_end: usize| shape.len().checked_sub(from_end).and_then(|axis| shape.get(axis)).copied().unwrap_or(1);
    let (columns, rows) = (size(1).max(1), if shape.len() > 2 { size(2).max(1) } else { 1 });
    let planes = (gradient.data().len() / (columns * rows)).max(1);
    let samples = if shape.len() > 1 { shape[0].clamp(1, planes) } else { 1 };
    let channels = planes / samples;
    let (across, down) = (channels.min(MOST), samples.min(MOST));
    let factor = (SIDE / columns.max(rows)).max(1);
    let [tile_width, tile_height] = [columns, rows].map(|size| size * factor + GAP);
    let (width, height) = (across * tile_width + GAP, down * tile_height + GAP);
    let largest = gradient.numbers().map(f64::abs).filter(|value| value.is_finite()).fold(0.0, f64::max);
    let mut pixels: Vec<u8> = std::iter::repeat_n(GREY, width * height).flatten().collect();
    for (sample, channel) in (0..down).flat_map(|sample| (0..across).map(move |channel| (sample, channel))) {
        let start = (sample * channels + channel) * rows * columns;
        let (left, top) = (GAP + channel * tile_width, GAP + sample * tile_height);
        for (row, column) in (0..rows * factor).flat_map(|row| (0..columns * factor).map(move |column| (row, column))) {
            let value = gradient.data().get(start + row / factor * columns + column / factor).copied().unwrap_or(0.0);
            let at = 3 * ((top + row) * width + left + column);
            if let Some(pixel) = pixels.get_mut(at..at + 3) {
                pixel.copy_from_slice(&colour(f64::from(value), largest));
            }
        }
    }
    let left_out = (across < channels || down < samples)
        .then(|| format!("the picture has {across} of {channels} channels and {down} of {samples} samples"));
    Tiles { width, height, pixels, left_out }
}

/// White for nothing, to red above and to blue below.
fn colour(value: f64, largest: f64) -> [u8; 3] {
    if largest == 0.0 || !value.is_finite() {
        return if value.is_nan() { GREY } else { [255; 3] };
    }
    let share = (value / largest).clamp(-1.0, 1.0);
    let faded = |full: f64| (255.0 - share.abs() * (255.0 - full)).round() as u8;
    let to = if share > 0.0 { [178.0, 24.0, 43.0] } else { [33.0, 102.0, 172.0] };
    to.map(faded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_are_samples_by_channels_on_one_scale() {
        let gradient =
            Tensor::new(&[2, 3, 1, 2], vec![0.0, 1.0, -1.0, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.0]).unwrap();
        let Tiles { width, height, pixels, left_out } = tiles(&gradient);
        let factor = SIDE / 2;
        assert_eq!((width, height), (3 * (2 * factor + GAP) + GAP, 2 * (factor + GAP) + GAP));
        assert_eq!((pixels.len(), left_out), (3 * width * height, None));
        let many = tiles(&Tensor::filled(&[17, 1, 2, 2], 0.0)).left_out;
        assert_eq!(many.as_deref(), Some("the picture has 1 of 1 channels and 16 of 17 samples"));
        let at = |x: usize, y: usize| &pixels[3 * (y * width + x)..3 * (y * width + x) + 3];
        assert_eq!((at(0, 0), at(GAP, GAP)), (&GREY[..], &[255; 3][..]));
        assert_eq!(at(width - GAP - 1, height - GAP - 1), [178, 24, 43], "the largest is red");
        let second = at(2 * GAP + 2 * factor, GAP);
        assert!(second[2] > second[0], "below zero is blue: {second:?}");
        assert_eq!(tiles(&Tensor::filled(&[3], 0.0)).pixels[3 * GAP * (3 * (SIDE / 3) + 2 * GAP + 1)], 255);
        assert_eq!(colour(f64::NAN, 1.0), GREY);
    }
}
