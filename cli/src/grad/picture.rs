//! The gradient of the first input as a picture: a tile for each channel of each sample; white where it is zero, red where more
//! of the input would raise the loss, blue where it would lessen it, on one scale.

use crate::draw::raster::{Scale, grid};
use cnnc_compiler::diagnostic::{Code, Diagnostic};
use cnnc_runtime::{Gradients, Result, Tensor, write_whole};
use std::path::Path;

/// Tiles at most.
const TILES: usize = 64;

/// Writes the picture; gives in words what it leaves out, where it does.
///
/// # Errors
/// E604 when there is no gradient by an input, E601 when the file cannot be written.
pub fn draw(gradients: &Gradients, path: &Path) -> Result<Option<String>> {
    let found = gradients.inputs.first().and_then(|(name, gradient)| Some((name, gradient.as_ref()?)));
    let Some((name, gradient)) = found else {
        return Err(Diagnostic::without_place(
            Code::E604,
            "the loss does not depend on the input, so that has no gradient",
        )
        .into());
    };
    let (tiles, size) = planes(gradient);
    let shown = &tiles[..tiles.len().min(TILES)];
    let scale = Scale::diverging(gradient.data());
    let captions = [format!("{name}.grad {:?}", gradient.shape()), scale.legend()];
    let bytes = grid(&captions, shown, size, scale)?;
    write_whole(path, |writer| writer.write_all(&bytes))?;
    let left_out = shown.len() < tiles.len();
    Ok(left_out.then(|| format!("the picture has the first {} of {} channels", shown.len(), tiles.len())))
}

/// The last two axes of a value of three or more, else all numbers of a sample as one row.
fn planes(gradient: &Tensor) -> (Vec<&[f32]>, [usize; 2]) {
    let size = match *gradient.shape() {
        [.., _, height, width] => [height, width],
        [_, width] | [width] => [1, width],
        [] => [1, 1],
    };
    (gradient.data().chunks((size[0] * size[1]).max(1)).collect(), size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tile_is_a_channel_of_a_sample() {
        let pictures = Tensor::new(&[2, 3, 1, 2], (0..12).map(|number| number as f32).collect()).unwrap();
        let (tiles, size) = planes(&pictures);
        assert_eq!((tiles.len(), size, tiles[3]), (6, [1, 2], &[6.0, 7.0][..]));
        assert_eq!(planes(&Tensor::filled(&[4, 5], 0.0)).1, [1, 5]);
        assert_eq!(planes(&Tensor::filled(&[3], 0.0)).0.len(), 1);
    }
}
