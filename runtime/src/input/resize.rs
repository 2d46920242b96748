//! Resizing planes as torchvision and Pillow do: bilinear, and averaging over all pixels that fall together when it gets smaller.

use super::picture::Picture;

/// The picture at another size.
pub fn resize(picture: &Picture, height: usize, width: usize) -> Picture {
    if (height, width) == (picture.height, picture.width) {
        return picture.clone();
    }
    let (columns, rows) = (weights(picture.width, width), weights(picture.height, height));
    let planes = picture.planes.iter().map(|plane| {
        let wide: Vec<f32> = plane.chunks_exact(picture.width).flat_map(|row| across(row, &columns)).collect();
        down(&wide, width, &rows)
    });
    Picture { height, width, planes: planes.collect() }
}

/// The pixels that make one pixel of the result: the first, and the share of each from there on.
struct Share {
    first: usize,
    shares: Vec<f32>,
}

/// A triangle around each pixel's centre, as wide as the pixel is in the source and never narrower than two source pixels.
fn weights(size: usize, count: usize) -> Vec<Share> {
    let scale = size as f64 / count as f64;
    let support = scale.max(1.0);
    let share = |index: usize| {
        let centre = (index as f64 + 0.5) * scale;
        let first = (centre - support + 0.5).max(0.0) as usize;
        let end = ((centre + support + 0.5) as usize).min(size);
        let triangle = |pixel: usize| (1.0 - ((pixel as f64 - centre + 0.5) / support).abs()).max(0.0);
        let total: f64 = (first..end).map(triangle).sum();
        Share { first, shares: (first..end).map(|pixel| (triangle(pixel) / total) as f32).collect() }
    };
    (0..count).map(share).collect()
}

fn across<'a>(row: &'a [f32], columns: &'a [Share]) -> impl Iterator<Item = f32> + 'a {
    let sum = |share: &Share| share.shares.iter().zip(&row[share.first..]).map(|(share, value)| share * value).sum();
    columns.iter().map(sum)
}

fn down(plane: &[f32], width: usize, rows: &[Share]) -> Vec<f32> {
    let mut result = vec![0.0; width * rows.len()];
    for (into, row) in result.chunks_exact_mut(width).zip(rows) {
        for (share, from) in row.shares.iter().zip(plane[row.first * width..].chunks_exact(width)) {
            for (into, value) in into.iter_mut().zip(from) {
                *into += share * value;
            }
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::{Picture, resize};

    fn picture(height: usize, width: usize) -> Picture {
        Picture { height, width, planes: vec![(0..height * width).map(|pixel| (pixel * pixel % 17) as f32).collect()] }
    }

    #[test]
    fn agrees_with_torch() {
        // torch.nn.functional.interpolate(x, size, mode="bilinear", antialias=True), PyTorch 2.
        let smaller = resize(&picture(4, 5), 2, 3);
        let expected = [3.857_143, 8.111_112, 12.857_142, 5.979_592, 5.476_191, 8.163_265];
        assert!(smaller.planes[0].iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5), "{smaller:?}");
        let larger = resize(&picture(2, 2), 3, 4);
        let expected = [0.0, 0.25, 0.75, 1.0, 2.0, 2.75, 4.25, 5.0, 4.0, 5.25, 7.75, 9.0];
        assert!(larger.planes[0].iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5), "{larger:?}");
    }

    #[test]
    fn an_even_picture_stays_even() {
        let even = Picture { height: 30, width: 40, planes: vec![vec![7.0; 1200]] };
        for (height, width) in [(7, 11), (60, 50), (1, 1)] {
            let resized = resize(&even, height, width);
            assert_eq!(resized.planes[0].len(), height * width);
            assert!(resized.planes[0].iter().all(|value| (value - 7.0).abs() < 1e-5));
        }
    }
}
