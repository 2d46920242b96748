//! The weights of Winograd's method: transformed in double precision and packed in the order they are read.

use super::scheme::points;
use crate::cpu::blocked::transpose::{Transpose, TransposeArguments};
use crate::cpu::blocked::vector::{Kernel, Vector};
use cnnc_compiler::plan::Scheme;

/// Lanes of the widest vector.
const LANES: usize = 16;
/// Input channels whose filters are turned into vectors at a time.
const AT_ONCE: usize = 16;
/// Rows of the transform of the largest scheme, F(4×4).
const ROWS: usize = 6;

/// One block of output channels.
pub(super) struct PackArguments {
    /// The transform, `outputs + 2` rows of which the first are used.
    pub(super) matrix: [[f64; 3]; ROWS],
    /// Rows of the transform.
    pub(super) rows: usize,
    /// The filters of the block's channels, `[lanes][input channels][9]`; of a transposed convolution `[input channels][…][9]`,
    /// from the block's first on.
    pub(super) weights: *const f32,
    /// Floats from the filters of an input channel to those of the next, of a transposed convolution, whose filters are turned
    /// round.
    pub(super) transposed: Option<usize>,
    /// Channels that the block really has, at least one.
    pub(super) lanes: usize,
    /// Input channels.
    pub(super) ins: usize,
    /// Frequency 0 of the block, `[input channels][LANES]`.
    pub(super) packed: *mut f32,
    /// Floats from a frequency to the next.
    pub(super) frequency_stride: usize,
}

/// Transforms the filters of a block of output channels, a vector of channels at a time.
pub(super) struct Pack;

impl Kernel for Pack {
    type Arguments = PackArguments;

    #[inline(always)]
    unsafe fn run<V: Vector>(a: &PackArguments) {
        let mut filters = [0.0f32; AT_ONCE * 9 * LANES];
        for first in (0..a.ins).step_by(AT_ONCE) {
            let count = AT_ONCE.min(a.ins - first);
            let to = filters.as_mut_ptr();
            let vectors = |from: *const f32, step: usize, columns: usize| TransposeArguments {
                from,
                step,
                rows: a.lanes,
                columns,
                to,
                offsets: std::ptr::null(),
            };
            // SAFETY: the caller promises the filters of `lanes` output channels, and room for `ins` vectors at every frequency.
            unsafe {
                match a.transposed {
                    None => Transpose::run::<V>(&vectors(a.weights.wrapping_add(first * 9), a.ins * 9, count * 9)),
                    Some(step) => {
                        let backwards: [usize; 9] = std::array::from_fn(|element| (8 - element) * V::LANES);
                        for input in 0..count {
                            let one = vectors(a.weights.wrapping_add((first + input) * step), 9, 9);
                            let to = to.wrapping_add(input * 9 * V::LANES);
                            Transpose::run::<V>(&TransposeArguments { to, offsets: backwards.as_ptr(), ..one });
                        }
                    }
                }
                for input in 0..count {
                    let packed = a.packed.add((first + input) * V::LANES);
                    transform::<V>(a, filters.as_ptr().add(input * 9 * V::LANES), packed);
                }
            }
        }
    }
}

/// Transforms the filters of `LANES` output channels for one input channel, `[9][LANES]`.
///
/// # Safety
/// As for [`Pack`], and `filters` holds nine vectors.
#[inline(always)]
unsafe fn transform<V: Vector>(a: &PackArguments, filters: *const f32, packed: *mut f32) {
    let mut filter = [[0.0; LANES]; 9];
    for element in 0..9 {
        for lane in 0..V::LANES {
            // SAFETY: the caller promises nine vectors of filters.
            filter[element][lane] = f64::from(unsafe { *filters.add(element * V::LANES + lane) });
        }
    }
    for row in 0..a.rows {
        let half = [
            combine(&a.matrix[row], [&filter[0], &filter[3], &filter[6]]),
            combine(&a.matrix[row], [&filter[1], &filter[4], &filter[7]]),
            combine(&a.matrix[row], [&filter[2], &filter[5], &filter[8]]),
        ];
        for column in 0..a.rows {
            let sums = combine(&a.matrix[column], [&half[0], &half[1], &half[2]]);
            let mut values = [0.0; LANES];
            for lane in 0..LANES {
                values[lane] = sums[lane] as f32;
            }
            // SAFETY: the caller promises room for every frequency, `frequency_stride` apart.
            unsafe { V::load(values.as_ptr()).store(packed.add((row * a.rows + column) * a.frequency_stride)) }
        }
    }
}

/// A linear combination of three vectors.
#[inline(always)]
fn combine(factors: &[f64; 3], values: [&[f64; LANES]; 3]) -> [f64; LANES] {
    let mut sums = [0.0; LANES];
    for lane in 0..LANES {
        sums[lane] = factors[0] * values[0][lane] + factors[1] * values[1][lane] + factors[2] * values[2][lane];
    }
    sums
}

/// The transform of a scheme's filters: the values of a filter's polynomial at each point, scaled; the last row is infinity.
pub(super) fn matrix(scheme: Scheme) -> [[f64; 3]; ROWS] {
    // The points in the order of the frequencies: 0, then each pair's positive and negative one.
    let points: Vec<f64> = std::iter::once(0.0).chain(points(scheme).iter().flat_map(|p| [*p, -*p])).collect();
    let mut matrix = [[0.0, 0.0, 1.0]; ROWS];
    for (row, point) in matrix.iter_mut().zip(&points) {
        let others = points.iter().filter(|other| *other != point).map(|other| point - other);
        let scale = others.product::<f64>();
        *row = [1.0 / scale, point / scale, point * point / scale];
    }
    matrix
}
