//! Planes enlarged or made smaller, row by row; where each row and column is read was worked out beforehand.

use super::memory::{Address, Memory};
use super::tasks::{Cost, Tasks, Workspace};
use crate::level::vectorised;
use cnnc_compiler::kernels::{Resampling, Source};
use cnnc_compiler::plan::View;

/// Elements that a task writes.
const TASK: usize = 1 << 15;

/// Height and width of `x[N, C, H, W]` resampled.
pub struct Resample {
    input: Address,
    output: Address,
    /// Images, channels.
    outer: [usize; 2],
    /// Steps from image to image: of the input, of the output.
    images: [usize; 2],
    /// Height and width of the input.
    size: [usize; 2],
    rows: Vec<Source>,
    columns: Vec<Source>,
    nearest: bool,
}

impl Resample {
    /// `x`, dense from axis 1.
    pub fn new(x: &View, output: &View, resampling: &Resampling) -> Resample {
        Resample {
            input: Address::of(x),
            output: Address::of(output),
            outer: [x.shape[0], x.shape[1]],
            images: [x.strides[0], output.strides[0]],
            size: [x.shape[2], x.shape[3]],
            rows: resampling.sources(0, x.shape[2], output.shape[2]),
            columns: resampling.sources(1, x.shape[3], output.shape[3]),
            nearest: matches!(resampling, Resampling::Nearest { .. }),
        }
    }

    fn all_rows(&self) -> usize {
        self.outer[0] * self.outer[1] * self.rows.len()
    }

    fn per_task(&self) -> usize {
        (TASK / self.columns.len().max(1)).max(1)
    }

    unsafe fn row(&self, row: usize, memory: &Memory, workspace: &mut Workspace) {
        let (plane, y) = (row / self.rows.len(), row % self.rows.len());
        let (image, channel) = (plane / self.outer[1], plane % self.outer[1]);
        let from = image * self.images[0] + channel * self.size[0] * self.size[1];
        let to = image * self.images[1] + (channel * self.rows.len() + y) * self.columns.len();
        let source = self.rows[y];
        // SAFETY: the plan was checked: these rows lie inside the views, and each row of the output is written once.
        unsafe {
            let input = |row: usize| memory.lane(self.input, from + row * self.size[1], 1).slice(self.size[1]);
            let output = memory.lane(self.output, to, 1).slice_mut(self.columns.len());
            if self.nearest {
                let row = input(source.low);
                output.iter_mut().zip(&self.columns).for_each(|(out, column)| *out = row[column.low]);
                return;
            }
            let between = Workspace::values(&mut workspace.values, self.size[1]);
            blend(input(source.low), input(source.high), source.share as f32, between);
            for (out, column) in output.iter_mut().zip(&self.columns) {
                let share = column.share as f32;
                *out = (1.0 - share) * between[column.low] + share * between[column.high];
            }
        }
    }
}

impl Tasks for Resample {
    fn tasks(&self) -> usize {
        self.all_rows().div_ceil(self.per_task())
    }

    fn cost(&self) -> Cost {
        let elements = self.all_rows() * self.columns.len();
        Cost { operations: 16 * elements, elements: 2 * elements }
    }

    unsafe fn run(&self, task: usize, memory: &Memory, workspace: &mut Workspace) {
        for row in task * self.per_task()..((task + 1) * self.per_task()).min(self.all_rows()) {
            // SAFETY: the caller promises the plan's memory; tasks take distinct rows.
            unsafe { self.row(row, memory, workspace) };
        }
    }
}

vectorised! {
    fn blend(low: &[f32], high: &[f32], share: f32, between: &mut [f32]) {
        for ((between, low), high) in between.iter_mut().zip(low).zip(high) {
            *between = (1.0 - share) * low + share * high;
        }
    }
}
