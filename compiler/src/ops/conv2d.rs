//! Conv2d: the layer that the product is named after.

use super::{Argument, BindError, Operator, PadPair, Padding, Pair};
use super::{ParameterDeclaration, LayerField, ShapeError, Window, inputs};
use crate::graph::NodeId;
use crate::kernels::KernelBuilder;
use crate::shape::{Dim, Requirements, Shape};

crate::layer! {
    /// 2-D convolution (cross-correlation), `[N, C, H, W]` to `[N, out_channels, H', W']`.
    ///
    /// # Shape
    /// `H' = ⌊(H + 2·padding − dilation·(kernel_size − 1) − 1) / stride⌋ + 1`, `W'` alike; `C` and `out_channels`
    /// must be multiples of `groups`.
    ///
    /// # Parameters
    /// weight `[out_channels, C / groups, kernel_h, kernel_w]`, bias `[out_channels]`
    ///
    /// # Errors
    /// E206 `out_channels` not divisible by groups, or `padding="same"` with a stride; E301 channels not divisible by
    /// groups; E302 window larger than its padded input; E303 an input of another number of axes; E307 channels that
    /// are a symbol
    ///
    /// # Source
    /// PyTorch `nn.Conv2d`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 3, 32, 32]
    /// Conv2d(16, kernel_size=3, padding=1)
    /// expect [N, 16, 32, 32]
    /// ```
    Conv2d {
        /// Channels of the output.
        out_channels: usize,
        /// Height and width of the window.
        kernel_size: Pair,
        /// Step of the window.
        stride: Pair = Pair(1, 1),
        /// Zeros on each side, or `"same"` (keeps the size, stride 1 only) or `"valid"` (none).
        padding: Padding = Padding::Sizes(PadPair(0, 0)),
        /// Step between the window's elements.
        dilation: Pair = Pair(1, 1),
        /// Parts that channels are divided into, each convolved by itself.
        groups: usize = 1,
        /// Whether a number is added to each output channel.
        bias: bool = true,
    }
}

impl Conv2d {
    fn window(&self) -> Window {
        Window::convolution(self.kernel_size, self.stride, self.padding, self.dilation)
    }

    /// Channels of the input and channels that one group sees.
    fn channels(&self, inputs: &[Shape]) -> Result<[usize; 2], ShapeError> {
        let [_, channels, _, _] = inputs::planes(inputs)?;
        let channels = inputs::number("channels", channels)?;
        let both = [channels, self.out_channels];
        Ok([channels, inputs::divisible("input channels", channels, self.groups, "groups", &both)?])
    }
}

impl Operator for Conv2d {
    const PARAMETERS: &'static [&'static str] = &["weight", "bias"];

    fn validate(&self) -> Result<(), BindError> {
        inputs::groups(self.groups, self.out_channels)?;
        if self.padding == Padding::Same && self.stride != Pair(1, 1) {
            let message = "padding=\"same\" keeps the size, which a stride of more than 1 cannot".into();
            let [height, width] = self.window().axes.map(|axis| axis.before);
            let mend = Some(PadPair(height, width).write());
            return Err(BindError::Conflict { argument: "padding", message, mend });
        }
        Ok(())
    }

    fn infer(&self, inputs: &[Shape], requirements: &mut Requirements) -> Result<Shape, ShapeError> {
        let [batch, _, height, width] = inputs::planes(inputs)?;
        self.channels(inputs)?;
        let [height, width] = self.window().output_size([height, width], requirements)?;
        Ok(Shape::from(vec![batch.clone(), Dim::from(self.out_channels), height, width]))
    }

    fn parameters(&self, inputs: &[Shape]) -> Result<Vec<ParameterDeclaration>, ShapeError> {
        let [_, inner] = self.channels(inputs)?;
        let weight = vec![self.out_channels, inner, self.kernel_size.0, self.kernel_size.1];
        Ok(inputs::weight_and_bias(weight, self.bias.then_some(self.out_channels)))
    }

    fn macs(&self, inputs: &[Vec<usize>], output: &[usize]) -> u64 {
        let channels = inputs.first().and_then(|shape| shape.get(1)).copied().unwrap_or(0) / self.groups;
        super::count(output).saturating_mul(super::count(&[channels, self.kernel_size.0, self.kernel_size.1]))
    }

    fn receptive_field(&self, _inputs: &[Shape]) -> LayerField {
        self.window().receptive_field()
    }

    fn describe(&self, inputs: &[Shape]) -> String {
        let channels = self.channels(inputs).map_or(0, |[channels, _]| channels);
        let (padding, bare) = match self.padding {
            Padding::Sizes(sizes) => (sizes.tuple(), sizes == PadPair(0, 0)),
            Padding::Same => ("same".to_owned(), false),
            Padding::Valid => ("valid".to_owned(), false),
        };
        let more = [
            (padding, "padding", bare),
            (self.dilation.tuple(), "dilation", self.dilation == Pair(1, 1)),
            (self.groups.to_string(), "groups", self.groups == 1),
            (self.bias.python(), "bias", self.bias),
        ];
        inputs::convolution([channels, self.out_channels], self.kernel_size, self.stride, &more)
    }

    fn lower(&self, builder: &mut KernelBuilder) -> NodeId {
        let (x, size) = (builder.input(0), builder.output_size());
        let Some(weight) = builder.parameter(0) else { return x };
        let product = builder.conv(x, weight, self.window().kernel(), self.groups, size);
        builder.add_bias(product, 1)
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::{bind, on, refusal};
    use super::*;

    #[test]
    fn shape_follows_the_formula() {
        let conv = on("Conv2d(6, kernel_size=5, padding=2)", &["[N, 1, 28, 28]"]);
        assert_eq!(conv.shape.to_string(), "[N, 6, 28, 28]");
        assert_eq!(conv.parameters(), "weight [6, 1, 5, 5], bias [6]");
        assert_eq!(conv.describe(), "1, 6, kernel_size=(5, 5), stride=(1, 1), padding=(2, 2)");
        assert_eq!(conv.macs(), 6 * 25 * 28 * 28);
        assert_eq!(conv.kernels, ["conv", "reshape", "map x0 + x1"]);
        let strided = on("Conv2d(8, (3, 5), (3, 4), (0, 1), 2, 4, false)", &["[N, 4, H, W]"]);
        assert_eq!(strided.shape.to_string(), "[N, 8, (H - 2)//3, (W - 3)//4]");
        assert_eq!(strided.requirements, ["H AtLeast 5", "W AtLeast 7"]);
        assert_eq!(strided.parameters(), "weight [8, 1, 3, 5]");
        assert_eq!(
            strided.describe(),
            "4, 8, kernel_size=(3, 5), stride=(3, 4), padding=(0, 1), dilation=(2, 2), groups=4, bias=False"
        );
    }

    #[test]
    fn padding_can_be_a_word() {
        let same = on("Conv2d(3, kernel_size=4, padding=\"same\")", &["[N, 2, 7, 7]"]);
        assert_eq!(same.shape.to_string(), "[N, 3, 7, 7]");
        assert_eq!(same.receptive_field(), LayerField::Plane([super::super::Taps::window(4, 1, 1, 1); 2]));
        assert_eq!(on("Conv2d(3, 4, padding=\"valid\")", &["[N, 2, 7, 7]"]).shape.to_string(), "[N, 3, 4, 4]");
    }

    #[test]
    fn a_window_that_does_not_fit_shows_the_arithmetic_and_a_padding() {
        let expected = ShapeError::WindowTooLarge {
            axis: "height",
            arithmetic: "(5 + 2·0 − 1·(7 − 1) − 1) / 1 + 1 = −1".into(),
            needs: "7×7".into(),
            least_padding: Some(PadPair(1, 1)),
            same_padding: Some(PadPair(3, 3)),
        };
        assert_eq!(refusal("Conv2d(32, kernel_size=7)", &["[N, 16, 5, 5]"]), expected);
    }

    #[test]
    fn groups_divide_both_channels() {
        let ShapeError::NotDivisible { mends, .. } = refusal("Conv2d(16, 3, groups=4)", &["[N, 6, 9, 9]"]) else {
            panic!("another error");
        };
        assert_eq!(mends, [2]);
        let message = "out_channels=16 is not a multiple of groups=3".into();
        let expected = BindError::Conflict { argument: "groups", message, mend: Some("2".into()) };
        assert_eq!(bind("Conv2d(16, 3, groups=3)"), Err(expected));
    }

    #[test]
    fn impossible_inputs_are_refused() {
        assert!(matches!(refusal("Conv2d(6, 5)", &["[N, 400]"]), ShapeError::Rank { help: Some(_), .. }));
        assert!(matches!(refusal("Conv2d(6, 5)", &["[N, C, 9, 9]"]), ShapeError::Unknown { axis: "channels", .. }));
        let vast = "Conv2d(1099511627776, kernel_size=1)";
        assert_eq!(refusal(vast, &["[N, 1099511627776, 1, 1]"]), ShapeError::TooLarge);
    }
}
