//! Dropout3d: the identity at inference.

use super::drop::drop;
use super::pointwise::pointwise;
use super::{Layer, Probability};

pointwise! {
    /// Sets whole channels to zero by chance in training (Tompson et al. 2015); the identity at inference.
    ///
    /// # Shape
    /// The input's, whatever its axes.
    ///
    /// # Source
    /// PyTorch `nn.Dropout3d`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 8, 4, 4, 4]
    /// Dropout3d(0.2)
    /// ```
    Dropout3d {
        /// The chance of a channel to become zero.
        p: Probability = Probability(0.5),
    }
    layer, builder = drop(builder, layer.p, |axis| axis > 1); describe format!("{}, inplace=False", layer.keywords())
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::{bind, on};

    #[test]
    fn shape_text_and_expression() {
        let layer = on("Dropout3d(0.25)", &["[N, 8, H, W]"]);
        assert_eq!(layer.shape.to_string(), "[N, 8, H, W]");
        assert_eq!(layer.describe(), "p=0.25, inplace=False");
        assert_eq!(layer.kernels, ["map x0"]);
    }

    #[test]
    fn a_chance_lies_between_0_and_1() {
        assert!(bind("Dropout3d(-0.1)").is_err());
    }
}
