//! The weights of a direct convolution, packed in the order in which the hot loop reads them.

use super::phase::Phase;
use crate::cpu::blocked::shape::ConvolutionShape;

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
        shape: &ConvolutionShape,
        merged: &ConvolutionShape,
        [lanes, unit]: [usize; 2],
        phases: &[Phase],
        transposed: bool,
    ) -> Self {
        let mut elements = vec![None; shape.window.area()];
        for phase in phases {
            for (index, (element, _)) in phase.elements.iter().enumerate() {
                elements[*element] = Some(Element { before: phase.before, count: phase.elements.len(), index });
            }
        }
        Self {
            lanes,
            unit,
            transposed,
            groups: merged.groups,
            joined: shape.groups / merged.groups,
            ins: shape.in_channels / merged.groups,
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
        let (lanes, area) = (self.lanes, self.elements.len());
        let per_group = self.outs.div_ceil(lanes);
        let (group, first) = (block / per_group, block % per_group * lanes);
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
