//! What weights are packed for: the very geometry of the step that reads them.
//!
//! Heavy kernels over blocks read weights in an order of their own, which depends on the method and on the weights' sizes, and
//! on nothing else ([`Packing::order`]): so steps over images of other sizes, or over more of them, read the same packed weights.
//! The planner reserves the memory; the back end that packs must find that these are the elements it needs.

use super::{Method, PackedConv, SizedConvolution};
use crate::kernels::{Gemm, Kernel};

/// Rows times packed weights: a fully connected layer. The rows may be images in blocks, laid flat, and are read as they lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PackedLinear {
    /// Rows.
    pub rows: usize,
    /// Features of a row; of an image, its channels.
    pub in_channels: usize,
    /// Pixels of the image that a row is; 1 of plain rows.
    pub pixels: usize,
    /// Features that come out.
    pub out_features: usize,
    /// Elements of a vector, channels of a block.
    pub lanes: usize,
    /// Whether it reads bytes, four of them a word whose products are summed in whole numbers.
    pub of_bytes: bool,
}

impl PackedLinear {
    /// Its name in plans and profiles.
    pub fn method(&self) -> &'static str {
        if self.of_bytes { "int8_linear" } else { "linear" }
    }

    /// The kernel that it computes.
    pub const KERNEL: Kernel = Kernel::Gemm(Gemm { transpose_a: false, transpose_b: true });

    /// The elements of the packed weights; `None` when they are past counting.
    pub fn elements(&self) -> Option<usize> {
        let PackedLinear { in_channels, pixels, out_features, lanes, of_bytes, .. } = *self;
        let ins = if pixels == 1 { in_channels } else { in_channels.next_multiple_of(lanes) };
        let features = ins.checked_mul(pixels)?;
        // Behind the weights of all features lie the scale of each and the sum of its weights.
        let words = if of_bytes { features.div_ceil(Method::WORD).checked_add(2)? } else { features };
        super::product(&[out_features.div_ceil(lanes), lanes, words])
    }

    /// Whether a step by it takes rows, or images, of the first shape, and as many packed weights, to rows of the last.
    pub fn fits(&self, x: &[usize], weights: &[usize], output: &[usize]) -> bool {
        let PackedLinear { rows, in_channels, pixels, out_features, lanes, of_bytes } = *self;
        let fits = lanes > 0
            && (!of_bytes || pixels > 1 || in_channels.is_multiple_of(Method::WORD))
            && match *x {
                [count, depth] => pixels == 1 && [count, depth] == [rows, in_channels],
                [count, blocks, height, width, block] => {
                    [count, blocks, block] == [rows, in_channels.div_ceil(lanes), lanes]
                        && height.checked_mul(width) == Some(pixels)
                }
                _ => false,
            };
        fits && output == [rows, out_features] && self.elements().is_some_and(|elements| weights == [elements])
    }

    /// Multiply-adds.
    pub fn multiply_adds(&self) -> usize {
        self.rows * self.in_channels * self.pixels * self.out_features
    }
}

/// The step that packed weights are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Packing {
    /// A convolution.
    Conv(PackedConv),
    /// A fully connected layer.
    Linear(PackedLinear),
}

/// The order of packed weights: a packing without what only the step that reads them needs to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PackedOrder(Packing);

impl Packing {
    /// All that the packed weights depend on besides the weights. A back end that packs must hold to it.
    ///
    /// Of images neither sizes nor number count, but for this: a transposed convolution's weights are grouped by the output's
    /// rows and columns that they reach, and an output smaller than the stride has fewer.
    pub fn order(&self) -> PackedOrder {
        PackedOrder(match *self {
            Packing::Linear(linear) => Packing::Linear(PackedLinear { rows: 0, ..linear }),
            Packing::Conv(conv) => {
                let SizedConvolution { sizes: [_, output], window: [down, along], transposed, .. } = conv.convolution;
                let [height, width] = output;
                let reached = if transposed { [height.min(down.stride), width.min(along.stride)] } else { [0; 2] };
                let convolution = SizedConvolution { batch: 0, sizes: [[0; 2], reached], ..conv.convolution };
                Packing::Conv(PackedConv { convolution, ..conv })
            }
        })
    }

    /// The method that reads them, by its name in plans and profiles.
    pub fn method(&self) -> &'static str {
        match self {
            Packing::Conv(conv) => conv.method.name(),
            Packing::Linear(linear) => linear.method(),
        }
    }

    /// Whether the step that reads them multiplies bytes.
    pub fn of_bytes(&self) -> bool {
        match self {
            Packing::Conv(conv) => conv.method.reads_bytes(),
            Packing::Linear(linear) => linear.of_bytes,
        }
    }

    /// Elements of a vector, channels of a block.
    pub fn lanes(&self) -> usize {
        match self {
            Packing::Conv(conv) => conv.lanes,
            Packing::Linear(linear) => linear.lanes,
        }
    }

    /// The elements of the packed weights; `None` when they are past counting.
    pub fn elements(&self) -> Option<usize> {
        match self {
            Packing::Conv(conv) => conv.elements(),
            Packing::Linear(linear) => linear.elements(),
        }
    }

    /// Elements of the weights as parameters have them; `None` when they are past counting.
    pub fn weights(&self) -> Option<usize> {
        match self {
            Packing::Conv(conv) => super::product(&conv.convolution.weights()),
            Packing::Linear(linear) => super::product(&[linear.in_channels, linear.pixels, linear.out_features]),
        }
    }

    /// The numbers in its fields, for whoever asks whether they are of this world.
    pub fn counts(&self) -> Vec<usize> {
        match self {
            Packing::Conv(PackedConv { convolution, .. }) => {
                let sizes = convolution.sizes.concat();
                [&[convolution.batch, convolution.groups], &convolution.channels[..], &sizes].concat()
            }
            Packing::Linear(PackedLinear { rows, in_channels, pixels, out_features, .. }) => {
                vec![*rows, *in_channels, *pixels, *out_features]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::PackedLinear;

    #[test]
    fn what_packed_weights_take() {
        let rows = PackedLinear { rows: 1, in_channels: 400, pixels: 1, out_features: 10, lanes: 16, of_bytes: false };
        assert_eq!(rows.elements(), Some(16 * 400));
        assert_eq!(PackedLinear { in_channels: 20, pixels: 49, ..rows }.elements(), Some(16 * 32 * 49));
    }
}
