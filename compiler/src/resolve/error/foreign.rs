//! Names that other frameworks have for what is here, for people who come from them: Keras, Caffe, Darknet, and PyTorch without
//! its numbers.

/// What something is called here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ours {
    /// The layer of this name, with arguments of its own.
    Name(&'static str),
    /// What is written in its place, in words.
    Text(&'static str),
}

use Ours::{Name, Text};

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
    ("LRN", Name("LocalResponseNorm")),
    ("MaxPool", Name("MaxPool2d")),
    ("MaxPooling2D", Name("MaxPool2d")),
    ("Multiply", Text("`product { }` with the branches in its braces")),
    ("Residual", Text("`sum { }` with `{}` as the branch that goes past the others")),
    ("SeparableConv2D", Text("`Conv2d(C, …, groups=C)` and a `Conv2d` with kernel_size=1")),
    ("Shortcut", Text("`sum { Identity; from NAME }` of a value that `keep NAME` marked")),
    ("SpatialDropout2D", Name("Dropout2d")),
    ("Swish", Name("SiLU")),
    ("UpSampling2D", Name("Upsample")),
    ("ZeroPadding2D", Name("ZeroPad2d")),
];

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
        assert_eq!(foreign("maxpooling2d"), Some(Name("MaxPool2d")));
        assert_eq!(foreign("ReLu"), None);
    }
}
