//! ChannelShuffle: channels dealt out anew, so that groups see each other.

use super::{Layer, Operator, ShapeError, inputs};
use crate::graph::NodeId;
use crate::kernels::KernelBuilder;
use crate::shape::{Requirements, Shape};

crate::layer! {
    /// Deals the channels of `[N, C, ...]` out like cards (ShuffleNet, Zhang et al. 2017): first the first of each
    /// group, then the second of each, and so on.
    ///
    /// # Shape
    /// The input's; `C` must be a multiple of `groups`.
    ///
    /// # Errors
    /// E301 channels not divisible by groups; E303 an input of fewer than 3 axes; E307 channels that are a symbol
    ///
    /// # Source
    /// PyTorch `nn.ChannelShuffle`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 116, 28, 28]
    /// ChannelShuffle(2)
    /// ```
    ChannelShuffle {
        /// Parts that channels are divided into.
        groups: usize,
    }
}

impl Operator for ChannelShuffle {
    fn infer(&self, inputs: &[Shape], _requirements: &mut Requirements) -> Result<Shape, ShapeError> {
        let shape = inputs::single(inputs)?;
        if shape.rank() < 3 {
            return Err(inputs::rank(inputs, "[N, C, ...] with 3 axes or more", None, None));
        }
        let channels = inputs::channels(inputs)?;
        inputs::divisible("channels", channels, self.groups, "groups", &[channels])?;
        Ok(shape)
    }

    fn describe(&self, _inputs: &[Shape]) -> String {
        self.keywords()
    }

    fn lower(&self, builder: &mut KernelBuilder) -> NodeId {
        let (x, output) = (builder.input(0), builder.output());
        let [batch, channels, places @ ..] = output.as_slice() else { return x };
        let parts = [*batch, self.groups, channels / self.groups, places.iter().product()];
        let parted = builder.reshape(x, &parts);
        let dealt = builder.permute(parted, &[0, 2, 1, 3]);
        builder.reshape(dealt, &output)
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::{on, refusal};
    use super::*;

    #[test]
    fn the_shape_stays() {
        let shuffled = on("ChannelShuffle(2)", &["[N, 58, H, W]"]);
        assert_eq!(shuffled.shape.to_string(), "[N, 58, H, W]");
        assert_eq!(shuffled.describe(), "groups=2");
        assert_eq!(shuffled.kernels, ["reshape", "permute", "reshape"]);
        assert!(matches!(refusal("ChannelShuffle(3)", &["[N, 58, 7, 7]"]), ShapeError::NotDivisible { .. }));
        assert!(matches!(refusal("ChannelShuffle(2)", &["[N, 58]"]), ShapeError::Rank { .. }));
    }
}
