//! Weights of bytes: rounded to whole numbers from -127 to 127, one scale a channel of output, and packed in words of four.
//!
//! The scale of a channel is its largest weight over 127, so weights that were whole numbers times a scale are these numbers
//! again: what folds into a channel (a batch norm) changes its scale alone. Behind the weights of all blocks lie the scales of
//! all channels, and then the sums of their weights, which say what the zero of the input adds.

use crate::cpu::blocked::buffer::Shared;
use crate::cpu::blocked::pool::Pool;
use crate::cpu::blocked::shape::ConvolutionShape;
use crate::weights::rounded;

/// Where the weights of a channel of output lie in a word, lane and block: `[blocks][units][elements][words of the unit][LANES]`.
pub(crate) struct WordPacking {
    lanes: usize,
    /// Packed groups, and how many of the convolution's own were joined to make one.
    groups: usize,
    joined: usize,
    /// Channels in of a group of the convolution's own; words in and channels out of a packed one.
    own_ins: usize,
    ins: usize,
    outs: usize,
    /// Words of a full unit.
    unit: usize,
    /// Elements of a window.
    area: usize,
    /// Whether every channel is by itself, and a word holds one weight.
    by_channel: bool,
}

impl WordPacking {
    /// For `merged` groups of `shape`, input in units of `unit` words.
    pub(crate) fn of_convolution(
        lanes: usize,
        shape: &ConvolutionShape,
        merged: &ConvolutionShape,
        unit: usize,
    ) -> Self {
        let joined = shape.groups / merged.groups;
        let channels = merged.in_channels / merged.groups;
        Self {
            lanes,
            groups: merged.groups,
            joined,
            own_ins: channels / joined,
            ins: channels.div_ceil(4),
            outs: merged.out_channels / merged.groups,
            unit,
            area: shape.window.area(),
            by_channel: false,
        }
    }

    /// Of every channel by itself: a word a weight.
    pub(crate) fn of_channels(lanes: usize, channels: usize, area: usize) -> Self {
        Self { lanes, groups: 1, joined: 1, own_ins: 1, ins: 1, outs: channels, unit: 1, area, by_channel: true }
    }

    /// Output blocks, over all groups.
    pub(crate) fn blocks(&self) -> usize {
        self.groups * self.outs.div_ceil(self.lanes)
    }

    /// Words of an output block.
    pub(crate) fn block_length(&self) -> usize {
        self.ins * self.area * self.lanes
    }

    /// Of rows of features, the pixels of so many channels each: plain ones, or blocks of channels laid flat.
    pub(crate) fn of_rows(lanes: usize, outs: usize, [channels, pixels]: [usize; 2]) -> Self {
        let held = if pixels == 1 { channels } else { channels.next_multiple_of(lanes) };
        let (ins, unit) = (held.div_ceil(4), lanes / 4);
        Self { lanes, groups: 1, joined: 1, own_ins: channels, ins, outs, unit, area: pixels, by_channel: false }
    }

    /// Packs weights `[channels out][channels in of a group][elements]`, and what lies behind them.
    pub(crate) fn pack(&self, pool: &Pool, weights: &[f32], into: &mut [f32]) {
        let per_group = self.outs.div_ceil(self.lanes);
        self.pack_pieces(pool, into, |block, _| {
            let first = block / per_group * self.outs + block % per_group * self.lanes;
            &weights[first * self.own_ins * self.area..]
        });
    }

    /// As [`WordPacking::pack`], of the weights of one block of output channels after the other, in any order, as `piece` gives
    /// them to a worker.
    pub(crate) fn pack_pieces<'w>(
        &self,
        pool: &Pool,
        into: &mut [f32],
        piece: impl Fn(usize, usize) -> &'w [f32] + Sync,
    ) {
        let (lanes, length, blocks) = (self.lanes, self.block_length(), self.blocks());
        assert_eq!(into.len(), blocks * (length + 2 * lanes));
        let target = Shared::new(into);
        pool.run(blocks, &|block, worker| {
            // SAFETY: every task has a block of its own, and scales and sums of its own behind all blocks, inside `into` by the
            // assertion above.
            let [into, scales, sums] = unsafe {
                let behind = blocks * length + block * lanes;
                [(block * length, length), (behind, lanes), (behind + blocks * lanes, lanes)]
                    .map(|(start, length)| std::slice::from_raw_parts_mut(target.at(start), length))
            };
            into.fill(0.0);
            scales.fill(0.0);
            sums.fill(0.0);
            let per_group = self.outs.div_ceil(lanes);
            let first = block % per_group * lanes;
            let filters = piece(block, worker).chunks_exact((self.own_ins * self.area).max(1));
            for ((lane, out), filter) in (first..self.outs.min(first + lanes)).enumerate().zip(filters) {
                let (scale, sum) = self.pack_filter(out, lane, filter, into);
                scales[lane] = scale;
                sums[lane] = f32::from_bits(sum as u32);
            }
        });
    }

    /// Packs the filter of a channel of a packed group; its scale, and the sum of its weights.
    fn pack_filter(&self, out: usize, lane: usize, filter: &[f32], into: &mut [f32]) -> (f32, i32) {
        let (scale, numbers) = rounded(filter);
        let part = out / (self.outs / self.joined);
        let mut sum = 0;
        for (inner, elements) in numbers.chunks_exact(self.area.max(1)).enumerate() {
            let channel = part * self.own_ins + inner;
            let (word, byte) = (channel / 4, channel % 4);
            let (unit, within) = (word / self.unit * self.unit, word % self.unit);
            let words = self.unit.min(self.ins - unit);
            for (element, &number) in elements.iter().enumerate() {
                sum += i32::from(number);
                let place = &mut into[(unit * self.area + element * words + within) * self.lanes + lane];
                if self.by_channel {
                    *place = f32::from_bits(i32::from(number) as u32);
                    continue;
                }
                let mut bytes = place.to_bits().to_ne_bytes();
                bytes[byte] = number as u8;
                *place = f32::from_bits(u32::from_ne_bytes(bytes));
            }
        }
        (scale, sum)
    }
}
