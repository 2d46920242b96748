//! The weights of Winograd's method: transformed in double precision, once, and packed in the order they are read.

use super::scheme::Scheme;
use crate::cpu::blocked::buffer::Buffer;
use crate::cpu::blocked::shape::ConvolutionShape;

/// Transforms and packs the weights as `[groups][frequency][blocks of the group][input channels][lanes]`.
pub(super) fn pack(shape: &ConvolutionShape, scheme: Scheme, lanes: usize, group: usize, weights: &[f32]) -> Buffer {
    assert_eq!(weights.len(), shape.weight_count());
    let blocks = shape.out_channels.div_ceil(lanes);
    let per_block = shape.in_channels * lanes;
    let mut packed = Buffer::zeros(blocks * scheme.frequencies() * per_block);
    for (out, filters) in weights.chunks_exact(shape.in_channels * 9).enumerate() {
        let (block, lane) = (out / lanes, out % lanes);
        let first = block / group * group;
        let members = group.min(blocks - first);
        for (input, filter) in filters.chunks_exact(9).enumerate() {
            for (frequency, value) in transform_filter(scheme.points(), filter).into_iter().enumerate() {
                let row = first * scheme.frequencies() + frequency * members + block - first;
                packed[row * per_block + input * lanes + lane] = value;
            }
        }
    }
    packed
}

/// The points in the order of the frequencies: 0, then each pair's positive and negative one; infinity is left out.
fn finite_points(pairs: &[f64]) -> Vec<f64> {
    std::iter::once(0.0).chain(pairs.iter().flat_map(|p| [*p, -*p])).collect()
}

/// The weights of one 3×3 filter at all `n × n` frequencies, n = 2 · pairs + 2, computed in double precision.
fn transform_filter(pairs: &[f64], filter: &[f32]) -> Vec<f32> {
    let points = finite_points(pairs);
    let row = |point: &f64| {
        let others = points.iter().filter(|other| *other != point).map(|other| point - other);
        let scale = others.product::<f64>();
        [1.0 / scale, point / scale, point * point / scale]
    };
    let matrix: Vec<[f64; 3]> = points.iter().map(row).chain([[0.0, 0.0, 1.0]]).collect();
    let mut transformed = Vec::with_capacity(matrix.len() * matrix.len());
    for left in &matrix {
        for right in &matrix {
            let mut sum = 0.0;
            for (y, l) in left.iter().enumerate() {
                for (x, r) in right.iter().enumerate() {
                    sum += l * f64::from(filter[y * 3 + x]) * r;
                }
            }
            transformed.push(sum as f32);
        }
    }
    transformed
}
