//! Input and output transforms of Winograd's method, a vector of channels at a time.

use super::scheme::{F2, F4, Points};
use crate::cpu::blocked::vector::{Compiled, InstructionSet, Kernel, Vector};
use cnnc_compiler::plan::Scheme;
use std::marker::PhantomData;

/// Where the tiles of one image lie in the image and in the array of frequencies. Strides count floats.
#[derive(Clone, Copy)]
pub(super) struct Tiles {
    /// Height and width of the image (the input's, or the output's).
    pub(super) size: [usize; 2],
    /// Rows and columns of padding before the image; 0 for the output.
    pub(super) padding: [usize; 2],
    /// Tiles in a row of tiles.
    pub(super) columns: usize,
    /// The first tile to do, and how many.
    pub(super) first: usize,
    /// How many tiles to do.
    pub(super) count: usize,
    /// Floats from a frequency to the next.
    pub(super) frequency_stride: usize,
}

/// What the input transform reads and writes.
pub(super) struct InputArguments {
    /// One block of channels of one image, `[height][width][LANES]`.
    pub(super) image: *const f32,
    /// Frequency 0 of the first tile; the next tile is `LANES` floats on.
    pub(super) frequencies: *mut f32,
    /// Geometry.
    pub(super) tiles: Tiles,
}

/// What the output transform reads and writes.
pub(super) struct OutputArguments {
    /// Frequency 0 of the first tile; the next tile is `LANES` floats on.
    pub(super) frequencies: *const f32,
    /// One block of channels of one image, `[height][width][LANES]`.
    pub(super) image: *mut f32,
    /// Added before the activation, laid out as `image`, which may be the same place; null for none.
    pub(super) residual: *const f32,
    /// `LANES` values; null for none.
    pub(super) bias: *const f32,
    /// The activation is a clamp to these limits.
    pub(super) limits: [f32; 2],
    /// Geometry.
    pub(super) tiles: Tiles,
}

/// One axis of the input transform: the tile's values at every point.
#[inline(always)]
fn input_axis<V: Vector, S: Points<PAIRS>, const PAIRS: usize, const N: usize>(x: [V; N]) -> [V; N] {
    let mut y = [V::zero(); N];
    let (mut first, mut last) = (x[2 * PAIRS], x[2 * PAIRS + 1]);
    for i in 0..PAIRS {
        first = V::splat(S::ALL[i]).mul_add(x[2 * i], first);
        last = V::splat(S::ALL[i]).mul_add(x[2 * i + 1], last);
    }
    (y[0], y[N - 1]) = (first, last);
    for k in 0..PAIRS {
        let (mut even, mut odd) = (x[2 * PAIRS], x[2 * PAIRS - 1]);
        for i in 0..PAIRS - 1 {
            even = V::splat(S::OTHERS[k][i]).mul_add(x[2 * i + 2], even);
            odd = V::splat(S::OTHERS[k][i]).mul_add(x[2 * i + 1], odd);
        }
        let point = V::splat(S::POINTS[k] as f32);
        y[1 + 2 * k] = point.mul_add(odd, even);
        y[2 + 2 * k] = V::splat(-S::POINTS[k] as f32).mul_add(odd, even);
    }
    y
}

/// One axis of the output transform: the tile's outputs from its products at every point.
#[inline(always)]
fn output_axis<V: Vector, S: Points<PAIRS>, const PAIRS: usize, const N: usize, const M: usize>(x: [V; N]) -> [V; M] {
    let mut y = [V::zero(); M];
    let mut sums = [V::zero(); PAIRS];
    let mut differences = [V::zero(); PAIRS];
    for k in 0..PAIRS {
        sums[k] = x[1 + 2 * k].add(x[2 + 2 * k]);
        differences[k] = x[1 + 2 * k].sub(x[2 + 2 * k]);
    }
    for i in 0..PAIRS {
        let mut even = if i == 0 { x[0].add(sums[0]) } else { V::splat(S::EVEN[i][0]).mul(sums[0]) };
        let mut odd = V::splat(S::ODD[i][0]).mul(differences[0]);
        for k in 1..PAIRS {
            even = if i == 0 { even.add(sums[k]) } else { V::splat(S::EVEN[i][k]).mul_add(sums[k], even) };
            odd = V::splat(S::ODD[i][k]).mul_add(differences[k], odd);
        }
        (y[2 * i], y[2 * i + 1]) = (even, odd);
    }
    y[M - 1] = y[M - 1].add(x[N - 1]);
    y
}

/// Transforms tiles of `N × N` input pixels that begin every `N - 2` pixels.
pub(super) struct TransformInput<S, const PAIRS: usize, const N: usize>(PhantomData<S>);

impl<S: Points<PAIRS>, const PAIRS: usize, const N: usize> Kernel for TransformInput<S, PAIRS, N> {
    type Arguments = InputArguments;

    #[inline(always)]
    unsafe fn run<V: Vector>(a: &InputArguments) {
        let Tiles { size: [height, width], padding, columns, first, count, frequency_stride } = a.tiles;
        let mut edge = [[V::zero(); N]; N];
        for index in 0..count {
            let (tile_row, tile_column) = ((first + index) / columns, (first + index) % columns);
            let (row, column) = (tile_row * (N - 2), tile_column * (N - 2));
            let inside = row >= padding[0]
                && row - padding[0] + N <= height
                && column >= padding[1]
                && column - padding[1] + N <= width;
            // SAFETY: an inside tile lies in the image; of another one only the pixels that do are read. The caller
            // promises room for `count` tiles at every frequency.
            unsafe {
                let (source, stride) = if inside {
                    (a.image.add(((row - padding[0]) * width + column - padding[1]) * V::LANES), width * V::LANES)
                } else {
                    for y in 0..N {
                        for x in 0..N {
                            let (y_in, x_in) =
                                ((row + y).wrapping_sub(padding[0]), (column + x).wrapping_sub(padding[1]));
                            let exists = y_in < height && x_in < width;
                            edge[y][x] =
                                if exists { V::load(a.image.add((y_in * width + x_in) * V::LANES)) } else { V::zero() };
                        }
                    }
                    (edge.as_ptr().cast::<f32>(), N * V::LANES)
                };
                let mut half = [[V::zero(); N]; N];
                for x in 0..N {
                    let mut line = [V::zero(); N];
                    for y in 0..N {
                        line[y] = V::load(source.add(y * stride + x * V::LANES));
                    }
                    half[x] = input_axis::<V, S, PAIRS, N>(line);
                }
                for y in 0..N {
                    let mut line = [V::zero(); N];
                    for x in 0..N {
                        line[x] = half[x][y];
                    }
                    let line = input_axis::<V, S, PAIRS, N>(line);
                    for x in 0..N {
                        line[x].store(a.frequencies.add((y * N + x) * frequency_stride + index * V::LANES));
                    }
                }
            }
        }
    }
}

/// Transforms products at `N × N` frequencies to tiles of `M × M` output pixels, and applies the epilogue.
pub(super) struct TransformOutput<S, const PAIRS: usize, const N: usize, const M: usize>(PhantomData<S>);

impl<S: Points<PAIRS>, const PAIRS: usize, const N: usize, const M: usize> Kernel for TransformOutput<S, PAIRS, N, M> {
    type Arguments = OutputArguments;

    #[inline(always)]
    unsafe fn run<V: Vector>(a: &OutputArguments) {
        let Tiles { size: [height, width], columns, first, count, frequency_stride, .. } = a.tiles;
        let (low, high) = (V::splat(a.limits[0]), V::splat(a.limits[1]));
        // SAFETY: the caller promises `LANES` values of bias unless it is null.
        let bias = if a.bias.is_null() { V::zero() } else { unsafe { V::load(a.bias) } };
        for index in 0..count {
            let (row, column) = ((first + index) / columns * M, (first + index) % columns * M);
            // SAFETY: the caller promises `count` tiles at every frequency; pixels outside the image are not touched.
            unsafe {
                let mut half = [[V::zero(); M]; N];
                for x in 0..N {
                    let mut line = [V::zero(); N];
                    for y in 0..N {
                        line[y] = V::load(a.frequencies.add((y * N + x) * frequency_stride + index * V::LANES));
                    }
                    half[x] = output_axis::<V, S, PAIRS, N, M>(line);
                }
                for y in 0..M {
                    if row + y >= height {
                        break;
                    }
                    let mut line = [V::zero(); N];
                    for x in 0..N {
                        line[x] = half[x][y];
                    }
                    let line = output_axis::<V, S, PAIRS, N, M>(line);
                    for x in 0..M {
                        if column + x < width {
                            let at = ((row + y) * width + column + x) * V::LANES;
                            let mut sum = line[x].add(bias);
                            if !a.residual.is_null() {
                                sum = sum.add(V::load(a.residual.add(at)));
                            }
                            sum.max(low).min(high).store(a.image.add(at));
                        }
                    }
                }
            }
        }
    }
}

/// The transforms of a scheme.
pub(super) fn entries(scheme: Scheme, set: InstructionSet) -> (Compiled<InputArguments>, Compiled<OutputArguments>) {
    match scheme {
        Scheme::F2 => (set.entry::<TransformInput<F2, 1, 4>>(), set.entry::<TransformOutput<F2, 1, 4, 2>>()),
        Scheme::F4 => (set.entry::<TransformInput<F4, 2, 6>>(), set.entry::<TransformOutput<F4, 2, 6, 4>>()),
    }
}
