//! AdaptiveMaxPool2d: the largest element of each part of a plane.

use super::OutputSizes;
use super::adaptive::adaptive;
use super::dimensions::Over;

adaptive! {
    /// Divides the plane into `output_size` parts and takes the largest element of each, `[N, C, H, W]` to `[N, C,
    /// *output_size]`.
    ///
    /// # Shape
    /// `output_size`, whatever `H` and `W` are. Part `i` of `n` is `⌊i·H/n⌋ .. ⌈(i + 1)·H/n⌉`.
    ///
    /// # Errors
    /// E303 an input of another number of axes
    ///
    /// # Source
    /// PyTorch `nn.AdaptiveMaxPool2d`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 512, H, W]
    /// AdaptiveMaxPool2d(1)
    /// expect [N, 512, 1, 1]
    /// ```
    AdaptiveMaxPool2d {
        /// Height and width of the output; `"same"` keeps the input's, as PyTorch's `None` does.
        output_size: OutputSizes<2>,
    }
    Over::Max
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::{on, refusal};
    use super::super::{LayerField, ShapeError, Taps};

    #[test]
    fn the_output_has_the_size_that_is_asked_for() {
        let pool = on("AdaptiveMaxPool2d(1)", &["[N, 512, H, W]"]);
        assert_eq!(pool.shape.to_string(), "[N, 512, 1, 1]");
        assert_eq!(pool.describe(), "output_size=1");
        assert_eq!(pool.receptive_field(), LayerField::Whole(vec![2, 3]));
        assert_eq!(pool.kernels, ["pool_max"]);
        let pair = on("AdaptiveMaxPool2d((2, 7))", &["[N, 16, 4, 5]"]);
        assert_eq!(pair.shape.to_string(), "[N, 16, 2, 7]");
        assert_eq!(pair.describe(), "output_size=(2, 7)");
        assert_eq!(pair.receptive_field(), LayerField::Plane([Taps::parts(4, 2), Taps::parts(5, 7)]));
        assert!(matches!(refusal("AdaptiveMaxPool2d(1)", &["[N, 512]"]), ShapeError::Rank { .. }));
    }
}
