//! Sums and maxima over axes: along one result's elements or across results, whichever are neighbours in memory.

use super::product::combine;
use super::{EntryDraft, LaunchRequest, finished};
use crate::cuda::program::Argument;
use crate::cuda::source::{EpilogueText, argument, function, index_type_of, merged, runs_of_four, sizes};
use cnnc_compiler::kernels::Reduction;
use cnnc_compiler::plan::{Step, View};

/// Blocks that fill the device.
const BLOCKS: usize = 264;

/// How a reduction is divided.
struct Division {
    function: &'static str,
    blocks: usize,
    threads: usize,
    parts: usize,
}

/// The axes of `x` that are marked so: their sizes and strides.
fn axes_where(x: &View, axes: &[bool], marked: bool) -> (Vec<usize>, Vec<usize>) {
    let axes = x.shape.iter().zip(&x.strides).zip(axes).filter(|&(_, &gone)| gone == marked);
    axes.map(|((&size, &stride), _)| (size, stride)).unzip()
}

/// `Reduce`.
pub fn reduce(step: &Step, reduction: Reduction, axes: &[bool]) -> Vec<LaunchRequest> {
    let x = &step.operands[0];
    let (kept, gone) = (axes_where(x, axes, false), axes_where(x, axes, true));
    let (count, length) = (step.output.elements(), gone.0.iter().product::<usize>());
    let innermost = x.shape.iter().zip(axes).rev().find(|&(&size, _)| size != 1);
    let division = choose(innermost.is_some_and(|(_, &gone)| gone), count, length);
    let join = match reduction {
        Reduction::Sum => "Sum",
        Reduction::Max => "Max",
    };
    let index = index_type_of(step, division.parts);
    let places = [function("first", &kept.0, &kept.1), function("rest", &gone.0, &gone.1)];
    let fours = runs_of_four(&gone.0, &gone.1)
        && merged(&kept.0, &kept.1).iter().all(|(_, stride)| stride.is_multiple_of(4))
        && x.offset().is_multiple_of(4);
    let ints = [("parts", division.parts), ("fours", usize::from(fours))];
    let structs = sizes(index, &ints, &[("count", count), ("length", length)], &places);
    let body = |sink: &str| format!("{}<@_sizes, {join}>(x, {sink})", division.function);
    let grid = [division.blocks, division.parts, 1];
    if division.parts == 1 {
        let epilogue = EpilogueText::of(step, index);
        let entry = EntryDraft::new(structs + &epilogue.text).operands(&["x"], step).epilogue(&epilogue);
        let entry = entry.write("out", argument(&step.output));
        return vec![entry.launch("reduce", &body(&finished(&epilogue)), grid, division.threads)];
    }
    let entry = EntryDraft::new(structs).operands(&["x"], step).write("workspace", Argument::Workspace(0));
    let mut first = entry.launch("reduce", &body("Partial{workspace}"), grid, division.threads);
    first.workspace = division.parts * count;
    vec![first, combine(step, join, division.parts)]
}

/// By which function, and by how many blocks: enough to fill the device, each with enough to do.
fn choose(along: bool, count: usize, length: usize) -> Division {
    let parts = |blocks: usize, least: usize| BLOCKS.div_ceil(blocks).min(length / least).clamp(1, 256);
    match along {
        true if length <= 128 => {
            Division { function: "reduce_warp", blocks: count.div_ceil(4), threads: 128, parts: 1 }
        }
        true => Division {
            function: "reduce_along",
            blocks: count,
            threads: if length < 1024 { 128 } else { 256 },
            parts: parts(count, 2048),
        },
        false => {
            let blocks = count.div_ceil(32);
            Division { function: "reduce_across", blocks, threads: 256, parts: parts(blocks, 128) }
        }
    }
}
