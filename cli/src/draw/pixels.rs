//! What a network is given of a picture, as a picture again: the numbers become pixels by the way back through the
//! normalisation, so that people see what the network sees.

use cnnc_runtime::data::Pipeline;

/// The planes of a sample's numbers, and their height and width; `None` where a sample is no picture.
pub fn planes(pipeline: &Pipeline, values: &[f32]) -> Option<(Vec<Vec<u8>>, [usize; 2])> {
    let &[channels, height, width] = pipeline.shape() else { return None };
    let size = (height * width).max(1);
    let plane = |(channel, plane): (usize, &[f32])| plane.iter().map(|&value| pipeline.pixel(channel, value)).collect();
    let planes: Vec<Vec<u8>> = values.chunks_exact(size).enumerate().map(plane).collect();
    (planes.len() == channels).then_some((planes, [height, width]))
}

/// Planes with their longer side at most `longest` pixels, with height and width: each pixel is the mean of a square of whole
/// ones.
pub fn shrunk(planes: Vec<Vec<u8>>, [height, width]: [usize; 2], longest: usize) -> (Vec<Vec<u8>>, [usize; 2]) {
    let step = height.max(width).div_ceil(longest.max(1)).max(1);
    if step == 1 {
        return (planes, [height, width]);
    }
    let size = [height, width].map(|side| side.div_ceil(step));
    let mean = |plane: &[u8], row: usize, column: usize| {
        let [rows, columns] = [(row, height), (column, width)].map(|(at, end)| at * step..((at + 1) * step).min(end));
        let count = rows.len() * columns.len();
        let in_row = |row: usize| plane.get(row * width + columns.start..row * width + columns.end).unwrap_or_default();
        let sum: usize = rows.flat_map(in_row).map(|&byte| usize::from(byte)).sum();
        ((sum + count / 2) / count.max(1)) as u8
    };
    let small = |plane: Vec<u8>| -> Vec<u8> {
        (0..size[0] * size[1]).map(|at| mean(&plane, at / size[1], at % size[1])).collect()
    };
    (planes.into_iter().map(small).collect(), size)
}

#[cfg(test)]
mod tests {
    use super::shrunk;

    #[test]
    fn a_large_picture_becomes_the_means_of_its_squares() {
        let plane = vec![0, 4, 10, 8, 12, 20, 100, 200, 50];
        assert_eq!(shrunk(vec![plane.clone()], [3, 3], 3), (vec![plane.clone()], [3, 3]));
        assert_eq!(shrunk(vec![plane], [3, 3], 2), (vec![vec![6, 15, 150, 50]], [2, 2]));
    }
}
