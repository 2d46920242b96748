//! Products of matrices: tiles, or a warp a row where one side has few rows.

use super::product::Problem;
use super::{EntryDraft, LaunchRequest, finished};
use crate::cuda::library_operation::LibraryOperation;
use crate::cuda::source::{EpilogueText, argument, index_type_of, sizes};
use crate::cuda::tiles::Product;
use cnnc_compiler::plan::{Step, View};

/// Rows that a warp can hold the sums of, beside the row of `b` that it reads once.
const FEW: usize = 8;

/// Threads of a block of warps that each compute a column.
const THREADS: usize = 128;

/// A matrix's sizes, and the elements from row to row and from column to column, as it is read.
fn matrix(view: &View, transposed: bool) -> ([usize; 2], [usize; 2]) {
    let pair = |from: &[usize]| [from.first().copied().unwrap_or(1), from.get(1).copied().unwrap_or(1)];
    let turned = |pair: [usize; 2]| if transposed { [pair[1], pair[0]] } else { pair };
    (turned(pair(&view.shape)), turned(pair(&view.strides)))
}

/// `Gemm`.
pub fn gemm(step: &Step, transpose_a: bool, transpose_b: bool) -> Problem<'_> {
    let ([rows, depth], a) = matrix(&step.operands[0], transpose_a);
    let ([_, columns], b) = matrix(&step.operands[1], transpose_b);
    let indices = vec![
        ("rows", rows),
        ("columns", columns),
        ("depth", depth),
        ("a_row", a[0]),
        ("a_depth", a[1]),
        ("b_depth", b[0]),
        ("b_column", b[1]),
    ];
    let is_vector = rows <= FEW && a[1] == 1 && b[0] == 1 && depth > 1;
    Problem {
        family: "gemm",
        step,
        names: ["left", "right"],
        product: Product { rows, columns, depth, groups: 1 },
        ints: Vec::new(),
        indices,
        direct: is_vector.then_some(vector),
        operation: LibraryOperation::matmul([rows, columns, depth], a, b),
    }
}

/// A warp a column.
fn vector(problem: &Problem<'_>) -> LaunchRequest {
    let Problem { step, indices, product, names, .. } = problem;
    let index = index_type_of(step, 1);
    let epilogue = EpilogueText::of(step, index);
    let named = |name: &str| indices.iter().find(|(other, _)| *other == name).map_or(0, |&(_, value)| value);
    let together = ["depth", "a_row", "b_column"].iter().all(|name| named(name).is_multiple_of(4));
    let fours = together && step.operands.iter().take(2).all(|view| view.offset().is_multiple_of(4));
    let structs = sizes(index, &[("fours", usize::from(fours))], indices, &[]) + &epilogue.text;
    let entry = EntryDraft::new(structs).operands(names, step).epilogue(&epilogue);
    let body = format!("gemm_vector<@_sizes>(left, right, {})", finished(&epilogue));
    let grid = [product.columns.div_ceil(THREADS / 32), 1, 1];
    entry.write("out", argument(&step.output)).launch("gemm_vector", &body, grid, THREADS)
}
