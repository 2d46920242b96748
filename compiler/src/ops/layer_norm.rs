//! LayerNorm: normalisation over the last axes.

use super::norm::LastAxes;
use super::{BindError, LayerField, Operator, ParameterDeclaration, ShapeError, Sizes, norm};
use crate::graph::NodeId;
use crate::kernels::KernelBuilder;
use crate::onnx::{Attribute, Nodes, Value};
use crate::shape::{Requirements, Shape};

crate::layer! {
    /// Layer normalisation (Ba et al. 2016) over the last axes: mean 0 and variance 1, then a weight and a bias for
    /// each element.
    ///
    /// # Shape
    /// The input's; its last sizes must be `normalized_shape`.
    ///
    /// # Parameters
    /// weight `normalized_shape`, bias `normalized_shape`
    ///
    /// # Errors
    /// E206 an `eps` below zero; E303 fewer axes than `normalized_shape`; E307 sizes that are symbols; E310 other
    /// sizes than `normalized_shape`
    ///
    /// # Source
    /// PyTorch `nn.LayerNorm`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 5, 64]
    /// LayerNorm
    /// ```
    LayerNorm {
        /// Sizes of the axes that are normalised over, the last of the input; the last axis alone when left out.
        normalized_shape: Option<Sizes> = None,
        /// Added to the variance, so that it is never zero.
        eps: f64 = 1e-5,
        /// Whether there is a weight, and with it a bias.
        elementwise_affine: bool = true,
        /// Whether there is a bias beside the weight.
        bias: bool = true,
    }
}

impl LayerNorm {
    fn last(&self) -> LastAxes<'_> {
        LastAxes(self.normalized_shape.as_ref())
    }
}

impl Operator for LayerNorm {
    const PARAMETERS: &'static [&'static str] = &["weight", "bias"];

    fn validate(&self) -> Result<(), BindError> {
        norm::positive(self.eps)
    }

    fn infer(&self, inputs: &[Shape], _requirements: &mut Requirements) -> Result<Shape, ShapeError> {
        self.last().infer(inputs)
    }

    fn parameters(&self, inputs: &[Shape]) -> Result<Vec<ParameterDeclaration>, ShapeError> {
        Ok(norm::weight_and_bias(&self.last().sizes(inputs)?, self.elementwise_affine, self.bias))
    }

    fn receptive_field(&self, inputs: &[Shape], _output: &Shape) -> LayerField {
        self.last().field(inputs)
    }

    fn describe(&self, inputs: &[Shape]) -> String {
        norm::describe(self.last().sizes(inputs).unwrap_or_default(), self.eps, self.elementwise_affine, self.bias)
    }

    fn lower(&self, builder: &mut KernelBuilder) -> NodeId {
        let rank = builder.output().len();
        let over: Vec<usize> = (rank.saturating_sub(self.last().count())..rank).collect();
        let normal = norm::normalise(builder, builder.input(0), &over, self.eps);
        norm::scale_and_shift(builder, normal, |builder, weight| builder.with_rank(weight, rank))
    }

    fn onnx(&self, nodes: &mut Nodes) -> Option<Value> {
        let x = nodes.input(0)?;
        let attributes =
            vec![("axis", Attribute::Int(-(self.last().count() as i64))), ("epsilon", Attribute::Float(self.eps))];
        if self.elementwise_affine {
            return Some(nodes.weighted("LayerNormalization", attributes));
        }
        let sizes = self.last().sizes(&[nodes.output()]).ok()?;
        let [ones, _] = norm::scale_and_bias(nodes, &sizes, 0);
        Some(nodes.node("LayerNormalization", &[x, ones], attributes))
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::{on, refusal};
    use super::*;

    #[test]
    fn the_last_axis_unless_told_otherwise() {
        let norm = on("LayerNorm", &["[N, 5, 64]"]);
        assert_eq!(norm.parameters(), "weight [64], bias [64]");
        assert_eq!(norm.describe(), "(64,), eps=1e-05, elementwise_affine=True, bias=True");
        assert_eq!(norm.receptive_field(), LayerField::Whole(vec![2]));
        let two = on("LayerNorm((5, 64), eps=1e-6, bias=false)", &["[N, 5, 64]"]);
        assert_eq!(two.parameters(), "weight [5, 64]");
        assert_eq!(two.describe(), "(5, 64), eps=1e-06, elementwise_affine=True, bias=False");
    }

    #[test]
    fn another_shape_is_refused() {
        let ShapeError::Other { mend, .. } = refusal("LayerNorm(32)", &["[N, 5, 64]"]) else { panic!("another error") };
        assert_eq!(mend, Some(("normalized_shape", "(64,)".into())));
        assert!(matches!(refusal("LayerNorm((4, 5, 64))", &["[5, 64]"]), ShapeError::Rank { .. }));
        assert!(matches!(refusal("LayerNorm", &["[N, 5, L]"]), ShapeError::Unknown { .. }));
    }
}
