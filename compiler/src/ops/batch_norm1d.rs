//! BatchNorm1d: batch normalisation of vectors and sequences.

use super::batch_norm::{self, BatchNorm};
use super::{BindError, Operator, ParameterDeclaration, Reach, ShapeError, inputs};
use crate::graph::NodeId;
use crate::kernels::KernelBuilder;
use crate::shape::{Requirements, Shape};

crate::layer! {
    /// Batch normalisation (Ioffe & Szegedy 2015) of `[N, C]` or `[N, C, L]`, each channel by itself:
    /// `(x − mean) / √(variance + eps) · weight + bias`, at inference with the running mean and variance.
    ///
    /// # Shape
    /// The input's.
    ///
    /// # Parameters
    /// weight `[C]`, bias `[C]`; buffers running_mean `[C]`, running_var `[C]`, num_batches_tracked `[]`
    ///
    /// # Errors
    /// E206 an `eps` below zero; E303 an input of another number of axes; E307 channels that are a symbol
    ///
    /// # Source
    /// PyTorch `nn.BatchNorm1d`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 20]
    /// Linear(64); BatchNorm1d; ReLU
    /// ```
    BatchNorm1d {
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

impl BatchNorm1d {
    fn common(&self) -> BatchNorm {
        let BatchNorm1d { eps, momentum, affine, track_running_stats, bias } = *self;
        BatchNorm { eps, momentum, affine, bias, track_running_stats }
    }
}

impl Operator for BatchNorm1d {
    const PARAMETERS: &'static [&'static str] = batch_norm::PARAMETERS;

    fn validate(&self) -> Result<(), BindError> {
        self.common().validate()
    }

    fn infer(&self, inputs: &[Shape], _requirements: &mut Requirements) -> Result<Shape, ShapeError> {
        let shape = inputs::single(inputs)?;
        match shape.rank() {
            2 | 3 => {}
            4 => return Err(inputs::rank(inputs, "[N, C] or [N, C, L]", None, Some("BatchNorm2d"))),
            _ => return Err(inputs::rank(inputs, "[N, C] or [N, C, L]", None, None)),
        }
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

#[cfg(test)]
mod tests {
    use super::super::testing::{on, refusal};
    use super::*;

    #[test]
    fn vectors_and_sequences() {
        let norm = on("BatchNorm1d", &["[N, 64]"]);
        assert_eq!(norm.shape.to_string(), "[N, 64]");
        let text = "64, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True";
        assert_eq!(norm.describe(), text);
        assert_eq!(on("BatchNorm1d", &["[N, 64, L]"]).shape.to_string(), "[N, 64, L]");
        let refused = refusal("BatchNorm1d", &["[N, 64, 7, 7]"]);
        assert!(matches!(refused, ShapeError::Rank { instead: Some("BatchNorm2d"), .. }));
    }
}
