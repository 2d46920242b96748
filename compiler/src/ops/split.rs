//! Split: one of parts of an axis whose sizes are given.

use super::{Argument, BindError, Layer, LayerField, Operator, Parts, Place, ShapeError, inputs, slicing};
use crate::diagnostic::Code;
use crate::graph::NodeId;
use crate::kernels::KernelBuilder;
use crate::onnx::{Nodes, Value};
use crate::shape::{Dim, Requirements, Shape};

crate::layer! {
    /// Part `index` of an axis that is cut into parts of a size, or of a size each; a part is a branch of a join, or kept under
    /// a name.
    ///
    /// # Shape
    /// The part's size along `dim`. Of parts of one size the last may be smaller; sizes of their own add up to the axis's.
    ///
    /// # Errors
    /// E206 an index past the sizes; E306 an axis that does not exist; E310 a part that is not there, or sizes that add up to
    /// another
    ///
    /// # Source
    /// PyTorch `torch.split`, one of its tensors.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 96, 28, 28]
    /// concat { Split((64, 32), 0); { Split((64, 32), 1); Conv2d(32, kernel_size=3, padding=1) } }
    /// expect [N, 96, 28, 28]
    /// ```
    Split {
        /// The size of all parts, or that of each.
        split_size: Parts,
        /// Which of them, from 0 on.
        index: Place,
        /// The axis; from the end when negative.
        dim: i64 = 1,
    }
}

impl Split {
    /// The part: of an axis of some size its first element and its number of elements.
    fn part(&self) -> slicing::Part<impl Fn(&Dim) -> Result<[Dim; 2], ShapeError>> {
        let range = |size: &Dim| {
            let index = self.index.0;
            let first = match &self.split_size {
                Parts::Of(part) => part.checked_mul(index),
                Parts::Each(parts) => parts.iter().take(index).try_fold(0, |sum: usize, &part| sum.checked_add(part)),
            };
            let first = Dim::from(first.ok_or(ShapeError::TooLarge)?);
            let length = match &self.split_size {
                Parts::Of(part) => Dim::from(*part).minimum(&size.minus(&first)?)?,
                Parts::Each(parts) => Dim::from(parts.get(index).copied().unwrap_or(1)),
            };
            Ok([first, length])
        };
        slicing::Part { dim: self.dim, range }
    }

    /// Asks that parts of a size each add up to the axis.
    fn adds_up(&self, parts: &[usize], inputs: &[Shape], requirements: &mut Requirements) -> Result<(), ShapeError> {
        let input = inputs::single(inputs)?;
        let size = input.get(inputs::axis("dim", self.dim, &input)?).cloned().unwrap_or(Dim::Number(1));
        let sum = parts.iter().try_fold(Dim::Number(0), |sum, &part| sum.plus(&Dim::from(part)))?;
        if requirements.equal(&size, &sum, "the parts of an axis add up to it")? {
            return Ok(());
        }
        let before = parts
            .split_last()
            .map_or(Some(0), |(_, before)| before.iter().try_fold(0, |sum: usize, &part| sum.checked_add(part)));
        let rest = before.zip(size.number()).and_then(|(before, size)| usize::try_from(size).ok()?.checked_sub(before));
        let mended = rest.filter(|&rest| rest > 0).map(|rest| {
            let mut parts = parts.to_vec();
            parts.pop();
            parts.push(rest);
            ("split_size", Parts::Each(parts).write())
        });
        Err(ShapeError::Other {
            code: Code::E310,
            message: format!("parts of together {sum} are not an axis of {size}"),
            argument: Some("split_size"),
            note: Some(format!("{} = {sum}", parts.iter().map(usize::to_string).collect::<Vec<_>>().join(" + "))),
            mend: mended,
        })
    }
}

impl Operator for Split {
    fn validate(&self) -> Result<(), BindError> {
        let Parts::Each(parts) = &self.split_size else { return Ok(()) };
        if self.index.0 < parts.len() {
            return Ok(());
        }
        let last = parts.len().saturating_sub(1);
        let message = format!("index={} is past the last of {} parts, {last}", self.index.0, parts.len());
        Err(BindError::Conflict { argument: "index", message, mend: Some(last.to_string()) })
    }

    fn infer(&self, inputs: &[Shape], requirements: &mut Requirements) -> Result<Shape, ShapeError> {
        if let Parts::Each(parts) = &self.split_size {
            self.adds_up(parts, inputs, requirements)?;
        }
        let index = self.index.0;
        self.part().infer(inputs, requirements, |size, first| ShapeError::Other {
            code: Code::E310,
            message: format!("an axis of {size} has no part {index}"),
            argument: Some("index"),
            note: Some(format!("part {index} would begin at {first}")),
            mend: None,
        })
    }

    fn receptive_field(&self, inputs: &[Shape], _output: &Shape) -> LayerField {
        self.part().field(inputs)
    }

    fn describe(&self, _inputs: &[Shape]) -> String {
        self.keywords()
    }

    fn lower(&self, builder: &mut KernelBuilder) -> NodeId {
        self.part().lower(builder)
    }

    fn onnx(&self, nodes: &mut Nodes) -> Option<Value> {
        self.part().onnx(nodes)
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::{bind, on, refusal};
    use super::*;

    #[test]
    fn parts_of_one_size_or_of_their_own() {
        let part = |call: &str, input: &str| on(call, &[input]).shape.to_string();
        assert_eq!(part("Split(3, 1)", "[N, 8, H, W]"), "[N, 3, H, W]");
        assert_eq!(part("Split(3, 2)", "[N, 8]"), "[N, 2]");
        assert_eq!(part("Split((3, 4, 1), 1)", "[N, 8]"), "[N, 4]");
        let open = on("Split(4, 1, dim=-1)", &["[N, H]"]);
        assert_eq!(open.shape.to_string(), "[N, min(4, H - 4)]");
        assert_eq!(open.requirements, ["H AtLeast 5"]);
        let each = on("Split([4, 2], 0, 2)", &["[N, 3, H]"]);
        assert_eq!((each.shape.to_string().as_str(), each.requirements), ("[N, 3, 4]", vec!["H Equal 6".into()]));
    }

    #[test]
    fn parts_that_are_not_there() {
        assert!(matches!(refusal("Split(4, 2)", &["[N, 8]"]), ShapeError::Other { argument: Some("index"), .. }));
        let ShapeError::Other { mend, .. } = refusal("Split((4, 3), 0)", &["[N, 8]"]) else { panic!("another error") };
        assert_eq!(mend, Some(("split_size", "(4, 4)".into())));
        assert!(matches!(bind("Split((4, 4), 2)"), Err(BindError::Conflict { argument: "index", .. })));
    }
}
