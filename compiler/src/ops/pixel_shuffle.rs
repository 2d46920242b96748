//! PixelShuffle: channels become a larger plane.

use super::{Layer, Operator, Reach, ShapeError, inputs};
use crate::graph::NodeId;
use crate::kernels::KernelBuilder;
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

impl Operator for PixelShuffle {
    fn infer(&self, inputs: &[Shape], _requirements: &mut Requirements) -> Result<Shape, ShapeError> {
        let [batch, _, height, width] = inputs::planes(inputs)?;
        let channels = inputs::channels(inputs)?;
        let factor = Dim::from(self.upscale_factor);
        let square = self.upscale_factor.saturating_mul(self.upscale_factor);
        if channels.checked_rem(square) != Some(0) {
            return Err(ShapeError::NotDivisible {
                what: "input channels",
                size: Dim::from(channels),
                divisor: square,
                argument: "upscale_factor",
                mends: inputs::nearest(self.upscale_factor, |factor| {
                    factor.checked_mul(factor).is_some_and(|square| channels % square == 0)
                }),
            });
        }
        Ok(Shape(vec![batch.clone(), Dim::from(channels / square), height.times(&factor)?, width.times(&factor)?]))
    }

    fn reach(&self, _inputs: &[Shape]) -> Reach {
        Reach::Resampled { extent: [1, 1], factor: [self.upscale_factor as f64; 2] }
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
}

#[cfg(test)]
mod tests {
    use super::super::testing::{on, refusal};
    use super::*;

    #[test]
    fn channels_become_places() {
        let shuffled = on("PixelShuffle(2)", &["[N, 12, H, 5]"]);
        assert_eq!(shuffled.shape.to_string(), "[N, 3, 2*H, 10]");
        assert_eq!(shuffled.describe(), "upscale_factor=2");
        assert_eq!(shuffled.kernels, ["reshape", "permute", "reshape"]);
        assert_eq!(shuffled.reach(), Reach::Resampled { extent: [1, 1], factor: [2.0, 2.0] });
    }

    #[test]
    fn the_square_divides_the_channels() {
        let ShapeError::NotDivisible { divisor, mends, .. } = refusal("PixelShuffle(2)", &["[N, 18, 5, 5]"]) else {
            panic!("another error");
        };
        assert_eq!((divisor, mends), (4, vec![1, 3]));
        assert!(matches!(refusal("PixelShuffle(1000000000000)", &["[N, 4, 5, 5]"]), ShapeError::NotDivisible { .. }));
    }
}
