//! BatchNorm1d: batch normalisation of vectors and sequences.

use super::batch_norm::batch_norm;
use super::inputs;

batch_norm! {
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
    BatchNorm1d;
    inputs => match inputs::single(inputs)? {
        shape if matches!(shape.rank(), 2 | 3) => Ok(shape),
        shape if shape.rank() == 4 => Err(inputs::rank(inputs, "[N, C] or [N, C, L]", None, Some("BatchNorm2d"))),
        _ => Err(inputs::rank(inputs, "[N, C] or [N, C, L]", None, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::ShapeError;
    use super::super::test_layer::{on, refusal};

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
