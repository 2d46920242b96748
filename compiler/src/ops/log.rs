//! Log: the natural logarithm.

use super::pointwise::pointwise;
use crate::kernels::Unary;

pointwise! {
    /// The natural logarithm: of 0 it is minus infinity, of numbers below 0 there is none.
    ///
    /// # Shape
    /// The input's, whatever its axes.
    ///
    /// # Source
    /// PyTorch `torch.log`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 8, 4, 4]
    /// Softplus; Log
    /// ```
    Log {}
    _layer, x => x.unary(Unary::Log)
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::on;

    #[test]
    fn shape_text_and_expression() {
        let layer = on("Log", &["[N, 8, H, W]"]);
        assert_eq!(layer.shape.to_string(), "[N, 8, H, W]");
        assert_eq!(layer.describe(), "");
        assert_eq!(layer.kernels, ["map log(x0)"]);
    }
}
