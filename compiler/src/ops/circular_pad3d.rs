//! CircularPad3d: the other end around a volume.

use super::Sides;
use super::padding::{Filling, padding};

padding! {
    /// At each side of `[N, C, D, H, W]` what lies at the other end; negative numbers cut off.
    ///
    /// # Shape
    /// `D' = D + front + back`, `H' = H + top + bottom`, `W' = W + left + right`
    ///
    /// # Errors
    /// E303 an input of another number of axes; E310 more cut off than there is, nothing left, or more asked for than there is
    ///
    /// # Source
    /// PyTorch `nn.CircularPad3d`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 3, 8, 32, 32]
    /// CircularPad3d(2)
    /// expect [N, 3, 12, 36, 36]
    /// ```
    CircularPad3d {
        /// Columns at the left and right, rows at the top and bottom, planes at the front and back, in this order; one
        /// int is all six.
        padding: Sides<3>,
    }
    _layer => Filling::Circular
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::on;

    #[test]
    fn shape_text_and_kernels() {
        let layer = on("CircularPad3d((1, 2, 1, 2, 1, 2))", &["[N, 3, 4, 5, 6]"]);
        assert_eq!(layer.shape.to_string(), "[N, 3, 7, 8, 9]");
        assert_eq!(layer.describe(), "(1, 2, 1, 2, 1, 2)");
        assert_eq!(layer.kernels.iter().filter(|kernel| *kernel == "concat").count(), 3);
    }
}
