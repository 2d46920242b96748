//! The grid: every kernel, how far it may be off and why, and the small networks that show it.
//!
//! Nothing here knows a back end. A case is a spec, so that whatever runs plans can be asked for it; how far it may be off is
//! stated here, and tests use the same figures. What a GPU may be off besides stands in `cuda/tolerance.rs`.

use cnnc_compiler::plan::{Method, Scheme};

/// What one layer, or one kernel, may be off in float32, whatever computes it.
pub const LAYER: f64 = 1e-5;
/// What a whole network may be off by the definition alone.
pub const NETWORK: f64 = 1e-5;
/// What a whole network may be off where Winograd's method computes.
pub const NETWORK_BY_WINOGRAD: f64 = 1e-4;
/// What the reference kernels may be off in float64.
pub const REFERENCE: f64 = 1e-12;

/// A kernel on the grid.
#[derive(Debug)]
pub struct Subject {
    /// Its name: `conv winograd_4x4`.
    pub name: &'static str,
    /// How it is reached.
    pub road: Road,
    /// The largest error as a share of the largest value.
    pub tolerance: f64,
    /// Why so much.
    pub reason: &'static str,
    /// The layers, separated by semicolons, and the shape of their input.
    pub cases: &'static [(&'static str, &'static [usize])],
}

/// How a plan comes to use a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Road {
    /// By itself.
    Usual,
    /// By this method, over channels in blocks.
    By(Method),
    /// Without blocks of channels.
    Plain,
    /// By the gradients of the layers by their input and their parameters.
    Gradients,
}

const fn subject(
    name: &'static str,
    road: Road,
    tolerance: f64,
    reason: &'static str,
    cases: &'static [(&'static str, &'static [usize])],
) -> Subject {
    Subject { name, road, tolerance, reason, cases }
}

const PRODUCTS: &str = "each of the sum's products and additions rounds; errors grow as the root of their number";
const FUNCTION: &str = "a polynomial that is good to a few units of the last place";
const EXACT: &str = "it chooses among values, and rounds none";

const THREE: &[(&str, &[usize])] = &[
    ("Conv2d(32, kernel_size=3, padding=1)", &[1, 32, 14, 14]),
    ("Conv2d(40, kernel_size=3, padding=1)", &[2, 24, 13, 11]),
    ("Conv2d(64, kernel_size=3, padding=1); ReLU", &[1, 128, 7, 7]),
    ("Conv2d(16, kernel_size=3)", &[1, 10, 9, 30]),
];

/// Every kernel.
pub const GRID: &[Subject] = &[
    subject("conv direct", Road::By(Method::Direct), 2e-6, PRODUCTS, THREE),
    subject(
        "conv direct, other windows",
        Road::By(Method::Direct),
        2e-6,
        PRODUCTS,
        &[
            ("Conv2d(64, kernel_size=1)", &[1, 256, 7, 7]),
            ("Conv2d(48, kernel_size=1, stride=2); Sigmoid", &[2, 32, 15, 15]),
            ("Conv2d(24, kernel_size=5, padding=4, dilation=2)", &[1, 20, 12, 12]),
            ("Conv2d(64, kernel_size=3, stride=2, padding=1, groups=4)", &[1, 64, 14, 14]),
            ("Conv2d(20, kernel_size=(1, 7), padding=(0, 3))", &[1, 33, 9, 9]),
        ],
    ),
    subject(
        "conv winograd_2x2",
        Road::By(Method::Winograd(Scheme::F2)),
        4e-6,
        "transforms add up to four values before products are rounded, and four after",
        THREE,
    ),
    subject(
        "conv winograd_4x4",
        Road::By(Method::Winograd(Scheme::F4)),
        1e-5,
        "transforms multiply by up to eight, and roundings with it",
        THREE,
    ),
    subject(
        "conv stem",
        Road::By(Method::Stem),
        2e-6,
        PRODUCTS,
        &[
            ("Conv2d(32, kernel_size=7, stride=2, padding=3)", &[1, 3, 33, 33]),
            ("Conv2d(12, kernel_size=5, padding=2)", &[2, 1, 28, 28]),
        ],
    ),
    subject(
        "conv rows",
        Road::By(Method::Rows),
        2e-6,
        PRODUCTS,
        &[
            ("Conv2d(4, kernel_size=5, padding=2)", &[2, 1, 28, 28]),
            ("Conv2d(3, kernel_size=3, dilation=2); Sigmoid", &[1, 8, 12, 44]),
        ],
    ),
    subject(
        "conv depthwise",
        Road::By(Method::Depthwise),
        2e-6,
        PRODUCTS,
        &[
            ("Conv2d(40, kernel_size=3, padding=1, groups=40)", &[1, 40, 14, 14]),
            ("Conv2d(32, kernel_size=5, stride=2, padding=2, groups=32); ReLU6", &[2, 32, 15, 15]),
        ],
    ),
    subject(
        "conv transposed",
        Road::By(Method::Direct),
        2e-6,
        PRODUCTS,
        &[
            ("ConvTranspose2d(24, kernel_size=4, stride=2, padding=1)", &[1, 32, 8, 8]),
            ("ConvTranspose2d(16, kernel_size=2, stride=2)", &[2, 20, 7, 7]),
        ],
    ),
    subject("linear", Road::Usual, 2e-6, PRODUCTS, &[("Linear(100)", &[1, 2048]), ("Linear(33); ReLU", &[5, 300])]),
    subject("gemm", Road::Plain, 2e-6, PRODUCTS, &[("Linear(100)", &[1, 2048]), ("Linear(130); ReLU", &[70, 300])]),
    subject(
        "max pooling",
        Road::Usual,
        0.0,
        EXACT,
        &[("MaxPool2d(3, stride=2, padding=1)", &[1, 20, 15, 15]), ("ReLU; AdaptiveMaxPool2d(4)", &[2, 17, 11, 13])],
    ),
    subject(
        "average pooling",
        Road::Usual,
        1e-6,
        PRODUCTS,
        &[("AvgPool2d(3, stride=2, padding=1)", &[1, 20, 15, 15]), ("AdaptiveAvgPool2d(1)", &[2, 33, 14, 14])],
    ),
    subject(
        "pooling in blocks",
        Road::Usual,
        3e-6,
        PRODUCTS,
        &[
            ("Conv2d(32, kernel_size=1); MaxPool2d(3, stride=2)", &[1, 8, 15, 15]),
            ("Conv2d(32, kernel_size=1); AvgPool2d(2)", &[1, 8, 14, 14]),
            ("Conv2d(32, kernel_size=1); AdaptiveAvgPool2d(1)", &[2, 8, 14, 14]),
        ],
    ),
    subject(
        "sums (softmax, norms)",
        Road::Usual,
        3e-6,
        "sums of a row, and a quotient by them",
        &[
            ("Softmax(dim=1)", &[4, 1000]),
            ("LogSoftmax(dim=1)", &[4, 1000]),
            ("LayerNorm", &[6, 300]),
            ("GroupNorm(4)", &[2, 32, 9, 9]),
            ("LocalResponseNorm(5)", &[1, 20, 9, 9]),
        ],
    ),
    subject("exp (ELU)", Road::Usual, 1e-6, FUNCTION, &[("ELU", &[2, 4096])]),
    subject("sigmoid", Road::Usual, 1e-6, FUNCTION, &[("Sigmoid", &[2, 4096]), ("SiLU", &[2, 4096])]),
    subject("tanh", Road::Usual, 1e-6, FUNCTION, &[("Tanh", &[2, 4096])]),
    subject("erf (GELU)", Road::Usual, 1e-6, FUNCTION, &[("GELU", &[2, 4096])]),
    subject(
        "pieces (ReLU, hard swish)",
        Road::Usual,
        1e-6,
        "a product and a bound",
        &[("ReLU", &[2, 4096]), ("Hardswish", &[2, 4096]), ("Hardsigmoid", &[2, 4096]), ("LeakyReLU", &[2, 4096])],
    ),
    subject(
        "resampling",
        Road::Usual,
        2e-6,
        "a mean of four neighbours by weights that round",
        &[
            ("Upsample(scale_factor=2)", &[1, 20, 7, 9]),
            ("Upsample(scale_factor=2, mode=\"bilinear\")", &[1, 20, 7, 9]),
            ("Conv2d(32, kernel_size=1); Upsample(scale_factor=2)", &[1, 8, 7, 9]),
        ],
    ),
    subject(
        "gradients of convolutions",
        Road::Gradients,
        LAYER,
        PRODUCTS,
        &[
            ("Conv2d(32, kernel_size=3, padding=1)", &[2, 16, 14, 14]),
            ("Conv2d(24, kernel_size=5, stride=2, padding=2)", &[2, 3, 17, 15]),
            ("Conv2d(20, kernel_size=1)", &[3, 24, 7, 9]),
            ("Conv2d(32, kernel_size=3, padding=1, groups=32)", &[2, 32, 9, 9]),
            ("Conv2d(32, kernel_size=3, stride=2, padding=1, groups=4)", &[1, 16, 14, 14]),
            ("ConvTranspose2d(12, kernel_size=4, stride=2, padding=1)", &[1, 16, 6, 7]),
        ],
    ),
    subject(
        "gradients of linear layers",
        Road::Gradients,
        LAYER,
        PRODUCTS,
        &[("Linear(33); ReLU; Linear(10)", &[5, 300])],
    ),
    subject(
        "gradients of pooling",
        Road::Gradients,
        LAYER,
        PRODUCTS,
        &[
            ("MaxPool2d(3, stride=2, padding=1)", &[1, 20, 15, 15]),
            ("AvgPool2d(3, stride=2, padding=1)", &[1, 20, 15, 15]),
            ("AdaptiveAvgPool2d(1)", &[2, 33, 14, 14]),
        ],
    ),
    subject(
        "gradients of norms",
        Road::Gradients,
        LAYER,
        "sums of a row, and quotients by them",
        &[("Softmax(dim=1)", &[4, 100]), ("LayerNorm", &[6, 300]), ("GroupNorm(4)", &[2, 32, 9, 9])],
    ),
    subject(
        "gradients of resampling",
        Road::Gradients,
        LAYER,
        "a sum of all that a value went into",
        &[
            ("Upsample(scale_factor=2)", &[1, 20, 7, 9]),
            ("Upsample(scale_factor=2, mode=\"bilinear\")", &[1, 20, 7, 9]),
        ],
    ),
    subject(
        "copies (pad, shuffle)",
        Road::Usual,
        0.0,
        EXACT,
        &[("ZeroPad2d(2)", &[1, 5, 7, 9]), ("PixelShuffle(2)", &[1, 16, 7, 5]), ("ChannelShuffle(4)", &[2, 20, 5, 5])],
    ),
];
