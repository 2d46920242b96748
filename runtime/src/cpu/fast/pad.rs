//! Zeros around a tensor, row by row; a negative number cuts off instead.

use super::memory::{Address, Memory};
use super::tasks::{Cost, Tasks, Workspace};
use cnnc_compiler::plan::View;

/// Elements that a task writes.
const TASK: usize = 1 << 15;

/// A padding.
pub struct Pad {
    input: Address,
    output: Address,
    /// Axes but the last, outermost first.
    outer: Vec<Axis>,
    /// The last axis.
    row: Axis,
}

/// One axis.
struct Axis {
    /// Sizes of input and output.
    sizes: [usize; 2],
    /// Strides of input and output.
    strides: [usize; 2],
    /// Zeros before the first element.
    before: isize,
}

impl Axis {
    /// The element of the input that an element of the output is, if it is one.
    fn source(&self, index: usize) -> Option<usize> {
        index.checked_add_signed(-self.before).filter(|&index| index < self.sizes[0])
    }
}

impl Pad {
    /// `x`, dense from axis 1, with that many elements before and after each axis.
    pub fn new(x: &View, output: &View, padding: &[(isize, isize)]) -> Pad {
        let axis = |(axis, &(before, _)): (usize, &(isize, isize))| Axis {
            sizes: [x.shape[axis], output.shape[axis]],
            strides: [x.strides[axis], output.strides[axis]],
            before,
        };
        let mut outer: Vec<Axis> = padding.iter().enumerate().map(axis).collect();
        let row = outer.pop().unwrap_or(Axis { sizes: [1, 1], strides: [1, 1], before: 0 });
        Pad { input: Address::of(x), output: Address::of(output), outer, row }
    }

    fn rows(&self) -> usize {
        self.outer.iter().map(|axis| axis.sizes[1]).product()
    }

    fn per_task(&self) -> usize {
        (TASK / self.row.sizes[1].max(1)).max(1)
    }

    unsafe fn row(&self, mut row: usize, memory: &Memory) {
        let (mut from, mut to) = (Some(0), 0);
        for axis in self.outer.iter().rev() {
            let index = row % axis.sizes[1];
            row /= axis.sizes[1];
            to += index * axis.strides[1];
            from = from.zip(axis.source(index)).map(|(from, index)| from + index * axis.strides[0]);
        }
        let [width, count] = self.row.sizes;
        // The elements of the output row that are elements of the input row.
        let low = self.row.before.max(0).unsigned_abs().min(count);
        let high = width.saturating_add_signed(self.row.before).clamp(low, count);
        // SAFETY: the plan was checked: these rows lie inside the views, and each row of the output is written once.
        unsafe {
            let zeros = |first: usize, last: usize| {
                let part = memory.lane(self.output, to + first * self.row.strides[1], self.row.strides[1]);
                (0..last - first).for_each(|index| part.at(index).write(&[0.0]));
            };
            let Some((from, first)) = from.zip(self.row.source(low)).filter(|_| low < high) else {
                return zeros(0, count);
            };
            zeros(0, low);
            zeros(high, count);
            let input = memory.lane(self.input, from + first * self.row.strides[0], self.row.strides[0]);
            memory.lane(self.output, to + low * self.row.strides[1], self.row.strides[1]).copy_from(input, high - low);
        }
    }
}

impl Tasks for Pad {
    fn tasks(&self) -> usize {
        self.rows().div_ceil(self.per_task())
    }

    fn cost(&self) -> Cost {
        let elements = self.rows() * self.row.sizes[1];
        Cost { operations: elements, elements: 2 * elements }
    }

    unsafe fn run(&self, task: usize, memory: &Memory, _: &mut Workspace) {
        for row in task * self.per_task()..((task + 1) * self.per_task()).min(self.rows()) {
            // SAFETY: the caller promises the plan's memory; tasks take distinct rows.
            unsafe { self.row(row, memory) };
        }
    }
}
