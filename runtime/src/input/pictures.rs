//! Pictures to a network's input, as the spec says. Where it says neither how they are resized nor how they are cut, they are
//! made to fit, and a note says so.

use super::{Loaded, Wanted};
use crate::failure::note;
use crate::pictures::{Conversion, Misfit, Picture, Resize, Transform, decode};
use crate::random::Draws;
use crate::{Error, Result, Tensor};
use cnnc_compiler::diagnostic::{Code, Diagnostic};
use std::io::{BufRead, Seek};
use std::path::Path;

/// Reads a picture as an input.
pub fn read(path: &Path, file: impl BufRead + Seek, wanted: &Wanted) -> Result<Loaded> {
    let channels = wanted.shape.get(1).copied().flatten();
    let picture = decode(path, file, channels == Some(1))?;
    to_input(path, vec![picture], wanted)
}

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
    let conversion = Conversion::new(None, wanted.image.as_ref());
    // Nothing that a spec says of pictures is random.
    let mut draws = Draws::new(0, &wanted.name);
    let (mut values, mut notes) = (Vec::new(), Vec::new());
    let mut size = [0, 0];
    for picture in pictures {
        let picture = fitting(picture, wanted, [height, width], &mut draws, &mut notes);
        let picture = picture.and_then(|picture| conversion.apply(picture, channels, &mut draws));
        let picture = picture.map_err(|misfit| refuse(path, wanted, misfit))?;
        size = [picture.height, picture.width];
        let written = values.len();
        values.resize(written + channels * size[0] * size[1], 0.0);
        conversion.write(&picture, &mut values[written..]);
    }
    let shape = [batch, channels, size[0], size[1]];
    let tensor = Tensor::new(&shape, values).filter(|_| wanted.accepts(&shape));
    let tensor = tensor.ok_or_else(|| wanted.refuse(path, format_args!("pictures that come to {shape:?}")))?;
    Ok(Loaded { tensor, notes })
}

/// The picture, made to fit the sizes that the spec gives, unless it says itself how.
fn fitting(
    picture: Picture,
    wanted: &Wanted,
    [height, width]: [Option<usize>; 2],
    draws: &mut Draws,
    notes: &mut Vec<Diagnostic>,
) -> std::result::Result<Picture, Misfit> {
    if wanted.image.as_ref().is_some_and(|image| image.resize.is_some() || image.crop.is_some()) {
        return Ok(picture);
    }
    let found = [picture.height, picture.width];
    let size = [height.unwrap_or(found[0]), width.unwrap_or(found[1])];
    if size == found {
        return Ok(picture);
    }
    let resized = note(Code::E604, format!("resized from {}×{} to {}×{}", found[0], found[1], size[0], size[1]));
    if !notes.contains(&resized) {
        notes.push(resized);
    }
    let interpolation = wanted.image.as_ref().map_or_else(Default::default, |image| image.interpolation);
    Transform::Resize(Resize::To(size), interpolation).apply(picture, draws)
}

fn refuse(path: &Path, wanted: &Wanted, misfit: Misfit) -> Error {
    let (found, reason) = match misfit {
        Misfit::Size { change, reason } => (format!("a picture that {change}"), reason),
        Misfit::Part { found: [height, width], part } => (
            format!("a picture that comes to {height}×{width}"),
            format!("{}×{} are to be cut out of it", part[0], part[1]),
        ),
    };
    let mut refused = wanted.refuse(path, found);
    refused.notes.push(reason);
    refused
}
