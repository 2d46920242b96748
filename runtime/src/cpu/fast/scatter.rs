//! Gradients of poolings and enlargements by their input: plane by plane, every element of the gradient goes back to where it was
//! read.

use super::math;
use super::memory::{Address, Memory};
use super::tasks::{Cost, Tasks, Workspace};
use crate::cpu::windows::{WindowElements, Windows};
use cnnc_compiler::kernels::{PoolAxis, Pooling, Resampling, Source};
use cnnc_compiler::plan::View;

/// Elements that a task writes.
const TASK: usize = 1 << 15;

/// A pooling's or an enlargement's gradient.
pub struct Scatter {
    /// `x`, where it is needed.
    input: Option<Planes>,
    gradient: Planes,
    output: Planes,
    /// Images, planes of an image.
    outer: [usize; 2],
    targets: Targets,
}

/// Planes of images.
struct Planes {
    address: Address,
    /// Height and width.
    size: [usize; 2],
    /// Elements from image to image; within one, planes follow each other without a gap.
    step: usize,
    /// Elements from row to row.
    row: usize,
}

/// Where each element of the gradient goes.
enum Targets {
    /// The windows; a mean's hands on its factor of the gradient.
    Windows(Windows, Pooling),
    /// Where each row and column was read.
    Resampling { sources: [Vec<Source>; 2], resampling: Resampling },
}

impl Planes {
    fn of(view: &View) -> Planes {
        let rank = view.shape.len();
        Planes {
            address: Address::of(view),
            size: [view.shape[rank - 2], view.shape[rank - 1]],
            step: if rank > 2 { view.strides[0] } else { 0 },
            row: view.strides[rank - 2],
        }
    }

    /// The elements of a plane, rows at their distance.
    fn length(&self) -> usize {
        self.size[0].saturating_sub(1) * self.row + self.size[1]
    }

    fn offset(&self, image: usize, plane: usize) -> usize {
        image * self.step + plane * self.size[0] * self.row
    }
}

impl Scatter {
    /// `own` is `x` and `g`, or `g` alone for a mean; all dense from axis 1.
    pub fn pooling(own: &[View], output: &View, axes: [PoolAxis; 2], pooling: Pooling) -> Scatter {
        let gradient = &own[own.len() - 1];
        let (planes, small) = (Planes::of(output), Planes::of(gradient));
        let windows = Windows::new(&axes, planes.size, small.size, &pooling);
        let input = (own.len() > 1).then(|| Planes::of(&own[0]));
        Scatter {
            outer: outer(output),
            input,
            gradient: small,
            output: planes,
            targets: Targets::Windows(windows, pooling),
        }
    }

    /// `g[N, C, H', W']`, dense from axis 1.
    pub fn resampling(g: &View, output: &View, resampling: Resampling) -> Scatter {
        let sources = [2, 3].map(|axis| resampling.sources(axis - 2, output.shape[axis], g.shape[axis]));
        Scatter {
            outer: outer(output),
            input: None,
            gradient: Planes::of(g),
            output: Planes::of(output),
            targets: Targets::Resampling { sources, resampling },
        }
    }

    fn per_task(&self) -> usize {
        (TASK / self.output.length().max(1)).max(1)
    }

    unsafe fn plane(&self, image: usize, plane: usize, memory: &Memory) {
        // SAFETY: the plan was checked: planes lie inside their views, and each plane of the output is written by one task.
        let (x, g, into) = unsafe {
            let lane = |planes: &Planes| memory.lane(planes.address, planes.offset(image, plane), 1);
            let x = self.input.as_ref().map(|planes| lane(planes).slice(planes.length()));
            let g = lane(&self.gradient).slice(self.gradient.length());
            (x, g, lane(&self.output).slice_mut(self.output.length()))
        };
        for row in into.chunks_mut(self.output.row.max(1)) {
            let width = self.output.size[1].min(row.len());
            row[..width].fill(0.0);
        }
        match &self.targets {
            Targets::Windows(windows, pooling) => {
                for (y, rows) in windows.spans[0].iter().enumerate() {
                    let columns = windows.spans[1].iter().zip(windows.factors(y));
                    for (column, (columns, factor)) in columns.enumerate() {
                        let gradient = g[y * self.gradient.row + column];
                        self.window(*pooling, [*rows, *columns], gradient * factor, x, into);
                    }
                }
            }
            Targets::Resampling { sources, resampling } => {
                for (y, row) in sources[0].iter().enumerate() {
                    for (column, across) in sources[1].iter().enumerate() {
                        let gradient = g[y * self.gradient.row + column];
                        for (row, share) in resampling.parts(row) {
                            for (column, other) in resampling.parts(across) {
                                into[row * self.output.row + column] += gradient * (share * other) as f32;
                            }
                        }
                    }
                }
            }
        }
    }

    fn window(
        &self,
        pooling: Pooling,
        [rows, columns]: [WindowElements; 2],
        gradient: f32,
        x: Option<&[f32]>,
        into: &mut [f32],
    ) {
        let places = (0..rows.2).flat_map(|row| (0..columns.2).map(move |column| (row, column)));
        let places = places.map(|(row, column)| [rows.0 + row * rows.1, columns.0 + column * columns.1]);
        let step = self.output.row;
        let (Some(planes), Some(x)) = (&self.input, x) else {
            return places.for_each(|[row, column]| into[row * step + column] += gradient);
        };
        let value = |[row, column]: [usize; 2]| x[row * planes.row + column];
        if pooling == Pooling::Max {
            let is_larger = |later: f32, before: f32| later > before || later.is_nan() && !before.is_nan();
            let first = places.reduce(|best, other| if is_larger(value(other), value(best)) { other } else { best });
            if let Some([row, column]) = first {
                into[row * step + column] += gradient;
            }
            return;
        }
        let largest = places.clone().map(value).fold(f32::NEG_INFINITY, math::larger);
        let weight = |place: [usize; 2]| math::exp(value(place) - largest);
        let (top, total) = places
            .clone()
            .fold((0.0, 0.0), |(top, total), place| (top + value(place) * weight(place), total + weight(place)));
        for place in places {
            into[place[0] * step + place[1]] += gradient * (weight(place) / total) * (1.0 + value(place) - top / total);
        }
    }
}

impl Tasks for Scatter {
    fn tasks(&self) -> usize {
        (self.outer[0] * self.outer[1]).div_ceil(self.per_task())
    }

    fn cost(&self) -> Cost {
        let planes = self.outer[0] * self.outer[1];
        let per_plane = match &self.targets {
            Targets::Windows(windows, pooling) => {
                windows.elements() * if *pooling == Pooling::Softmax { 64 } else { 16 }
            }
            Targets::Resampling { sources, .. } => 32 * sources[0].len() * sources[1].len(),
        };
        Cost { operations: planes * per_plane, elements: planes * self.output.length() }
    }

    unsafe fn run(&self, task: usize, memory: &Memory, _: &mut Workspace) {
        let planes = self.outer[0] * self.outer[1];
        for plane in task * self.per_task()..((task + 1) * self.per_task()).min(planes) {
            // SAFETY: the caller promises the plan's memory; tasks take distinct planes.
            unsafe { self.plane(plane / self.outer[1], plane % self.outer[1], memory) };
        }
    }
}

/// Images, and planes of an image.
fn outer(output: &View) -> [usize; 2] {
    let rank = output.shape.len();
    if rank > 2 { [output.shape[0], output.shape[1..rank - 2].iter().product()] } else { [1, 1] }
}
