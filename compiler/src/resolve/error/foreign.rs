//! Words that other frameworks have for what is here, for people who come from them: layers, functions, arguments and values of
//! Keras, Caffe, Darknet, Python and PyTorch.

/// What something is called here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ours {
    /// The layer of this name, with arguments of its own.
    Name(&'static str),
    /// The function of this name.
    Function(&'static str),
    /// What is written in its place, in words.
    Text(&'static str),
}

use Ours::{Function, Name, Text};

const NAMES: &[(&str, Ours)] = &[
    ("Activation", Text("the activation itself: `ReLU`, `Sigmoid`, `Softmax(dim=1)`")),
    ("Add", Text("`sum { }` with the branches in its braces")),
    ("AveragePooling2D", Name("AvgPool2d")),
    ("AvgPool", Name("AvgPool2d")),
    ("AvgPooling2D", Name("AvgPool2d")),
    ("BatchNorm", Name("BatchNorm2d")),
    ("BatchNormalization", Name("BatchNorm2d")),
    ("Cat", Text("`concat { }` with the branches in its braces")),
    ("Concatenate", Text("`concat { }` with the branches in its braces")),
    ("Conv", Name("Conv2d")),
    ("Conv2DTranspose", Name("ConvTranspose2d")),
    ("ConvTranspose", Name("ConvTranspose2d")),
    ("Convolution", Name("Conv2d")),
    ("Convolution2D", Name("Conv2d")),
    ("Convolutional", Name("Conv2d")),
    ("Deconvolution", Name("ConvTranspose2d")),
    ("Dense", Name("Linear")),
    ("DepthwiseConv2D", Text("`Conv2d(C, …, groups=C)` after `input [N, C, H, W]`")),
    ("Eltwise", Text("`sum { }` or `product { }` with the branches in its braces")),
    ("FC", Name("Linear")),
    ("FullyConnected", Name("Linear")),
    ("GlobalAveragePooling2D", Text("`AdaptiveAvgPool2d(1)`, and `Flatten` after it")),
    ("GlobalAvgPool2d", Text("`AdaptiveAvgPool2d(1)`, and `Flatten` after it")),
    ("GlobalMaxPool2d", Text("`AdaptiveMaxPool2d(1)`, and `Flatten` after it")),
    ("GlobalMaxPooling2D", Text("`AdaptiveMaxPool2d(1)`, and `Flatten` after it")),
    ("GroupNormalization", Name("GroupNorm")),
    ("HardSigmoid", Name("Hardsigmoid")),
    ("InnerProduct", Name("Linear")),
    ("Input", Text("the statement `input [N, C, H, W]`")),
    ("LayerNormalization", Name("LayerNorm")),
    ("GRU", Text("no layer: there are no recurrent ones; 1-D convolutions often do the same")),
    ("int", Function("floor")),
    ("LRN", Name("LocalResponseNorm")),
    ("LSTM", Text("no layer: there are no recurrent ones; 1-D convolutions often do the same")),
    ("ModuleList", Text("the items themselves, one after another, or a `for` that writes them out")),
    (
        "Sequential",
        Text("items in braces: `Sequential { }` as an item, `Residual { }` behind the call of a block that takes them"),
    ),
    ("pass", Text("nothing: an empty body is the identity")),
    ("print", Text("no statement: `cnnc summary` and `cnnc check` show every shape")),
    ("range", Text("`0..n`, the numbers from 0 to n − 1; `a..b` begins at a")),
    ("RNN", Text("no layer: there are no recurrent ones; 1-D convolutions often do the same")),
    ("MaxPool", Name("MaxPool2d")),
    ("MaxPooling2D", Name("MaxPool2d")),
    ("MeanPool2d", Name("AvgPool2d")),
    ("Multiply", Text("`product { }` with the branches in its braces")),
    ("Residual", Text("`sum { }` with `{}` as the branch that goes past the others")),
    ("SeparableConv2D", Text("`Conv2d(C, …, groups=C)` and a `Conv2d` with kernel_size=1")),
    ("Shortcut", Text("`sum { Identity; from NAME }` of a value that `keep NAME` marked")),
    ("SpatialDropout2D", Name("Dropout2d")),
    ("Swish", Name("SiLU")),
    ("TransposedConv2d", Name("ConvTranspose2d")),
    ("UpSampling2D", Name("Upsample")),
    ("ZeroPadding2D", Name("ZeroPad2d")),
];

/// Functions of PyTorch, and the layers that do the same.
const FUNCTIONS: &[(&str, &str)] = &[
    ("abs", "Abs"),
    ("adaptive_avg_pool2d", "AdaptiveAvgPool2d"),
    ("adaptive_max_pool2d", "AdaptiveMaxPool2d"),
    ("avg_pool2d", "AvgPool2d"),
    ("dropout", "Dropout"),
    ("elu", "ELU"),
    ("erf", "Erf"),
    ("exp", "Exp"),
    ("flatten", "Flatten"),
    ("gelu", "GELU"),
    ("hardsigmoid", "Hardsigmoid"),
    ("hardswish", "Hardswish"),
    ("interpolate", "Upsample"),
    ("leaky_relu", "LeakyReLU"),
    ("log", "Log"),
    ("log_softmax", "LogSoftmax"),
    ("max_pool2d", "MaxPool2d"),
    ("pixel_shuffle", "PixelShuffle"),
    ("pow", "Pow"),
    ("relu", "ReLU"),
    ("relu6", "ReLU6"),
    ("relu_", "ReLU"),
    ("reshape", "Flatten"),
    ("sigmoid", "Sigmoid"),
    ("silu", "SiLU"),
    ("softmax", "Softmax"),
    ("sqrt", "Sqrt"),
    ("tanh", "Tanh"),
    ("view", "Flatten"),
];

/// The layer that a function of PyTorch is.
pub(in crate::resolve) fn layer_of_function(name: &str) -> Option<&'static str> {
    FUNCTIONS.iter().find(|(function, _)| *function == name).map(|(_, layer)| *layer)
}

/// Arguments by other names; the first of ours that a layer has is meant.
const ARGUMENTS: &[(&str, &[&str])] = &[
    ("alpha", &["negative_slope"]),
    ("axis", &["dim"]),
    ("channels", &["out_channels"]),
    ("dilation_rate", &["dilation"]),
    ("epsilon", &["eps"]),
    ("filters", &["out_channels"]),
    ("kernel", &["kernel_size"]),
    ("num_filters", &["out_channels"]),
    ("num_output", &["out_features", "out_channels"]),
    ("out_planes", &["out_channels"]),
    ("pad", &["padding"]),
    ("pool_size", &["kernel_size"]),
    ("rate", &["p"]),
    ("scale", &["scale_factor"]),
    ("slope", &["negative_slope"]),
    ("step", &["stride"]),
    ("strides", &["stride"]),
    ("units", &["out_features"]),
    ("use_bias", &["bias"]),
];

/// Arguments that nothing here corresponds to, and why.
const NO_ARGUMENTS: &[(&str, &str)] = &[
    ("activation", "an activation is an item of its own: write `ReLU` behind it"),
    ("data_format", "leave it out: channels come second, `[N, C, H, W]`"),
    ("device", "leave it out: `--device` says where a network runs"),
    ("dtype", "leave it out: networks are float32"),
    ("inplace", "leave it out: memory is shared where it can be"),
    ("input_shape", "leave it out: what comes in is inferred, and the model says it once: `input [N, 3, 32, 32]`"),
    ("kernel_initializer", "leave it out, and say `init Conv2d: kaiming_normal` in the model"),
    ("name", "a name stands before the item: `conv1: …`"),
];

/// What an argument is here that another framework calls so.
pub(in crate::resolve) enum TheirArgument {
    /// This one of the layer.
    Called(&'static str),
    /// Nothing: what to do instead.
    Needless(&'static str),
}

/// What an argument of that name is, of a layer with these arguments.
pub(in crate::resolve) fn argument_of(
    name: &str,
    mut ours: impl Iterator<Item = &'static str> + Clone,
) -> Option<TheirArgument> {
    if let Some((_, instead)) = NO_ARGUMENTS.iter().find(|(theirs, _)| *theirs == name) {
        return Some(TheirArgument::Needless(instead));
    }
    let (_, meant) = ARGUMENTS.iter().find(|(theirs, _)| *theirs == name)?;
    ours.find(|ours| meant.contains(ours)).map(TheirArgument::Called)
}

/// Values by other names, and ours.
const VALUES: &[(&str, &str)] = &[("True", "true"), ("TRUE", "true"), ("False", "false"), ("FALSE", "false")];

/// The value that is called so elsewhere.
pub(super) fn value_of(name: &str) -> Option<&'static str> {
    VALUES.iter().find(|(theirs, _)| *theirs == name).map(|(_, ours)| *ours)
}

/// What the layer that another framework calls so is here; case does not matter.
pub(super) fn foreign(name: &str) -> Option<Ours> {
    NAMES.iter().find(|(theirs, _)| theirs.eq_ignore_ascii_case(name)).map(|(_, ours)| *ours)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops;

    #[test]
    fn foreign_names_lead_to_layers_and_are_none_themselves() {
        for (theirs, ours) in NAMES {
            assert!(ops::layer(theirs).is_none(), "{theirs} is a layer");
            if let Name(ours) = ours {
                assert!(ops::layer(ours).is_some(), "{ours} is no layer");
            }
        }
        assert!(FUNCTIONS.iter().all(|(_, ours)| ops::layer(ours).is_some()));
        let named = |ours: &&str| {
            ops::LAYERS.iter().any(|entry| entry.signature.arguments.iter().any(|spec| spec.name == *ours))
        };
        assert!(ARGUMENTS.iter().flat_map(|(_, ours)| *ours).all(named));
        assert_eq!(foreign("maxpooling2d"), Some(Name("MaxPool2d")));
        assert_eq!(foreign("ReLu"), None);
    }
}
