//! LogSoftmax: the logarithm of a softmax, computed without one.

use super::exponentials::{Exponentials, along_axis};
use crate::kernels::{Expression, Unary};

along_axis! {
    /// `x − ln Σ eˣ` along an axis, computed against the largest element. The axis has to be said.
    ///
    /// # Shape
    /// The input's.
    ///
    /// # Errors
    /// E306 an axis that does not exist
    ///
    /// # Source
    /// PyTorch `nn.LogSoftmax`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 10]
    /// LogSoftmax(dim=1)
    /// ```
    LogSoftmax {
        /// The axis whose powers add up to 1; from the end when negative.
        dim: i64,
    }
    layer, builder => {
        let exponentials = Exponentials::of_input(builder, layer.dim);
        let difference = Expression::operand(0) - Expression::operand(1).unary(Unary::Log);
        builder.map(&[exponentials.shifted, exponentials.sum], difference)
    }; onnx "LogSoftmax"
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::on;

    #[test]
    fn no_logarithm_of_a_quotient() {
        let layer = on("LogSoftmax(1)", &["[N, 10, H, W]"]);
        assert_eq!(layer.shape.to_string(), "[N, 10, H, W]");
        assert_eq!(layer.describe(), "dim=1");
        assert_eq!(layer.kernels.last().map(String::as_str), Some("map x0 - log(x1)"));
    }
}
