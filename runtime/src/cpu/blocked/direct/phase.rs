//! Which elements of the kernel an output pixel adds, and where they lie in the band.
//!
//! In a convolution all pixels are alike. In a transposed one of stride s, output row y adds kernel row k where
//! `y + before - k·dilation` is a multiple of s, and that multiple is the input row: so the rows with the same `y % s` are a
//! convolution of stride 1 over the input, with some of the kernel, and so for columns. Each such pair of remainders is a phase.

use crate::cpu::blocked::band::{Band, BandWindows};
use crate::cpu::blocked::shape::Window;
use crate::cpu::blocked::tile::{Segment, TileInput, tilings};
use crate::cpu::blocked::vector::InstructionSet;

/// Output pixels that are computed alike.
pub(super) struct Phase {
    /// Its first pixel's row and column in the output.
    pub(super) first: [usize; 2],
    /// Its rows and columns.
    pub(super) size: [usize; 2],
    /// The elements of the kernel that its pixels add, counted row by row, and where each lies in the pixel's window.
    pub(super) elements: Vec<(usize, [usize; 2])>,
    /// Where each tap lies from its pixel in the band: for every unit of channels, the elements.
    pub(super) taps: Vec<usize>,
    /// Elements of the phases before this one.
    pub(super) before: usize,
    /// How its rows are cut into tiles.
    pub(super) tilings: Vec<Vec<Segment>>,
}

/// Phases of a convolution, with what its pixels see, and the output pixels from a phase's pixel to the next along each axis.
pub(super) struct Phases {
    pub(super) windows: BandWindows,
    pub(super) step: [usize; 2],
    axes: [Vec<AxisPhase>; 2],
}

/// A phase along one axis.
struct AxisPhase {
    first: usize,
    size: usize,
    /// Element of the kernel, and its place in the window.
    elements: Vec<(usize, usize)>,
}

impl Phases {
    /// Of a convolution: one phase.
    pub(super) fn of_convolution(window: &Window) -> Self {
        let axes = [0, 1].map(|axis| {
            let elements = (0..window.axes[axis].kernel).map(|k| (k, k * window.axes[axis].dilation)).collect();
            vec![AxisPhase { first: 0, size: window.output[axis], elements }]
        });
        Self { windows: BandWindows::of(window), step: [1; 2], axes }
    }

    /// Of the convolution that `window` is transposed.
    pub(super) fn of_transposed(window: &Window) -> Self {
        let mut extent = [1; 2];
        let mut before = [0; 2];
        let axes = [0, 1].map(|axis| {
            let (phases, lowest, highest) = transposed_axis(window, axis);
            extent[axis] = (highest - lowest) as usize + 1;
            before[axis] = -lowest;
            phases
        });
        let step = window.axes.map(|axis| axis.stride);
        let output = [0, 1].map(|axis| window.output[axis].div_ceil(step[axis]));
        Self { windows: BandWindows { input: window.input, output, stride: [1; 2], extent, before }, step, axes }
    }

    /// The phases, over a band that was made for their windows.
    pub(super) fn over(
        &self,
        band: &Band,
        set: InstructionSet,
        blocks: usize,
        columns: usize,
        input: TileInput,
    ) -> Vec<Phase> {
        let mut phases = Vec::with_capacity(self.axes[0].len() * self.axes[1].len());
        let mut before = 0;
        for row in &self.axes[0] {
            for column in &self.axes[1] {
                let across = |y: &(usize, usize)| {
                    let (k, place) = *y;
                    column.elements.iter().map(move |(x, at)| (k * columns + x, [place, *at])).collect::<Vec<_>>()
                };
                let elements: Vec<_> = row.elements.iter().flat_map(across).collect();
                let tap = |unit| elements.iter().map(move |(_, [y, x])| (unit, *y, *x));
                let taps = (0..band.units()).flat_map(tap).map(|(unit, y, x)| band.offset(unit, y, x)).collect();
                let count = elements.len();
                phases.push(Phase {
                    first: [row.first, column.first],
                    size: [row.size, column.size],
                    elements,
                    taps,
                    before,
                    tilings: tilings(set, column.size, blocks, input),
                });
                before += count;
            }
        }
        phases
    }
}

/// The phases of one axis of a transposed convolution, with the lowest and highest input place that an output's first phase sees,
/// counted from the place of the same number as the output has in its phase.
fn transposed_axis(window: &Window, axis: usize) -> (Vec<AxisPhase>, isize, isize) {
    let along = window.axes[axis];
    let stride = along.stride as isize;
    let seen = |first: usize, k: usize| {
        let distance = (first + along.before) as isize - (k * along.dilation) as isize;
        (distance.rem_euclid(stride) == 0).then(|| distance.div_euclid(stride))
    };
    let firsts = 0..along.stride.min(window.output[axis]);
    let all = firsts.clone().flat_map(|first| (0..along.kernel).filter_map(move |k| seen(first, k)));
    let (lowest, highest) = all.fold((isize::MAX, isize::MIN), |(low, high), place| (low.min(place), high.max(place)));
    let (lowest, highest) = if lowest > highest { (0, 0) } else { (lowest, highest) };
    let phase = |first: usize| AxisPhase {
        first,
        size: (window.output[axis] - first).div_ceil(along.stride),
        elements: (0..along.kernel).filter_map(|k| seen(first, k).map(|at| (k, (at - lowest) as usize))).collect(),
    };
    (firsts.map(phase).collect(), lowest, highest)
}
