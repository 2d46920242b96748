//! Rows turned into vectors: `LANES` rows of floats become one vector a column. Packing weights and laying channels in blocks are
//! both this; it is done a square at a time in registers, because single floats stored far apart take several times as long.

use crate::cpu::blocked::vector::{Kernel, Vector};

/// Vectors of a square at most; the widest has as many lanes.
const SQUARE: usize = 16;

/// Rows to turn.
pub(crate) struct TransposeArguments {
    /// The first row, and floats from a row to the next.
    pub(crate) from: *const f32,
    pub(crate) step: usize,
    /// Rows, at most `LANES`; the lanes of missing ones are zeros.
    pub(crate) rows: usize,
    /// Floats of a row.
    pub(crate) columns: usize,
    /// Where the vectors go, and for each column how many floats on from there; null where they lie one after the other.
    pub(crate) to: *mut f32,
    pub(crate) offsets: *const usize,
}

/// Turns rows into vectors.
pub(crate) struct Transpose;

impl Kernel for Transpose {
    type Arguments = TransposeArguments;

    #[inline(always)]
    unsafe fn run<V: Vector>(a: &TransposeArguments) {
        let mut column = 0;
        // SAFETY: the caller promises the rows, and room for a vector of every column.
        unsafe {
            while column + V::LANES <= a.columns {
                let mut square = [V::zero(); SQUARE];
                for row in 0..V::LANES {
                    if row < a.rows {
                        square[row] = V::load(a.from.add(row * a.step + column));
                    }
                }
                V::transpose(&mut square);
                for index in 0..V::LANES {
                    square[index].store(a.target::<V>(column + index));
                }
                column += V::LANES;
            }
            for column in column..a.columns {
                let mut lanes = [0.0; SQUARE];
                for row in 0..a.rows {
                    lanes[row] = *a.from.add(row * a.step + column);
                }
                V::load(lanes.as_ptr()).store(a.target::<V>(column));
            }
        }
    }
}

impl TransposeArguments {
    /// Where the vector of a column goes.
    ///
    /// # Safety
    /// There are so many columns.
    #[inline(always)]
    unsafe fn target<V: Vector>(&self, column: usize) -> *mut f32 {
        // SAFETY: the caller promises so many columns, and there is an offset for each.
        let offset = if self.offsets.is_null() { column * V::LANES } else { unsafe { *self.offsets.add(column) } };
        self.to.wrapping_add(offset)
    }
}
