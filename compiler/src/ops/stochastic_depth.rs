//! StochasticDepth: nothing at inference.

use super::argument_types::words;
use super::drop::drop;
use super::pointwise::pointwise;
use super::{Argument, Probability};

words! {
    /// What shares one throw of the dice.
    Extent {
        /// The whole batch.
        Batch = "batch",
        /// One row of the batch.
        Row = "row",
    }
}

pointwise! {
    /// Leaves a residual branch out by chance in training (Huang et al. 2016); the identity at inference.
    ///
    /// # Shape
    /// The input's, whatever its axes.
    ///
    /// # Source
    /// torchvision `ops.StochasticDepth`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 8, 4, 4]
    /// sum { { Conv2d(8, kernel_size=1); StochasticDepth(0.2, mode="row") }; Identity }
    /// ```
    StochasticDepth {
        /// The chance of a branch to be left out.
        p: Probability,
        /// Whether the whole batch loses its branch at once or each of its rows by itself.
        mode: Extent,
    }
    layer, builder = drop(builder, layer.p, |axis| axis > 0 || layer.mode == Extent::Batch); describe format!("p={}, mode={}", layer.p.python(), layer.mode.word())
}

#[cfg(test)]
mod tests {
    use super::super::BindError;
    use super::super::test_layer::{bind, on};

    #[test]
    fn shape_text_and_expression() {
        let layer = on("StochasticDepth(0.2, mode=\"row\")", &["[N, 8, H, W]"]);
        assert_eq!(layer.shape.to_string(), "[N, 8, H, W]");
        assert_eq!(layer.describe(), "p=0.2, mode=row");
        assert_eq!(layer.kernels, ["map x0"]);
    }

    #[test]
    fn the_mode_is_one_of_two_words() {
        let Err(BindError::Refused { accepts, .. }) = bind("StochasticDepth(0.2, \"rows\")") else {
            panic!("it should be refused");
        };
        assert_eq!(accepts, "\"batch\" or \"row\"");
    }
}
