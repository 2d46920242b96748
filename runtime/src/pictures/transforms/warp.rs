//! Pictures turned, moved, scaled, sheared and seen from elsewhere: for each pixel of what comes out, the place in the picture
//! that it comes from, and what is there. The arithmetic is torchvision's, in float32.

use super::by_plane;
use crate::pictures::Picture;

/// What is done around the centre.
#[derive(Clone, Copy, Debug)]
pub struct Affine {
    /// Degrees with the clock.
    pub angle: f64,
    /// Pixels to the right and down.
    pub translate: [f64; 2],
    /// The factor.
    pub scale: f64,
    /// Degrees along x and along y.
    pub shear: [f64; 2],
    /// Where the centre lies from the picture's, right and down.
    pub centre: [f64; 2],
}

impl Default for Affine {
    fn default() -> Affine {
        Affine { angle: 0.0, translate: [0.0; 2], scale: 1.0, shear: [0.0; 2], centre: [0.0; 2] }
    }
}

impl Affine {
    /// The matrix from a place of what comes out to one of the picture, both from the picture's centre.
    ///
    /// The way there is `T C R S C⁻¹`: to the centre, sheared and scaled, turned, back and moved; this is its inverse.
    fn inverse(&self) -> [[f64; 3]; 2] {
        let [turn, along_x, along_y] = [self.angle, self.shear[0], self.shear[1]].map(f64::to_radians);
        let (cosine, tangent) = (along_y.cos(), along_x.tan());
        let a = (turn - along_y).cos() / cosine;
        let b = -(a * tangent + turn.sin());
        let c = (turn - along_y).sin() / cosine;
        let d = turn.cos() - c * tangent;
        let [x, y] = self.centre;
        let [to_x, to_y] = [x + self.translate[0], y + self.translate[1]];
        let row = |first: f64, second: f64, back: f64| [first, second, back - first * to_x - second * to_y];
        [row(d / self.scale, -b / self.scale, x), row(-c / self.scale, a / self.scale, y)]
    }
}

/// A picture after that; `fill` is what lies where no pixel does, zeros without.
pub fn affine(picture: &Picture, affine: Affine, is_bilinear: bool, fill: Option<f32>) -> Picture {
    let half = halves(picture);
    let [of_x, of_y] = affine.inverse().map(|row| row.map(|number| number as f32));
    let [of_x, of_y] = [of_x.map(|number| number / half[0]), of_y.map(|number| number / half[1])];
    let from = [picture.width, picture.height].map(|side| (1.0 - side as f32) * 0.5);
    warp(picture, is_bilinear, fill, |column, row| {
        let (x, y) = (from[0] + column as f32, from[1] + row as f32);
        [of_x, of_y].map(|[a, b, c]| x * a + y * b + c)
    })
}

/// A picture turned against the clock. By right angles nothing is resampled.
pub fn rotate(picture: &Picture, angle: f64, is_bilinear: bool, fill: Option<f32>) -> Picture {
    let angle = angle.rem_euclid(360.0);
    let Picture { height, width, .. } = *picture;
    if angle == 0.0 {
        return picture.clone();
    }
    if angle == 180.0 {
        return by_plane(picture, |plane| plane.iter().rev().copied().collect());
    }
    if height == width && (angle == 90.0 || angle == 270.0) {
        let at = |row: usize, column: usize| match angle == 90.0 {
            true => column * width + width - 1 - row,
            false => (width - 1 - column) * width + row,
        };
        let places = |plane: &[f32]| {
            (0..height)
                .flat_map(|row| (0..width).map(move |column| (row, column)))
                .map(|(row, column)| plane[at(row, column)])
                .collect()
        };
        return by_plane(picture, places);
    }
    affine(picture, Affine { angle: -angle, ..Affine::default() }, is_bilinear, fill)
}

/// A picture whose corners come to lie there, as column and row each: top left, top right, bottom right, bottom left.
pub fn perspective(picture: &Picture, corners: [[f64; 2]; 4], is_bilinear: bool, fill: Option<f32>) -> Picture {
    let (right, bottom) = (picture.width as f64 - 1.0, picture.height as f64 - 1.0);
    let Some(numbers) = coefficients([[0.0, 0.0], [right, 0.0], [right, bottom], [0.0, bottom]], corners) else {
        return picture.clone();
    };
    let [a, b, c, d, e, f, g, h] = numbers.map(|number| number as f32);
    let half = halves(picture);
    let of_x = [a, b, c].map(|number| number / half[0]);
    let of_y = [d, e, f].map(|number| number / half[1]);
    warp(picture, is_bilinear, fill, |column, row| {
        let (x, y) = (column as f32 + 0.5, row as f32 + 0.5);
        let below = x * g + y * h + 1.0;
        [of_x, of_y].map(|[a, b, c]| (x * a + y * b + c) / below - 1.0)
    })
}

/// The eight numbers by which four places of what comes out lie at four of the picture; `None` where they are on one line.
fn coefficients(starts: [[f64; 2]; 4], ends: [[f64; 2]; 4]) -> Option<[f64; 8]> {
    let mut rows = Vec::new();
    for ([x, y], [u, v]) in ends.into_iter().zip(starts) {
        rows.push([x, y, 1.0, 0.0, 0.0, 0.0, -u * x, -u * y, u]);
        rows.push([0.0, 0.0, 0.0, x, y, 1.0, -v * x, -v * y, v]);
    }
    // Gauss and Jordan, by the largest element of each column.
    for column in 0..8 {
        let largest = (column..8).max_by(|&a, &b| rows[a][column].abs().total_cmp(&rows[b][column].abs()))?;
        rows.swap(column, largest);
        let pivot = rows[column];
        if pivot[column].abs() < 1e-9 {
            return None;
        }
        for (number, row) in rows.iter_mut().enumerate() {
            let share = row[column] / pivot[column];
            match number == column {
                true => row.iter_mut().for_each(|value| *value /= pivot[column]),
                false => row.iter_mut().zip(pivot).for_each(|(value, other)| *value -= share * other),
            }
        }
    }
    <[f64; 8]>::try_from(rows.iter().map(|row| row[8]).collect::<Vec<f64>>()).ok()
}

fn halves(picture: &Picture) -> [f32; 2] {
    [picture.width, picture.height].map(|side| 0.5 * side as f32)
}

/// The picture with at each pixel what is at its place, of which −1 and 1 are the picture's edges.
fn warp(picture: &Picture, is_bilinear: bool, fill: Option<f32>, place: impl Fn(usize, usize) -> [f32; 2]) -> Picture {
    let Picture { height, width, .. } = *picture;
    let sides = [width as f32, height as f32];
    let places: Vec<[f32; 2]> = (0..height)
        .flat_map(|row| (0..width).map(move |column| (column, row)))
        .map(|(column, row)| {
            let [x, y] = place(column, row);
            [((x + 1.0) * sides[0] - 1.0) / 2.0, ((y + 1.0) * sides[1] - 1.0) / 2.0]
        })
        .collect();
    // Zero, and no share, where no pixel lies.
    let pixel = |plane: &[f32], x: f32, y: f32| {
        let is_in = x >= 0.0 && y >= 0.0 && x < sides[0] && y < sides[1];
        is_in.then(|| plane[y as usize * width + x as usize])
    };
    by_plane(picture, |plane| {
        let at = |&[x, y]: &[f32; 2]| {
            if !is_bilinear {
                let found = pixel(plane, x.round_ties_even(), y.round_ties_even());
                return found.unwrap_or(fill.unwrap_or(0.0));
            }
            let (left, top) = (x.floor(), y.floor());
            let (right, bottom) = (left + 1.0, top + 1.0);
            let corners = [
                (left, top, (right - x) * (bottom - y)),
                (right, top, (x - left) * (bottom - y)),
                (left, bottom, (right - x) * (y - top)),
                (right, bottom, (x - left) * (y - top)),
            ];
            let (mut sum, mut covered) = (0.0, 0.0);
            for (x, y, share) in corners {
                if let Some(pixel) = pixel(plane, x, y) {
                    sum += pixel * share;
                    covered += share;
                }
            }
            let mixed = fill.map_or(sum, |fill| (sum - fill) * covered + fill);
            mixed.round_ties_even()
        };
        places.iter().map(at).collect()
    })
}
