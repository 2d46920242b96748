//! PixelUnshuffle: a plane becomes channels of a smaller one.

use super::{Layer, LayerField, Operator, ShapeError, Taps, inputs};
use crate::diagnostic::Code;
use crate::graph::NodeId;
use crate::kernels::KernelBuilder;
use crate::shape::{Dim, Relation, Requirements, Shape};

crate::layer! {
    /// Makes the `r × r` places of each square channels of their own, `[N, C, H·r, W·r]` to `[N, C·r², H, W]`: the inverse
    /// of `PixelShuffle`.
    ///
    /// # Shape
    /// `r` is `downscale_factor`; height and width must be multiples of it.
    ///
    /// # Errors
    /// E301 height or width not divisible by `r`; E303 an input of another number of axes; E307 channels that are a symbol
    ///
    /// # Source
    /// PyTorch `nn.PixelUnshuffle`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 3, 56, 56]
    /// PixelUnshuffle(2)
    /// expect [N, 12, 28, 28]
    /// ```
    PixelUnshuffle {
        /// By how much height and width shrink.
        downscale_factor: usize,
    }
}

impl Operator for PixelUnshuffle {
    fn infer(&self, inputs: &[Shape], requirements: &mut Requirements) -> Result<Shape, ShapeError> {
        let [batch, _, height, width] = inputs::planes(inputs)?;
        let channels = inputs::channels(inputs)?;
        let divisor = i64::try_from(self.downscale_factor).map_err(|_| ShapeError::TooLarge)?;
        for (name, size) in [("height", height), ("width", width)] {
            let reason = "squares of places must fit the plane";
            if !requirements.require(size, Relation::MultipleOf, &Dim::Number(divisor), reason)? {
                let mends = inputs::nearest(self.downscale_factor, |factor| {
                    let number = |size: &Dim| size.number().and_then(|size| usize::try_from(size).ok());
                    [height, width].into_iter().filter_map(number).all(|size| size.is_multiple_of(factor))
                });
                return Err(ShapeError::Other {
                    code: Code::E301,
                    message: format!("the {name} of {size} is no multiple of downscale_factor={divisor}"),
                    argument: Some("downscale_factor"),
                    note: None,
                    mend: mends.first().map(|factor| ("downscale_factor", factor.to_string())),
                });
            }
        }
        let square = self.downscale_factor.checked_mul(self.downscale_factor).ok_or(ShapeError::TooLarge)?;
        let channels = Dim::from(channels.checked_mul(square).ok_or(ShapeError::TooLarge)?);
        Ok(Shape::from(vec![batch.clone(), channels, height.floor_divided(divisor)?, width.floor_divided(divisor)?]))
    }

    /// Of the square some place, which one the channel says.
    fn receptive_field(&self, _inputs: &[Shape], _output: &Shape) -> LayerField {
        LayerField::Plane([Taps::window(self.downscale_factor, 1, self.downscale_factor, 0); 2])
    }

    fn describe(&self, _inputs: &[Shape]) -> String {
        self.keywords()
    }

    fn lower(&self, builder: &mut KernelBuilder) -> NodeId {
        let (x, output, factor) = (builder.input(0), builder.output(), self.downscale_factor);
        let (&[batch, channels, ..], &[_, _, height, width]) = (builder.shape(x).as_slice(), output.as_slice()) else {
            return x;
        };
        let parted = builder.reshape(x, &[batch, channels, height, factor, width, factor]);
        let taken_up = builder.permute(parted, &[0, 1, 3, 5, 2, 4]);
        builder.reshape(taken_up, &output)
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::{on, refusal};
    use super::*;

    #[test]
    fn places_become_channels() {
        let layer = on("PixelUnshuffle(2)", &["[N, 3, H, 10]"]);
        assert_eq!(layer.shape.to_string(), "[N, 12, H//2, 5]");
        assert_eq!(layer.requirements, ["H MultipleOf 2"]);
        assert_eq!(layer.describe(), "downscale_factor=2");
        let ShapeError::Other { mend, .. } = refusal("PixelUnshuffle(4)", &["[N, 3, 9, 6]"]) else {
            panic!("another error");
        };
        assert_eq!(mend, Some(("downscale_factor", "3".into())));
    }
}
