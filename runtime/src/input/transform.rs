//! Pictures to a network's input: resized, cut, scaled and normalised as the spec says.

use super::picture::{Picture, check_size};
use super::resize::resize;
use super::{Loaded, Wanted};
use crate::failure::note;
use crate::{Result, Tensor};
use cnnc_compiler::diagnostic::{Code, Diagnostic};
use cnnc_compiler::graph::{ImageTransform, Interpolation};
use std::path::Path;

/// What is done when the spec says nothing of pictures: numbers from 0 to 1.
static PLAIN: ImageTransform = ImageTransform {
    resize: None,
    interpolation: Interpolation::Bilinear,
    crop: None,
    scale: 1.0 / 255.0,
    mean: Vec::new(),
    std: Vec::new(),
};

/// Pictures of one size as one batch.
///
/// # Errors
/// E604 when the input takes no pictures, or not as many, or they do not come to its size.
pub fn to_input(path: &Path, pictures: Vec<Picture>, wanted: &Wanted) -> Result<Loaded> {
    let batch = pictures.len();
    let &[batches, channels, height, width] = wanted.shape.as_slice() else {
        return Err(wanted.refuse(path, "pictures, which have batch, channels, height and width"));
    };
    if batches.is_some_and(|batches| batches != batch) {
        return Err(wanted.refuse(path, format_args!("{batch} picture")));
    }
    let channels = channels.unwrap_or(pictures.first().map_or(1, |picture| picture.planes.len()));
    if !matches!(channels, 1 | 3) {
        return Err(wanted.refuse(path, "pictures, which have 1 or 3 channels"));
    }
    let transform = wanted.image.as_ref().unwrap_or(&PLAIN);
    let (mut values, mut notes) = (Vec::new(), Vec::new());
    let mut size = [0, 0];
    for picture in pictures {
        let fitted = fit(path, picture, transform, [height, width], wanted, &mut notes)?;
        size = [fitted.height, fitted.width];
        for channel in 0..channels {
            // A grey picture's one plane serves all channels.
            let plane = &fitted.planes[channel.min(fitted.planes.len() - 1)];
            let (factor, mean, std) =
                (transform.scale, of(&transform.mean, channel, 0.0), of(&transform.std, channel, 1.0));
            values.extend(plane.iter().map(|&pixel| ((f64::from(pixel) * factor - mean) / std) as f32));
        }
    }
    let shape = [batch, channels, size[0], size[1]];
    let tensor = Tensor::new(&shape, values).filter(|_| wanted.accepts(&shape));
    let tensor = tensor.ok_or_else(|| wanted.refuse(path, format_args!("pictures that come to {shape:?}")))?;
    Ok(Loaded { tensor, notes })
}

/// A channel's entry; one entry serves all.
fn of(numbers: &[f64], channel: usize, otherwise: f64) -> f64 {
    numbers.get(channel).or(numbers.last()).copied().unwrap_or(otherwise)
}

/// A picture of the input's size. Where the spec says neither how it is resized nor how it is cut, it is made to fit, and a note
/// says so.
fn fit(
    path: &Path,
    picture: Picture,
    transform: &ImageTransform,
    [height, width]: [Option<usize>; 2],
    wanted: &Wanted,
    notes: &mut Vec<Diagnostic>,
) -> Result<Picture> {
    let found = [picture.height, picture.width];
    if transform.resize.is_none() && transform.crop.is_none() {
        let size = [height.unwrap_or(found[0]), width.unwrap_or(found[1])];
        let resized = format!("resized from {}×{} to {}×{}", found[0], found[1], size[0], size[1]);
        let resized = note(Code::E604, resized);
        if size != found && !notes.contains(&resized) {
            notes.push(resized);
        }
        return self::resized(path, &picture, size, transform.interpolation, wanted);
    }
    let picture = match transform.resize {
        Some(shorter) => resized(path, &picture, by_shorter_side(found, shorter), transform.interpolation, wanted)?,
        None => picture,
    };
    let Some(crop) = transform.crop else { return Ok(picture) };
    if crop[0] > picture.height || crop[1] > picture.width {
        let size = format!("a picture that comes to {}×{}", picture.height, picture.width);
        let mut small = wanted.refuse(path, size);
        small.notes.push(format!("{}×{} are to be cut out of it", crop[0], crop[1]));
        return Err(small);
    }
    Ok(cut(&picture, crop))
}

fn resized(
    path: &Path,
    picture: &Picture,
    [height, width]: [usize; 2],
    interpolation: Interpolation,
    wanted: &Wanted,
) -> Result<Picture> {
    resized_to(picture, height, width, interpolation).map_err(|reason| {
        let mut refused = wanted.refuse(path, format_args!("a picture that would be resized to {height}×{width}"));
        refused.notes.push(reason);
        refused
    })
}

/// The picture at another size; the arithmetic for a size that no picture may have.
pub fn resized_to(
    picture: &Picture,
    height: usize,
    width: usize,
    interpolation: Interpolation,
) -> std::result::Result<Picture, String> {
    check_size([height, width]).map(|()| resize(picture, height, width, interpolation))
}

/// Height and width when the shorter side has that many pixels; the longer one is rounded down, as torchvision does.
pub fn by_shorter_side([height, width]: [usize; 2], shorter: usize) -> [usize; 2] {
    let longer = |long: usize, short: usize| {
        usize::try_from(shorter as u128 * long as u128 / short.max(1) as u128).unwrap_or(usize::MAX)
    };
    if height <= width { [shorter, longer(width, height)] } else { [longer(height, width), shorter] }
}

/// The middle of a picture; of an odd rest, half a pixel is rounded to the even side, as torchvision does.
pub fn cut(picture: &Picture, [height, width]: [usize; 2]) -> Picture {
    let start = |size: usize, part: usize| ((size - part) as f64 / 2.0).round_ties_even() as usize;
    let (top, left) = (start(picture.height, height), start(picture.width, width));
    let rows = |plane: &Vec<f32>| -> Vec<f32> {
        let rows = plane.chunks_exact(picture.width).skip(top).take(height);
        rows.flat_map(|row| row[left..left + width].iter().copied()).collect()
    };
    Picture { height, width, planes: picture.planes.iter().map(rows).collect() }
}

#[cfg(test)]
mod tests {
    use super::{Picture, by_shorter_side, cut};

    #[test]
    fn the_shorter_side_is_what_was_said() {
        assert_eq!(by_shorter_side([480, 640], 256), [256, 341]);
        assert_eq!(by_shorter_side([640, 480], 256), [341, 256]);
        assert_eq!(by_shorter_side([28, 28], 96), [96, 96]);
    }

    #[test]
    fn cuts_the_middle() {
        let picture = Picture { height: 3, width: 4, planes: vec![(0..12u8).map(f32::from).collect()] };
        assert_eq!(cut(&picture, [1, 2]).planes[0], [5.0, 6.0]);
        // (4 − 3) / 2 is rounded to 0, as Python rounds.
        assert_eq!(cut(&picture, [3, 3]).planes[0], [0.0, 1.0, 2.0, 4.0, 5.0, 6.0, 8.0, 9.0, 10.0]);
    }
}
