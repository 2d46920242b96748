//! Expand: axes of one element repeated.

use super::{Argument, Layer, NewShape, Operator, ShapeError, inputs};
use crate::diagnostic::Code;
use crate::graph::NodeId;
use crate::kernels::{Expression, KernelBuilder};
use crate::shape::{Dim, Relation, Requirements, Shape};

crate::layer! {
    /// Repeats axes of size 1 until they have the sizes asked for; axes that are not there yet are put in front.
    ///
    /// # Shape
    /// `shape`, in which -1 stands for the input's size; an axis of another size than 1 stays as it is.
    ///
    /// # Errors
    /// E303 fewer sizes than the input has axes; E310 an axis of another size, or a new one of size -1
    ///
    /// # Source
    /// PyTorch `torch.Tensor.expand`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 64, H, W]
    /// AdaptiveAvgPool2d(1); Expand((-1, -1, H, W))
    /// expect [N, 64, H, W]
    /// ```
    Expand {
        /// The sizes, the batch's first.
        shape: NewShape,
    }
}

impl Expand {
    /// The size that an axis of the input is repeated to; `None` where it cannot.
    fn size(
        asked: Option<&Dim>,
        given: Option<&Dim>,
        requirements: &mut Requirements,
    ) -> Result<Option<Dim>, ShapeError> {
        match (asked, given) {
            (None, given) => Ok(given.cloned()),
            (Some(asked), None | Some(Dim::Number(1))) => {
                requirements.require(asked, Relation::AtLeast, &Dim::Number(1), "a size is at least 1")?;
                Ok(Some(asked.clone()))
            }
            (Some(asked), Some(given)) => {
                let fits = requirements.equal(given, asked, "an axis of another size than 1 stays as it is")?;
                Ok(fits.then(|| asked.clone()))
            }
        }
    }
}

impl Operator for Expand {
    fn infer(&self, inputs: &[Shape], requirements: &mut Requirements) -> Result<Shape, ShapeError> {
        let input = inputs::single(inputs)?;
        let Some(new) = self.shape.0.len().checked_sub(input.rank()) else {
            return Err(inputs::rank(inputs, "no more axes than `shape` has sizes", None, None));
        };
        let mut sizes = Vec::with_capacity(self.shape.0.len());
        for (axis, asked) in self.shape.0.iter().enumerate() {
            let given = axis.checked_sub(new).and_then(|axis| input.get(axis));
            match Expand::size(asked.0.as_ref(), given, requirements)? {
                Some(size) => sizes.push(size),
                None => {
                    let found = given.map_or_else(|| "is not there yet".into(), |size| format!("is {size}"));
                    let (shape, asked) = (self.shape.write(), asked.write());
                    return Err(ShapeError::Other {
                        code: Code::E310,
                        message: format!("axis {axis} of shape={shape} {found} and cannot become {asked}"),
                        argument: Some("shape"),
                        note: Some(format!("of {input}, axes of size 1 alone can be repeated")),
                        mend: None,
                    });
                }
            }
        }
        Ok(Shape::from(sizes))
    }

    fn describe(&self, _inputs: &[Shape]) -> String {
        self.keywords()
    }

    fn lower(&self, builder: &mut KernelBuilder) -> NodeId {
        let output = builder.output();
        let x = builder.with_rank(builder.input(0), output.len());
        builder.map_to(&output, &[x], Expression::operand(0))
    }
}

#[cfg(test)]
mod tests {
    use super::super::LayerField;
    use super::super::test_layer::{on, refusal};
    use super::*;

    #[test]
    fn axes_of_one_element_are_repeated() {
        let layer = on("Expand((-1, 8, 5))", &["[N, 8, 1]"]);
        assert_eq!(layer.shape.to_string(), "[N, 8, 5]");
        assert_eq!(layer.kernels, ["map x0"]);
        assert_eq!(layer.receptive_field(), LayerField::Point);
        let wider = on("Expand((2, -1, 3))", &["[4, 1]"]);
        assert_eq!(
            (wider.shape.to_string().as_str(), wider.kernels),
            ("[2, 4, 3]", vec!["reshape".into(), "map x0".to_owned()])
        );
        assert_eq!(on("Expand((-1, 6))", &["[N, H]"]).requirements, ["H Equal 6"]);
    }

    #[test]
    fn others_stay() {
        assert!(matches!(refusal("Expand((2, 9))", &["[2, 8]"]), ShapeError::Other { code: Code::E310, .. }));
        assert!(matches!(refusal("Expand((-1, 2, 8))", &["[2, 8]"]), ShapeError::Other { code: Code::E310, .. }));
        assert!(matches!(refusal("Expand(8)", &["[2, 8]"]), ShapeError::Rank { .. }));
    }
}
