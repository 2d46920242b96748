//! Sigmoid: the logistic function.

use super::Chances;
use super::pointwise::pointwise;

pointwise! {
    /// The logistic function, `1 / (1 + e⁻ˣ)`.
    ///
    /// # Shape
    /// The input's, whatever its axes.
    ///
    /// # Source
    /// PyTorch `nn.Sigmoid`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 120]
    /// Sigmoid
    /// ```
    Sigmoid {}
    _layer, x => x.sigmoid()
    ; chances Chances::OfEach
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::on;

    #[test]
    fn shape_text_and_expression() {
        let layer = on("Sigmoid", &["[N, 8, H, W]"]);
        assert_eq!(layer.shape.to_string(), "[N, 8, H, W]");
        assert_eq!(layer.describe(), "");
        assert_eq!(layer.kernels, ["map 1 / (1 + exp(-x0))"]);
    }
}
