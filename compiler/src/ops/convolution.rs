//! What convolutions of one, two and three axes share: everything but the types of their arguments.
//!
//! `convolution! { Name }` implements the layer of a struct whose fields are those of `Conv2d`.

use super::argument_types::{tuple, words, written};
use super::dimensions;
use super::padding::{self, Filling};
use super::window::PaddedWindow;
use super::{Argument, BindError, LayerField, ParameterDeclaration, ShapeError, Window, inputs};
use crate::graph::NodeId;
use crate::kernels::KernelBuilder;
use crate::onnx::{Attribute, Nodes, Value};
use crate::shape::{Dim, Requirements, Shape};

words! {
    /// What a convolution's padding is filled with.
    PaddingMode {
        /// Zeros.
        Zeros = "zeros",
        /// What lies as far inside of the border, which itself is not repeated.
        Reflect = "reflect",
        /// The last element.
        Replicate = "replicate",
        /// What lies at the other end.
        Circular = "circular",
    }
}

/// A convolution with as many axes as its window.
#[derive(Clone, Debug)]
pub struct Convolution {
    pub out_channels: usize,
    pub window: Window,
    /// Its argument `padding` as PyTorch prints it, and whether that is the default.
    pub padding: (String, bool),
    /// Whether the padding was asked for as `"same"`.
    pub same: bool,
    pub groups: usize,
    pub bias: bool,
    pub mode: PaddingMode,
}

macro_rules! convolution {
    ($name:ident) => {
        impl $name {
            fn common(&self) -> $crate::ops::convolution::Convolution {
                use $crate::ops::argument_types::{PaddingOf, PerAxis, tuple};
                let $name { out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode } = self;
                let text = match padding {
                    PaddingOf::Sizes(sizes) => {
                        (tuple(&sizes.per_axis()), sizes.per_axis().iter().all(|&size| size == 0))
                    }
                    PaddingOf::Same => ("same".to_owned(), false),
                    PaddingOf::Valid => ("valid".to_owned(), false),
                };
                $crate::ops::convolution::Convolution {
                    out_channels: *out_channels,
                    window: $crate::ops::Window::convolution(kernel_size, stride, padding, dilation),
                    padding: text,
                    same: matches!(padding, PaddingOf::Same),
                    groups: *groups,
                    bias: *bias,
                    mode: *padding_mode,
                }
            }
        }

        $crate::ops::common::by_common! { $name, ["weight", "bias"] }
    };
}

pub(super) use convolution;

impl Convolution {
    fn kernel(&self) -> Vec<usize> {
        self.window.axes.iter().map(|axis| axis.kernel).collect()
    }

    fn along(&self, of: impl Fn(&PaddedWindow) -> usize) -> Vec<usize> {
        self.window.axes.iter().map(of).collect()
    }

    /// Channels of the input and channels that one group sees.
    fn channels(&self, inputs: &[Shape]) -> Result<[usize; 2], ShapeError> {
        let (_, channels, _) = inputs::spatial(inputs, self.window.axes.len())?;
        let channels = inputs::number("channels", channels)?;
        let both = [channels, self.out_channels];
        Ok([channels, inputs::divisible("input channels", channels, self.groups, "groups", &both)?])
    }

    pub fn validate(&self) -> Result<(), BindError> {
        inputs::groups(self.groups, self.out_channels)?;
        if self.same && self.along(|axis| axis.stride).iter().any(|&stride| stride != 1) {
            let message = "padding=\"same\" keeps the size, which a stride of more than 1 cannot".into();
            let mend = Some(written(&self.window.padding()));
            return Err(BindError::Conflict { argument: "padding", message, mend });
        }
        Ok(())
    }

    pub fn infer(&self, inputs: &[Shape], requirements: &mut Requirements) -> Result<Shape, ShapeError> {
        let (batch, _, sizes) = inputs::spatial(inputs, self.window.axes.len())?;
        self.channels(inputs)?;
        if let Some(filling) = self.filling() {
            padding::check(&self.sides(), filling, sizes, &written(&self.window.padding()), requirements)?;
        }
        let sizes = self.window.output_size(sizes, requirements)?;
        Ok([batch.clone(), Dim::from(self.out_channels)].into_iter().chain(sizes).collect())
    }

    pub fn parameters(&self, inputs: &[Shape]) -> Result<Vec<ParameterDeclaration>, ShapeError> {
        let [_, inner] = self.channels(inputs)?;
        let weight = [vec![self.out_channels, inner], self.kernel()].concat();
        Ok(inputs::weight_and_bias(weight, self.bias.then_some(self.out_channels)))
    }

    pub fn macs(&self, inputs: &[Vec<usize>], output: &[usize]) -> u64 {
        let channels = inputs.first().and_then(|shape| shape.get(1)).copied().unwrap_or(0) / self.groups;
        super::count(output).saturating_mul(super::count(&[vec![channels], self.kernel()].concat()))
    }

    /// Of a sequence all channels of the group, unless each has its own.
    pub fn receptive_field(&self, inputs: &[Shape]) -> LayerField {
        let own = self.channels(inputs).is_ok_and(|[channels, inner]| inner == 1 && channels == self.out_channels);
        of_channels(self.window.receptive_field(), self.window.axes.len(), own)
    }

    /// Of the window.
    pub fn arithmetic(&self, inputs: &[Shape]) -> Vec<String> {
        self.window.arithmetic(inputs)
    }

    pub fn describe(&self, inputs: &[Shape]) -> String {
        let channels = self.channels(inputs).map_or(0, |[channels, _]| channels);
        let dilation = self.along(|axis| axis.dilation);
        let more = [
            (self.padding.0.clone(), "padding", self.padding.1),
            (tuple(&dilation), "dilation", dilation.iter().all(|&dilation| dilation == 1)),
            (self.groups.to_string(), "groups", self.groups == 1),
            (self.bias.python(), "bias", self.bias),
            (self.mode.word().to_owned(), "padding_mode", self.mode == PaddingMode::Zeros),
        ];
        let stride = self.along(|axis| axis.stride);
        inputs::convolution([channels, self.out_channels], &self.kernel(), &stride, &more)
    }

    pub fn lower(&self, builder: &mut KernelBuilder) -> NodeId {
        let (x, Some(weight)) = (builder.input(0), builder.parameter(0)) else { return builder.input(0) };
        let (size, mut window) = (builder.output().split_off(2), self.window.kernel());
        let x = match self.filling() {
            Some(filling) => {
                window.iter_mut().for_each(|axis| axis.before = 0);
                padding::pad(builder, x, &self.sides(), filling)
            }
            None => x,
        };
        let product = dimensions::conv(builder, [x, weight], &window, self.groups, &size);
        builder.add_bias(product, 1)
    }

    pub fn onnx(&self, nodes: &mut Nodes) -> Option<Value> {
        if self.filling().is_some() {
            return None;
        }
        let group = ("group", Attribute::Int(self.groups as i64));
        let attributes = self.window.onnx().into_iter().chain([group]).collect();
        Some(nodes.weighted("Conv", attributes))
    }

    /// What padding is filled with, where that is not zeros.
    fn filling(&self) -> Option<Filling> {
        match self.mode {
            PaddingMode::Zeros => None,
            PaddingMode::Reflect => Some(Filling::Reflection),
            PaddingMode::Replicate => Some(Filling::Replication),
            PaddingMode::Circular => Some(Filling::Circular),
        }
    }

    /// The padding of each axis, in their order.
    fn sides(&self) -> Vec<[i64; 2]> {
        let number = |size: usize| i64::try_from(size).unwrap_or(i64::MAX);
        self.window.axes.iter().map(|axis| [axis.before, axis.after].map(number)).collect()
    }
}

/// The field of a convolution, which sees all channels; of a sequence these are an axis of the plane.
pub fn of_channels(field: LayerField, axes: usize, own: bool) -> LayerField {
    match field {
        LayerField::Plane([_, taps]) if axes == 1 && !own => LayerField::Line(taps),
        other => other,
    }
}
