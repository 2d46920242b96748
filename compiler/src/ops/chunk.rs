//! Chunk: one of equal parts of an axis.

use super::{BindError, Layer, LayerField, Operator, Place, ShapeError, slicing};
use crate::diagnostic::Code;
use crate::graph::NodeId;
use crate::kernels::KernelBuilder;
use crate::onnx::{Nodes, Value};
use crate::shape::{Dim, Requirements, Shape};

crate::layer! {
    /// Part `index` of as many equal parts of an axis; each part is a branch of a join, or kept under a name.
    ///
    /// # Shape
    /// `⌈size / chunks⌉` along `dim`, of the last part what is left.
    ///
    /// # Errors
    /// E206 an index past the parts; E306 an axis that does not exist; E310 an axis that makes fewer parts
    ///
    /// # Source
    /// PyTorch `torch.chunk`, one of its tensors.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 116, 28, 28]
    /// concat { Chunk(2, 0); { Chunk(2, 1); Conv2d(58, kernel_size=1); ReLU } }
    /// expect [N, 116, 28, 28]
    /// ```
    Chunk {
        /// The number of parts.
        chunks: usize,
        /// Which of them, from 0 on.
        index: Place,
        /// The axis; from the end when negative.
        dim: i64 = 1,
    }
}

impl Chunk {
    /// The part: of an axis of some size its first element and its number of elements.
    fn part(&self) -> slicing::Part<impl Fn(&Dim) -> Result<[Dim; 2], ShapeError>> {
        let range = |size: &Dim| {
            let part = self.size(size)?;
            let first = part.times(&Dim::from(self.index.0))?;
            let rest = size.minus(&first)?;
            let length = match self.index.0 {
                0 => part,
                last if last + 1 == self.chunks => rest,
                _ => part.minimum(&rest)?,
            };
            Ok([first, length])
        };
        slicing::Part { dim: self.dim, range }
    }

    fn size(&self, whole: &Dim) -> Result<Dim, ShapeError> {
        let chunks = i64::try_from(self.chunks).map_err(|_| ShapeError::TooLarge)?;
        Ok(whole.ceiling_divided(chunks)?)
    }
}

impl Operator for Chunk {
    fn validate(&self) -> Result<(), BindError> {
        if self.index.0 < self.chunks {
            return Ok(());
        }
        let message = format!("index={} is past the last of {} parts, {}", self.index.0, self.chunks, self.chunks - 1);
        Err(BindError::Conflict { argument: "index", message, mend: Some((self.chunks - 1).to_string()) })
    }

    fn infer(&self, inputs: &[Shape], requirements: &mut Requirements) -> Result<Shape, ShapeError> {
        let (chunks, index) = (self.chunks, self.index.0);
        self.part().infer(inputs, requirements, |size, first| ShapeError::Other {
            code: Code::E310,
            message: format!("an axis of {size} has no part {index} of {chunks}"),
            argument: Some("chunks"),
            note: self.size(size).ok().map(|part| {
                format!("parts are of ⌈{size} / {chunks}⌉ = {part}, and part {index} would begin at {first}")
            }),
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
    fn the_last_part_is_what_is_left() {
        let part = |call: &str, input: &str| on(call, &[input]).shape.to_string();
        assert_eq!(part("Chunk(2, 1)", "[N, 8, H, W]"), "[N, 4, H, W]");
        assert_eq!(part("Chunk(3, 0)", "[N, 8]"), "[N, 3]");
        assert_eq!(part("Chunk(3, 2)", "[N, 8]"), "[N, 2]");
        assert_eq!(part("Chunk(2, 0, dim=-1)", "[N, 8, H]"), "[N, 8, (H - 1)//2 + 1]");
        let open = on("Chunk(2, 1, dim=2)", &["[N, 8, H]"]);
        assert_eq!(open.shape.to_string(), "[N, 8, H - (H - 1)//2 - 1]");
        assert_eq!(open.requirements, ["H AtLeast (H - 1)//2 + 2"]);
        assert_eq!(open.kernels, ["slice"]);
    }

    #[test]
    fn parts_that_are_not_there() {
        assert!(matches!(refusal("Chunk(5, 4)", &["[N, 8]"]), ShapeError::Other { code: Code::E310, .. }));
        assert!(matches!(bind("Chunk(2, 2)"), Err(BindError::Conflict { argument: "index", .. })));
    }
}
