//! `concat { }`: branches one after another along an axis.

use super::{LayerField, Operator, ShapeError, inputs};
use crate::graph::NodeId;
use crate::kernels::KernelBuilder;
use crate::shape::{Requirements, Shape};

crate::layer! {
    /// Puts its branches one after another along an axis, channels unless told otherwise.
    ///
    /// # Shape
    /// The sizes along `dim` added up; the branches agree in all others.
    ///
    /// # Errors
    /// E304 branches whose shapes differ; E306 an axis that does not exist
    ///
    /// # Source
    /// PyTorch `torch.cat`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 8, 4, 4]
    /// concat { Conv2d(16, kernel_size=1); Identity }
    /// expect [N, 24, 4, 4]
    /// ```
    Concat as "concat" {
        /// The axis; from the end when negative.
        dim: i64 = 1,
    }
}

impl Operator for Concat {
    fn infer(&self, inputs: &[Shape], requirements: &mut Requirements) -> Result<Shape, ShapeError> {
        let first = inputs::single(inputs)?;
        let along = inputs::axis("dim", self.dim, &first)?;
        let mut whole = first.to_vec();
        for (branch, input) in inputs.iter().enumerate().skip(1) {
            let refusal = |axis, reason| {
                let (left, right) = (first.clone(), input.clone());
                ShapeError::Mismatch { left, right, branches: [0, branch], axis, reason }
            };
            if first.rank() != input.rank() {
                return Err(refusal(0, "`concat` needs branches of one number of axes"));
            }
            for (axis, (left, right)) in whole.iter_mut().zip(input.iter()).enumerate() {
                const REASON: &str = "`concat` needs branches that differ along its own axis alone";
                if axis == along {
                    *left = left.plus(right)?;
                } else if !requirements.equal(left, right, REASON)? {
                    return Err(refusal(axis, REASON));
                } else if right.number().is_some() {
                    *left = right.clone();
                }
            }
        }
        Ok(Shape::from(whole))
    }

    fn receptive_field(&self, inputs: &[Shape], _output: &Shape) -> LayerField {
        let axis = inputs.first().and_then(|first| inputs::axis("dim", self.dim, first).ok());
        axis.map_or(LayerField::Point, LayerField::Joined)
    }

    fn lower(&self, builder: &mut KernelBuilder) -> NodeId {
        let whole = Shape::from(builder.output().as_slice());
        match inputs::axis("dim", self.dim, &whole) {
            Ok(axis) => builder.concat(&builder.inputs(), axis),
            Err(_) => builder.input(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::{on, refusal};
    use super::*;

    #[test]
    fn sizes_add_up_along_the_axis() {
        let join = on("concat", &["[N, 8, H, 5]", "[N, C, H, 5]", "[N, 1, H, W]"]);
        assert_eq!(join.shape.to_string(), "[N, C + 9, H, 5]");
        assert_eq!(join.requirements, ["5 Equal W"]);
        assert_eq!(join.kernels, ["concat"]);
        assert_eq!(join.receptive_field(), LayerField::Joined(1));
        assert_eq!(on("concat(dim=-1)", &["[N, 8]", "[N, 2]"]).shape.to_string(), "[N, 10]");
    }

    #[test]
    fn other_sizes_and_the_number_of_axes_agree() {
        let mismatch = |inputs: &[&str]| match refusal("concat", inputs) {
            ShapeError::Mismatch { branches, axis, .. } => (branches, axis),
            other => panic!("{other:?}"),
        };
        assert_eq!(mismatch(&["[N, 8, 5, 5]", "[N, 8, 5, 6]"]), ([0, 1], 3));
        assert_eq!(mismatch(&["[N, 8, 5, 5]", "[N, 8]"]), ([0, 1], 0));
        assert!(matches!(refusal("concat(dim=2)", &["[N, 8]", "[N, 8]"]), ShapeError::NoSuchAxis { axis: 2, .. }));
    }
}
