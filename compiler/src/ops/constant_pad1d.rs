//! ConstantPad1d: a number around a sequence.

use super::Sides;
use super::padding::{Filling, padding};

padding! {
    /// A number at each side of `[N, C, L]`; negative numbers cut off.
    ///
    /// # Shape
    /// `L' = L + left + right`
    ///
    /// # Errors
    /// E303 an input of another number of axes; E310 more cut off than there is, nothing left, or more asked for than there is
    ///
    /// # Source
    /// PyTorch `nn.ConstantPad1d`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 3, 32]
    /// ConstantPad1d(2, value=0.5)
    /// expect [N, 3, 36]
    /// ```
    ConstantPad1d {
        /// Elements at the left and the right, in this order; one int is both.
        padding: Sides<1>,
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
        let layer = on("ConstantPad1d((1, 2), value=0.5)", &["[N, 3, 9]"]);
        assert_eq!(layer.shape.to_string(), "[N, 3, 12]");
        assert_eq!(layer.describe(), "padding=(1, 2), value=0.5");
        assert_eq!(layer.kernels.iter().filter(|kernel| *kernel == "concat").count(), 1);
    }
}
