//! ReflectionPad1d: what lies inside, in a mirror around a sequence.

use super::Sides;
use super::padding::{Filling, padding};

padding! {
    /// At each side of `[N, C, L]` what lies inside of it, mirrored at the border, which itself is not repeated; negative
    /// numbers cut off.
    ///
    /// # Shape
    /// `L' = L + left + right`
    ///
    /// # Errors
    /// E303 an input of another number of axes; E310 more cut off than there is, nothing left, or more asked for than there is
    ///
    /// # Source
    /// PyTorch `nn.ReflectionPad1d`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 3, 32]
    /// ReflectionPad1d(2)
    /// expect [N, 3, 36]
    /// ```
    ReflectionPad1d {
        /// Elements at the left and the right, in this order; one int is both.
        padding: Sides<1>,
    }
    _layer => Filling::Reflection
}

#[cfg(test)]
mod tests {
    use super::super::ShapeError;
    use super::super::test_layer::{on, refusal};

    #[test]
    fn shape_text_and_kernels() {
        let layer = on("ReflectionPad1d((1, 2))", &["[N, 3, 9]"]);
        assert_eq!(layer.shape.to_string(), "[N, 3, 12]");
        assert_eq!(layer.describe(), "(1, 2)");
        assert_eq!(layer.kernels.iter().filter(|kernel| *kernel == "concat").count(), 1);
    }

    #[test]
    fn as_much_must_be_there() {
        let asks = on("ReflectionPad1d(3)", &["[N, 3, L]"]).requirements;
        assert_eq!(asks, ["L AtLeast 4"]);
        assert!(matches!(refusal("ReflectionPad1d(3)", &["[N, 3, 2]"]), ShapeError::Other { .. }));
    }
}
