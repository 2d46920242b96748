//! Hardshrink: small numbers become zero.

use super::Argument;
use super::pointwise::{pointwise, zero_of};
use crate::kernels::Expression;

pointwise! {
    /// `x` where `|x|` is above `lambd`, 0 elsewhere.
    ///
    /// # Shape
    /// The input's, whatever its axes.
    ///
    /// # Source
    /// PyTorch `nn.Hardshrink`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 8, 4, 4]
    /// Hardshrink(0.1)
    /// ```
    Hardshrink {
        /// What is no larger becomes 0.
        lambd: f64 = 0.5,
    }
    layer, x => {
        let large = x.clone().greater(layer.lambd) + Expression::from(-layer.lambd).greater(x.clone());
        large.select(x.clone(), zero_of(x))
    }; describe layer.lambd.python()
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::on;

    #[test]
    fn shape_text_and_expression() {
        let layer = on("Hardshrink", &["[N, 8, H, W]"]);
        assert_eq!(layer.shape.to_string(), "[N, 8, H, W]");
        assert_eq!(layer.describe(), "0.5");
        assert_eq!(layer.kernels, ["map select((x0 > 0.5) + (-0.5 > x0), x0, max(min(x0, 0), 0))"]);
    }
}
