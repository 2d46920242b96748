//! Products of matrices, in tiles that never depend on the number of threads.

use super::map::Elementwise;
use super::memory::{Address, Memory};
use super::tasks::{Cost, Tasks, Workspace};
use cnnc_compiler::plan::View;
use gemm_common::Parallelism;

/// Rows and columns of a tile.
const TILE: [usize; 2] = [256, 256];

/// `a[M, K]` times `b[K, P]`, either of them read as its transpose.
pub struct Gemm {
    a: Address,
    b: Address,
    output: Address,
    /// M, P, K.
    sizes: [usize; 3],
    /// Elements from row to row and from column to column.
    a_strides: [usize; 2],
    b_strides: [usize; 2],
    output_stride: usize,
    finish: Option<Elementwise>,
}

impl Gemm {
    /// Operands with rows of any distance.
    pub fn new(
        a: &View,
        transpose_a: bool,
        b: &View,
        transpose_b: bool,
        output: &View,
        finish: Option<Elementwise>,
    ) -> Gemm {
        let strides = |view: &View, transposed: bool| {
            let [row, column] = [view.strides[0], view.strides[1]];
            if transposed { [column, row] } else { [row, column] }
        };
        let depth = if transpose_a { a.shape[0] } else { a.shape[1] };
        Gemm {
            a: Address::of(a),
            b: Address::of(b),
            output: Address::of(output),
            sizes: [output.shape[0], output.shape[1], depth],
            a_strides: strides(a, transpose_a),
            b_strides: strides(b, transpose_b),
            output_stride: output.strides[0],
            finish,
        }
    }

    fn column_tiles(&self) -> usize {
        self.sizes[1].div_ceil(TILE[1])
    }
}

impl Tasks for Gemm {
    fn tasks(&self) -> usize {
        self.sizes[0].div_ceil(TILE[0]) * self.column_tiles()
    }

    fn cost(&self) -> Cost {
        let [rows, columns, depth] = self.sizes;
        Cost { operations: 2 * rows * columns * depth, elements: rows * depth + depth * columns + rows * columns }
    }

    unsafe fn run(&self, task: usize, memory: &Memory, workspace: &mut Workspace) {
        let [rows, columns, depth] = self.sizes;
        let (row, column) = (task / self.column_tiles() * TILE[0], task % self.column_tiles() * TILE[1]);
        let (last_row, last_column) = ((row + TILE[0]).min(rows), (column + TILE[1]).min(columns));
        // SAFETY: the plan was checked: all of this lies inside the views, and tasks write distinct tiles.
        unsafe {
            let a = memory.lane(self.a, row * self.a_strides[0], 1).pointer;
            let b = memory.lane(self.b, column * self.b_strides[1], 1).pointer;
            let output = memory.lane(self.output, row * self.output_stride + column, 1).pointer;
            let sizes = [last_row - row, last_column - column, depth];
            multiply(sizes, (a, self.a_strides), (b, self.b_strides), (output, self.output_stride));
            if let Some(finish) = &self.finish {
                (row..last_row).for_each(|row| finish.run(memory, row, column, last_column, workspace));
            }
        }
    }
}

/// A matrix: its first element, and the elements from row to row and from column to column.
type Matrix = (*mut f32, [usize; 2]);

/// `output[rows, columns] = a[rows, depth] · b[depth, columns]`, on this thread; output rows lie `step` apart and are dense.
///
/// # Safety
/// The matrices must be valid for these sizes, and the output be no one else's and no part of `a` or `b`.
unsafe fn multiply(sizes: [usize; 3], a: Matrix, b: Matrix, (output, step): (*mut f32, usize)) {
    let [rows, columns, depth] = sizes;
    let stride = |elements: usize| elements as isize;
    let ((a, a_strides), (b, b_strides)) = (a, b);
    // The crate's matrices have dense columns, so the transposed product is asked for: columns · rows.
    // SAFETY: the caller promises matrices of these sizes, the output apart from the others; strides are sizes of memory and fit.
    unsafe {
        gemm_f32::gemm::f32::get_gemm_fn()(
            columns,
            rows,
            depth,
            output,
            stride(step),
            1,
            false,
            b,
            stride(b_strides[0]),
            stride(b_strides[1]),
            a,
            stride(a_strides[0]),
            stride(a_strides[1]),
            1.0,
            1.0,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}
