//! GroupNorm: normalisation over groups of channels of one image.

use super::{Argument, BindError, LayerField, Operator, ParameterDeclaration, ShapeError, inputs, norm};
use crate::graph::NodeId;
use crate::kernels::KernelBuilder;
use crate::onnx::{Attribute, Nodes, Value, since};
use crate::shape::{Requirements, Shape};

crate::layer! {
    /// Group normalisation (Wu & He 2018) of `[N, C, ...]`: mean 0 and variance 1 over the elements of each group of
    /// channels, then a weight and a bias for each channel.
    ///
    /// # Shape
    /// The input's; `C` must be a multiple of `num_groups`.
    ///
    /// # Parameters
    /// weight `[C]`, bias `[C]`
    ///
    /// # Errors
    /// E206 an `eps` below zero; E301 channels not divisible by groups; E303 an input without channels; E307 channels
    /// that are a symbol
    ///
    /// # Source
    /// PyTorch `nn.GroupNorm`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 3, 32, 32]
    /// Conv2d(16, kernel_size=3, padding=1); GroupNorm(4); ReLU
    /// ```
    GroupNorm {
        /// Parts that channels are divided into.
        num_groups: usize,
        /// Added to the variance, so that it is never zero.
        eps: f64 = 1e-5,
        /// Whether there is a weight, and with it a bias.
        affine: bool = true,
        /// Whether there is a bias beside the weight.
        bias: bool = true,
    }
}

impl Operator for GroupNorm {
    const PARAMETERS: &'static [&'static str] = &["weight", "bias"];

    fn validate(&self) -> Result<(), BindError> {
        norm::positive(self.eps)
    }

    fn infer(&self, inputs: &[Shape], _requirements: &mut Requirements) -> Result<Shape, ShapeError> {
        let channels = inputs::channels(inputs)?;
        inputs::divisible("channels", channels, self.num_groups, "num_groups", &[channels])?;
        inputs::single(inputs)
    }

    fn parameters(&self, inputs: &[Shape]) -> Result<Vec<ParameterDeclaration>, ShapeError> {
        Ok(norm::weight_and_bias(&[inputs::channels(inputs)?], self.affine, self.bias))
    }

    fn receptive_field(&self, inputs: &[Shape], _output: &Shape) -> LayerField {
        LayerField::whole_from(1, inputs.first().map_or(0, Shape::rank))
    }

    fn describe(&self, inputs: &[Shape]) -> String {
        format!(
            "{}, {}, eps={}, affine={}, bias={}",
            self.num_groups,
            inputs::channels(inputs).unwrap_or(0),
            self.eps.python(),
            self.affine.python(),
            (self.affine && self.bias).python()
        )
    }

    fn lower(&self, builder: &mut KernelBuilder) -> NodeId {
        let output = builder.output();
        let (batch, rank) = (output.first().copied().unwrap_or(1), output.len());
        let rest = output.iter().skip(1).product::<usize>() / self.num_groups;
        let groups = builder.reshape(builder.input(0), &[batch, self.num_groups, rest]);
        let normal = norm::normalise(builder, groups, &[2], self.eps);
        let normal = builder.reshape(normal, &output);
        norm::scale_and_shift(builder, normal, |builder, vector| builder.per_channel(vector, rank))
    }

    /// Before there was such an operator, each group was normalised as an instance without weights.
    fn onnx(&self, nodes: &mut Nodes) -> Option<Value> {
        let (x, shape) = (nodes.input(0)?, nodes.output());
        let channels = usize::try_from(shape.get(1)?.number()?).ok()?;
        let learned = usize::from(self.affine) + usize::from(self.affine && self.bias);
        let epsilon = ("epsilon", Attribute::Float(self.eps));
        if nodes.set() >= since("GroupNormalization") {
            let [scale, bias] = norm::scale_and_bias(nodes, &[channels], learned);
            let groups = ("num_groups", Attribute::Int(self.num_groups as i64));
            return Some(nodes.node("GroupNormalization", &[x, scale, bias], vec![groups, epsilon]));
        }
        let parts = nodes.ints(&[0, self.num_groups as i64, -1]);
        let parts = nodes.node("Reshape", &[x, parts], Vec::new());
        let plain = [1.0, 0.0].map(|number| nodes.floats(vec![number; self.num_groups], &[self.num_groups]));
        let normal = nodes.node("InstanceNormalization", &[parts, plain[0], plain[1]], vec![epsilon]);
        let mut y = nodes.reshape(normal, &shape);
        let sizes = [vec![channels as i64], vec![1; shape.rank().saturating_sub(2)]].concat();
        for (place, operator) in ["Mul", "Add"].into_iter().enumerate().take(learned) {
            let sizes = nodes.ints(&sizes);
            let vector = nodes.node("Reshape", &[nodes.parameter(place)?, sizes], Vec::new());
            y = nodes.node(operator, &[y, vector], Vec::new());
        }
        Some(y)
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::{on, refusal};
    use super::*;

    #[test]
    fn groups_of_channels() {
        let norm = on("GroupNorm(4)", &["[N, 16, H, W]"]);
        assert_eq!(norm.shape.to_string(), "[N, 16, H, W]");
        assert_eq!(norm.parameters(), "weight [16], bias [16]");
        assert_eq!(norm.describe(), "4, 16, eps=1e-05, affine=True, bias=True");
        assert_eq!(norm.kernels.first().map(String::as_str), Some("reshape"));
        assert_eq!(on("GroupNorm(2, affine=false)", &["[N, 16]"]).parameters(), "");
        let ShapeError::NotDivisible { mends, argument, .. } = refusal("GroupNorm(3)", &["[N, 16, 26, 26]"]) else {
            panic!("another error");
        };
        assert_eq!((argument, mends), ("num_groups", vec![2, 4]));
    }
}
