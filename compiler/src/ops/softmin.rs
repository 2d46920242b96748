//! Softmin: the smaller a score, the larger its chance.

use super::exponentials::{Exponentials, along_axis};
use crate::kernels::Expression;

along_axis! {
    /// `e⁻ˣ / Σ e⁻ˣ` along an axis, computed against the smallest element. The axis has to be said.
    ///
    /// # Shape
    /// The input's.
    ///
    /// # Errors
    /// E306 an axis that does not exist
    ///
    /// # Source
    /// PyTorch `nn.Softmin`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 10]
    /// Softmin(dim=1)
    /// ```
    Softmin {
        /// The axis whose elements add up to 1; from the end when negative.
        dim: i64,
    }
    layer, builder => {
        let negated = builder.map(&[builder.input(0)], -Expression::operand(0));
        Exponentials::of(builder, negated, layer.dim).chances(builder)
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::on;

    #[test]
    fn a_softmax_of_what_is_negated() {
        let softmin = on("Softmin(dim=-1)", &["[N, 10]"]);
        assert_eq!(softmin.shape.to_string(), "[N, 10]");
        assert_eq!(softmin.describe(), "dim=-1");
        assert_eq!(softmin.kernels.first().map(String::as_str), Some("map -x0"));
    }
}
