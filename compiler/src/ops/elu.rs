//! ELU: an exponential below zero.

use super::pointwise::pointwise;
use crate::kernels::Unary;

pointwise! {
    /// `x` where it is positive, `alpha · (eˣ − 1)` elsewhere (Clevert et al. 2015).
    ///
    /// # Shape
    /// The input's, whatever its axes.
    ///
    /// # Source
    /// PyTorch `nn.ELU`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 8, 4, 4]
    /// ELU
    /// ```
    ELU {
        /// The value far below zero, negated.
        alpha: f64 = 1.0,
    }
    layer, x => x.clone().greater(0.0).select(x.clone(), x.unary(Unary::ExpM1) * layer.alpha)
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::on;

    #[test]
    fn shape_text_and_expression() {
        let layer = on("ELU(0.5)", &["[N, 8, H, W]"]);
        assert_eq!(layer.shape.to_string(), "[N, 8, H, W]");
        assert_eq!(layer.describe(), "alpha=0.5");
        assert_eq!(layer.kernels, ["map select(x0 > 0, x0, expm1(x0) * 0.5)"]);
    }
}
