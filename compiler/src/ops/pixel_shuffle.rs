//! PixelShuffle: channels become a larger plane.

use super::{Layer, LayerField, Operator, ShapeError, Taps, inputs};
use crate::diagnostic::Code;
use crate::graph::NodeId;
use crate::kernels::KernelBuilder;
use crate::onnx::{Attribute, Nodes, Value};
use crate::shape::{Dim, Requirements, Shape};

crate::layer! {
    /// Lays groups of `r²` channels out as `r × r` places, `[N, C·r², H, W]` to `[N, C, H·r, W·r]` (Shi et al. 2016).
    ///
    /// # Shape
    /// `r` is `upscale_factor`; the channels must be a multiple of its square.
    ///
    /// # Errors
    /// E301 channels not divisible by `r²`; E303 an input of another number of axes; E307 channels that are a symbol
    ///
    /// # Source
    /// PyTorch `nn.PixelShuffle`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 64, 28, 28]
    /// Conv2d(12, kernel_size=3, padding=1); PixelShuffle(2)
    /// expect [N, 3, 56, 56]
    /// ```
    PixelShuffle {
        /// By how much height and width grow.
        upscale_factor: usize,
    }
}

impl PixelShuffle {
    fn indivisible(&self, channels: usize, square: usize) -> ShapeError {
        let (whole, rest) = (channels / square, channels % square);
        let more = (whole + 1).saturating_mul(square);
        let fewer = if whole == 0 { String::new() } else { format!("{} or ", whole * square) };
        let fits = |factor: usize| {
            factor > 1 && factor.checked_mul(factor).is_some_and(|square| channels.is_multiple_of(square))
        };
        let mends = inputs::nearest(self.upscale_factor, fits);
        ShapeError::Other {
            code: Code::E301,
            message: format!("the input has {channels} channels, and {square} are laid out as one"),
            argument: Some("upscale_factor"),
            note: Some(format!("{channels} = {whole}·{square} + {rest}; {fewer}{more} channels would do")),
            mend: mends.first().map(|factor| ("upscale_factor", factor.to_string())),
        }
    }
}

impl Operator for PixelShuffle {
    fn infer(&self, inputs: &[Shape], _requirements: &mut Requirements) -> Result<Shape, ShapeError> {
        let [batch, _, height, width] = inputs::planes(inputs)?;
        let channels = inputs::channels(inputs)?;
        let factor = Dim::from(self.upscale_factor);
        let square = self.upscale_factor.checked_mul(self.upscale_factor).ok_or(ShapeError::TooLarge)?;
        let Some(0) = channels.checked_rem(square) else { return Err(self.indivisible(channels, square)) };
        Ok(Shape::from(vec![
            batch.clone(),
            Dim::from(channels / square),
            height.times(&factor)?,
            width.times(&factor)?,
        ]))
    }

    fn receptive_field(&self, _inputs: &[Shape], _output: &Shape) -> LayerField {
        LayerField::Plane([Taps::transposed(self.upscale_factor, 1, self.upscale_factor, 0); 2])
    }

    fn describe(&self, _inputs: &[Shape]) -> String {
        self.keywords()
    }

    fn lower(&self, builder: &mut KernelBuilder) -> NodeId {
        let (x, output) = (builder.input(0), builder.output());
        let factor = self.upscale_factor;
        let parts = match output.as_slice() {
            &[batch, channels, height, width] => [batch, channels, factor, factor, height / factor, width / factor],
            _ => return x,
        };
        let parted = builder.reshape(x, &parts);
        let laid_out = builder.permute(parted, &[0, 1, 4, 2, 5, 3]);
        builder.reshape(laid_out, &output)
    }

    fn onnx(&self, nodes: &mut Nodes) -> Option<Value> {
        let attributes =
            vec![("blocksize", Attribute::Int(self.upscale_factor as i64)), ("mode", Attribute::Text("CRD"))];
        Some(nodes.node("DepthToSpace", &[nodes.input(0)?], attributes))
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::{on, refusal};
    use super::*;

    #[test]
    fn channels_become_places() {
        let shuffled = on("PixelShuffle(2)", &["[N, 12, H, 5]"]);
        assert_eq!(shuffled.shape.to_string(), "[N, 3, 2*H, 10]");
        assert_eq!(shuffled.describe(), "upscale_factor=2");
        assert_eq!(shuffled.kernels, ["reshape", "permute", "reshape"]);
        assert_eq!(shuffled.receptive_field(), LayerField::Plane([Taps::transposed(2, 1, 2, 0); 2]));
    }

    #[test]
    fn the_square_divides_the_channels() {
        let refused = |text: &str, input: &str| match refusal(text, &[input]) {
            ShapeError::Other { code: Code::E301, message, note, mend, .. } => (message, note.unwrap(), mend),
            other => panic!("{other:?}"),
        };
        let message = "the input has 18 channels, and 4 are laid out as one".to_owned();
        let note = "18 = 4·4 + 2; 16 or 20 channels would do".to_owned();
        let mend = Some(("upscale_factor", "3".to_owned()));
        assert_eq!(refused("PixelShuffle(2)", "[N, 18, 5, 5]"), (message, note, mend));
        assert_eq!(refused("PixelShuffle(2)", "[N, 3, 5, 5]").1, "3 = 0·4 + 3; 4 channels would do");
        assert_eq!(refusal("PixelShuffle(1000000000000)", &["[N, 4, 5, 5]"]), ShapeError::TooLarge);
    }
}
