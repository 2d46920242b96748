//! Squeeze: axes of one element taken away.

use super::reduction::{self, axes};
use super::{Layer, LayerField, OneOrMore, Operator, ShapeError, inputs};
use crate::diagnostic::Code;
use crate::graph::NodeId;
use crate::kernels::KernelBuilder;
use crate::shape::{Dim, Requirements, Shape};

crate::layer! {
    /// Takes away axes of size 1. (PyTorch leaves an axis of another size as it is; here that is an error.)
    ///
    /// # Shape
    /// The input's without `dim`; a size there that is open has to be 1.
    ///
    /// # Errors
    /// E306 an axis that does not exist; E310 an axis of another size, or one named twice
    ///
    /// # Source
    /// PyTorch `torch.squeeze`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 64, 7, 7]
    /// AdaptiveAvgPool2d(1); Squeeze((2, 3))
    /// expect [N, 64]
    /// ```
    Squeeze {
        /// The axis or axes; from the end when negative.
        dim: OneOrMore,
    }
}

impl Operator for Squeeze {
    fn infer(&self, inputs: &[Shape], requirements: &mut Requirements) -> Result<Shape, ShapeError> {
        let input = inputs::single(inputs)?;
        let axes = axes("dim", &self.dim, &input)?;
        for &axis in &axes {
            let size = input.get(axis).cloned().unwrap_or(Dim::Number(1));
            if !requirements.equal(&size, &Dim::Number(1), "an axis that is squeezed has size 1")? {
                return Err(ShapeError::Other {
                    code: Code::E310,
                    message: format!("axis {axis} of {input} has size {size}, and an axis of size 1 is taken away"),
                    argument: Some("dim"),
                    note: Some("`Flatten` makes one axis of several, `Mean` makes one element of an axis".into()),
                    mend: None,
                });
            }
        }
        Ok(reduction::without(&input, &axes))
    }

    fn receptive_field(&self, inputs: &[Shape], _output: &Shape) -> LayerField {
        reduction::field(&self.dim, false, inputs)
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
    fn axes_of_one_element_go() {
        let layer = on("Squeeze((2, -1))", &["[N, 8, 1, 1]"]);
        assert_eq!((layer.shape.to_string().as_str(), layer.kernels), ("[N, 8]", vec!["reshape".to_owned()]));
        assert_eq!(on("Squeeze(1)", &["[N, 1, H]"]).shape.to_string(), "[N, H]");
        assert!(matches!(refusal("Squeeze(1)", &["[N, 2]"]), ShapeError::Other { code: Code::E310, .. }));
        assert!(matches!(refusal("Squeeze((1, -1))", &["[N, 1]"]), ShapeError::Other { code: Code::E310, .. }));
        assert!(matches!(refusal("Squeeze(2)", &["[N, 1]"]), ShapeError::NoSuchAxis { .. }));
    }
}
