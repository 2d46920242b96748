//! `concat { }`: branches one after another along an axis.

use super::{Operator, ShapeError, inputs};
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
        let mut whole = inputs::single(inputs)?;
        let along = inputs::axis("dim", self.dim, &whole)?;
        for (branch, input) in inputs.iter().enumerate().skip(1) {
            whole = append(whole, input, along, branch, requirements)?;
        }
        Ok(whole)
    }

    fn lower(&self, builder: &mut KernelBuilder) -> NodeId {
        let whole = Shape::from(builder.output().as_slice());
        match inputs::axis("dim", self.dim, &whole) {
            Ok(axis) => builder.concat(&builder.inputs(), axis),
            Err(_) => builder.input(0),
        }
    }
}

/// The shape of `input` put behind `whole` along an axis.
fn append(
    whole: Shape,
    input: &Shape,
    along: usize,
    branch: usize,
    requirements: &mut Requirements,
) -> Result<Shape, ShapeError> {
    let mismatch = |left: &Shape, axis, reason| ShapeError::Mismatch {
        left: left.clone(),
        right: input.clone(),
        branch,
        axis,
        reason,
    };
    if whole.rank() != input.rank() {
        return Err(mismatch(&whole, 0, "`concat` needs branches of one number of axes"));
    }
    let mut sizes = Vec::with_capacity(whole.rank());
    for (axis, (left, right)) in whole.iter().zip(input.iter()).enumerate() {
        const REASON: &str = "`concat` needs branches that differ along its own axis alone";
        if axis == along {
            sizes.push(left.plus(right)?);
        } else if requirements.equal(left, right, REASON)? {
            sizes.push(if left.number().is_some() { left.clone() } else { right.clone() });
        } else {
            return Err(mismatch(&whole, axis, REASON));
        }
    }
    Ok(Shape(sizes))
}
