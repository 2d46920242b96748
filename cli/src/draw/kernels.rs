//! Parameters as pictures: the kernels of a convolution as a grid of tiles, a matrix as one tile.
//!
//! A key and its numbers come in, a PNG file goes out: blue below zero, red above, on one scale that the caption says.

use super::raster::{Scale, grid};
use cnnc_runtime::{Result, Tensor};

/// Tiles of one picture; of more channels the first ones.
pub const TILES: usize = 64;

/// A weight's kernels as a grid: a tile each for the pairs of output and input channel, row by row. `None` where a kernel is a
/// single number, or there are none.
pub fn kernels(key: &str, weight: &Tensor) -> Option<Result<Vec<u8>>> {
    let &[outputs, inputs, height, width] = weight.shape() else { return None };
    if height * width < 2 {
        return None;
    }
    let area = height * width;
    let planes: Vec<&[f32]> = match inputs {
        1..=4 => weight.data().chunks(area).take(TILES * inputs).collect(),
        _ => weight.data().chunks(area * inputs).filter_map(|kernels| kernels.get(..area)).take(TILES).collect(),
    };
    let scale = Scale::diverging(weight.data());
    let of = match (inputs, planes.len() / inputs.clamp(1, 4)) {
        (1..=4, shown) if shown < outputs => format!(", those of {shown} outputs"),
        (1..=4, _) => String::new(),
        _ => format!(", {} outputs, the first input of each", planes.len()),
    };
    Some(grid(&[format!("{key} {:?}{of}", weight.shape()), scale.legend()], &planes, [height, width], scale))
}

/// Any parameter: kernels, or else the numbers of its first axis row by row; a vector is one row.
///
/// # Errors
/// E604 when the picture cannot be encoded.
pub fn parameter(key: &str, weight: &Tensor) -> Result<Vec<u8>> {
    if let Some(picture) = kernels(key, weight) {
        return picture;
    }
    let numbers = weight.data();
    let rows = if weight.shape().len() > 1 { weight.shape()[0].max(1) } else { 1 };
    let scale = Scale::diverging(numbers);
    let captions = [format!("{key} {:?}", weight.shape()), scale.legend()];
    grid(&captions, &[numbers], [rows, numbers.len() / rows], scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_of_numbers_alone_are_no_grid() {
        assert!(kernels("a", &Tensor::new(&[2, 3, 1, 1], vec![0.0; 6]).unwrap()).is_none());
        assert!(kernels("a", &Tensor::new(&[2, 3], vec![0.0; 6]).unwrap()).is_none());
        assert!(kernels("a", &Tensor::new(&[2, 3, 2, 2], vec![0.5; 24]).unwrap()).unwrap().is_ok());
    }

    #[test]
    fn anything_else_is_a_matrix() {
        for shape in [&[2, 3][..], &[6], &[], &[2, 3, 1, 1], &[0, 3]] {
            let count: usize = shape.iter().product();
            let picture = parameter("a", &Tensor::new(shape, vec![0.5; count]).unwrap());
            assert!(picture.unwrap().starts_with(b"\x89PNG"), "{shape:?}");
        }
    }
}
