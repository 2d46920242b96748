//! Sums and maxima over whole axes.
//!
//! Neighbouring axes of one kind are one. When the last axis is reduced, each result is a long sum over dense elements; when it
//! is kept, a row of results is computed at a time, vector by vector.
//!
//! In which order elements are summed depends on sizes alone, never on where the planner put them: the batch is summed for
//! itself, for its stride is larger in a part of a concatenation. So a step that computes values again has the bits of one that
//! keeps them.

use super::math;
use super::memory::{Address, Memory};
use super::tasks::{Cost, Tasks, Workspace};
use crate::level::vectorised;
use cnnc_compiler::kernels::Reduction;
use cnnc_compiler::plan::View;

/// Elements that a task reads.
const TASK: usize = 1 << 15;
/// Partial results of a dense row.
const PARTS: usize = 64;

/// A reduction.
pub struct Reduce {
    input: Address,
    output: Address,
    reduction: Reduction,
    /// Kept axes, outermost first: size, stride in the input, stride in the output. The last is a row.
    kept: Vec<[usize; 3]>,
    /// Reduced axes, outermost first: size, stride. The last is a run of dense elements, of one when the last axis is kept.
    reduced: Vec<[usize; 2]>,
}

impl Reduce {
    /// `x`, dense from axis 1, combined over the axes marked true.
    pub fn new(x: &View, output: &View, reduction: Reduction, axes: &[bool]) -> Reduce {
        let (mut kept, mut reduced): (Vec<[usize; 3]>, Vec<[usize; 2]>) = (Vec::new(), Vec::new());
        let mut last = None;
        for (axis, &gone) in axes.iter().enumerate().filter(|&(axis, _)| x.shape[axis] != 1) {
            let (size, from, to) = (x.shape[axis], x.strides[axis], output.strides[axis]);
            match (gone, last, kept.last_mut(), reduced.last_mut()) {
                (false, Some((_, false)), Some(outer), _) if outer[1] == from * size && outer[2] == to * size => {
                    *outer = [outer[0] * size, from, to];
                }
                (true, Some((before, true)), _, Some(outer)) if before > 0 => *outer = [outer[0] * size, from],
                (false, ..) => kept.push([size, from, to]),
                (true, ..) => reduced.push([size, from]),
            }
            last = Some((axis, gone));
        }
        match last {
            Some((_, true)) => kept.push([1, 1, 1]),
            _ => reduced.push([1, 1]),
        }
        if kept.is_empty() {
            kept.push([1, 1, 1]);
        }
        Reduce { input: Address::of(x), output: Address::of(output), reduction, kept, reduced }
    }

    /// Elements that one element of the result is made of.
    fn depth(&self) -> usize {
        self.reduced.iter().map(|axis| axis[0]).product()
    }

    /// The row of results that is computed at a time.
    fn row(&self) -> [usize; 3] {
        self.kept.last().copied().unwrap_or([1, 1, 1])
    }

    /// Results of a row that are computed at a time.
    fn part(&self) -> usize {
        (TASK / self.depth().max(1)).clamp(PARTS, TASK)
    }

    fn parts(&self) -> usize {
        self.row()[0].div_ceil(self.part())
    }

    fn rows(&self) -> usize {
        self.kept.iter().rev().skip(1).map(|axis| axis[0]).product()
    }

    /// Rows of a task, when a row has one part.
    fn per_task(&self) -> usize {
        (TASK / (self.depth() * self.row()[0]).max(1)).max(1)
    }

    /// Offsets in the input of everything but the dense run, from the first reduced element.
    fn each_run(&self, mut each: impl FnMut(usize)) {
        let outer = &self.reduced[..self.reduced.len() - 1];
        for number in 0..outer.iter().map(|axis| axis[0]).product() {
            let (mut rest, mut offset) = (number, 0);
            for [size, stride] in outer.iter().rev() {
                offset += rest % size * stride;
                rest /= size;
            }
            each(offset);
        }
    }

    unsafe fn part_of_row(&self, row: usize, part: usize, memory: &Memory) {
        let (mut rest, mut from, mut to) = (row, 0, 0);
        for [size, input, output] in self.kept.iter().rev().skip(1) {
            from += rest % size * input;
            to += rest % size * output;
            rest /= size;
        }
        let [length, input_stride, output_stride] = self.row();
        let (first, last) = (part * self.part(), ((part + 1) * self.part()).min(length));
        let run = self.reduced[self.reduced.len() - 1];
        // SAFETY: the plan was checked: all of this lies inside the views, and each result is written once.
        unsafe {
            let output = memory.lane(self.output, to + first * output_stride, output_stride);
            if input_stride == 1 && output_stride == 1 && length > 1 {
                let results = output.slice_mut(last - first);
                results.fill(start(self.reduction));
                for step in 0..run[0] {
                    self.each_run(|offset| {
                        let row = memory.lane(self.input, from + first + offset + step * run[1], 1).slice(last - first);
                        combine(self.reduction, results, row);
                    });
                }
                return;
            }
            for index in first..last {
                let mut sums = [start(self.reduction); PARTS];
                self.each_run(|offset| {
                    let values = memory.lane(self.input, from + index * input_stride + offset, run[1]);
                    if run[1] == 1 {
                        combine_run(self.reduction, values.slice(run[0]), &mut sums);
                    } else {
                        for step in 0..run[0] {
                            combine(self.reduction, &mut sums[step % PARTS..][..1], values.at(step).slice(1));
                        }
                    }
                });
                output.at(index - first).slice_mut(1)[0] = of_parts(self.reduction, sums);
            }
        }
    }
}

impl Tasks for Reduce {
    fn tasks(&self) -> usize {
        (self.rows() * self.parts()).div_ceil(self.per_task())
    }

    fn cost(&self) -> Cost {
        let elements = self.rows() * self.row()[0] * self.depth();
        Cost { operations: elements, elements }
    }

    unsafe fn run(&self, task: usize, memory: &Memory, _: &mut Workspace) {
        let pairs = self.rows() * self.parts();
        for pair in task * self.per_task()..((task + 1) * self.per_task()).min(pairs) {
            // SAFETY: the caller promises the plan's memory; tasks take distinct parts of rows.
            unsafe { self.part_of_row(pair / self.parts(), pair % self.parts(), memory) };
        }
    }
}

/// What nothing is combined to.
fn start(reduction: Reduction) -> f32 {
    match reduction {
        Reduction::Sum => 0.0,
        Reduction::Max => f32::NEG_INFINITY,
    }
}

/// A run of elements, combined to one.
pub fn of_run(reduction: Reduction, run: &[f32]) -> f32 {
    let mut parts = [start(reduction); PARTS];
    combine_run(reduction, run, &mut parts);
    of_parts(reduction, parts)
}

fn of_parts(reduction: Reduction, parts: [f32; PARTS]) -> f32 {
    match reduction {
        Reduction::Sum => total(parts),
        Reduction::Max => parts.into_iter().fold(f32::NEG_INFINITY, math::larger),
    }
}

/// The sum of all, halving again and again: a fixed order that vectors do well.
#[inline(always)]
fn total(mut sums: [f32; PARTS]) -> f32 {
    let mut half = PARTS / 2;
    while half > 0 {
        let (low, high) = sums.split_at_mut(half);
        low.iter_mut().zip(high).for_each(|(low, high)| *low += *high);
        half /= 2;
    }
    sums[0]
}

vectorised! {
    /// Element by element.
    fn combine(reduction: Reduction, results: &mut [f32], row: &[f32]) {
        match reduction {
            Reduction::Sum => results.iter_mut().zip(row).for_each(|(result, &value)| *result += value),
            Reduction::Max => results.iter_mut().zip(row).for_each(|(result, &value)| *result = math::larger(*result, value)),
        }
    }
}

vectorised! {
    /// A run of elements into so many partial results.
    fn combine_run(reduction: Reduction, run: &[f32], parts: &mut [f32; PARTS]) {
        // A copy stays in registers from block to block.
        let mut kept = *parts;
        let (blocks, rest) = run.as_chunks::<PARTS>();
        match reduction {
            Reduction::Sum => {
                blocks.iter().for_each(|block| kept.iter_mut().zip(block).for_each(|(part, &value)| *part += value));
                kept.iter_mut().zip(rest).for_each(|(part, &value)| *part += value);
            }
            Reduction::Max => {
                let larger = |(part, &value): (&mut f32, &f32)| *part = math::larger(*part, value);
                blocks.iter().for_each(|block| kept.iter_mut().zip(block).for_each(larger));
                kept.iter_mut().zip(rest).for_each(larger);
            }
        }
        *parts = kept;
    }
}
