//! What transposed convolutions of one, two and three axes share: everything but the types of their arguments.
//!
//! `transposed! { Name }` implements the layer of a struct whose fields are those of `ConvTranspose2d`.

use super::argument_types::{tuple, written};
use super::convolution::of_channels;
use super::dimensions;
use super::window::{by_axes, names};
use super::{Argument, BindError, LayerField, ParameterDeclaration, ShapeError, Taps, inputs};
use crate::diagnostic::Code;
use crate::graph::NodeId;
use crate::kernels::{AxisWindow, KernelBuilder};
use crate::onnx::{Attribute, Nodes, Value};
use crate::shape::{Dim, Relation, Requirements, Shape};

/// A transposed convolution with as many axes as its kernel.
#[derive(Clone, Debug)]
pub struct Transposed {
    pub out_channels: usize,
    pub axes: Vec<TransposedAxis>,
    pub groups: usize,
    pub bias: bool,
}

/// One axis: everything that its output size depends on.
#[derive(Clone, Copy, Debug)]
pub struct TransposedAxis {
    pub kernel: usize,
    pub stride: usize,
    pub padding: usize,
    pub output_padding: usize,
    pub dilation: usize,
}

macro_rules! transposed {
    ($name:ident) => {
        impl $name {
            fn common(&self) -> $crate::ops::transposed::Transposed {
                use $crate::ops::argument_types::PerAxis;
                use $crate::ops::transposed::{Transposed, TransposedAxis};
                let (kernel, stride, dilation) =
                    (self.kernel_size.per_axis(), self.stride.per_axis(), self.dilation.per_axis());
                let (padding, more) = (self.padding.per_axis(), self.output_padding.per_axis());
                let axes = kernel.into_iter().zip(stride).zip(dilation).zip(padding.into_iter().zip(more));
                let axes = axes.map(|(((kernel, stride), dilation), (padding, output_padding))| TransposedAxis {
                    kernel,
                    stride,
                    padding,
                    output_padding,
                    dilation,
                });
                Transposed {
                    out_channels: self.out_channels,
                    axes: axes.collect(),
                    groups: self.groups,
                    bias: self.bias,
                }
            }
        }

        $crate::ops::common::by_common! { $name, ["weight", "bias"] }
    };
}

pub(super) use transposed;

impl TransposedAxis {
    fn output_size(&self, size: &Dim) -> Result<Dim, ShapeError> {
        let inner = Dim::from(self.dilation).times(&Dim::from(self.kernel - 1))?;
        let spread = size.plus_number(-1)?.times(&Dim::from(self.stride))?;
        let cut = Dim::from(self.padding).times_number(2)?;
        let added = Dim::from(self.output_padding).plus_number(1)?;
        Ok(spread.minus(&cut)?.plus(&inner)?.plus(&added)?)
    }

    /// The output's size with its numbers.
    fn formula(&self, size: &Dim) -> String {
        let TransposedAxis { kernel, stride, padding, output_padding, dilation } = self;
        format!("({size} − 1)·{stride} − 2·{padding} + {dilation}·({kernel} − 1) + {output_padding} + 1")
    }

    /// What `output_padding` must be smaller than.
    fn least(&self) -> usize {
        self.stride.max(self.dilation)
    }
}

impl Transposed {
    fn along(&self, of: impl Fn(&TransposedAxis) -> usize) -> Vec<usize> {
        self.axes.iter().map(of).collect()
    }

    fn output_sizes(&self, sizes: &[Dim], requirements: &mut Requirements) -> Result<Vec<Dim>, ShapeError> {
        let outputs: Vec<Dim> =
            self.axes.iter().zip(sizes).map(|(axis, size)| axis.output_size(size)).collect::<Result<_, _>>()?;
        let named = names(self.axes.len()).iter().zip(&self.axes);
        for ((name, axis), (size, output)) in named.zip(sizes.iter().zip(&outputs)) {
            let reason = "a transposed convolution must leave an element";
            if !requirements.require(output, Relation::AtLeast, &Dim::Number(1), reason)? {
                return Err(self.nothing_left((name, axis), size, output, &outputs));
            }
        }
        Ok(outputs)
    }

    fn nothing_left(
        &self,
        (name, axis): (&str, &TransposedAxis),
        size: &Dim,
        output: &Dim,
        outputs: &[Dim],
    ) -> ShapeError {
        // Each row of padding takes two; as many less as bring the output back to 1.
        let most = |(padding, output): (&usize, &Dim)| {
            let lacking = output.number().map_or(0, |output| (2 - output).max(0) / 2);
            usize::try_from(lacking).ok().and_then(|lacking| padding.checked_sub(lacking))
        };
        let all = self.along(|axis| axis.padding);
        let mend: Option<Vec<usize>> = all.iter().zip(outputs).map(most).collect();
        ShapeError::Other {
            code: Code::E310,
            message: format!("padding={} leaves nothing of the {name}", written(&all)),
            argument: Some("padding"),
            note: Some(format!("{name}: {} = {}", axis.formula(size), output.to_string().replace('-', "−"))),
            mend: mend.map(|padding| ("padding", written(&padding))),
        }
    }

    /// Channels of the input; both they and the output's are multiples of `groups`.
    fn channels(&self, inputs: &[Shape]) -> Result<usize, ShapeError> {
        let channels = inputs::channels(inputs)?;
        inputs::divisible("input channels", channels, self.groups, "groups", &[channels, self.out_channels])?;
        Ok(channels)
    }

    pub fn validate(&self) -> Result<(), BindError> {
        inputs::groups(self.groups, self.out_channels)?;
        if self.axes.iter().all(|axis| axis.output_padding < axis.least()) {
            return Ok(());
        }
        let message = format!(
            "output_padding={} must be smaller than stride={} or dilation={}",
            written(&self.along(|axis| axis.output_padding)),
            written(&self.along(|axis| axis.stride)),
            written(&self.along(|axis| axis.dilation))
        );
        let mend = written(&self.along(|axis| axis.output_padding.min(axis.least() - 1)));
        Err(BindError::Conflict { argument: "output_padding", message, mend: Some(mend) })
    }

    pub fn infer(&self, inputs: &[Shape], requirements: &mut Requirements) -> Result<Shape, ShapeError> {
        let (batch, _, sizes) = inputs::spatial(inputs, self.axes.len())?;
        self.channels(inputs)?;
        let sizes = self.output_sizes(sizes, requirements)?;
        Ok([batch.clone(), Dim::from(self.out_channels)].into_iter().chain(sizes).collect())
    }

    pub fn parameters(&self, inputs: &[Shape]) -> Result<Vec<ParameterDeclaration>, ShapeError> {
        let outer = vec![self.channels(inputs)?, self.out_channels / self.groups];
        // PyTorch counts the axes after the first, whatever they mean here.
        let weight = [outer, self.along(|axis| axis.kernel)].concat();
        Ok(inputs::weight_and_bias(weight, self.bias.then_some(self.out_channels)))
    }

    pub fn macs(&self, inputs: &[Vec<usize>], _output: &[usize]) -> u64 {
        let kernel = [vec![self.out_channels / self.groups], self.along(|axis| axis.kernel)].concat();
        inputs.first().map_or(0, |input| super::count(input)).saturating_mul(super::count(&kernel))
    }

    pub fn receptive_field(&self, inputs: &[Shape]) -> LayerField {
        let taps = |axis: &TransposedAxis| Taps::transposed(axis.kernel, axis.dilation, axis.stride, axis.padding);
        let own = self.channels(inputs).is_ok_and(|channels| channels == self.groups && channels == self.out_channels);
        of_channels(LayerField::of_axes(self.axes.iter().map(taps)), self.axes.len(), own)
    }

    /// The formula worked out for each axis.
    pub fn arithmetic(&self, inputs: &[Shape]) -> Vec<String> {
        let Ok((.., sizes)) = inputs::spatial(inputs, self.axes.len()) else { return Vec::new() };
        let line = |(axis, size): (&TransposedAxis, &Dim)| {
            Some(format!("{} = {}", axis.formula(size), axis.output_size(size).ok()?))
        };
        let lines = self.axes.iter().zip(sizes).map(line).collect::<Option<Vec<String>>>();
        lines.map(by_axes).unwrap_or_default()
    }

    pub fn describe(&self, inputs: &[Shape]) -> String {
        let channels = inputs::channels(inputs).unwrap_or(0);
        let all = |sizes: &[usize], default: usize| sizes.iter().all(|&size| size == default);
        let (padding, dilation) = (self.along(|axis| axis.padding), self.along(|axis| axis.dilation));
        let output_padding = self.along(|axis| axis.output_padding);
        let more = [
            (tuple(&padding), "padding", all(&padding, 0)),
            (tuple(&dilation), "dilation", all(&dilation, 1)),
            (tuple(&output_padding), "output_padding", all(&output_padding, 0)),
            (self.groups.to_string(), "groups", self.groups == 1),
            (self.bias.python(), "bias", self.bias),
        ];
        let (kernel, stride) = (self.along(|axis| axis.kernel), self.along(|axis| axis.stride));
        inputs::convolution([channels, self.out_channels], &kernel, &stride, &more)
    }

    pub fn lower(&self, builder: &mut KernelBuilder) -> NodeId {
        let (x, Some(weight)) = (builder.input(0), builder.parameter(0)) else { return builder.input(0) };
        let size = builder.output().split_off(2);
        let axis = |&TransposedAxis { kernel, stride, padding, dilation, .. }: &TransposedAxis| AxisWindow {
            kernel,
            stride,
            dilation,
            before: padding,
        };
        let window: Vec<AxisWindow> = self.axes.iter().map(axis).collect();
        let spread = dimensions::conv_data(builder, [x, weight], &window, self.groups, &size);
        builder.add_bias(spread, 1)
    }

    pub fn onnx(&self, nodes: &mut Nodes) -> Option<Value> {
        // Some programs read no more added behind than a step makes.
        if self.axes.iter().any(|axis| axis.output_padding >= axis.stride) {
            return None;
        }
        let all = |sizes: Vec<usize>| Attribute::Ints(sizes.into_iter().map(|size| size as i64).collect());
        let padding = self.along(|axis| axis.padding);
        let attributes = vec![
            ("kernel_shape", all(self.along(|axis| axis.kernel))),
            ("strides", all(self.along(|axis| axis.stride))),
            ("pads", all([padding.clone(), padding].concat())),
            ("dilations", all(self.along(|axis| axis.dilation))),
            ("output_padding", all(self.along(|axis| axis.output_padding))),
            ("group", Attribute::Int(self.groups as i64)),
        ];
        Some(nodes.weighted("ConvTranspose", attributes))
    }
}
