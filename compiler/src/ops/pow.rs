//! Pow: powers of each element.

use super::pointwise::pointwise;

pointwise! {
    /// `x^exponent`. Numbers below 0 have whole powers alone.
    ///
    /// # Shape
    /// The input's, whatever its axes.
    ///
    /// # Source
    /// PyTorch `torch.pow`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 8, 4, 4]
    /// Pow(2); Sum(1, keepdim=true); Sqrt
    /// expect [N, 1, 4, 4]
    /// ```
    Pow {
        /// The power.
        exponent: f64,
    }
    layer, x => match layer.exponent {
        2.0 => x.clone() * x,
        3.0 => x.clone() * x.clone() * x,
        0.5 => x.sqrt(),
        exponent => x.power(exponent),
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::on;

    #[test]
    fn shape_text_and_expression() {
        let layer = on("Pow(1.5)", &["[N, 8, H, W]"]);
        assert_eq!(layer.shape.to_string(), "[N, 8, H, W]");
        assert_eq!(layer.describe(), "exponent=1.5");
        assert_eq!(layer.kernels, ["map pow(x0, 1.5)"]);
        assert_eq!(on("Pow(3)", &["[N, 8]"]).kernels, ["map (x0 * x0) * x0"]);
    }
}
