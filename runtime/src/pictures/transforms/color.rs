//! Colours changed: brightness, contrast, saturation, hue, sharpness, and what policies do to pixels. All on bytes, with the
//! roundings of torchvision's; grey pictures have neither saturation nor hue.

use super::{by_pixel, by_plane};
use crate::pictures::Picture;

/// A number as a byte, without its fraction.
fn byte(number: f32) -> f32 {
    number.clamp(0.0, 255.0).trunc()
}

/// The grey of each pixel, whole numbers; that of a grey picture is its own.
pub fn grey(picture: &Picture) -> Vec<f32> {
    match picture.planes.as_slice() {
        [red, green, blue] => red
            .iter()
            .zip(green)
            .zip(blue)
            .map(|((red, green), blue)| (red * 0.2989 + green * 0.587 + blue * 0.114).floor())
            .collect(),
        planes => planes.first().cloned().unwrap_or_default(),
    }
}

/// A share of each pixel, and the rest of another.
fn blend(pixel: f32, other: f32, share: f64) -> f32 {
    byte(pixel * share as f32 + other * (1.0 - share) as f32)
}

pub fn adjust_brightness(picture: Picture, factor: f64) -> Picture {
    by_pixel(picture, |pixel| byte(pixel * factor as f32))
}

pub fn adjust_contrast(picture: Picture, factor: f64) -> Picture {
    let grey = grey(&picture);
    let sum: f64 = grey.iter().map(|&pixel| f64::from(pixel)).sum();
    let mean = (sum / grey.len().max(1) as f64) as f32;
    by_pixel(picture, |pixel| blend(pixel, mean, factor))
}

pub fn adjust_saturation(mut picture: Picture, factor: f64) -> Picture {
    if picture.planes.len() == 3 {
        let grey = grey(&picture);
        for plane in &mut picture.planes {
            plane.iter_mut().zip(&grey).for_each(|(pixel, grey)| *pixel = blend(*pixel, *grey, factor));
        }
    }
    picture
}

/// Moves the hue around its circle by a share of that.
pub fn adjust_hue(mut picture: Picture, shift: f64) -> Picture {
    let [red, green, blue] = picture.planes.as_mut_slice() else { return picture };
    for ((red, green), blue) in red.iter_mut().zip(green).zip(blue) {
        let [hue, saturation, value] = hue_of([*red, *green, *blue].map(|pixel| pixel / 255.0));
        let shifted = (hue + shift as f32).rem_euclid(1.0);
        let colour = colour_of([if shifted >= 1.0 { 0.0 } else { shifted }, saturation, value]);
        // As torchvision brings numbers from 0 to 1 to bytes.
        [*red, *green, *blue] = colour.map(|part| byte(part * (256.0 - 1e-3)));
    }
    picture
}

/// Hue, saturation and value of red, green and blue, all from 0 to 1.
fn hue_of([red, green, blue]: [f32; 3]) -> [f32; 3] {
    let (most, least) = (red.max(green).max(blue), red.min(green).min(blue));
    if most == least {
        return [0.0, 0.0, most];
    }
    let range = most - least;
    let [far_red, far_green, far_blue] = [red, green, blue].map(|part| (most - part) / range);
    let sixths = if most == red {
        far_blue - far_green
    } else if most == green {
        far_red + 2.0 - far_blue
    } else {
        far_green + 4.0 - far_red
    };
    [(sixths * (1.0 / 6.0) + 1.0) % 1.0, range / most, most]
}

/// The way back.
fn colour_of([hue, saturation, value]: [f32; 3]) -> [f32; 3] {
    let sixth = (hue * 6.0).floor();
    let rest = saturation * (hue * 6.0 - sixth);
    let [p, q, t] =
        [1.0 - saturation, 1.0 - rest, rest + (1.0 - saturation)].map(|part| (part * value).clamp(0.0, 1.0));
    match sixth as usize % 6 {
        0 => [value, t, p],
        1 => [q, value, p],
        2 => [p, value, t],
        3 => [p, q, value],
        4 => [t, p, value],
        _ => [value, p, q],
    }
}

/// Less or more of what a 3×3 blur takes away; the outermost pixels stay.
pub fn adjust_sharpness(picture: &Picture, factor: f64) -> Picture {
    let Picture { height, width, .. } = *picture;
    if height <= 2 || width <= 2 {
        return picture.clone();
    }
    let (edge, middle) = (1.0 / 13.0, 5.0 / 13.0);
    by_plane(picture, |plane| {
        let mut sharpened = plane.to_vec();
        for row in 1..height - 1 {
            for column in 1..width - 1 {
                let mut sum = 0.0f32;
                for above in [row - 1, row, row + 1] {
                    for left in [column - 1, column, column + 1] {
                        let share = if (above, left) == (row, column) { middle } else { edge };
                        sum += plane[above * width + left] * share as f32;
                    }
                }
                let pixel = plane[row * width + column];
                let blurred = sum.round_ties_even();
                sharpened[row * width + column] = byte(pixel + (1.0 - factor) as f32 * (blurred - pixel));
            }
        }
        sharpened
    })
}

/// The first bits of each pixel alone.
pub fn posterize(picture: Picture, bits: u32) -> Picture {
    let mask = if bits >= 8 { 0xFF } else { !(0xFFu32 >> bits) & 0xFF };
    by_pixel(picture, |pixel| (pixel as u32 & mask) as f32)
}

/// What is as bright as the threshold is turned over.
pub fn solarize(picture: Picture, threshold: f64) -> Picture {
    by_pixel(picture, |pixel| if f64::from(pixel) >= threshold { 255.0 - pixel } else { pixel })
}

pub fn invert(picture: Picture) -> Picture {
    by_pixel(picture, |pixel| 255.0 - pixel)
}

/// Each channel from its darkest to its brightest pixel stretched to the whole range.
pub fn autocontrast(picture: &Picture) -> Picture {
    by_plane(picture, |plane| {
        let least = plane.iter().copied().fold(f32::INFINITY, f32::min);
        let most = plane.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        if least == most {
            return plane.to_vec();
        }
        let range = (most - least) * (1.0 / 255.0f32);
        plane.iter().map(|pixel| byte((pixel - least) / range)).collect()
    })
}

/// Each channel so that about as many pixels are of any brightness.
pub fn equalize(picture: &Picture) -> Picture {
    by_plane(picture, |plane| {
        let mut counts = [0usize; 256];
        plane.iter().for_each(|&pixel| counts[pixel as usize & 255] += 1);
        let brightest = counts.iter().rposition(|&count| count > 0).unwrap_or(0);
        let step = (plane.len() - counts[brightest]) / 255;
        if step == 0 {
            return plane.to_vec();
        }
        let mut below = 0;
        let table = counts.map(|count| {
            let place = (below + step / 2) / step;
            below += count;
            place.min(255) as f32
        });
        plane.iter().map(|&pixel| table[pixel as usize & 255]).collect()
    })
}

/// Blurred by a bell of that width, over so many pixels; beyond the edges the picture is mirrored.
pub fn gaussian_blur(picture: &Picture, kernel_size: [usize; 2], sigma: f64) -> Picture {
    let Picture { height, width, .. } = *picture;
    let [across, down] = kernel_size.map(|size| bell(size, sigma));
    by_plane(picture, |plane| {
        let mut rows = vec![0.0f32; plane.len()];
        for (row, into) in plane.chunks_exact(width).zip(rows.chunks_exact_mut(width)) {
            for (column, value) in into.iter_mut().enumerate() {
                let places = (0..across.len()).map(|tap| mirrored(column + tap, across.len() / 2, width));
                *value = across.iter().zip(places).map(|(share, place)| share * row[place]).sum();
            }
        }
        let mut blurred = vec![0.0f32; plane.len()];
        for row in 0..height {
            for (tap, share) in down.iter().enumerate() {
                let from = mirrored(row + tap, down.len() / 2, height) * width;
                let into = blurred[row * width..(row + 1) * width].iter_mut();
                into.zip(&rows[from..from + width]).for_each(|(into, value)| *into += share * value);
            }
        }
        blurred.iter_mut().for_each(|value| *value = value.round_ties_even().clamp(0.0, 255.0));
        blurred
    })
}

/// The shares of a bell, as torchvision places them; their sum is 1.
fn bell(size: usize, sigma: f64) -> Vec<f32> {
    let most = (size as f64 - 1.0) / (2.0 * 2.0f64.sqrt());
    let step = if size > 1 { 2.0 * most / (size as f64 - 1.0) } else { 0.0 };
    let heights: Vec<f64> = (0..size).map(|tap| (-((step * tap as f64 - most) / sigma).powi(2)).exp()).collect();
    let sum: f64 = heights.iter().sum();
    heights.iter().map(|height| (height / sum) as f32).collect()
}

/// `place − before` of a side that is mirrored at its first and last pixel.
fn mirrored(place: usize, before: usize, size: usize) -> usize {
    if size == 1 {
        return 0;
    }
    let around = 2 * (size - 1);
    let place = (place as i64 - before as i64).rem_euclid(around as i64) as usize;
    if place < size { place } else { around - place }
}
