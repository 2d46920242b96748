//! Linear: every output from every input feature.

use super::{Argument, LayerField, Operator, ParameterDeclaration, ShapeError, inputs};
use crate::graph::NodeId;
use crate::kernels::KernelBuilder;
use crate::onnx::{Attribute, Nodes, Value};
use crate::shape::{Dim, Requirements, Shape};

crate::layer! {
    /// Fully connected layer, `x · weightᵀ + bias` over the last axis: `[..., in_features]` to `[..., out_features]`.
    ///
    /// # Shape
    /// The input's with `out_features` for the last axis; put a `Flatten` before it to connect all of an image.
    ///
    /// # Parameters
    /// weight `[out_features, in_features]`, bias `[out_features]`
    ///
    /// # Errors
    /// E303 an input without axes; E307 features that are a symbol
    ///
    /// # Source
    /// PyTorch `nn.Linear`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 16, 5, 5]
    /// Flatten; Linear(120)
    /// expect [N, 120]
    /// ```
    Linear {
        /// Features of the output.
        out_features: usize,
        /// Whether a number is added to each of them.
        bias: bool = true,
    }
}

impl Linear {
    fn in_features(&self, inputs: &[Shape]) -> Result<usize, ShapeError> {
        match inputs.first().and_then(|shape| shape.last()) {
            Some(features) => inputs::number("features", features),
            None => Err(inputs::rank(inputs, "[..., in_features]", None, None)),
        }
    }
}

impl Operator for Linear {
    const PARAMETERS: &'static [&'static str] = &["weight", "bias"];
    const TAKES_FEATURES: bool = true;

    fn infer(&self, inputs: &[Shape], _requirements: &mut Requirements) -> Result<Shape, ShapeError> {
        self.in_features(inputs)?;
        let mut sizes = inputs::single(inputs)?.to_vec();
        if let Some(last) = sizes.last_mut() {
            *last = Dim::from(self.out_features);
        }
        Ok(Shape::from(sizes))
    }

    fn parameters(&self, inputs: &[Shape]) -> Result<Vec<ParameterDeclaration>, ShapeError> {
        let weight = vec![self.out_features, self.in_features(inputs)?];
        Ok(inputs::weight_and_bias(weight, self.bias.then_some(self.out_features)))
    }

    fn macs(&self, inputs: &[Vec<usize>], output: &[usize]) -> u64 {
        let features = inputs.first().and_then(|input| input.last()).copied().unwrap_or(0);
        super::count(output).saturating_mul(features as u64)
    }

    fn receptive_field(&self, inputs: &[Shape], _output: &Shape) -> LayerField {
        let rank = inputs.first().map_or(0, Shape::rank);
        LayerField::whole_from(rank.saturating_sub(1), rank)
    }

    fn describe(&self, inputs: &[Shape]) -> String {
        let features = self.in_features(inputs).unwrap_or(0);
        format!("in_features={features}, out_features={}, bias={}", self.out_features, self.bias.python())
    }

    fn lower(&self, builder: &mut KernelBuilder) -> NodeId {
        let (x, output) = (builder.input(0), builder.output());
        let Some(weight) = builder.parameter(0) else { return x };
        let features = builder.shape(x).last().copied().unwrap_or(1);
        let rows = output.iter().rev().skip(1).product();
        let matrix = builder.reshape(x, &[rows, features]);
        let product = builder.gemm(matrix, false, weight, true);
        let product = builder.add_bias(product, 1);
        builder.reshape(product, &output)
    }

    fn onnx(&self, nodes: &mut Nodes) -> Option<Value> {
        if nodes.output().rank() == 2 {
            return Some(nodes.weighted("Gemm", vec![("transB", Attribute::Int(1))]));
        }
        let (x, weight) = (nodes.input(0)?, nodes.parameter(0)?);
        let weight = nodes.node("Transpose", &[weight], vec![("perm", Attribute::Ints(vec![1, 0]))]);
        let product = nodes.node("MatMul", &[x, weight], Vec::new());
        Some(match nodes.parameter(1) {
            Some(bias) => nodes.node("Add", &[product, bias], Vec::new()),
            None => product,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::{on, refusal};
    use super::*;

    #[test]
    fn the_last_axis_is_connected() {
        let linear = on("Linear(120)", &["[N, 256]"]);
        assert_eq!(linear.shape.to_string(), "[N, 120]");
        assert_eq!(linear.parameters(), "weight [120, 256], bias [120]");
        assert_eq!(linear.describe(), "in_features=256, out_features=120, bias=True");
        assert_eq!(linear.macs(), 256 * 120);
        assert_eq!(linear.kernels, ["gemm", "reshape", "map x0 + x1"]);
        let tokens = on("Linear(6, bias=false)", &["[N, 5, 8]"]);
        assert_eq!(tokens.shape.to_string(), "[N, 5, 6]");
        assert_eq!(tokens.kernels, ["reshape", "gemm", "reshape"]);
        assert_eq!(tokens.macs(), 5 * 8 * 6);
        assert_eq!(tokens.receptive_field(), LayerField::Whole(vec![2]));
    }

    #[test]
    fn features_are_a_number() {
        let unknown = refusal("Linear(10)", &["[N, F]"]);
        assert_eq!(unknown, ShapeError::Unknown { axis: "features", size: Dim::symbol("F") });
        assert_eq!(refusal("Linear(1000000000000)", &["[N, 1000000000000]"]), ShapeError::TooLarge);
    }
}
