//! The sums of all parts of the batch added up in order, and turned from blocks of output channels to filters.

use crate::cpu::blocked::vector::{Kernel, Vector};

/// Vectors of a square at most.
const SQUARE: usize = 16;

/// The sums of a block, one vector a weight.
pub(super) struct GatherArguments {
    /// The first part's sums; floats from a part to the next; parts.
    pub(super) sums: *const f32,
    pub(super) part_step: usize,
    pub(super) parts: usize,
    /// Weights of a filter.
    pub(super) weights: usize,
    /// Filters, at most a block; where the first goes, and floats from one to the next.
    pub(super) filters: usize,
    pub(super) to: *mut f32,
    pub(super) filter_step: usize,
}

/// Adds up and turns.
pub(super) struct Gather;

impl Kernel for Gather {
    type Arguments = GatherArguments;

    #[inline(always)]
    unsafe fn run<V: Vector>(a: &GatherArguments) {
        let mut first = 0;
        // SAFETY: the caller promises the sums of all weights and parts, and the filters.
        unsafe {
            while first < a.weights {
                let count = V::LANES.min(a.weights - first);
                let mut square = [V::zero(); SQUARE];
                for row in 0..count {
                    let from = a.sums.add((first + row) * V::LANES);
                    square[row] = V::load(from);
                    for part in 1..a.parts {
                        square[row] = square[row].add(V::load(from.add(part * a.part_step)));
                    }
                }
                V::transpose(&mut square);
                for filter in 0..a.filters {
                    let to = a.to.add(filter * a.filter_step + first);
                    if count == V::LANES {
                        square[filter].store(to);
                    } else {
                        let mut lanes = [0.0f32; SQUARE];
                        square[filter].store(lanes.as_mut_ptr());
                        std::ptr::copy_nonoverlapping(lanes.as_ptr(), to, count);
                    }
                }
                first += V::LANES;
            }
        }
    }
}
