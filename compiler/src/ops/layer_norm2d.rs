//! LayerNorm2d: normalisation over the channels of each place of a plane.

use super::{BindError, Operator, ParameterDeclaration, ShapeError, inputs, norm};
use crate::graph::NodeId;
use crate::kernels::KernelBuilder;
use crate::onnx::{Nodes, Value};
use crate::shape::{Requirements, Shape};

crate::layer! {
    /// Layer normalisation of `[N, C, H, W]` over channels, each place of the plane by itself (ConvNeXt), then a
    /// weight and a bias for each channel.
    ///
    /// # Shape
    /// The input's.
    ///
    /// # Parameters
    /// weight `[C]`, bias `[C]`
    ///
    /// # Errors
    /// E206 an `eps` below zero; E303 an input of another number of axes; E307 channels that are a symbol
    ///
    /// # Source
    /// torchvision `models.convnext.LayerNorm2d`, whose `eps` is 1e-5 unless its caller says 1e-6, as ConvNeXt does.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 3, 32, 32]
    /// Conv2d(96, kernel_size=4, stride=4); LayerNorm2d(eps=1e-6)
    /// ```
    LayerNorm2d {
        /// Added to the variance, so that it is never zero.
        eps: f64 = 1e-5,
        /// Whether there is a weight, and with it a bias.
        elementwise_affine: bool = true,
        /// Whether there is a bias beside the weight.
        bias: bool = true,
    }
}

impl Operator for LayerNorm2d {
    const PARAMETERS: &'static [&'static str] = &["weight", "bias"];

    fn validate(&self) -> Result<(), BindError> {
        norm::positive(self.eps)
    }

    fn infer(&self, inputs: &[Shape], _requirements: &mut Requirements) -> Result<Shape, ShapeError> {
        inputs::planes(inputs)?;
        inputs::channels(inputs)?;
        inputs::single(inputs)
    }

    fn parameters(&self, inputs: &[Shape]) -> Result<Vec<ParameterDeclaration>, ShapeError> {
        Ok(norm::weight_and_bias(&[inputs::channels(inputs)?], self.elementwise_affine, self.bias))
    }

    fn describe(&self, inputs: &[Shape]) -> String {
        let channels = inputs::channels(inputs).unwrap_or(0);
        norm::describe(vec![channels], self.eps, self.elementwise_affine, self.bias)
    }

    fn lower(&self, builder: &mut KernelBuilder) -> NodeId {
        let normal = norm::normalise(builder, builder.input(0), &[1], self.eps);
        norm::scale_and_shift(builder, normal, |builder, vector| builder.per_channel(vector, 4))
    }

    /// There is no operator that normalises the second of four axes.
    fn onnx(&self, nodes: &mut Nodes) -> Option<Value> {
        let x = nodes.input(0)?;
        let mean = nodes.reduce("ReduceMean", x, &[1], true);
        let centred = nodes.node("Sub", &[x, mean], Vec::new());
        let squares = nodes.node("Mul", &[centred, centred], Vec::new());
        let variance = nodes.reduce("ReduceMean", squares, &[1], true);
        let eps = nodes.float(self.eps);
        let inner = nodes.node("Add", &[variance, eps], Vec::new());
        let root = nodes.node("Sqrt", &[inner], Vec::new());
        let mut y = nodes.node("Div", &[centred, root], Vec::new());
        for (place, operator) in ["Mul", "Add"].into_iter().enumerate() {
            let Some(vector) = nodes.parameter(place) else { break };
            let sizes = nodes.ints(&[-1, 1, 1]);
            let vector = nodes.node("Reshape", &[vector, sizes], Vec::new());
            y = nodes.node(operator, &[y, vector], Vec::new());
        }
        Some(y)
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::on;

    #[test]
    fn channels_of_each_place() {
        let norm = on("LayerNorm2d(eps=1e-6)", &["[N, 96, H, W]"]);
        assert_eq!(norm.shape.to_string(), "[N, 96, H, W]");
        assert_eq!(norm.parameters(), "weight [96], bias [96]");
        assert_eq!(norm.describe(), "(96,), eps=1e-06, elementwise_affine=True, bias=True");
        assert_eq!(norm.receptive_field(), super::super::LayerField::Point);
    }
}
