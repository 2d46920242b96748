//! What LPPool1d to LPPool3d share: the `p`-norm of each window, as a mean of powers, which poolings know, made a sum again.

use super::dimensions::{Over, pool};
use super::{BindError, LayerField, Margins, ParameterDeclaration, PerAxis, ShapeError, Window};
use crate::graph::NodeId;
use crate::kernels::{Expression, KernelBuilder};
use crate::onnx::{Nodes, Value};
use crate::shape::{Requirements, Shape};

/// A power-average pooling of any number of axes.
pub struct LpPool {
    norm: f64,
    window: Window,
    text: String,
}

impl LpPool {
    /// With the layer's arguments, and what PyTorch prints of them.
    pub fn new<E: PerAxis, const D: usize>(
        norm: f64,
        kernel: &E,
        stride: &Option<E>,
        ceil_mode: bool,
        text: String,
    ) -> LpPool {
        let window = Window::pooling(kernel, stride, &Margins([0; D]), &[1; D], ceil_mode);
        LpPool { norm, window: Window { most_padding: vec![0; D], ..window }, text }
    }

    /// A norm is that of a positive number.
    pub fn validate(&self) -> Result<(), BindError> {
        if self.norm > 0.0 {
            return Ok(());
        }
        let message = format!("norm_type={} is no norm: it has to be above 0", self.norm);
        Err(BindError::Conflict { argument: "norm_type", message, mend: Some("2".into()) })
    }

    /// As of other poolings.
    pub fn infer(&self, inputs: &[Shape], requirements: &mut Requirements) -> Result<Shape, ShapeError> {
        self.window.pooled(inputs, requirements)
    }

    /// None.
    pub fn parameters(&self, _inputs: &[Shape]) -> Result<Vec<ParameterDeclaration>, ShapeError> {
        Ok(Vec::new())
    }

    /// None that count.
    pub fn macs(&self, _inputs: &[Vec<usize>], _output: &[usize]) -> u64 {
        0
    }

    /// The window.
    pub fn receptive_field(&self, _inputs: &[Shape]) -> LayerField {
        self.window.receptive_field()
    }

    /// Of the window.
    pub fn arithmetic(&self, inputs: &[Shape]) -> Vec<String> {
        self.window.arithmetic(inputs)
    }

    /// The arguments.
    pub fn describe(&self, _inputs: &[Shape]) -> String {
        self.text.clone()
    }

    /// `x` to the power of the norm: exact where products say it, for numbers below zero too.
    fn raised(&self) -> Expression {
        let x = Expression::operand(0);
        if self.norm == 2.0 { x.clone() * x } else { x.power(self.norm) }
    }

    fn root(&self, sum: Expression) -> Expression {
        match self.norm {
            1.0 => sum,
            2.0 => sum.sqrt(),
            norm => sum.power(1.0 / norm),
        }
    }

    /// Where the sum is 0 the root has no derivative, and PyTorch's is 0.
    pub fn lower(&self, builder: &mut KernelBuilder) -> NodeId {
        let size = builder.output().split_off(2);
        let x = builder.input(0);
        let powers = if self.norm == 1.0 { x } else { builder.map(&[x], self.raised()) };
        let mean = pool(builder, powers, &self.window.pool_axes(), &Over::Mean, &size);
        let area: usize = self.window.axes.iter().map(|axis| axis.kernel).product();
        let sum = Expression::operand(0) * area as f64;
        let root = self.root(sum.clone());
        let root = if builder.is_training() && self.norm != 1.0 {
            let flat = self.root(builder.fixed(sum.clone()));
            sum.greater(0.0).select(root, flat)
        } else {
            root
        };
        builder.map(&[mean], root)
    }

    /// Its kernels: ONNX's takes whole norms alone.
    pub fn onnx(&self, _nodes: &mut Nodes) -> Option<Value> {
        None
    }
}
