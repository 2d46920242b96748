//! ZeroPad2d: zeros around a plane, or a plane cut smaller.

use super::Sides;
use super::padding::{Filling, padding};

padding! {
    /// Zeros at each side of `[N, C, H, W]`; negative numbers cut rows and columns off.
    ///
    /// # Shape
    /// `H' = H + top + bottom`, `W' = W + left + right`
    ///
    /// # Errors
    /// E303 an input of another number of axes; E310 more cut off than there is, or nothing left
    ///
    /// # Source
    /// PyTorch `nn.ZeroPad2d`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 3, 32, 32]
    /// ZeroPad2d((0, 1, 0, 1)); Conv2d(16, kernel_size=3, stride=2)
    /// expect [N, 16, 16, 16]
    /// ```
    ZeroPad2d {
        /// Columns at the left and right, rows at the top and bottom, in this order; one int is all four.
        padding: Sides<2>,
    }
    _layer => Filling::Zeros
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::{on, refusal};
    use super::super::{LayerField, ShapeError, Taps};

    #[test]
    fn sides_in_pytorchs_order() {
        let padded = on("ZeroPad2d((1, 2, -3, 4))", &["[N, 3, 9, W]"]);
        assert_eq!(padded.shape.to_string(), "[N, 3, 10, W + 3]");
        assert_eq!(padded.describe(), "(1, 2, -3, 4)");
        assert_eq!(padded.receptive_field(), LayerField::Plane([-3, 1].map(|before| Taps::window(1, 1, 1, before))));
        assert_eq!(on("ZeroPad2d(1)", &["[N, 3, 9, 9]"]).describe(), "(1, 1, 1, 1)");
    }

    #[test]
    fn cutting_must_leave_something() {
        let cut = on("ZeroPad2d(-1)", &["[N, 3, H, 9]"]);
        assert_eq!(cut.requirements, ["H - 2 AtLeast 1"]);
        let ShapeError::Other { note, .. } = refusal("ZeroPad2d((0, 0, -3, 3))", &["[N, 3, 2, 2]"]) else {
            panic!("another error");
        };
        assert_eq!(note.as_deref(), Some("height: 2 − 3 − 0 = −1"));
    }
}
