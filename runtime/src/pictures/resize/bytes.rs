//! Resizing planes of bytes to Pillow's bytes: shares in 22 bits behind the point, sums of whole numbers, rounded and clamped
//! between the passes and after them (Pillow's `libImaging/Resample.c`, which torchvision resizes decoded pictures by).
//!
//! Columns come first, as in torchvision's code for bytes and, where proportions are kept, in Pillow. No plane in between is
//! kept: each row of the source, once its columns are made, goes at once into all rows of the result that have a share of it.

use super::{Kernel, Side, sides};

/// Bits of a share behind the point: eight are of the pixel, two for overshoot.
const BITS: u32 = 32 - 8 - 2;
const HALF: i32 = 1 << (BITS - 1);

/// Whether all numbers of a plane are bytes.
pub fn are_bytes(plane: &[f32]) -> bool {
    plane.iter().all(|&value| f32::from(value as u8) == value)
}

/// A plane of `height` rows of `width` bytes at another size.
pub fn resize(plane: &[f32], [height, width]: [usize; 2], to: [usize; 2], kernel: Kernel) -> Vec<f32> {
    let columns = shares(width, to[1], kernel);
    let rows = shares(height, to[0], kernel);
    let mut sums = vec![HALF; to[0] * to[1]];
    let mut row_of_columns = vec![0; to[1]];
    let mut begin = 0;
    for (number, row) in plane.chunks_exact(width).enumerate() {
        // Rows of the result that need no more of the source are behind.
        while rows.get(begin).is_some_and(|row| row.first + row.shares.len() <= number) {
            begin += 1;
        }
        let end = begin + rows[begin..].iter().take_while(|row| row.first <= number).count();
        if begin == end {
            continue;
        }
        across(row, (width != to[1]).then_some(columns.as_slice()), &mut row_of_columns);
        for (row, into) in rows[begin..end].iter().zip(sums[begin * to[1]..].chunks_exact_mut(to[1])) {
            let share = row.shares[number - row.first];
            into.iter_mut().zip(&row_of_columns).for_each(|(into, value)| *into += share * value);
        }
    }
    sums.into_iter().map(|sum| clamped(sum) as f32).collect()
}

/// One row at another width; the same where there are no shares.
fn across(row: &[f32], columns: Option<&[Shares]>, into: &mut [i32]) {
    let Some(columns) = columns else {
        into.iter_mut().zip(row).for_each(|(into, &value)| *into = value as i32);
        return;
    };
    for (into, Shares { first, shares }) in into.iter_mut().zip(columns) {
        let products = shares.iter().zip(&row[*first..]).map(|(share, &value)| share * value as i32);
        *into = clamped(HALF + products.sum::<i32>());
    }
}

fn clamped(sum: i32) -> i32 {
    (sum >> BITS).clamp(0, 255)
}

/// What makes one pixel: the first of the source that it has a share of, and the share of each from there on.
struct Shares {
    first: usize,
    shares: Vec<i32>,
}

fn shares(size: usize, count: usize, kernel: Kernel) -> Vec<Shares> {
    if size == count {
        return (0..count).map(|first| Shares { first, shares: vec![1 << BITS] }).collect();
    }
    let rounded = |share: f64| (share * f64::from(1 << BITS) + 0.5f64.copysign(share)) as i32;
    let side = |Side { first, shares }: Side| Shares { first, shares: shares.into_iter().map(rounded).collect() };
    sides(size, count, kernel).map(side).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{Interpolation, Picture, resize};
    use serde_json::Value;

    /// As `tests/reference/pillow_resize.py` makes it.
    fn picture(height: usize, width: usize) -> Picture {
        let pixel = |(y, x): (usize, usize)| ((y * y * 7 + x * x * 13 + y * x * 5 + y * 31) % 256) as f32;
        let plane = (0..height).flat_map(|y| (0..width).map(move |x| (y, x))).map(pixel).collect();
        Picture { height, width, planes: vec![plane] }
    }

    fn bytes(hex: &str) -> Vec<f32> {
        let digits: Vec<u32> = hex.chars().map(|digit| digit.to_digit(16).unwrap()).collect();
        digits.chunks_exact(2).map(|pair| (16 * pair[0] + pair[1]) as f32).collect()
    }

    #[test]
    fn every_byte_is_pillows() {
        let text = include_str!("../../../../tests/reference/pillow_resize.json");
        let fixture: Value = serde_json::from_str(text).unwrap();
        let size = |value: &Value| [0, 1].map(|axis| value[axis].as_u64().unwrap() as usize);
        let cases = fixture["cases"].as_array().unwrap();
        for case in cases {
            let ([height, width], [to_height, to_width]) = (size(&case["size"]), size(&case["to"]));
            let name = case["interpolation"].as_str().unwrap();
            let (_, interpolation) = Interpolation::NAMES.iter().find(|(known, _)| *known == name).unwrap();
            let resized = resize(&picture(height, width), to_height, to_width, *interpolation);
            assert_eq!(resized.planes[0], bytes(case["bytes"].as_str().unwrap()), "{height}×{width}: {case}");
        }
        assert!(cases.len() >= 20);
    }
}
