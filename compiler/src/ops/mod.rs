//! THE LIST of operators. Adding one is its own file and one line here.
//!
//! The macro yields the enum [`Op`], its delegation to [`Operator`], and the tables by which specs call layers and
//! joins. An enum and not a trait object, so that a node can be compared, copied and printed; nobody matches on its
//! variants, but for the tests' evaluation, which knows every layer by itself.
#![allow(clippy::upper_case_acronyms, reason = "PyTorch's names: ELU, GELU")]

mod adaptive;
mod argument;
mod argument_shapes;
mod argument_types;
mod batch_norm;
mod broadcast;
mod common;
mod convolution;
mod dimensions;
mod drop;
mod exponentials;
mod inferred;
mod inputs;
mod instance_norm;
mod lp_pool;
mod manual;
mod matrices;
mod norm;
mod operator;
mod padding;
mod pointwise;
mod pooling;
mod receptive_field;
mod reduction;
mod reshaping;
mod shape_error;
mod slicing;
#[cfg(test)]
mod test_layer;
mod transposed;
mod window;

pub use argument::{Argument, ArgumentSpec, Arguments, BindError, Constant, Signature};
pub use argument_shapes::{NewShape, NewSize, OneOrMore, Parts, Place, PlaneSize};
pub use argument_types::{Axes, Extents, Factors, Margins, OutputSizes, PadPair, Padding, PaddingOf, Pair, PerAxis};
pub use argument_types::{Momentum, Probability, Sides, Sizes};
pub use convolution::PaddingMode;
pub use inferred::{Inferred, inferred};
pub use manual::{manual, page};
pub use numbers::Numbers;
pub use operator::{Chances, Layer, Operator, ParameterDeclaration};
pub use padding::Filling;
pub use receptive_field::{AxisMove, LayerField, Taps};
pub use shape_error::ShapeError;
pub use window::Window;

use crate::graph::NodeId;
use crate::kernels::KernelBuilder;
use crate::onnx::{Nodes, Value};
use crate::shape::{Dim, Requirements, Shape};

macro_rules! operators {
    (layers { $($layers:tt)* } joins { $($joins:tt)* } unnamed { $($unnamed:tt)* }) => {
        operators! { @operators $($layers)* $($joins)* $($unnamed)* }

        /// The layers that a spec can call, in the manual's order.
        pub const LAYERS: &[LayerEntry] = operators!(@table $($layers)*);

        /// The joins, under the words that the language has for them: bound as layers are.
        pub const JOINS: &[LayerEntry] = operators!(@table $($joins)*);
    };
    (@table $($file:ident::$operator:ident,)*) => {
        &[$(LayerEntry {
            signature: <$file::$operator as Layer>::SIGNATURE,
            parameters: <$file::$operator as Operator>::PARAMETERS,
            takes_input: <$file::$operator as Operator>::TAKES_INPUT,
            second: <$file::$operator as Operator>::SECOND,
            file: stringify!($file),
            bind: |arguments| {
                let operator = <$file::$operator as Layer>::bind(arguments)?;
                operator.validate()?;
                Ok(Op::$operator(operator))
            },
        },)*]
    };
    (@operators $($file:ident::$operator:ident,)*) => {
        $(mod $file;)*

        /// Every operator: the layers of the language, the joins, then what specs have no name for.
        #[derive(Clone, Debug, PartialEq)]
        #[allow(missing_docs, reason = "each variant is documented at its type")]
        pub enum Op { $($operator($file::$operator),)* }

        impl Op {
            /// The operator's name: the layer's, or the join's word.
            pub fn name(&self) -> &'static str {
                match self { $(Op::$operator(_) => <$file::$operator as Layer>::SIGNATURE.name,)* }
            }

            /// Whether it is a join or numbers: its path is that of the item around it.
            pub fn is_nameless(&self) -> bool {
                layer(self.name()).is_none()
            }

            /// See [`Operator::TAKES_INPUT`].
            pub fn takes_input(&self) -> bool {
                match self { $(Op::$operator(_) => <$file::$operator as Operator>::TAKES_INPUT,)* }
            }

            /// See [`Operator::IS_IDENTITY`].
            pub fn is_identity(&self) -> bool {
                match self { $(Op::$operator(_) => <$file::$operator as Operator>::IS_IDENTITY,)* }
            }

            /// See [`Operator::TAKES_FEATURES`].
            pub fn takes_features(&self) -> bool {
                match self { $(Op::$operator(_) => <$file::$operator as Operator>::TAKES_FEATURES,)* }
            }

            /// See [`Operator::CHANCES`].
            pub fn chances(&self) -> Option<Chances> {
                match self { $(Op::$operator(_) => <$file::$operator as Operator>::CHANCES,)* }
            }

            /// See [`Operator::infer`]. The number of elements fits 64 bits as far as it is known.
            pub fn infer(&self, inputs: &[Shape], requirements: &mut Requirements) -> Result<Shape, ShapeError> {
                let shape = match self { $(Op::$operator(operator) => operator.infer(inputs, requirements),)* }?;
                let known = shape.iter().filter_map(Dim::number).try_fold(1i64, i64::checked_mul);
                if known.is_some() { Ok(shape) } else { Err(ShapeError::TooLarge) }
            }

            /// See [`Operator::parameters`]. The number of elements of each fits 64 bits.
            pub fn parameters(&self, inputs: &[Shape]) -> Result<Vec<ParameterDeclaration>, ShapeError> {
                let all = match self { $(Op::$operator(operator) => operator.parameters(inputs),)* }?;
                let fits = |declared: &ParameterDeclaration| count(&declared.shape) < i64::MAX as u64;
                if all.iter().all(fits) { Ok(all) } else { Err(ShapeError::TooLarge) }
            }

            /// See [`Operator::macs`].
            pub fn macs(&self, inputs: &[Vec<usize>], output: &[usize]) -> u64 {
                match self { $(Op::$operator(operator) => operator.macs(inputs, output),)* }
            }

            /// See [`Operator::receptive_field`].
            pub fn receptive_field(&self, inputs: &[Shape], output: &Shape) -> LayerField {
                match self { $(Op::$operator(operator) => operator.receptive_field(inputs, output),)* }
            }

            /// See [`Operator::describe`].
            pub fn describe(&self, inputs: &[Shape]) -> String {
                match self { $(Op::$operator(operator) => operator.describe(inputs),)* }
            }

            /// See [`Operator::arithmetic`].
            pub fn arithmetic(&self, inputs: &[Shape]) -> Vec<String> {
                match self { $(Op::$operator(operator) => operator.arithmetic(inputs),)* }
            }

            /// See [`Operator::lower`].
            pub fn lower(&self, builder: &mut KernelBuilder) -> NodeId {
                match self { $(Op::$operator(operator) => operator.lower(builder),)* }
            }

            /// See [`Operator::onnx`].
            pub fn onnx(&self, nodes: &mut Nodes) -> Option<Value> {
                match self { $(Op::$operator(operator) => operator.onnx(nodes),)* }
            }
        }
    };
}

/// A layer that a spec can call, or a join.
pub struct LayerEntry {
    /// Name, documentation and arguments.
    pub signature: Signature,
    /// Names of its parameters.
    pub parameters: &'static [&'static str],
    /// Whether it takes the current value; a bare tensor does not.
    pub takes_input: bool,
    /// What the braces behind it give, for a layer that takes a second value.
    pub second: Option<&'static str>,
    /// Its file's name, and its cases'.
    pub file: &'static str,
    /// Makes it.
    pub bind: fn(&Arguments) -> Result<Op, BindError>,
}

/// The layer of that name.
pub fn layer(name: &str) -> Option<&'static LayerEntry> {
    LAYERS.iter().find(|entry| entry.signature.name == name)
}

/// The join of that word.
pub fn join(word: &str) -> Option<&'static LayerEntry> {
    JOINS.iter().find(|entry| entry.signature.name == word)
}

operators! {
    layers {
        conv1d::Conv1d,
        conv2d::Conv2d,
        conv3d::Conv3d,
        conv_transpose1d::ConvTranspose1d,
        conv_transpose2d::ConvTranspose2d,
        conv_transpose3d::ConvTranspose3d,
        linear::Linear,
        embedding::Embedding,
        multihead_attention::MultiheadAttention,
        max_pool1d::MaxPool1d,
        max_pool2d::MaxPool2d,
        max_pool3d::MaxPool3d,
        avg_pool1d::AvgPool1d,
        avg_pool2d::AvgPool2d,
        avg_pool3d::AvgPool3d,
        lp_pool1d::LPPool1d,
        lp_pool2d::LPPool2d,
        lp_pool3d::LPPool3d,
        max_unpool2d::MaxUnpool2d,
        soft_pool2d::SoftPool2d,
        adaptive_avg_pool1d::AdaptiveAvgPool1d,
        adaptive_avg_pool2d::AdaptiveAvgPool2d,
        adaptive_avg_pool3d::AdaptiveAvgPool3d,
        adaptive_max_pool1d::AdaptiveMaxPool1d,
        adaptive_max_pool2d::AdaptiveMaxPool2d,
        adaptive_max_pool3d::AdaptiveMaxPool3d,
        batch_norm1d::BatchNorm1d,
        batch_norm2d::BatchNorm2d,
        batch_norm3d::BatchNorm3d,
        instance_norm1d::InstanceNorm1d,
        instance_norm2d::InstanceNorm2d,
        instance_norm3d::InstanceNorm3d,
        group_norm::GroupNorm,
        layer_norm::LayerNorm,
        layer_norm2d::LayerNorm2d,
        rms_norm::RMSNorm,
        local_response_norm::LocalResponseNorm,
        relu::ReLU,
        relu6::ReLU6,
        leaky_relu::LeakyReLU,
        prelu::PReLU,
        elu::ELU,
        gelu::GELU,
        silu::SiLU,
        hardswish::Hardswish,
        hardsigmoid::Hardsigmoid,
        sigmoid::Sigmoid,
        tanh::Tanh,
        selu::SELU,
        celu::CELU,
        mish::Mish,
        softplus::Softplus,
        softsign::Softsign,
        log_sigmoid::LogSigmoid,
        hardtanh::Hardtanh,
        hardshrink::Hardshrink,
        softshrink::Softshrink,
        tanhshrink::Tanhshrink,
        threshold::Threshold,
        abs::Abs,
        exp::Exp,
        log::Log,
        sqrt::Sqrt,
        pow::Pow,
        erf::Erf,
        glu::GLU,
        softmax::Softmax,
        softmax2d::Softmax2d,
        softmin::Softmin,
        log_softmax::LogSoftmax,
        dropout::Dropout,
        dropout1d::Dropout1d,
        dropout2d::Dropout2d,
        dropout3d::Dropout3d,
        alpha_dropout::AlphaDropout,
        stochastic_depth::StochasticDepth,
        drop_path::DropPath,
        flatten::Flatten,
        identity::Identity,
        zero_pad1d::ZeroPad1d,
        zero_pad2d::ZeroPad2d,
        zero_pad3d::ZeroPad3d,
        constant_pad1d::ConstantPad1d,
        constant_pad2d::ConstantPad2d,
        constant_pad3d::ConstantPad3d,
        reflection_pad1d::ReflectionPad1d,
        reflection_pad2d::ReflectionPad2d,
        reflection_pad3d::ReflectionPad3d,
        replication_pad1d::ReplicationPad1d,
        replication_pad2d::ReplicationPad2d,
        replication_pad3d::ReplicationPad3d,
        circular_pad1d::CircularPad1d,
        circular_pad2d::CircularPad2d,
        circular_pad3d::CircularPad3d,
        upsample::Upsample,
        pixel_shuffle::PixelShuffle,
        pixel_unshuffle::PixelUnshuffle,
        unfold::Unfold,
        fold::Fold,
        channel_shuffle::ChannelShuffle,
        narrow::Narrow,
        chunk::Chunk,
        split::Split,
        permute::Permute,
        reshape::Reshape,
        unflatten::Unflatten,
        unsqueeze::Unsqueeze,
        squeeze::Squeeze,
        expand::Expand,
        repeat::Repeat,
        roll::Roll,
        mean::Mean,
        total::Total,
        max::Max,
        min::Min,
        parameter::Parameter,
    }
    joins {
        sum::Sum,
        product::Product,
        concat::Concat,
        difference::Difference,
        quotient::Quotient,
        maximum::Maximum,
        minimum::Minimum,
        stack::Stack,
        matmul::Matmul,
    }
    unnamed {
        numbers::Numbers,
    }
}

/// The product of sizes, for counting.
fn count(sizes: &[usize]) -> u64 {
    sizes.iter().fold(1, |product, &size| product.saturating_mul(size as u64))
}
