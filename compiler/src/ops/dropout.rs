//! Dropout: the identity at inference.

use super::drop::{drop, onnx};
use super::pointwise::pointwise;
use super::{Layer, Probability};

pointwise! {
    /// Sets elements to zero by chance in training (Srivastava et al. 2014); the identity at inference.
    ///
    /// # Shape
    /// The input's, whatever its axes.
    ///
    /// # Source
    /// PyTorch `nn.Dropout`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 64]
    /// Dropout(0.2)
    /// ```
    Dropout {
        /// The chance of an element to become zero.
        p: Probability = Probability(0.5),
    }
    layer, builder = drop(builder, layer.p, |_| false); describe format!("{}, inplace=False", layer.keywords());
    onnx nodes => onnx(nodes, layer.p)
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::{bind, on};

    #[test]
    fn shape_text_and_expression() {
        let layer = on("Dropout", &["[N, 8, H, W]"]);
        assert_eq!(layer.shape.to_string(), "[N, 8, H, W]");
        assert_eq!(layer.describe(), "p=0.5, inplace=False");
        assert_eq!(layer.kernels, ["map x0"]);
    }

    #[test]
    fn a_chance_lies_between_0_and_1() {
        assert!(bind("Dropout(1.5)").is_err());
    }
}
