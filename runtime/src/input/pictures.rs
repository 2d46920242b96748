//! Pictures to a network's input, as the spec says. One that does not fit is refused where the spec says neither how it is
//! resized nor how it is cut; what is lost of one that fits, a note says.

use super::{Loaded, Wanted};
use crate::failure::note;
use crate::pictures::{Conversion, Decoded, Misfit, decode_noted};
use crate::random::Draws;
use crate::{Error, Result, Tensor};
use cnnc_compiler::diagnostic::Code;
use std::io::{BufRead, Seek};
use std::path::Path;

/// Reads a picture as an input.
pub fn read(path: &Path, file: impl BufRead + Seek, wanted: &Wanted) -> Result<Loaded> {
    let channels = wanted.shape.get(1).copied().flatten();
    let (picture, lost) = decode_noted(path, file, channels == Some(1))?;
    let mut loaded = to_input(path, vec![picture], wanted)?;
    let said = |lost| note(Code::E604, format!("`{}`: {lost}", path.display()));
    loaded.notes.extend(lost.into_iter().map(said));
    Ok(loaded)
}

/// Pictures of one size as one batch.
///
/// # Errors
/// E604 when the input takes no pictures, or not as many, or they do not come to its size.
pub fn to_input(path: &Path, pictures: Vec<Decoded<'_>>, wanted: &Wanted) -> Result<Loaded> {
    let batch = pictures.len();
    let &[batches, channels, height, width] = wanted.shape.as_slice() else {
        return Err(wanted.refuse(path, "pictures, which have batch, channels, height and width"));
    };
    if batches.is_some_and(|batches| batches != batch) {
        return Err(wanted.refuse(path, format_args!("{batch} picture")));
    }
    let channels = channels.unwrap_or(pictures.first().map_or(1, Decoded::channels));
    if !matches!(channels, 1 | 3) {
        return Err(wanted.refuse(path, "pictures, which have 1 or 3 channels"));
    }
    let conversion = Conversion::new(None, wanted.image.as_ref());
    // Nothing that a spec says of pictures is random.
    let mut draws = Draws::new(0, &wanted.name);
    let mut values = Vec::new();
    let mut size = [0, 0];
    for picture in pictures {
        must_fit(path, picture.size(), wanted, [height, width])?;
        let picture = conversion.apply(picture, channels, &mut draws);
        let picture = picture.map_err(|misfit| refuse(path, wanted, misfit))?;
        size = [picture.height, picture.width];
        let written = values.len();
        values.resize(written + channels * size[0] * size[1], 0.0);
        conversion.write(&picture, &mut values[written..]);
    }
    let shape = [batch, channels, size[0], size[1]];
    let tensor = Tensor::new(&shape, values).filter(|_| wanted.accepts(&shape));
    let tensor = tensor.ok_or_else(|| wanted.refuse(path, format_args!("pictures that come to {shape:?}")))?;
    Ok(Loaded { tensor, notes: Vec::new() })
}

/// Refuses a picture of another size than the spec gives, unless the spec says itself how it gets there.
fn must_fit(path: &Path, found: [usize; 2], wanted: &Wanted, [height, width]: [Option<usize>; 2]) -> Result<()> {
    let has_steps = wanted.image.as_ref().is_some_and(|image| image.resize.is_some() || image.crop.is_some());
    let fits = |size: Option<usize>, found: usize| size.is_none_or(|size| size == found);
    if has_steps || (fits(height, found[0]) && fits(width, found[1])) {
        return Ok(());
    }
    let mut refused = wanted.refuse(path, format_args!("a picture of {}×{}", found[0], found[1]));
    refused.notes.push("it would have to be resized, and the spec does not say how".into());
    let size = [height.unwrap_or(found[0]), width.unwrap_or(found[1])];
    let crop = if size[0] == size[1] { size[0].to_string() } else { format!("({}, {})", size[0], size[1]) };
    let resize = size[0].max(size[1]);
    refused.help.push(match wanted.image {
        Some(_) => format!("add to its `image(...)`: `resize={resize}, crop={crop}`"),
        None => format!("say it in the spec: `input {} image(resize={resize}, crop={crop})`", wanted.text),
    });
    Err(refused)
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
