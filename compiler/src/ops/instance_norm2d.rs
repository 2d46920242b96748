//! InstanceNorm2d: normalisation of each channel of each image, of planes.

use super::instance_norm::instance_norm;

instance_norm! {
    /// Instance normalisation (Ulyanov et al. 2016) of `[N, C, H, W]`, each channel of each image by itself:
    /// `(x − mean) / √(variance + eps)`, then a weight and a bias a channel where they are asked for.
    ///
    /// # Shape
    /// The input's.
    ///
    /// # Parameters
    /// with `affine` weight `[C]`, bias `[C]`; with `track_running_stats` buffers running_mean `[C]`, running_var `[C]`,
    /// num_batches_tracked `[]`
    ///
    /// # Errors
    /// E206 an `eps` below zero; E303 an input of another number of axes; E307 channels that are a symbol
    ///
    /// # Source
    /// PyTorch `nn.InstanceNorm2d`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 3, 32, 32]
    /// Conv2d(16, kernel_size=3, padding=1); InstanceNorm2d(affine=true); ReLU
    /// ```
    InstanceNorm2d, 2
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::{on, refusal};
    use super::super::{LayerField, ShapeError};

    #[test]
    fn bare_unless_told_otherwise() {
        let norm = on("InstanceNorm2d", &["[N, 4, 32, 32]"]);
        assert_eq!(norm.parameters(), "");
        let text = "4, eps=1e-05, momentum=0.1, affine=False, bias=False, track_running_stats=False";
        assert_eq!(norm.describe(), text);
        assert_eq!(norm.receptive_field(), LayerField::whole_from(2, 4));
        let full = on("InstanceNorm2d(affine=true, track_running_stats=true)", &["[N, 4, 32, 32]"]);
        assert!(full.parameters().starts_with("weight [4], bias [4], running_mean [4] (buffer)"));
        assert!(matches!(refusal("InstanceNorm2d", &["[N, 4]"]), ShapeError::Rank { .. }));
    }
}
