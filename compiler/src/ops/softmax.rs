//! Softmax: scores that become chances.

use super::Chances;
use super::exponentials::{Exponentials, along_axis};

along_axis! {
    /// `eˣ / Σ eˣ` along an axis, computed against the largest element. The axis has to be said.
    ///
    /// # Shape
    /// The input's.
    ///
    /// # Errors
    /// E306 an axis that does not exist
    ///
    /// # Source
    /// PyTorch `nn.Softmax`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 10]
    /// Softmax(dim=1)
    /// ```
    Softmax {
        /// The axis whose elements add up to 1; from the end when negative.
        dim: i64,
    }
    layer, builder => Exponentials::of_input(builder, layer.dim).chances(builder); onnx "Softmax"; chances Chances::OfOne
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::{bind, on, refusal};
    use super::super::{BindError, LayerField, ShapeError};
    use crate::shape::Shape;

    #[test]
    fn along_an_axis_that_is_said() {
        let softmax = on("Softmax(dim=-1)", &["[N, 10]"]);
        assert_eq!(softmax.shape.to_string(), "[N, 10]");
        assert_eq!(softmax.describe(), "dim=-1");
        assert_eq!(softmax.receptive_field(), LayerField::Whole(vec![1]));
        assert_eq!(softmax.kernels, ["reduce_max", "map x0 - x1", "map exp(x0)", "reduce_sum", "map x0 / x1"]);
        assert!(matches!(bind("Softmax"), Err(BindError::Missing { argument: "dim", .. })));
    }

    #[test]
    fn the_axis_must_exist() {
        let input = Shape::from([3, 10]);
        for axis in [2, -3] {
            let expected = ShapeError::NoSuchAxis { argument: "dim", axis, input: input.clone() };
            assert_eq!(refusal(&format!("Softmax({axis})"), &["[3, 10]"]), expected);
        }
    }
}
