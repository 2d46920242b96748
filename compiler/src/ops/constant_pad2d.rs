//! ConstantPad2d: a number around a plane.

use super::Sides;
use super::padding::{Filling, padding};

padding! {
    /// A number at each side of `[N, C, H, W]`; negative numbers cut off.
    ///
    /// # Shape
    /// `H' = H + top + bottom`, `W' = W + left + right`
    ///
    /// # Errors
    /// E303 an input of another number of axes; E310 more cut off than there is, nothing left, or more asked for than there is
    ///
    /// # Source
    /// PyTorch `nn.ConstantPad2d`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 3, 32, 32]
    /// ConstantPad2d(2, value=0.5)
    /// expect [N, 3, 36, 36]
    /// ```
    ConstantPad2d {
        /// Columns at the left and right, rows at the top and bottom, in this order; one int is all four.
        padding: Sides<2>,
        /// What is laid around.
        value: f64,
    }
    layer => Filling::Constant(layer.value)
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::on;

    #[test]
    fn shape_text_and_kernels() {
        let layer = on("ConstantPad2d((1, 2, -2, 3), value=0.5)", &["[N, 3, 9, W]"]);
        assert_eq!(layer.shape.to_string(), "[N, 3, 10, W + 3]");
        assert_eq!(layer.describe(), "padding=(1, 2, -2, 3), value=0.5");
        assert_eq!(layer.kernels.iter().filter(|kernel| *kernel == "concat").count(), 2);
    }
}
