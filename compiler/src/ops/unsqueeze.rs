//! Unsqueeze: a new axis of one element.

use super::receptive_field::AxisMove;
use super::{Layer, LayerField, Operator, ShapeError, inputs};
use crate::graph::NodeId;
use crate::kernels::KernelBuilder;
use crate::shape::{Dim, Requirements, Shape};

crate::layer! {
    /// Puts an axis of size 1 in among the others.
    ///
    /// # Shape
    /// The input's, with a 1 at `dim`.
    ///
    /// # Errors
    /// E306 a place that does not exist
    ///
    /// # Source
    /// PyTorch `torch.unsqueeze`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 16000]
    /// Unsqueeze(1); Conv1d(8, kernel_size=3)
    /// expect [N, 8, 15998]
    /// ```
    Unsqueeze {
        /// The new axis's place; from the end when negative.
        dim: i64,
    }
}

impl Unsqueeze {
    fn place(&self, input: &Shape) -> Result<usize, ShapeError> {
        let wider: Shape = input.iter().cloned().chain([Dim::Number(1)]).collect();
        inputs::axis("dim", self.dim, &wider)
    }
}

impl Operator for Unsqueeze {
    fn infer(&self, inputs: &[Shape], _requirements: &mut Requirements) -> Result<Shape, ShapeError> {
        let input = inputs::single(inputs)?;
        let mut sizes = input.to_vec();
        sizes.insert(self.place(&input)?.min(sizes.len()), Dim::Number(1));
        Ok(Shape::from(sizes))
    }

    fn receptive_field(&self, inputs: &[Shape], _output: &Shape) -> LayerField {
        let input = inputs.first().cloned().unwrap_or_default();
        let place = self.place(&input).unwrap_or(0);
        LayerField::Axes((0..input.rank()).map(|axis| AxisMove::To(axis + usize::from(axis >= place))).collect())
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
    fn a_new_axis() {
        let layer = on("Unsqueeze(1)", &["[N, H, W]"]);
        assert_eq!(layer.shape.to_string(), "[N, 1, H, W]");
        assert_eq!(layer.kernels, ["reshape"]);
        assert_eq!(layer.receptive_field(), LayerField::Axes([0, 2, 3].map(AxisMove::To).to_vec()));
        assert_eq!(on("Unsqueeze(-1)", &["[N, H]"]).shape.to_string(), "[N, H, 1]");
        assert_eq!(on("Unsqueeze(2)", &["[N, H]"]).shape.to_string(), "[N, H, 1]");
        assert!(matches!(refusal("Unsqueeze(3)", &["[N, H]"]), ShapeError::NoSuchAxis { .. }));
    }
}
