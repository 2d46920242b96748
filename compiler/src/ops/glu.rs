//! GLU: one half of an input gated by the other.

use super::{Layer, LayerField, Operator, ShapeError, inputs};
use crate::diagnostic::Code;
use crate::graph::NodeId;
use crate::kernels::{Expression, KernelBuilder};
use crate::shape::{Dim, Relation, Requirements, Shape};

crate::layer! {
    /// The first half of an axis times the sigmoid of the second: `a · sigmoid(b)` (Dauphin et al. 2016).
    ///
    /// # Shape
    /// Half the size along `dim`, which must be even; the other sizes as they are.
    ///
    /// # Errors
    /// E301 an axis that has no halves; E306 an axis that does not exist
    ///
    /// # Source
    /// PyTorch `nn.GLU`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 16, 14, 14]
    /// Conv2d(64, kernel_size=1); GLU(dim=1)
    /// expect [N, 32, 14, 14]
    /// ```
    GLU {
        /// The axis that is halved; from the end when negative.
        dim: i64 = -1,
    }
}

impl Operator for GLU {
    fn infer(&self, inputs: &[Shape], requirements: &mut Requirements) -> Result<Shape, ShapeError> {
        let input = inputs::single(inputs)?;
        let axis = inputs::axis("dim", self.dim, &input)?;
        let mut sizes = input.to_vec();
        let Some(size) = sizes.get_mut(axis) else { return Err(ShapeError::TooLarge) };
        let two = Dim::Number(2);
        if !requirements.require(size, Relation::MultipleOf, &two, "GLU takes an axis of two halves")? {
            return Err(ShapeError::Other {
                code: Code::E301,
                message: format!("an axis of {size} has no halves"),
                argument: Some("dim"),
                note: Some(format!("dim={} of {input} is {size}, which is odd", self.dim)),
                mend: None,
            });
        }
        *size = size.floor_divided(2)?;
        Ok(Shape::from(sizes))
    }

    fn receptive_field(&self, inputs: &[Shape], _output: &Shape) -> LayerField {
        let Some(shape) = inputs.first() else { return LayerField::Point };
        match inputs::axis("dim", self.dim, shape) {
            Ok(axis) if axis + 2 >= shape.rank() => LayerField::Whole(vec![axis]),
            _ => LayerField::Point,
        }
    }

    fn describe(&self, _inputs: &[Shape]) -> String {
        self.keywords()
    }

    fn lower(&self, builder: &mut KernelBuilder) -> NodeId {
        let x = builder.input(0);
        let shape = Shape::from(builder.shape(x).as_slice());
        let axis = inputs::axis("dim", self.dim, &shape).unwrap_or(0);
        let half = builder.output().get(axis).copied().unwrap_or(1);
        let [a, b] = [0, half].map(|start| builder.slice(x, axis, start, half));
        builder.map(&[a, b], Expression::operand(0) * Expression::operand(1).sigmoid())
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::{on, refusal};
    use super::*;

    #[test]
    fn one_half_gates_the_other() {
        let layer = on("GLU(dim=1)", &["[N, 8, H, W]"]);
        assert_eq!(layer.shape.to_string(), "[N, 4, H, W]");
        assert_eq!(layer.kernels, ["slice", "slice", "map x0 * (1 / (1 + exp(-x1)))"]);
        assert_eq!(layer.receptive_field(), LayerField::Point);
        let last = on("GLU", &["[N, 8, 4, 6]"]);
        assert_eq!((last.shape.to_string().as_str(), last.describe().as_str()), ("[N, 8, 4, 3]", "dim=-1"));
        assert_eq!(last.receptive_field(), LayerField::Whole(vec![3]));
    }

    #[test]
    fn halves_there_must_be() {
        assert!(matches!(refusal("GLU", &["[N, 7]"]), ShapeError::Other { code: Code::E301, .. }));
        assert!(matches!(refusal("GLU(dim=4)", &["[N, 8]"]), ShapeError::NoSuchAxis { .. }));
    }
}
