//! BatchNorm3d: batch normalisation of volumes.

use super::batch_norm::batch_norm;
use super::inputs;

batch_norm! {
    /// Batch normalisation (Ioffe & Szegedy 2015) of `[N, C, D, H, W]`, each channel by itself:
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
    /// PyTorch `nn.BatchNorm3d`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 3, 8, 32, 32]
    /// Conv3d(16, kernel_size=3, padding=1, bias=false); BatchNorm3d; ReLU
    /// ```
    BatchNorm3d;
    inputs => inputs::spatial(inputs, 3).and_then(|_| inputs::single(inputs))
}

#[cfg(test)]
mod tests {
    use super::super::ShapeError;
    use super::super::test_layer::{on, refusal};

    #[test]
    fn volumes() {
        let norm = on("BatchNorm3d(momentum=\"cumulative\")", &["[N, 4, D, H, W]"]);
        assert_eq!(norm.shape.to_string(), "[N, 4, D, H, W]");
        let text = "4, eps=1e-05, momentum=None, affine=True, bias=True, track_running_stats=True";
        assert_eq!(norm.describe(), text);
        assert!(matches!(refusal("BatchNorm3d", &["[N, 4, 5, 5]"]), ShapeError::Rank { .. }));
    }
}
