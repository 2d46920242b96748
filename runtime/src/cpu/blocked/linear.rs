//! Fully connected layers: a 1×1 convolution whose pixels are the rows of the batch. At batch 1 every weight is used
//! once, so the layer is as fast as memory is read; the packed weights of a task are two streams, read in order.

use crate::cpu::blocked::direct::{Direct, InputLayout};
use crate::cpu::blocked::epilogue::Epilogue;
use crate::cpu::blocked::pool::Pool;
use crate::cpu::blocked::shape::{ConvolutionShape, Window};
use crate::cpu::blocked::vector::InstructionSet;

/// In which order the features of an input row lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeatureOrder {
    /// As the weights count them.
    Plain,
    /// Rows are flattened images `[C / LANES, pixels, LANES]`; the weights count them as `[C, pixels]`.
    Blocked {
        /// Channels.
        channels: usize,
        /// Pixels of a channel.
        pixels: usize,
    },
}

/// A fully connected layer with its weights packed.
pub struct Linear {
    product: Direct,
    lanes: usize,
    batch: usize,
    /// Floats of a row of input.
    row: usize,
    out_features: usize,
}

impl Linear {
    /// Packs `weights` `[out_features, in_features]` and `bias` `[out_features]`.
    pub fn new(
        set: InstructionSet,
        batch: usize,
        out_features: usize,
        order: FeatureOrder,
        weights: &[f32],
        bias: &[f32],
    ) -> Self {
        let lanes = set.lanes();
        let in_features = weights.len() / out_features;
        let sorted;
        let (row, weights) = match order {
            FeatureOrder::Plain => (in_features, weights),
            FeatureOrder::Blocked { channels, pixels } => {
                assert_eq!(in_features, channels * pixels);
                sorted = sort_features(lanes, [channels, pixels], weights);
                (channels.next_multiple_of(lanes) * pixels, &sorted[..])
            }
        };
        let window = Window { input: [1, batch], ..Window::square(1, 1, 1, 0) };
        let shape = ConvolutionShape { batch: 1, in_channels: row, out_channels: out_features, groups: 1, window };
        let product = Direct::new(set, shape, InputLayout::Blocked, weights, bias);
        Self { product, lanes, batch, row, out_features }
    }

    /// Floats of scratch that `run` needs.
    pub fn workspace_length(&self) -> usize {
        self.batch * (self.row.next_multiple_of(self.lanes) + self.out_features.next_multiple_of(self.lanes))
    }

    /// Multiplies `input` `[batch, row]` to `output` `[batch, out_features]`, both plain. The epilogue sees the output
    /// as `[out_features / LANES, batch, LANES]`, so it has no residual.
    pub fn run(&self, pool: &Pool, input: &[f32], output: &mut [f32], epilogue: &Epilogue<'_>, workspace: &mut [f32]) {
        assert_eq!(input.len(), self.batch * self.row);
        assert_eq!(output.len(), self.batch * self.out_features);
        assert!(epilogue.residual.is_none(), "a fully connected layer has no residual");
        let (lanes, batch) = (self.lanes, self.batch);
        let (columns, rest) = workspace.split_at_mut(batch * self.row.next_multiple_of(lanes));
        let sums = &mut rest[..batch * self.out_features.next_multiple_of(lanes)];
        for (index, row) in input.chunks_exact(self.row).enumerate() {
            for (block, part) in row.chunks(lanes).enumerate() {
                let column = &mut columns[(block * batch + index) * lanes..][..lanes];
                column[..part.len()].copy_from_slice(part);
                column[part.len()..].fill(0.0);
            }
        }
        self.product.run(pool, columns, sums, epilogue, &mut []);
        for (index, row) in output.chunks_exact_mut(self.out_features).enumerate() {
            for (block, part) in row.chunks_mut(lanes).enumerate() {
                part.copy_from_slice(&sums[(block * batch + index) * lanes..][..part.len()]);
            }
        }
    }
}

/// The columns of `weights` in the order of a blocked image, zeros for the channels that fill up the last block.
fn sort_features(lanes: usize, [channels, pixels]: [usize; 2], weights: &[f32]) -> Vec<f32> {
    let blocked = channels.next_multiple_of(lanes) * pixels;
    let mut sorted = vec![0.0; weights.len() / (channels * pixels) * blocked];
    for (row, target) in weights.chunks_exact(channels * pixels).zip(sorted.chunks_exact_mut(blocked)) {
        for (index, weight) in row.iter().enumerate() {
            let (channel, pixel) = (index / pixels, index % pixels);
            target[(channel / lanes * pixels + pixel) * lanes + channel % lanes] = *weight;
        }
    }
    sorted
}
