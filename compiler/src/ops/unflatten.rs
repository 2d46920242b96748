//! Unflatten: one axis becomes several.

use super::{Layer, LayerField, NewShape, Operator, ShapeError, inputs, reshaping};
use crate::graph::NodeId;
use crate::kernels::KernelBuilder;
use crate::shape::{Requirements, Shape};

crate::layer! {
    /// Makes several neighbours of one axis: what `Flatten` takes back.
    ///
    /// # Shape
    /// `unflattened_size` in the place of the axis, whose size is their product; -1 stands for what the others leave of it.
    ///
    /// # Errors
    /// E306 an axis that does not exist; E307 a -1 whose size depends on sizes that are open; E310 sizes of another product, or
    /// more than one -1
    ///
    /// # Source
    /// PyTorch `nn.Unflatten`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 100]
    /// Linear(128 * 7 * 7); Unflatten(1, (128, 7, 7))
    /// expect [N, 128, 7, 7]
    /// ```
    Unflatten {
        /// The axis; from the end when negative.
        dim: i64,
        /// The sizes in its place.
        unflattened_size: NewShape,
    }
}

impl Operator for Unflatten {
    fn infer(&self, inputs: &[Shape], requirements: &mut Requirements) -> Result<Shape, ShapeError> {
        let input = inputs::single(inputs)?;
        let axis = inputs::axis("dim", self.dim, &input)?;
        let whole = input.get(axis..=axis).unwrap_or_default();
        let parts = reshaping::sizes("unflattened_size", &self.unflattened_size, whole, requirements)?;
        Ok(input.iter().take(axis).cloned().chain(parts).chain(input.iter().skip(axis + 1).cloned()).collect())
    }

    fn receptive_field(&self, inputs: &[Shape], output: &Shape) -> LayerField {
        inputs.first().map_or(LayerField::Point, |input| reshaping::field(input, output))
    }

    fn describe(&self, _inputs: &[Shape]) -> String {
        self.keywords()
    }

    fn lower(&self, builder: &mut KernelBuilder) -> NodeId {
        let output = builder.output();
        builder.reshape(builder.input(0), &output)
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::{on, refusal};
    use super::*;

    #[test]
    fn one_axis_becomes_several() {
        let layer = on("Unflatten(1, (3, -1))", &["[N, 12, H]"]);
        assert_eq!(layer.shape.to_string(), "[N, 3, 4, H]");
        assert_eq!(layer.describe(), "dim=1, unflattened_size=(3, -1)");
        assert_eq!(layer.kernels, ["reshape"]);
        let open = on("Unflatten(-1, (2, -1))", &["[N, H]"]);
        assert_eq!(
            (open.shape.to_string().as_str(), open.requirements),
            ("[N, 2, H//2]", vec!["H MultipleOf 2".into()])
        );
    }

    #[test]
    fn their_product_is_the_axis() {
        let ShapeError::Other { mend, .. } = refusal("Unflatten(1, (3, 5))", &["[N, 12]"]) else {
            panic!("another error")
        };
        assert_eq!(mend, Some(("unflattened_size", "(3, 4)".into())));
        assert!(matches!(refusal("Unflatten(2, (3, 4))", &["[N, 12]"]), ShapeError::NoSuchAxis { .. }));
    }
}
