//! What a softmax and its logarithm share: the powers of all elements along an axis, and their sum.
//!
//! `along_axis! { /// doc  Name { fields }  layer, builder => kernels }` declares one, whose field `dim` is the axis; `; onnx
//! "Operator"` and `; chances …` behind it say which operator of ONNX it is and that it gives chances.

use super::{LayerField, ShapeError, inputs};
use crate::graph::NodeId;
use crate::kernels::{Expression, KernelBuilder, Reduction, Unary};
use crate::onnx::{Attribute, Nodes, Value};
use crate::shape::Shape;

macro_rules! along_axis {
    (
        $(#[doc = $doc:literal])* $name:ident { $($fields:tt)* }
        $layer:ident, $builder:ident => $kernels:expr $(; onnx $operator:literal)? $(; chances $chances:expr)?
    ) => {
        $crate::layer! { $(#[doc = $doc])* $name { $($fields)* } }

        impl $crate::ops::Operator for $name {
            $(const CHANCES: Option<$crate::ops::Chances> = Some($chances);)?

            fn infer(
                &self,
                inputs: &[$crate::shape::Shape],
                _requirements: &mut $crate::shape::Requirements,
            ) -> Result<$crate::shape::Shape, $crate::ops::ShapeError> {
                $crate::ops::exponentials::shape(self.dim, inputs)
            }

            fn receptive_field(
                &self,
                inputs: &[$crate::shape::Shape],
                _output: &$crate::shape::Shape,
            ) -> $crate::ops::LayerField {
                $crate::ops::exponentials::receptive_field(self.dim, inputs)
            }

            fn describe(&self, _inputs: &[$crate::shape::Shape]) -> String {
                $crate::ops::Layer::keywords(self)
            }

            fn lower(&self, $builder: &mut $crate::kernels::KernelBuilder) -> $crate::graph::NodeId {
                let $layer = self;
                $kernels
            }

            $(fn onnx(&self, nodes: &mut $crate::onnx::Nodes) -> Option<$crate::onnx::Value> {
                $crate::ops::exponentials::onnx(nodes, $operator, self.dim)
            })?
        }
    };
}

pub(super) use along_axis;

/// The input's shape, which has the axis.
pub fn shape(dim: i64, inputs: &[Shape]) -> Result<Shape, ShapeError> {
    let shape = inputs::single(inputs)?;
    inputs::axis("dim", dim, &shape)?;
    Ok(shape)
}

/// All of that axis.
pub fn receptive_field(dim: i64, inputs: &[Shape]) -> LayerField {
    let axis = inputs.first().and_then(|shape| inputs::axis("dim", dim, shape).ok());
    LayerField::Whole(axis.into_iter().collect())
}

/// Kernels of a layer's input along an axis.
pub struct Exponentials {
    /// The input less its largest element, so that no power overflows.
    pub shifted: NodeId,
    /// `eˣ` of that.
    pub powers: NodeId,
    /// The sum of the powers.
    pub sum: NodeId,
}

impl Exponentials {
    /// Those of the layer's input.
    pub fn of_input(builder: &mut KernelBuilder, dim: i64) -> Exponentials {
        Exponentials::of(builder, builder.input(0), dim)
    }

    /// Those of any value.
    pub fn of(builder: &mut KernelBuilder, x: NodeId, dim: i64) -> Exponentials {
        let shape = Shape::from(builder.shape(x).as_slice());
        let axis = inputs::axis("dim", dim, &shape).unwrap_or(0);
        let largest = builder.reduce(x, Reduction::Max, &[axis]);
        let shift = builder.fixed(Expression::operand(1));
        let shifted = builder.map(&[x, largest], Expression::operand(0) - shift);
        let powers = builder.map(&[shifted], Expression::operand(0).unary(Unary::Exp));
        let sum = builder.reduce(powers, Reduction::Sum, &[axis]);
        Exponentials { shifted, powers, sum }
    }

    /// Each power's share of their sum.
    pub fn chances(&self, builder: &mut KernelBuilder) -> NodeId {
        builder.map(&[self.powers, self.sum], Expression::operand(0) / Expression::operand(1))
    }
}

/// One operator of ONNX along an axis.
pub fn onnx(nodes: &mut Nodes, operator: &'static str, axis: i64) -> Option<Value> {
    Some(nodes.node(operator, &[nodes.input(0)?], vec![("axis", Attribute::Int(axis))]))
}
