//! Transposed convolution: for some output channels, a product gives what every input pixel adds at every window element, and these are
//! then added to the output where they fall.

use super::conv::{Geometry, inside};
use super::gemm::multiply;
use super::memory::{Memory, Place};
use super::{Cost, Tasks, Workspace};
use cnnc_compiler::kernels::AxisWindow;
use cnnc_compiler::plan::View;

/// Elements of a task's product.
const TASK: usize = 1 << 18;

/// The transposed convolution of `x[N, C, H, W]` with `w[C, C'/groups, kh, kw]`.
pub struct ConvData {
    input: Place,
    weight: Place,
    output: Place,
    /// Batch, groups.
    outer: [usize; 2],
    /// Input channels, output channels of a group.
    channels: [usize; 2],
    /// Of the convolution that this transposes: its input is our output.
    geometry: Geometry,
    /// Steps from image to image: of the input, of the output.
    images: [usize; 2],
}

impl ConvData {
    /// `x` dense from axis 1, and a dense weight.
    pub fn new(x: &View, weight: &View, output: &View, window: [AxisWindow; 2], groups: usize) -> ConvData {
        let size = |view: &View| [view.shape[2], view.shape[3]];
        ConvData {
            input: Place::of(x),
            weight: Place::of(weight),
            output: Place::of(output),
            outer: [x.shape[0], groups],
            channels: [x.shape[1] / groups, weight.shape[1]],
            geometry: Geometry { input: size(output), output: size(x), window },
            images: [x.strides[0], output.strides[0]],
        }
    }

    /// Output channels of a task.
    fn per_task(&self) -> usize {
        (TASK / (self.geometry.taps() * self.geometry.output_plane()).max(1)).clamp(1, self.channels[1].max(1))
    }

    fn parts(&self) -> usize {
        self.channels[1].div_ceil(self.per_task())
    }
}

impl Tasks for ConvData {
    fn tasks(&self) -> usize {
        self.outer[0] * self.outer[1] * self.parts()
    }

    fn cost(&self) -> Cost {
        let products =
            self.outer[0] * self.outer[1] * self.channels[1] * self.geometry.taps() * self.geometry.output_plane();
        Cost { operations: 2 * products * self.channels[0], elements: 2 * products }
    }

    unsafe fn run(&self, task: usize, memory: &Memory, workspace: &mut Workspace) {
        let (rest, part) = (task / self.parts(), task % self.parts());
        let (image, group) = (rest / self.outer[1], rest % self.outer[1]);
        let (first, last) = (part * self.per_task(), ((part + 1) * self.per_task()).min(self.channels[1]));
        let (pixels, taps, plane) = (self.geometry.output_plane(), self.geometry.taps(), self.geometry.input_plane());
        let rows = (last - first) * taps;
        let products = Workspace::values(&mut workspace.values, rows * pixels);
        // SAFETY: the plan was checked: all of this lies inside the views, and tasks write distinct planes.
        let output = unsafe {
            let channels = group * self.channels[0];
            let input = memory.lane(self.input, image * self.images[0] + channels * pixels, 1).pointer;
            let weight = memory.lane(self.weight, (channels * self.channels[1] + first) * taps, 1).pointer;
            let weight_strides = [1, self.channels[1] * taps];
            let sizes = [rows, pixels, self.channels[0]];
            multiply(sizes, (weight, weight_strides), (input, [pixels, 1]), (products.as_mut_ptr(), pixels));
            let channel = group * self.channels[1] + first;
            memory.lane(self.output, image * self.images[1] + channel * plane, 1).slice_mut((last - first) * plane)
        };
        output.fill(0.0);
        for (plane, products) in output.chunks_exact_mut(plane).zip(products.chunks_exact(taps * pixels)) {
            for (tap, products) in products.chunks_exact(pixels).enumerate() {
                let columns = self.geometry.window[1].kernel;
                add_back(products, &self.geometry, [tap / columns, tap % columns], plane);
            }
        }
    }
}

/// Adds what all pixels give at one window element to a plane.
fn add_back(products: &[f32], geometry: &Geometry, [ky, kx]: [usize; 2], plane: &mut [f32]) {
    let [rows, columns] = geometry.window;
    let [height, width] = geometry.input;
    let (low, high) = inside(&columns, kx, width, 0, geometry.output[1]);
    for (y, products) in products.chunks_exact(geometry.output[1]).enumerate() {
        let Some(to) = (y * rows.stride + ky * rows.dilation).checked_sub(rows.before).filter(|&to| to < height) else {
            continue;
        };
        if low == high {
            continue;
        }
        let first = low * columns.stride + kx * columns.dilation - columns.before;
        let row = plane[to * width..][..width][first..].iter_mut().step_by(columns.stride);
        row.zip(&products[low..high]).for_each(|(sum, product)| *sum += product);
    }
}
