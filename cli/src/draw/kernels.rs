//! Parameters as pictures: the kernels of a convolution as a grid of tiles, a matrix as one tile.
//!
//! A key and its numbers come in, a PNG file goes out: blue below zero, red above, on one scale that the caption says.

use super::raster::{Scale, grid};
use cnnc_runtime::{Result, Tensor};

/// Tiles of one picture; of more channels the first ones.
pub const TILES: usize = 64;
/// Pixels of a matrix, down and across at most.
const LONGEST: usize = 1600;

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
    let (shrunk, size, by) = shrunk(numbers, [rows, numbers.len() / rows]);
    let scale = Scale::diverging(&shrunk);
    let means = if by > 1 { format!(", means of {by}×{by}") } else { String::new() };
    let captions = [format!("{key} {:?}{means}", weight.shape()), scale.legend()];
    grid(&captions, &[&shrunk], size, scale)
}

/// A matrix, or where it is larger than a picture may be, the means of squares of so many rows and columns.
fn shrunk(numbers: &[f32], [rows, columns]: [usize; 2]) -> (Vec<f32>, [usize; 2], usize) {
    let by = rows.max(columns).div_ceil(LONGEST).max(1);
    let size = [rows, columns].map(|size| size.div_ceil(by));
    let mean = |row: usize, column: usize| {
        let square = (row * by..rows.min((row + 1) * by)).flat_map(|row| {
            let from = row * columns;
            numbers.get(from + column * by..from + columns.min((column + 1) * by)).unwrap_or_default()
        });
        let (sum, count) = square.fold((0.0, 0.0), |(sum, count), &number| (sum + f64::from(number), count + 1.0));
        if count > 0.0 { (sum / count) as f32 } else { 0.0 }
    };
    let means = (0..size[0]).flat_map(|row| (0..size[1]).map(move |column| (row, column)));
    (means.map(|(row, column)| mean(row, column)).collect(), size, by)
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

    #[test]
    fn a_large_matrix_is_drawn_by_its_means() {
        let numbers: Vec<f32> = (0..2 * (LONGEST + 1)).map(|number| number as f32).collect();
        let (means, size, by) = shrunk(&numbers, [2, LONGEST + 1]);
        assert_eq!((size, by), ([1, LONGEST / 2 + 1], 2));
        // The first square, and the last one, which is half as wide.
        let below = (LONGEST + 1) as f32;
        assert_eq!((means[0], means[LONGEST / 2]), (0.5 + below / 2.0, LONGEST as f32 + below / 2.0));
        assert_eq!(shrunk(&[1.0, 2.0], [1, 2]), (vec![1.0, 2.0], [1, 2], 1));
    }
}
