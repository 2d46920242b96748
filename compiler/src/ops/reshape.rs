//! Reshape: the same elements under another shape.

use super::{Layer, LayerField, NewShape, Operator, ShapeError, inputs, reshaping};
use crate::graph::NodeId;
use crate::kernels::KernelBuilder;
use crate::shape::{Requirements, Shape};

crate::layer! {
    /// The same elements, in the same order, under another shape, the batch included.
    ///
    /// # Shape
    /// `shape`, in which -1 stands for what the others leave of the input; a size may be one of the input's that is open. There
    /// are as many elements as before.
    ///
    /// # Errors
    /// E307 a -1 whose size depends on sizes that are open; E310 another number of elements, or more than one -1
    ///
    /// # Source
    /// PyTorch `torch.reshape`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 12, H, W]
    /// Reshape((N, 3, 4, -1))
    /// expect [N, 3, 4, H * W]
    /// ```
    Reshape {
        /// The sizes, the batch's first.
        shape: NewShape,
    }
}

impl Operator for Reshape {
    fn infer(&self, inputs: &[Shape], requirements: &mut Requirements) -> Result<Shape, ShapeError> {
        let input = inputs::single(inputs)?;
        reshaping::sizes("shape", &self.shape, &input, requirements).map(Shape::from)
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
    use crate::diagnostic::Code;

    #[test]
    fn one_size_is_found() {
        let layer = on("Reshape((-1, 3, 2, 35))", &["[N, 6, 5, 7]"]);
        assert_eq!(layer.shape.to_string(), "[N, 3, 2, 35]");
        assert_eq!(layer.kernels, ["reshape"]);
        assert_eq!(layer.requirements, Vec::<String>::new());
        assert_eq!(on("Reshape([8, -1])", &["[2, 4, 3]"]).shape.to_string(), "[8, 3]");
        assert_eq!(on("Reshape(-1)", &["[N, 4, 3]"]).shape.to_string(), "[12*N]");
        let halves = on("Reshape((-1, 2))", &["[N, 3]"]);
        assert_eq!(halves.shape.to_string(), "[N + N//2, 2]");
        assert_eq!(halves.requirements, ["3*N MultipleOf 2"]);
    }

    #[test]
    fn as_many_elements_as_before() {
        let ShapeError::Other { message, mend, .. } = refusal("Reshape((2, 5, 3))", &["[2, 4, 3]"]) else {
            panic!("another error")
        };
        assert_eq!(message, "(2, 5, 3) has not the number of elements that there are, 24");
        assert_eq!(mend, Some(("shape", "(2, 4, 3)".into())));
        assert!(matches!(refusal("Reshape((-1, -1))", &["[2, 4]"]), ShapeError::Other { code: Code::E310, .. }));
        assert!(matches!(refusal("Reshape((-1, 5))", &["[2, 4]"]), ShapeError::Other { code: Code::E310, .. }));
    }
}
