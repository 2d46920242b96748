//! What the normalisations share: `(x − mean) / √(variance + eps)` over some axes, and the weight and bias that
//! follow it.

use super::{Argument, BindError, LayerField, ParameterDeclaration, ShapeError, Sizes, inputs};
use crate::diagnostic::Code;
use crate::graph::{Initialiser, NodeId};
use crate::kernels::{Expression, KernelBuilder};
use crate::onnx::{Nodes, Value};
use crate::shape::Shape;

/// `x` with mean 0 and variance 1 over some axes.
pub fn normalise(builder: &mut KernelBuilder, x: NodeId, over: &[usize], eps: f64) -> NodeId {
    let statistics = statistics(builder, x, over);
    normalised(builder, x, statistics, eps)
}

/// `x` with these statistics.
pub fn normalised(builder: &mut KernelBuilder, x: NodeId, [mean, variance]: [NodeId; 2], eps: f64) -> NodeId {
    let [a, b, c] = [0, 1, 2].map(Expression::operand);
    builder.map(&[x, mean, variance], (a - b) / (c + eps).sqrt())
}

/// Mean and variance over some axes, which keep size 1; the variance divides by the number of elements.
pub fn statistics(builder: &mut KernelBuilder, x: NodeId, over: &[usize]) -> [NodeId; 2] {
    let mean = builder.mean(x, over);
    // The derivative of the variance by the mean is zero, sums of rounding errors apart.
    let centred = Expression::operand(0) - builder.fixed(Expression::operand(1));
    let squares = builder.map(&[x, mean], centred.clone() * centred);
    [mean, builder.mean(squares, over)]
}

/// `x` times the layer's first parameter plus its second, as far as it has them. `form` gives a parameter `x`'s rank.
pub fn scale_and_shift(
    builder: &mut KernelBuilder,
    x: NodeId,
    form: impl Fn(&mut KernelBuilder, NodeId) -> NodeId,
) -> NodeId {
    scaled(builder, x, 2, form)
}

/// The same where only so many of the layer's first parameters are weight and bias.
pub fn scaled(
    builder: &mut KernelBuilder,
    x: NodeId,
    learned: usize,
    form: impl Fn(&mut KernelBuilder, NodeId) -> NodeId,
) -> NodeId {
    let mut operands = vec![x];
    for index in 0..learned {
        if let Some(parameter) = builder.parameter(index) {
            operands.push(form(builder, parameter));
        }
    }
    let expression = match operands.len() {
        1 => return x,
        2 => Expression::operand(0) * Expression::operand(1),
        _ => Expression::operand(0) * Expression::operand(1) + Expression::operand(2),
    };
    builder.map(&operands, expression)
}

/// The last axes of an input, as many as a layer normalises over: the last alone where it was not told.
#[derive(Clone, Copy, Debug)]
pub struct LastAxes<'a>(pub Option<&'a Sizes>);

impl LastAxes<'_> {
    /// How many there are.
    pub fn count(self) -> usize {
        self.0.map_or(1, |sizes| sizes.0.len())
    }

    /// Their sizes.
    pub fn sizes(self, inputs: &[Shape]) -> Result<Vec<usize>, ShapeError> {
        let shape = inputs::single(inputs)?;
        let first = shape.rank().checked_sub(self.count()).filter(|_| self.count() > 0);
        let Some(last) = first.and_then(|first| shape.get(first..)) else {
            return Err(inputs::rank(inputs, "as many axes as normalized_shape, or more", None, None));
        };
        last.iter().map(|size| inputs::number("normalised axis", size)).collect()
    }

    /// The input's shape, which must end as the layer was told.
    pub fn infer(self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        let found = Sizes(self.sizes(inputs)?);
        let Some(expected) = self.0.filter(|expected| **expected != found) else { return inputs::single(inputs) };
        Err(ShapeError::Other {
            code: Code::E310,
            message: format!("normalized_shape={} is not how the input ends: {}", expected.write(), found.write()),
            argument: Some("normalized_shape"),
            note: None,
            mend: Some(("normalized_shape", found.write())),
        })
    }

    /// They and all after them.
    pub fn field(self, inputs: &[Shape]) -> LayerField {
        let rank = inputs.first().map_or(0, Shape::rank);
        LayerField::whole_from(rank.saturating_sub(self.count()), rank)
    }
}

/// Weight of ones and bias of zeros, as far as they are wanted. There is no bias without a weight.
pub fn weight_and_bias(shape: &[usize], weight: bool, bias: bool) -> Vec<ParameterDeclaration> {
    let one = |name, value| ParameterDeclaration::trainable(name, shape.to_vec(), Initialiser::Constant(value));
    let all = [("weight", 1.0, weight), ("bias", 0.0, weight && bias)];
    all.into_iter().filter(|&(_, _, wanted)| wanted).map(|(name, value, _)| one(name, value)).collect()
}

/// Refuses an `eps` below zero, whose root may not exist.
pub fn positive(eps: f64) -> Result<(), BindError> {
    if eps >= 0.0 {
        return Ok(());
    }
    let message = format!("eps={eps:?} would be added to a variance, which must not become negative");
    Err(BindError::Conflict { argument: "eps", message, mend: Some("1e-5".into()) })
}

/// What PyTorch prints of a layer normalisation.
pub fn describe(sizes: Vec<usize>, eps: f64, affine: bool, bias: bool) -> String {
    format!(
        "{}, eps={}, elementwise_affine={}, bias={}",
        Sizes(sizes).python(),
        eps.python(),
        affine.python(),
        (affine && bias).python()
    )
}

/// The weight and the bias that a layer has as its first parameters, of which `learned` are there, with ones and zeros for those
/// that are not.
pub fn scale_and_bias(nodes: &mut Nodes, shape: &[usize], learned: usize) -> [Value; 2] {
    let count = shape.iter().product();
    [1.0f32, 0.0].map(|otherwise| {
        let place = usize::from(otherwise == 0.0);
        let given = nodes.parameter(place).filter(|_| place < learned);
        given.unwrap_or_else(|| nodes.floats(vec![otherwise; count], shape))
    })
}
