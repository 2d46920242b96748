//! ConvTranspose2d: the layer that enlarges.

use super::{Argument, BindError, Operator, PadPair, Pair, ParameterDeclaration, LayerField, ShapeError, Taps, inputs};
use crate::diagnostic::Code;
use crate::graph::NodeId;
use crate::kernels::{AxisWindow, KernelBuilder};
use crate::shape::{Dim, Relation, Requirements, Shape};

crate::layer! {
    /// Transposed 2-D convolution ("fractional stride"), `[N, C, H, W]` to `[N, out_channels, H', W']`: every element
    /// of the input adds its multiple of the kernel to the output.
    ///
    /// # Shape
    /// `H' = (H − 1)·stride − 2·padding + dilation·(kernel_size − 1) + output_padding + 1`, `W'` alike; `C` and
    /// `out_channels` must be multiples of `groups`.
    ///
    /// # Parameters
    /// weight `[C, out_channels / groups, kernel_h, kernel_w]`, bias `[out_channels]`
    ///
    /// # Errors
    /// E206 `out_channels` not divisible by groups, or too large an `output_padding`; E301 channels not divisible by
    /// groups; E303 an input of another number of axes; E307 channels that are a symbol; E310 padding that leaves
    /// nothing
    ///
    /// # Source
    /// PyTorch `nn.ConvTranspose2d`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 64, 28, 28]
    /// ConvTranspose2d(32, kernel_size=2, stride=2)
    /// expect [N, 32, 56, 56]
    /// ```
    ConvTranspose2d {
        /// Channels of the output.
        out_channels: usize,
        /// Height and width of the kernel.
        kernel_size: Pair,
        /// Step, in the output, from one element of the input to the next.
        stride: Pair = Pair(1, 1),
        /// Rows and columns cut off on each side of the output.
        padding: PadPair = PadPair(0, 0),
        /// Rows and columns added at the bottom and the right; less than `stride` or `dilation`.
        output_padding: PadPair = PadPair(0, 0),
        /// Parts that channels are divided into, each convolved by itself.
        groups: usize = 1,
        /// Whether a number is added to each output channel.
        bias: bool = true,
        /// Step between the kernel's elements.
        dilation: Pair = Pair(1, 1),
    }
}

/// One axis: everything that its output size depends on.
struct Axis {
    name: &'static str,
    kernel: usize,
    stride: usize,
    padding: usize,
    output_padding: usize,
    dilation: usize,
}

impl Axis {
    fn output_size(&self, size: &Dim) -> Result<Dim, ShapeError> {
        let inner = Dim::from(self.dilation).times(&Dim::from(self.kernel - 1))?;
        let spread = size.plus_number(-1)?.times(&Dim::from(self.stride))?;
        let cut = Dim::from(self.padding).times_number(2)?;
        let added = Dim::from(self.output_padding).plus_number(1)?;
        Ok(spread.minus(&cut)?.plus(&inner)?.plus(&added)?)
    }
}

impl ConvTranspose2d {
    fn axes(&self) -> [Axis; 2] {
        let ConvTranspose2d { kernel_size, stride, padding, output_padding, dilation, .. } = *self;
        [
            Axis {
                name: "height",
                kernel: kernel_size.0,
                stride: stride.0,
                padding: padding.0,
                output_padding: output_padding.0,
                dilation: dilation.0,
            },
            Axis {
                name: "width",
                kernel: kernel_size.1,
                stride: stride.1,
                padding: padding.1,
                output_padding: output_padding.1,
                dilation: dilation.1,
            },
        ]
    }

    fn output_sizes(&self, sizes: [&Dim; 2], requirements: &mut Requirements) -> Result<[Dim; 2], ShapeError> {
        let [height, width] = self.axes();
        let (rows, columns) = (height.output_size(sizes[0])?, width.output_size(sizes[1])?);
        for (axis, size, output) in [(&height, sizes[0], &rows), (&width, sizes[1], &columns)] {
            let reason = "a transposed convolution must leave an element";
            if !requirements.require(output, Relation::AtLeast, &Dim::Number(1), reason)? {
                return Err(self.nothing_left(axis, size, output, [&rows, &columns]));
            }
        }
        Ok([rows, columns])
    }

    fn nothing_left(&self, axis: &Axis, size: &Dim, output: &Dim, outputs: [&Dim; 2]) -> ShapeError {
        let Axis { name, kernel, stride, padding, output_padding, dilation } = axis;
        // Each row of padding takes two; as many less as bring the output back to 1.
        let most = |padding: usize, output: &Dim| {
            let lacking = output.number().map_or(0, |output| (2 - output).max(0) / 2);
            usize::try_from(lacking).ok().and_then(|lacking| padding.checked_sub(lacking))
        };
        let mend = most(self.padding.0, outputs[0]).zip(most(self.padding.1, outputs[1]));
        ShapeError::Other {
            code: Code::E310,
            message: format!("padding={} leaves nothing of the {name}", self.padding.write()),
            argument: Some("padding"),
            note: Some(format!(
                "{name}: ({size} − 1)·{stride} − 2·{padding} + {dilation}·({kernel} − 1) + {output_padding} + 1 = {}",
                output.to_string().replace('-', "−")
            )),
            mend: mend.map(|(height, width)| ("padding", PadPair(height, width).write())),
        }
    }

    /// Channels of the input; both they and the output's are multiples of `groups`.
    fn channels(&self, inputs: &[Shape]) -> Result<usize, ShapeError> {
        let channels = inputs::channels(inputs)?;
        inputs::divisible("input channels", channels, self.groups, "groups", &[channels, self.out_channels])?;
        Ok(channels)
    }
}

impl Operator for ConvTranspose2d {
    const PARAMETERS: &'static [&'static str] = &["weight", "bias"];

    fn validate(&self) -> Result<(), BindError> {
        inputs::groups(self.groups, self.out_channels)?;
        let least = |axis: &Axis| axis.stride.max(axis.dilation);
        let [height, width] = self.axes();
        if height.output_padding < least(&height) && width.output_padding < least(&width) {
            return Ok(());
        }
        let message = format!(
            "output_padding={} must be smaller than stride={} or dilation={}",
            self.output_padding.write(),
            self.stride.write(),
            self.dilation.write()
        );
        let most = |axis: &Axis| axis.output_padding.min(least(axis) - 1);
        let mend = PadPair(most(&height), most(&width)).write();
        Err(BindError::Conflict { argument: "output_padding", message, mend: Some(mend) })
    }

    fn infer(&self, inputs: &[Shape], requirements: &mut Requirements) -> Result<Shape, ShapeError> {
        let [batch, _, height, width] = inputs::planes(inputs)?;
        self.channels(inputs)?;
        let [height, width] = self.output_sizes([height, width], requirements)?;
        Ok(Shape::from(vec![batch.clone(), Dim::from(self.out_channels), height, width]))
    }

    fn parameters(&self, inputs: &[Shape]) -> Result<Vec<ParameterDeclaration>, ShapeError> {
        let weight =
            vec![self.channels(inputs)?, self.out_channels / self.groups, self.kernel_size.0, self.kernel_size.1];
        // PyTorch counts the axes after the first, whatever they mean here.
        Ok(inputs::weight_and_bias(weight, self.bias.then_some(self.out_channels)))
    }

    fn macs(&self, inputs: &[Vec<usize>], _output: &[usize]) -> u64 {
        let kernel = [self.out_channels / self.groups, self.kernel_size.0, self.kernel_size.1];
        inputs.first().map_or(0, |input| super::count(input)).saturating_mul(super::count(&kernel))
    }

    fn receptive_field(&self, _inputs: &[Shape]) -> LayerField {
        LayerField::Plane(self.axes().map(|Axis { kernel, stride, padding, dilation, .. }| {
            Taps::transposed(kernel, dilation, stride, padding)
        }))
    }

    fn describe(&self, inputs: &[Shape]) -> String {
        let channels = inputs::channels(inputs).unwrap_or(0);
        let more = [
            (self.padding.tuple(), "padding", self.padding == PadPair(0, 0)),
            (self.dilation.tuple(), "dilation", self.dilation == Pair(1, 1)),
            (self.output_padding.tuple(), "output_padding", self.output_padding == PadPair(0, 0)),
            (self.groups.to_string(), "groups", self.groups == 1),
            (self.bias.python(), "bias", self.bias),
        ];
        inputs::convolution([channels, self.out_channels], self.kernel_size, self.stride, &more)
    }

    fn lower(&self, builder: &mut KernelBuilder) -> NodeId {
        let (x, size) = (builder.input(0), builder.output_size());
        let Some(weight) = builder.parameter(0) else { return x };
        let window = self.axes().map(|Axis { kernel, stride, padding, dilation, .. }| AxisWindow {
            kernel,
            stride,
            dilation,
            before: padding,
        });
        let spread = builder.conv_data(x, weight, window, self.groups, size);
        builder.add_bias(spread, 1)
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::{bind, on, refusal};
    use super::*;

    #[test]
    fn shape_follows_the_formula() {
        let up = on("ConvTranspose2d(32, kernel_size=2, stride=2)", &["[N, 64, H, W]"]);
        assert_eq!(up.shape.to_string(), "[N, 32, 2*H, 2*W]");
        assert_eq!(up.parameters(), "weight [64, 32, 2, 2], bias [32]");
        assert_eq!(up.describe(), "64, 32, kernel_size=(2, 2), stride=(2, 2)");
        assert_eq!(up.macs(), 64 * 32 * 4);
        let padded = on("ConvTranspose2d(6, 3, 2, 1, 1, 2, false, 2)", &["[N, 4, 5, 5]"]);
        assert_eq!(padded.shape.to_string(), "[N, 6, 12, 12]");
        assert_eq!(padded.parameters(), "weight [4, 3, 3, 3]");
        let text = "4, 6, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1), dilation=(2, 2), output_padding=(1, 1), \
                    groups=2, bias=False";
        assert_eq!(padded.describe(), text);
    }

    #[test]
    fn the_bound_of_first_values_comes_from_the_axes_after_the_first() {
        let layer = bind("ConvTranspose2d(32, kernel_size=3)").unwrap();
        let declared = layer.parameters(&[Shape::from([1, 64, 5, 5])]).unwrap();
        let expected = crate::graph::Initialiser::fan_in(32 * 9);
        assert!(declared.iter().all(|declared| declared.initialiser == expected));
    }

    #[test]
    fn padding_must_leave_something() {
        let ShapeError::Other { message, note, mend, .. } =
            refusal("ConvTranspose2d(8, kernel_size=1, padding=2)", &["[N, 8, 3, 3]"])
        else {
            panic!("another error");
        };
        assert_eq!(message, "padding=2 leaves nothing of the height");
        assert_eq!(note.as_deref(), Some("height: (3 − 1)·1 − 2·2 + 1·(1 − 1) + 0 + 1 = −1"));
        assert_eq!(mend, Some(("padding", "1".into())));
        on("ConvTranspose2d(8, kernel_size=1, padding=1)", &["[N, 8, 3, 3]"]);
    }

    #[test]
    fn output_padding_is_less_than_a_step() {
        let text = "ConvTranspose2d(1, 3, stride=(2, 1), output_padding=1)";
        let Err(BindError::Conflict { mend, .. }) = bind(text) else {
            panic!("it should be refused");
        };
        assert_eq!(mend.as_deref(), Some("(1, 0)"));
    }
}
