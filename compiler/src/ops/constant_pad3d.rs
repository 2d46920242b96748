//! ConstantPad3d: a number around a volume.

use super::Sides;
use super::padding::{Filling, padding};

padding! {
    /// A number at each side of `[N, C, D, H, W]`; negative numbers cut off.
    ///
    /// # Shape
    /// `D' = D + front + back`, `H' = H + top + bottom`, `W' = W + left + right`
    ///
    /// # Errors
    /// E303 an input of another number of axes; E310 more cut off than there is, nothing left, or more asked for than there is
    ///
    /// # Source
    /// PyTorch `nn.ConstantPad3d`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 3, 8, 32, 32]
    /// ConstantPad3d(2, value=0.5)
    /// expect [N, 3, 12, 36, 36]
    /// ```
    ConstantPad3d {
        /// Columns at the left and right, rows at the top and bottom, planes at the front and back, in this order; one
        /// int is all six.
        padding: Sides<3>,
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
        let layer = on("ConstantPad3d((1, 2, 1, 2, 1, 2), value=0.5)", &["[N, 3, 4, 5, 6]"]);
        assert_eq!(layer.shape.to_string(), "[N, 3, 7, 8, 9]");
        assert_eq!(layer.describe(), "padding=(1, 2, 1, 2, 1, 2), value=0.5");
        assert_eq!(layer.kernels.iter().filter(|kernel| *kernel == "concat").count(), 3);
    }
}
