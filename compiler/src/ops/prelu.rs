//! PReLU: a slope below zero that is learned.

use super::{Operator, ParameterDeclaration, ShapeError, inputs};
use crate::diagnostic::Code;
use crate::graph::{Initialiser, NodeId};
use crate::kernels::{Expression, KernelBuilder};
use crate::onnx::{Nodes, Value};
use crate::shape::{Requirements, Shape};

crate::layer! {
    /// `x` where it is positive, `weight · x` elsewhere, with one weight or one a channel (He et al. 2015).
    ///
    /// # Shape
    /// The input's; with more than one weight, `C` is `num_parameters`.
    ///
    /// # Parameters
    /// weight `[num_parameters]`
    ///
    /// # Errors
    /// E310 more than one weight, and not as many as channels
    ///
    /// # Source
    /// PyTorch `nn.PReLU`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 8, 4, 4]
    /// PReLU(num_parameters=8)
    /// ```
    PReLU {
        /// The number of weights: 1, or as many as there are channels.
        num_parameters: usize = 1,
        /// What the weights start as.
        init: f64 = 0.25,
    }
}

impl Operator for PReLU {
    const PARAMETERS: &'static [&'static str] = &["weight"];

    fn infer(&self, inputs: &[Shape], _requirements: &mut Requirements) -> Result<Shape, ShapeError> {
        let shape = inputs::single(inputs)?;
        if self.num_parameters == 1 {
            return Ok(shape);
        }
        let channels = inputs::channels(inputs)?;
        if channels == self.num_parameters {
            return Ok(shape);
        }
        Err(ShapeError::Other {
            code: Code::E310,
            message: format!("num_parameters={} does not fit {channels} channels", self.num_parameters),
            argument: Some("num_parameters"),
            note: None,
            mend: Some(("num_parameters", channels.to_string())),
        })
    }

    fn parameters(&self, _inputs: &[Shape]) -> Result<Vec<ParameterDeclaration>, ShapeError> {
        let start = Initialiser::Constant(self.init);
        Ok(vec![ParameterDeclaration::trainable("weight", vec![self.num_parameters], start)])
    }

    fn describe(&self, _inputs: &[Shape]) -> String {
        format!("num_parameters={}", self.num_parameters)
    }

    fn lower(&self, builder: &mut KernelBuilder) -> NodeId {
        let x = builder.input(0);
        let Some(weight) = builder.parameter(0) else { return x };
        let rank = builder.shape(x).len();
        let weight = if rank > 1 { builder.per_channel(weight, rank) } else { weight };
        let value = Expression::operand(0);
        let slope = value.clone().greater(0.0).select(value.clone(), value * Expression::operand(1));
        builder.map(&[x, weight], slope)
    }

    fn onnx(&self, nodes: &mut Nodes) -> Option<Value> {
        let (x, weight, rank) = (nodes.input(0)?, nodes.parameter(0)?, nodes.output().rank());
        let sizes = nodes.ints(&[vec![-1], vec![1; rank.saturating_sub(2)]].concat());
        let weight = if rank > 2 { nodes.node("Reshape", &[weight, sizes], Vec::new()) } else { weight };
        Some(nodes.node("PRelu", &[x, weight], Vec::new()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::{on, refusal};
    use super::*;

    #[test]
    fn one_weight_or_one_a_channel() {
        let single = on("PReLU", &["[N, 8, 4, 4]"]);
        assert_eq!(single.parameters(), "weight [1]");
        assert_eq!(single.describe(), "num_parameters=1");
        let each = on("PReLU(8, init=0.1)", &["[N, 8, 4, 4]"]);
        assert_eq!(each.parameters(), "weight [8]");
        assert_eq!(each.kernels, ["reshape", "map select(x0 > 0, x0, x0 * x1)"]);
        let ShapeError::Other { mend, .. } = refusal("PReLU(4)", &["[N, 8, 4, 4]"]) else { panic!("another error") };
        assert_eq!(mend, Some(("num_parameters", "8".into())));
    }
}
