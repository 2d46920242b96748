//! LocalResponseNorm: each channel divided by what its neighbours answer.

use super::{Argument, Operator, ShapeError, inputs};
use crate::graph::NodeId;
use crate::kernels::{AxisWindow, Divisor, Expression, KernelBuilder, PoolAxis, Pooling};
use crate::onnx::{Attribute, Nodes, Value};
use crate::shape::{Requirements, Shape};

crate::layer! {
    /// Local response normalisation (Krizhevsky et al. 2012) of `[N, C, ...]`: `x / (k + alpha/size · Σ x²)^beta`,
    /// summed over `size` neighbouring channels, of which `⌊size/2⌋` come before.
    ///
    /// # Shape
    /// The input's.
    ///
    /// # Errors
    /// E303 an input of fewer than 3 axes
    ///
    /// # Source
    /// PyTorch `nn.LocalResponseNorm`, which divides by `size` also where neighbours are missing.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 64, 27, 27]
    /// LocalResponseNorm(5, alpha=0.0001, beta=0.75, k=2)
    /// ```
    LocalResponseNorm {
        /// Neighbouring channels that are summed over, the channel itself counted.
        size: usize,
        /// Weight of the neighbours.
        alpha: f64 = 1e-4,
        /// The exponent.
        beta: f64 = 0.75,
        /// Added to the neighbours.
        k: f64 = 1.0,
    }
}

impl Operator for LocalResponseNorm {
    fn infer(&self, inputs: &[Shape], _requirements: &mut Requirements) -> Result<Shape, ShapeError> {
        let shape = inputs::single(inputs)?;
        if shape.rank() < 3 {
            return Err(inputs::rank(inputs, "[N, C, ...] with 3 axes or more", None, None));
        }
        Ok(shape)
    }

    fn describe(&self, _inputs: &[Shape]) -> String {
        let LocalResponseNorm { size, alpha, beta, k } = self;
        format!("{size}, alpha={}, beta={}, k={}", alpha.python(), beta.python(), k.python())
    }

    fn lower(&self, builder: &mut KernelBuilder) -> NodeId {
        let (x, output) = (builder.input(0), builder.output());
        let (batch, channels) = match output.as_slice() {
            [batch, channels, ..] => (*batch, *channels),
            _ => return x,
        };
        let places = output.iter().skip(2).product();
        let (a, b) = (Expression::operand(0), Expression::operand(1));
        let squares = builder.map(&[x], a.clone() * a.clone());
        // A pooling slides over the last two axes, so channels become rows and a whole plane becomes a row.
        let rows = builder.reshape(squares, &[batch, 1, channels, places]);
        let axis = |kernel, before| PoolAxis::Sliding(AxisWindow { kernel, stride: 1, dilation: 1, before });
        let mean = Pooling::Mean(Divisor::Fixed(self.size as f64));
        let means = builder.pool(rows, [axis(self.size, self.size / 2), axis(1, 0)], mean, [channels, places]);
        let means = builder.reshape(means, &output);
        builder.map(&[x, means], a / (b * self.alpha + self.k).power(self.beta))
    }

    /// Of an even number of channels, ONNX has the odd one behind and PyTorch before; of other values than planes, programs have
    /// none.
    fn onnx(&self, nodes: &mut Nodes) -> Option<Value> {
        let x = nodes.input(0)?;
        let attributes = vec![
            ("size", Attribute::Int(self.size as i64)),
            ("alpha", Attribute::Float(self.alpha)),
            ("beta", Attribute::Float(self.beta)),
            ("bias", Attribute::Float(self.k)),
        ];
        (self.size % 2 == 1 && nodes.output().rank() == 4).then(|| nodes.node("LRN", &[x], attributes))
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::{on, refusal};
    use super::*;

    #[test]
    fn neighbours_among_channels() {
        let norm = on("LocalResponseNorm(5, k=2)", &["[N, 64, H, W]"]);
        assert_eq!(norm.shape.to_string(), "[N, 64, H, W]");
        assert_eq!(norm.describe(), "5, alpha=0.0001, beta=0.75, k=2.0");
        let kernels = ["map x0 * x0", "reshape", "pool_mean", "reshape", "map x0 / pow((x1 * 0.0001) + 2, 0.75)"];
        assert_eq!(norm.kernels, kernels);
        assert!(matches!(refusal("LocalResponseNorm(5)", &["[N, 64]"]), ShapeError::Rank { .. }));
    }
}
