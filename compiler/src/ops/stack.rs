//! `stack { }`: branches one after another along an axis that is new.

use super::{LayerField, Operator, ShapeError, inputs};
use crate::graph::NodeId;
use crate::kernels::KernelBuilder;
use crate::shape::{Dim, Requirements, Shape};

crate::layer! {
    /// Puts its branches one after another along a new axis.
    ///
    /// # Shape
    /// A branch's, with the number of branches at `dim`; all branches have one shape.
    ///
    /// # Errors
    /// E304 branches whose shapes differ; E306 an axis that does not exist
    ///
    /// # Source
    /// PyTorch `torch.stack`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 8, 4, 4]
    /// stack(dim=1) { ReLU; Sigmoid; Identity }
    /// expect [N, 3, 8, 4, 4]
    /// ```
    Stack as "stack" {
        /// The place of the new axis; from the end when negative.
        dim: i64 = 1,
    }
}

impl Stack {
    /// The place of the new axis among those of the result.
    fn place(&self, branch: &Shape) -> Result<usize, ShapeError> {
        let mut axes = branch.to_vec();
        axes.push(Dim::Number(1));
        inputs::axis("dim", self.dim, &Shape::from(axes))
    }
}

impl Operator for Stack {
    fn infer(&self, inputs: &[Shape], requirements: &mut Requirements) -> Result<Shape, ShapeError> {
        const REASON: &str = "`stack` needs branches of one shape";
        let first = inputs::single(inputs)?;
        let place = self.place(&first)?;
        let mut sizes = first.to_vec();
        for (branch, input) in inputs.iter().enumerate().skip(1) {
            let refusal = |axis| {
                let (left, right) = (first.clone(), input.clone());
                ShapeError::Mismatch { left, right, branches: [0, branch], axis, reason: REASON }
            };
            if first.rank() != input.rank() {
                return Err(refusal(0));
            }
            for (axis, (left, right)) in sizes.iter_mut().zip(input.iter()).enumerate() {
                if !requirements.equal(left, right, REASON)? {
                    return Err(refusal(axis));
                }
                if right.number().is_some() {
                    *left = right.clone();
                }
            }
        }
        sizes.insert(place.min(sizes.len()), Dim::from(inputs.len()));
        Ok(Shape::from(sizes))
    }

    fn receptive_field(&self, inputs: &[Shape], _output: &Shape) -> LayerField {
        let first = inputs.first().cloned().unwrap_or_default();
        let place = self.place(&first).unwrap_or(0);
        LayerField::Moved((0..first.rank()).map(|axis| axis + usize::from(axis >= place)).collect())
    }

    fn lower(&self, builder: &mut KernelBuilder) -> NodeId {
        let output = builder.output();
        let Ok(place) = inputs::axis("dim", self.dim, &Shape::from(output.as_slice())) else { return builder.input(0) };
        let mut part = output;
        part.splice(place..=place, [1]);
        let parts: Vec<NodeId> = builder.inputs().into_iter().map(|input| builder.reshape(input, &part)).collect();
        builder.concat(&parts, place)
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::{on, refusal};
    use super::*;

    #[test]
    fn branches_get_an_axis_of_their_own() {
        let join = on("stack", &["[N, 8, H, 5]", "[N, 8, H, W]"]);
        assert_eq!(join.shape.to_string(), "[N, 2, 8, H, 5]");
        assert_eq!(join.requirements, ["5 Equal W"]);
        assert_eq!(join.kernels, ["reshape", "reshape", "concat"]);
        assert_eq!(join.receptive_field(), LayerField::Moved(vec![0, 2, 3, 4]));
        assert_eq!(on("stack(dim=-1)", &["[N, 8]", "[N, 8]"]).shape.to_string(), "[N, 8, 2]");
        assert_eq!(on("stack(dim=0)", &["[N, 8]", "[N, 8]"]).shape.to_string(), "[2, N, 8]");
    }

    #[test]
    fn shapes_agree_and_the_axis_exists() {
        assert!(matches!(refusal("stack", &["[N, 8]", "[N, 1]"]), ShapeError::Mismatch { axis: 1, .. }));
        assert!(matches!(refusal("stack(dim=3)", &["[N, 8]", "[N, 8]"]), ShapeError::NoSuchAxis { axis: 3, .. }));
    }
}
