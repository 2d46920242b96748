//! BatchNorm2d: batch normalisation of planes.

use super::batch_norm::batch_norm;
use super::inputs;

batch_norm! {
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
    /// E206 an `eps` below zero; E303 an input of another number of axes; E307 channels that are a symbol
    ///
    /// # Source
    /// PyTorch `nn.BatchNorm2d`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 3, 32, 32]
    /// Conv2d(16, kernel_size=3, padding=1, bias=false); BatchNorm2d; ReLU
    /// ```
    BatchNorm2d;
    inputs => match inputs::single(inputs)? {
        shape if matches!(shape.rank(), 2 | 3) => Err(inputs::rank(inputs, "[N, C, H, W]", None, Some("BatchNorm1d"))),
        shape => inputs::planes(inputs).map(|_| shape),
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::{bind, on, refusal};
    use super::super::{BindError, LayerField, ShapeError};

    #[test]
    fn one_map_with_running_statistics() {
        let norm = on("BatchNorm2d", &["[N, 64, H, W]"]);
        assert_eq!(norm.shape.to_string(), "[N, 64, H, W]");
        assert_eq!(
            norm.parameters(),
            "weight [64], bias [64], running_mean [64] (buffer), running_var [64] (buffer), \
             num_batches_tracked [] (buffer)"
        );
        let reshapes = ["reshape"; 4].into_iter();
        let map = "map (((x0 - x3) / sqrt(x4 + 0.00001)) * x1) + x2";
        assert_eq!(norm.kernels, reshapes.chain([map]).collect::<Vec<_>>());
        assert_eq!(norm.receptive_field(), LayerField::Point);
    }

    #[test]
    fn parts_can_be_left_out() {
        let plain = on("BatchNorm2d(affine=false)", &["[N, 3, 4, 4]"]);
        assert_eq!(plain.kernels.last().map(String::as_str), Some("map (x0 - x1) / sqrt(x2 + 0.00001)"));
        let text = "3, eps=1e-05, momentum=0.1, affine=False, bias=False, track_running_stats=True";
        assert_eq!(plain.describe(), text);
        let unbiased = on("BatchNorm2d(0.001, bias=false)", &["[N, 3, 4, 4]"]);
        assert_eq!(unbiased.kernels.last().map(String::as_str), Some("map ((x0 - x2) / sqrt(x3 + 0.001)) * x1"));
        let batch = on("BatchNorm2d(track_running_stats=false)", &["[N, 3, 4, 4]"]);
        assert_eq!(batch.parameters(), "weight [3], bias [3]");
        assert_eq!(batch.kernels.iter().filter(|kernel| *kernel == "reduce_sum").count(), 2);
        assert_eq!(batch.receptive_field(), LayerField::Whole(vec![2, 3]));
    }

    #[test]
    fn vectors_have_a_layer_of_their_own() {
        for input in ["[N, 64]", "[N, 64, 9]"] {
            let refused = refusal("BatchNorm2d", &[input]);
            assert!(matches!(refused, ShapeError::Rank { instead: Some("BatchNorm1d"), .. }));
        }
        assert!(matches!(bind("BatchNorm2d(eps=-1)"), Err(BindError::Conflict { argument: "eps", .. })));
    }
}
