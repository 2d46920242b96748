//! RMSNorm: division by the root of the mean square over the last axes.

use super::norm::LastAxes;
use super::{Argument, BindError, LayerField, Operator, ParameterDeclaration, ShapeError, Sizes, norm};
use crate::graph::NodeId;
use crate::kernels::{Expression, KernelBuilder};
use crate::shape::{Requirements, Shape};

crate::layer! {
    /// Root-mean-square normalisation (Zhang & Sennrich 2019) over the last axes: `x / √(mean(x²) + eps) · weight`.
    ///
    /// # Shape
    /// The input's; its last sizes must be `normalized_shape`.
    ///
    /// # Parameters
    /// weight `normalized_shape`
    ///
    /// # Errors
    /// E206 an `eps` below zero; E303 fewer axes than `normalized_shape`; E307 sizes that are symbols; E310 other
    /// sizes than `normalized_shape`
    ///
    /// # Source
    /// PyTorch `nn.RMSNorm`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 5, 64]
    /// RMSNorm(eps=1e-6)
    /// ```
    RMSNorm {
        /// Sizes of the axes that are normalised over, the last of the input; the last axis alone when left out.
        normalized_shape: Option<Sizes> = None,
        /// Added to the mean square; when left out the distance from 1 to the next number of single precision.
        eps: Option<f64> = None,
        /// Whether there is a weight.
        elementwise_affine: bool = true,
    }
}

impl RMSNorm {
    fn last(&self) -> LastAxes<'_> {
        LastAxes(self.normalized_shape.as_ref())
    }
}

impl Operator for RMSNorm {
    const PARAMETERS: &'static [&'static str] = &["weight"];

    fn validate(&self) -> Result<(), BindError> {
        norm::positive(self.eps.unwrap_or(0.0))
    }

    fn infer(&self, inputs: &[Shape], _requirements: &mut Requirements) -> Result<Shape, ShapeError> {
        self.last().infer(inputs)
    }

    fn parameters(&self, inputs: &[Shape]) -> Result<Vec<ParameterDeclaration>, ShapeError> {
        Ok(norm::weight_and_bias(&self.last().sizes(inputs)?, self.elementwise_affine, false))
    }

    fn receptive_field(&self, inputs: &[Shape], _output: &Shape) -> LayerField {
        self.last().field(inputs)
    }

    fn describe(&self, inputs: &[Shape]) -> String {
        let sizes = Sizes(self.last().sizes(inputs).unwrap_or_default()).python();
        format!("{sizes}, eps={}, elementwise_affine={}", self.eps.python(), self.elementwise_affine.python())
    }

    fn lower(&self, builder: &mut KernelBuilder) -> NodeId {
        let (x, rank) = (builder.input(0), builder.output().len());
        let over: Vec<usize> = (rank.saturating_sub(self.last().count())..rank).collect();
        let squares = builder.map(&[x], Expression::operand(0) * Expression::operand(0));
        let mean = builder.mean(squares, &over);
        let eps = self.eps.unwrap_or(f64::from(f32::EPSILON));
        let normal = builder.map(&[x, mean], Expression::operand(0) / (Expression::operand(1) + eps).sqrt());
        norm::scale_and_shift(builder, normal, |builder, weight| builder.with_rank(weight, rank))
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::{on, refusal};
    use super::*;

    #[test]
    fn over_the_last_axes() {
        let norm = on("RMSNorm", &["[N, 5, 64]"]);
        assert_eq!(norm.parameters(), "weight [64]");
        assert_eq!(norm.describe(), "(64,), eps=None, elementwise_affine=True");
        assert_eq!(norm.receptive_field(), LayerField::Whole(vec![2]));
        assert_eq!(on("RMSNorm((5, 64), 1e-6)", &["[N, 5, 64]"]).parameters(), "weight [5, 64]");
        assert!(matches!(refusal("RMSNorm(63)", &["[N, 64]"]), ShapeError::Other { .. }));
    }
}
