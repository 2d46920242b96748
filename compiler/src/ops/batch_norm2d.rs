//! BatchNorm2d: batch normalisation of planes.

use super::batch_norm::{self, BatchNorm};
use super::{BindError, Operator, ParameterDeclaration, Reach, ShapeError, inputs};
use crate::graph::NodeId;
use crate::kernels::KernelBuilder;
use crate::shape::{Requirements, Shape};

crate::layer! {
    /// Batch normalisation (Ioffe & Szegedy 2015) of `[N, C, H, W]`, each channel by itself:
    /// `(x − mean) / √(variance + eps) · weight + bias`, at inference with the running mean and variance.
    ///
    /// # Shape
    /// The input's.
    ///
    /// # Parameters
    /// weight `[C]`, bias `[C]`; buffers running_mean `[C]`, running_var `[C]`, num_batches_tracked `[]`
    ///
    /// # Errors
    /// E303 an input of another number of axes; E307 channels that are no number
    ///
    /// # Source
    /// PyTorch `nn.BatchNorm2d`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 3, 32, 32]
    /// Conv2d(16, kernel_size=3, padding=1, bias=false); BatchNorm2d; ReLU
    /// ```
    BatchNorm2d {
        /// Added to the variance, so that it is never zero.
        eps: f64 = 1e-5,
        /// Share of a batch's statistics in the new running ones.
        momentum: f64 = 0.1,
        /// Whether there is a weight, and with it a bias.
        affine: bool = true,
        /// Whether there are running statistics; without them, the batch's own are used at inference too.
        track_running_stats: bool = true,
        /// Whether there is a bias beside the weight.
        bias: bool = true,
    }
}

impl BatchNorm2d {
    fn common(&self) -> BatchNorm {
        let BatchNorm2d { eps, momentum, affine, track_running_stats, bias } = *self;
        BatchNorm { eps, momentum, affine, bias, track_running_stats }
    }
}

impl Operator for BatchNorm2d {
    const PARAMETERS: &'static [&'static str] = batch_norm::PARAMETERS;

    fn validate(&self) -> Result<(), BindError> {
        self.common().validate()
    }

    fn infer(&self, inputs: &[Shape], _requirements: &mut Requirements) -> Result<Shape, ShapeError> {
        let shape = inputs::single(inputs)?;
        if let 2 | 3 = shape.rank() {
            return Err(inputs::rank(inputs, "[N, C, H, W]", None, Some("BatchNorm1d")));
        }
        inputs::planes(inputs)?;
        inputs::channels(inputs)?;
        Ok(shape)
    }

    fn parameters(&self, inputs: &[Shape]) -> Result<Vec<ParameterDeclaration>, ShapeError> {
        Ok(self.common().parameters(inputs::channels(inputs)?))
    }

    fn reach(&self, inputs: &[Shape]) -> Reach {
        self.common().reach(inputs)
    }

    fn describe(&self, inputs: &[Shape]) -> String {
        self.common().describe(inputs::channels(inputs).unwrap_or(0))
    }

    fn lower(&self, builder: &mut KernelBuilder) -> NodeId {
        self.common().lower(builder)
    }
}
