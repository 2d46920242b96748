//! The weights of a direct convolution, packed in the order in which the hot loop reads them.

use super::phase::Phase;
use crate::cpu::blocked::shape::ConvolutionShape;
use crate::cpu::blocked::transpose::{Transpose, TransposeArguments};
use crate::cpu::blocked::vector::{Compiled, InstructionSet};

/// Sizes of the packed weights `[groups][output blocks][phases][input units][elements][channels of the unit][LANES]`.
pub(super) struct Packing {
    lanes: usize,
    unit: usize,
    transposed: bool,
    /// Groups of the packed weights, and how many of the convolution's own were joined to make one.
    groups: usize,
    joined: usize,
    /// Channels in and out of a packed group.
    ins: usize,
    outs: usize,
    /// The order of the weights of a full unit of input channels, and of the last: floats from its first vector, for each
    /// channel's elements; empty where they lie as in the filter.
    orders: [Vec<usize>; 2],
    transpose: Compiled<TransposeArguments>,
    /// Of a transposed convolution whose groups are not joined: for every unit of input channels where the vector of each element
    /// of its first channel lies, in floats; empty where no output pixel adds some element.
    turned: Vec<usize>,
    /// The place of each element of the kernel; none where no output pixel adds it.
    elements: Vec<Option<Element>>,
}

/// Where an element of the kernel lies in the packed weights of a block.
#[derive(Clone, Copy, PartialEq)]
struct Element {
    /// Elements of the phases before its own, of its own, and of its own before it.
    before: usize,
    count: usize,
    index: usize,
}

impl Packing {
    /// For `merged` groups of `shape`, input in units of `unit` channels.
    pub(super) fn new(
        set: InstructionSet,
        shape: &ConvolutionShape,
        merged: &ConvolutionShape,
        unit: usize,
        phases: &[Phase],
        transposed: bool,
    ) -> Self {
        let (lanes, area, ins) = (set.lanes(), shape.window.area(), shape.in_channels / merged.groups);
        let in_order = unit == 1 || area == 1;
        let order = |channels: usize| {
            let channel = |channel| (0..area).map(move |element| (element * channels + channel) * lanes);
            if in_order { Vec::new() } else { (0..channels).flat_map(channel).collect() }
        };
        let mut elements = vec![None; shape.window.area()];
        for phase in phases {
            for (index, (element, _)) in phase.elements.iter().enumerate() {
                elements[*element] = Some(Element { before: phase.before, count: phase.elements.len(), index });
            }
        }
        let whole: Option<Vec<Element>> = elements.iter().copied().collect();
        let unit_of = |first: usize| {
            let channels = unit.min(ins - first);
            let row = move |element: &Element| element.before * ins + element.count * first + element.index * channels;
            whole.iter().flatten().map(move |element| row(element) * lanes)
        };
        let turned = if transposed { (0..ins).step_by(unit).flat_map(unit_of).collect() } else { Vec::new() };
        Self {
            turned,
            lanes,
            unit,
            orders: [order(unit), order(ins % unit)],
            transpose: set.entry::<Transpose>(),
            transposed,
            groups: merged.groups,
            joined: shape.groups / merged.groups,
            ins,
            outs: shape.out_channels / merged.groups,
            elements,
        }
    }

    /// Output blocks, over all groups.
    pub(super) fn blocks(&self) -> usize {
        self.groups * self.outs.div_ceil(self.lanes)
    }

    /// Floats of an output block.
    pub(super) fn block_length(&self) -> usize {
        self.ins * self.elements.len() * self.lanes
    }

    /// Packs one output block, counted over all groups.
    pub(super) fn pack(&self, block: usize, weights: &[f32], into: &mut [f32]) {
        let per_group = self.outs.div_ceil(self.lanes);
        let (group, first) = (block / per_group, block % per_group * self.lanes);
        if self.joined == 1 && !self.transposed {
            self.pack_filters(group * self.outs + first, self.lanes.min(self.outs - first), weights, into);
        } else if self.joined == 1 && !self.turned.is_empty() {
            self.pack_transposed(group, first, weights, into);
        } else {
            self.pack_elements(group, first, weights, into);
        }
    }

    /// Packs the filters of `count` channels from `first` on, whose input channels are all those of the packed group.
    fn pack_filters(&self, first: usize, count: usize, weights: &[f32], into: &mut [f32]) {
        let area = self.elements.len();
        let filters = &weights[first * self.ins * area..][..count * self.ins * area];
        let step = if self.orders[0].is_empty() { self.ins.max(1) } else { self.unit };
        for unit in (0..self.ins).step_by(step) {
            let channels = step.min(self.ins - unit);
            let order = &self.orders[usize::from(channels < self.unit)];
            let arguments = TransposeArguments {
                from: filters[unit * area..].as_ptr(),
                step: self.ins * area,
                rows: count,
                columns: channels * area,
                to: into[unit * area * self.lanes..][..channels * area * self.lanes].as_mut_ptr(),
                offsets: if order.is_empty() { std::ptr::null() } else { order.as_ptr() },
            };
            // SAFETY: the filters are whole, and the order's offsets are those of the unit's vectors.
            unsafe { (self.transpose)(&arguments) }
        }
    }

    /// Packs a block of output channels from channel `first` of a group of a transposed convolution, whose filters are
    /// `[input channels][output channels][elements]`.
    fn pack_transposed(&self, group: usize, first: usize, weights: &[f32], into: &mut [f32]) {
        let area = self.elements.len();
        for (unit, offsets) in self.turned.chunks_exact(area).enumerate() {
            for input in unit * self.unit..self.ins.min((unit + 1) * self.unit) {
                let arguments = TransposeArguments {
                    from: weights[((group * self.ins + input) * self.outs + first) * area..].as_ptr(),
                    step: area,
                    rows: self.lanes.min(self.outs - first),
                    columns: area,
                    to: into[(input - unit * self.unit) * self.lanes..].as_mut_ptr(),
                    offsets: offsets.as_ptr(),
                };
                // SAFETY: the filters are whole, and the offsets are those of the unit's first channel.
                unsafe { (self.transpose)(&arguments) }
            }
        }
    }

    /// Packs a block of output channels from channel `first` of a group, weight by weight, from filters of any order and length.
    fn pack_elements(&self, group: usize, first: usize, weights: &[f32], into: &mut [f32]) {
        let (lanes, area) = (self.lanes, self.elements.len());
        let (ins, outs) = (self.ins / self.joined, self.outs / self.joined);
        if self.joined > 1 || first + lanes > self.outs || self.elements.contains(&None) {
            into.fill(0.0);
        }
        for unit in (0..self.ins).step_by(self.unit) {
            let channels = self.unit.min(self.ins - unit);
            for (lane, out) in (first..self.outs.min(first + lanes)).enumerate() {
                let part = out / outs;
                for input in unit.max(part * ins)..(unit + channels).min((part + 1) * ins) {
                    let filter = match self.transposed {
                        false => (group * self.outs + out) * ins + input - part * ins,
                        true => (group * self.ins + input) * outs + out - part * outs,
                    };
                    let filter = &weights[filter * area..][..area];
                    for (weight, element) in filter.iter().zip(&self.elements) {
                        let Some(element) = element else { continue };
                        let row =
                            element.before * self.ins + element.count * unit + element.index * channels + input - unit;
                        into[row * lanes + lane] = *weight;
                    }
                }
            }
        }
    }
}
