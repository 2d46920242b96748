//! Permute: axes in another order.

use super::{Argument, Axes, LayerField, Operator, ShapeError, inputs};
use crate::diagnostic::Code;
use crate::graph::NodeId;
use crate::kernels::KernelBuilder;
use crate::shape::{Requirements, Shape};

crate::layer! {
    /// Puts the axes into another order: axis `i` of the output is axis `dims[i]` of the input.
    ///
    /// # Shape
    /// The input's sizes in that order.
    ///
    /// # Errors
    /// E303 another number of axes than `dims` has; E306 an axis that does not exist; E310 an axis that is named twice
    ///
    /// # Source
    /// torchvision `ops.Permute`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 96, 56, 56]
    /// Permute((0, 2, 3, 1)); LayerNorm
    /// expect [N, 56, 56, 96]
    /// ```
    Permute {
        /// Every axis of the input once; from the end when negative.
        dims: Axes,
    }
}

impl Permute {
    fn axes(&self, input: &Shape) -> Result<Vec<usize>, ShapeError> {
        let refusal = |message: String, note: String| ShapeError::Other {
            code: Code::E310,
            message,
            argument: Some("dims"),
            note: Some(note),
            mend: None,
        };
        let mut axes = Vec::with_capacity(input.rank());
        for &axis in &self.dims.0 {
            let position = inputs::axis("dims", axis, input)?;
            if axes.contains(&position) {
                let note = format!("of {input}, every axis from 0 to {} has to stand there once", input.rank() - 1);
                return Err(refusal(format!("dims={} names axis {position} twice", self.dims.write()), note));
            }
            axes.push(position);
        }
        if axes.len() == input.rank() {
            return Ok(axes);
        }
        let message = format!("dims={} has {} axes, its input {}", self.dims.write(), axes.len(), input.rank());
        Err(refusal(message, format!("the input is {input}")))
    }
}

impl Operator for Permute {
    fn infer(&self, inputs: &[Shape], _requirements: &mut Requirements) -> Result<Shape, ShapeError> {
        let input = inputs::single(inputs)?;
        let axes = self.axes(&input)?;
        Ok(axes.into_iter().filter_map(|axis| input.get(axis).cloned()).collect())
    }

    fn receptive_field(&self, inputs: &[Shape], _output: &Shape) -> LayerField {
        let axes = inputs.first().and_then(|input| self.axes(input).ok()).unwrap_or_default();
        let place = |axis: usize| axes.iter().position(|&from| from == axis).unwrap_or(axis);
        LayerField::Moved((0..axes.len()).map(place).collect())
    }

    fn describe(&self, _inputs: &[Shape]) -> String {
        String::new()
    }

    fn lower(&self, builder: &mut KernelBuilder) -> NodeId {
        let x = builder.input(0);
        let input = Shape::from(builder.shape(x).as_slice());
        let axes = self.axes(&input).unwrap_or_default();
        builder.permute(x, &axes)
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::{bind, on, refusal};
    use super::*;

    #[test]
    fn axes_in_another_order() {
        let permuted = on("Permute((0, 2, -1, 1))", &["[N, 3, H, W]"]);
        assert_eq!(permuted.shape.to_string(), "[N, H, W, 3]");
        assert_eq!(permuted.receptive_field(), LayerField::Moved(vec![0, 3, 1, 2]));
        assert_eq!(on("Permute([1, 0])", &["[N, 3]"]).shape.to_string(), "[3, N]");
    }

    #[test]
    fn every_axis_once() {
        let message = |text: &str| match refusal(text, &["[N, 3, 5]"]) {
            ShapeError::Other { message, .. } => message,
            other => panic!("{other:?}"),
        };
        assert_eq!(message("Permute((0, 1, 1))"), "dims=(0, 1, 1) names axis 1 twice");
        assert_eq!(message("Permute((0, 1))"), "dims=(0, 1) has 2 axes, its input 3");
        assert!(matches!(refusal("Permute((0, 1, 3))", &["[N, 3, 5]"]), ShapeError::NoSuchAxis { .. }));
        assert!(bind("Permute(1)").is_err());
    }
}
