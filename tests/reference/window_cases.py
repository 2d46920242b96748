"""The cases of convolutions and pooling: pairs of an input shape and the items of a spec.

What goes out is `CASES`, from the name of a fixture file to its cases. Sizes are odd, strides leave a rest, batches
are 1, 2 and 3; channel counts stand on both sides of 16 and 32, where blocked kernels change their path.
"""

from spec import layer as L
from spec import unpooled

Conv2d, ConvTranspose2d = L.Conv2d, L.ConvTranspose2d
MaxPool2d, AvgPool2d, SoftPool2d = L.MaxPool2d, L.AvgPool2d, L.SoftPool2d
AdaptiveAvgPool2d, AdaptiveMaxPool2d = L.AdaptiveAvgPool2d, L.AdaptiveMaxPool2d

CONV2D = [
    ((1, 1, 3, 3), Conv2d(1, kernel_size=2)),
    ((1, 1, 8, 8), Conv2d(1, kernel_size=3, padding=1)),
    ((1, 1, 8, 8), Conv2d(1, kernel_size=(5, 3), padding=(2, 1))),
    ((1, 1, 8, 8), Conv2d(1, kernel_size=3, padding=1, stride=2)),
    ((1, 1, 8, 8), Conv2d(1, kernel_size=(3, 5), padding=(0, 1), stride=(3, 4))),
    ((1, 2, 3, 3), Conv2d(3, kernel_size=2, bias=False)),
    ((1, 3, 3, 3), Conv2d(2, kernel_size=1)),
    ((3, 3, 9, 7), Conv2d(5, kernel_size=3)),
    ((3, 3, 9, 7), Conv2d(5, 3, 2, 1)),
    ((2, 4, 7, 10), Conv2d(4, kernel_size=(3, 2), stride=2, padding=1, dilation=2, groups=2, bias=False)),
    ((1, 4, 11, 9), Conv2d(6, kernel_size=3, dilation=(2, 3))),
    ((1, 4, 11, 9), Conv2d(6, kernel_size=3, padding=4, dilation=4)),
    ((3, 6, 8, 8), Conv2d(9, kernel_size=3, padding=1, groups=3)),
    ((1, 6, 8, 8), Conv2d(12, kernel_size=3, stride=2, groups=6)),
    ((1, 8, 10, 10), Conv2d(8, kernel_size=3, padding=1, groups=8, bias=False)),
    ((2, 8, 11, 11), Conv2d(8, kernel_size=5, padding=2, stride=2, groups=8)),
    ((1, 17, 6, 6), Conv2d(17, kernel_size=3, padding=1, groups=17)),
    ((1, 2, 7, 7), Conv2d(3, kernel_size=3, padding="same")),
    ((1, 2, 7, 7), Conv2d(3, kernel_size=4, padding="same")),
    ((1, 2, 8, 7), Conv2d(3, kernel_size=(2, 3), padding="same", dilation=(1, 2))),
    ((1, 2, 7, 7), Conv2d(3, kernel_size=3, padding="valid", stride=2)),
    ((1, 3, 10, 12), Conv2d(4, kernel_size=(1, 7), padding=(0, 3))),
    ((1, 3, 10, 12), Conv2d(4, kernel_size=(7, 1), padding=(3, 0))),
    ((1, 3, 4, 4), Conv2d(4, kernel_size=1, padding=2)),
    ((1, 3, 5, 5), Conv2d(4, kernel_size=3, padding=5, stride=3)),
    ((2, 3, 5, 6), Conv2d(7, kernel_size=(5, 6))),
    ((3, 20, 1, 1), Conv2d(10, kernel_size=1)),
    ((3, 20, 1, 1), Conv2d(10, kernel_size=3, padding=1)),
    ((2, 16, 7, 7), Conv2d(32, kernel_size=1, stride=2, bias=False)),
    ((1, 32, 5, 5), Conv2d(16, kernel_size=1)),
    ((3, 3, 17, 19), Conv2d(16, kernel_size=7, stride=2, padding=3)),
    ((2, 16, 12, 12), Conv2d(16, kernel_size=3, padding=1)),
    ((1, 17, 13, 13), Conv2d(33, kernel_size=3, padding=1)),
    ((1, 32, 14, 14), Conv2d(32, kernel_size=3, padding=1, bias=False)),
    ((1, 64, 7, 7), Conv2d(48, kernel_size=3, padding=1)),
    ((1, 32, 9, 9), Conv2d(64, kernel_size=3, padding=1, stride=2)),
    ((1, 32, 8, 8), Conv2d(32, kernel_size=3, padding=1, groups=2)),
    ((1, 16, 10, 10), Conv2d(24, kernel_size=5, padding=2)),
    ((1, 3, 2, 30), Conv2d(16, kernel_size=3, padding=1)),
    ((1, 1, 28, 28), Conv2d(6, kernel_size=5, padding=2)),
]

CONV_TRANSPOSE2D = [
    ((1, 1, 2, 2), ConvTranspose2d(1, kernel_size=2)),
    ((1, 1, 2, 2), ConvTranspose2d(1, kernel_size=2, stride=2, bias=False)),
    ((3, 3, 5, 4), ConvTranspose2d(4, kernel_size=3)),
    ((1, 3, 5, 4), ConvTranspose2d(4, kernel_size=3, stride=2, padding=1)),
    ((1, 3, 5, 4), ConvTranspose2d(4, kernel_size=3, stride=2, padding=1, output_padding=1)),
    ((1, 3, 5, 4), ConvTranspose2d(4, 4, 2, 1)),
    ((1, 3, 5, 4), ConvTranspose2d(4, kernel_size=3, stride=(2, 3), padding=(1, 0), output_padding=(0, 2))),
    ((2, 4, 5, 5), ConvTranspose2d(6, kernel_size=3, groups=2)),
    ((1, 4, 5, 5), ConvTranspose2d(6, kernel_size=(3, 2), stride=2, groups=2, bias=False)),
    ((1, 4, 5, 5), ConvTranspose2d(4, kernel_size=3, stride=2, padding=1, output_padding=1, groups=4)),
    ((1, 4, 5, 5), ConvTranspose2d(8, kernel_size=2, stride=2, groups=4)),
    ((1, 2, 5, 6), ConvTranspose2d(3, kernel_size=3, dilation=2)),
    ((1, 2, 5, 6), ConvTranspose2d(3, kernel_size=3, dilation=(1, 3), padding=(1, 2))),
    ((3, 2, 4, 5), ConvTranspose2d(3, kernel_size=3, stride=2, padding=2, dilation=2, output_padding=1)),
    ((1, 2, 5, 6), ConvTranspose2d(3, kernel_size=3, dilation=3, output_padding=2, groups=1)),
    ((1, 5, 1, 1), ConvTranspose2d(3, kernel_size=4)),
    ((1, 5, 3, 3), ConvTranspose2d(7, kernel_size=1)),
    ((1, 5, 3, 3), ConvTranspose2d(7, kernel_size=1, stride=2)),
    ((1, 5, 3, 3), ConvTranspose2d(2, kernel_size=2, stride=3)),
    ((1, 3, 6, 7), ConvTranspose2d(2, kernel_size=(5, 1), padding=(2, 0))),
    ((1, 3, 6, 7), ConvTranspose2d(2, kernel_size=3, padding=2)),
    ((2, 16, 5, 5), ConvTranspose2d(16, kernel_size=2, stride=2)),
    ((1, 17, 4, 4), ConvTranspose2d(33, kernel_size=3, stride=2, padding=1)),
    ((1, 32, 6, 6), ConvTranspose2d(16, kernel_size=4, stride=2, padding=1)),
]

MAX_POOL2D = [
    ((1, 1, 3, 3), MaxPool2d(2, stride=1)),
    ((1, 1, 4, 4), MaxPool2d(3)),
    ((1, 2, 4, 4), MaxPool2d(3, padding=1, stride=2)),
    ((1, 1, 4, 4), MaxPool2d((2, 3), stride=(2, 3), padding=(0, 1))),
    ((3, 4, 8, 8), MaxPool2d(2)),
    ((3, 4, 9, 7), MaxPool2d(2, 2)),
    ((1, 4, 9, 7), MaxPool2d(2, stride=2, ceil_mode=True)),
    ((1, 4, 9, 7), MaxPool2d(2, stride=2, padding=1, ceil_mode=True)),
    ((3, 4, 10, 11), MaxPool2d(3, stride=2, padding=1)),
    ((1, 4, 10, 11), MaxPool2d(3, stride=2, padding=1, ceil_mode=True)),
    ((1, 4, 10, 11), MaxPool2d(3, stride=2, ceil_mode=True)),
    ((1, 3, 9, 9), MaxPool2d(3, stride=1, padding=1)),
    ((1, 3, 9, 9), MaxPool2d(3, stride=1, padding=1, dilation=2)),
    ((2, 3, 9, 10), MaxPool2d((3, 2), stride=(1, 3), padding=(1, 0), dilation=(2, 3))),
    ((1, 3, 11, 11), MaxPool2d(3, stride=2, dilation=2, ceil_mode=True)),
    ((1, 3, 7, 7), MaxPool2d(2, stride=3)),
    ((1, 3, 7, 8), MaxPool2d(2, stride=3, ceil_mode=True)),
    ((1, 3, 7, 7), MaxPool2d(1, stride=2)),
    ((1, 3, 5, 6), MaxPool2d((5, 6))),
    ((3, 17, 6, 6), MaxPool2d(2, stride=2)),
    ((1, 32, 7, 7), MaxPool2d(3, stride=2, padding=1)),
    ((1, 2, 13, 13), MaxPool2d(5, stride=1, padding=2)),
    ((1, 2, 13, 13), MaxPool2d(13, stride=1, padding=6)),
    ((1, 1, 1, 1), MaxPool2d(2, padding=1)),
]

AVG_POOL2D = [
    ((1, 1, 3, 3), AvgPool2d(2, stride=1)),
    ((1, 2, 28, 28), AvgPool2d(2, stride=2)),
    ((3, 4, 8, 8), AvgPool2d(2)),
    ((3, 4, 9, 7), AvgPool2d(3, 2)),
    ((1, 4, 9, 7), AvgPool2d(3, stride=2, padding=1)),
    ((1, 4, 9, 7), AvgPool2d(3, stride=2, padding=1, count_include_pad=False)),
    ((1, 4, 10, 8), AvgPool2d(3, stride=2, ceil_mode=True)),
    ((1, 4, 10, 8), AvgPool2d(3, stride=2, ceil_mode=True, count_include_pad=False)),
    ((1, 4, 10, 8), AvgPool2d(3, stride=2, padding=1, ceil_mode=True)),
    ((1, 4, 10, 8), AvgPool2d(3, stride=2, padding=1, ceil_mode=True, count_include_pad=False)),
    ((2, 4, 10, 8), AvgPool2d(3, stride=2, padding=1, divisor_override=5)),
    ((1, 4, 10, 8), AvgPool2d(3, stride=2, ceil_mode=True, divisor_override=1)),
    ((1, 4, 10, 8), AvgPool2d(2, padding=1, count_include_pad=False, divisor_override=3)),
    ((1, 3, 7, 9), AvgPool2d((2, 3), stride=(2, 1), padding=(1, 0))),
    ((1, 3, 7, 9), AvgPool2d((1, 5), padding=(0, 2), stride=1, count_include_pad=False)),
    ((1, 3, 7, 8), AvgPool2d(2, stride=3, ceil_mode=True)),
    ((1, 3, 7, 7), AvgPool2d(1, stride=2)),
    ((1, 3, 5, 6), AvgPool2d((5, 6))),
    ((3, 17, 6, 6), AvgPool2d(2, stride=2)),
    ((1, 32, 7, 7), AvgPool2d(3, stride=2, padding=1)),
    ((1, 16, 7, 7), AvgPool2d(7)),
    ((1, 2, 13, 13), AvgPool2d(5, stride=1, padding=2)),
]

SOFT_POOL2D = [
    ((1, 1, 3, 3), SoftPool2d(2, stride=1)),
    ((1, 2, 28, 28), SoftPool2d(2, stride=2)),
    ((3, 4, 8, 8), SoftPool2d(2)),
    ((3, 4, 9, 7), SoftPool2d(3, 2)),
    ((1, 4, 9, 7), SoftPool2d(3, stride=2, padding=1)),
    ((1, 4, 10, 8), SoftPool2d(3, stride=2, ceil_mode=True)),
    ((1, 4, 10, 8), SoftPool2d(3, stride=2, padding=1, ceil_mode=True)),
    ((1, 3, 7, 9), SoftPool2d((2, 3), stride=(2, 1), padding=(1, 0))),
    ((1, 3, 7, 9), SoftPool2d((1, 5), padding=(0, 2), stride=1)),
    ((1, 3, 7, 8), SoftPool2d(2, stride=3, ceil_mode=True)),
    ((1, 3, 7, 7), SoftPool2d(1, stride=2)),
    ((1, 3, 5, 6), SoftPool2d((5, 6))),
    ((3, 17, 6, 6), SoftPool2d(2, stride=2)),
    ((1, 32, 7, 7), SoftPool2d(3, stride=2, padding=1)),
    ((1, 16, 7, 7), SoftPool2d(7)),
    ((1, 2, 13, 13), SoftPool2d(5, stride=1, padding=2)),
    ((2, 3, 6, 5), SoftPool2d(2, padding=1)),
    ((1, 3, 11, 9), SoftPool2d((3, 2), stride=(2, 3), padding=(1, 1), ceil_mode=True)),
    ((1, 1, 1, 1), SoftPool2d(2, padding=1)),
    ((1, 2, 6, 6), SoftPool2d(3, stride=3)),
]

ADAPTIVE_SHAPES = [
    ((1, 1, 1, 1), 1),
    ((1, 3, 7, 7), 1),
    ((3, 3, 7, 7), (1, 1)),
    ((1, 3, 8, 8), 2),
    ((1, 3, 8, 8), 4),
    ((1, 3, 8, 8), 8),
    ((1, 3, 7, 7), 2),
    ((1, 3, 7, 7), 3),
    ((2, 3, 7, 7), 5),
    ((1, 3, 7, 7), 6),
    ((1, 3, 10, 7), (3, 4)),
    ((1, 3, 10, 7), (1, 7)),
    ((1, 3, 10, 7), (10, 1)),
    ((3, 2, 5, 11), (4, 6)),
    ((1, 2, 5, 11), (5, 10)),
    ((1, 2, 3, 3), 7),
    ((1, 2, 3, 4), (5, 3)),
    ((1, 17, 7, 7), 1),
    ((1, 32, 6, 6), (6, 6)),
    ((3, 16, 9, 13), (7, 7)),
    ((1, 2, 13, 1), (4, 1)),
]

CONV1D = [
    ((1, 1, 9), L.Conv1d(1, kernel_size=2)),
    ((3, 3, 17), L.Conv1d(5, kernel_size=3, padding=1)),
    ((2, 4, 19), L.Conv1d(6, 5, 2, 2)),
    ((2, 4, 19), L.Conv1d(6, kernel_size=3, dilation=3, groups=2, bias=False)),
    ((1, 16, 30), L.Conv1d(32, kernel_size=3, padding="same")),
    ((1, 4, 11), L.Conv1d(4, kernel_size=4, padding="same")),
    ((1, 8, 12), L.Conv1d(8, kernel_size=3, padding=1, groups=8)),
    ((1, 17, 13), L.Conv1d(33, kernel_size=1)),
    ((2, 1, 330), L.Conv1d(8, kernel_size=80, stride=4)),
    ((1, 3, 10), L.Conv1d(4, kernel_size=3, padding="valid", stride=3)),
    ((2, 3, 9), L.Conv1d(4, kernel_size=5, padding=3, padding_mode="reflect")),
    ((2, 3, 9), L.Conv1d(4, kernel_size=5, padding=2, padding_mode="circular")),
    ((2, 3, 9), L.Conv1d(4, kernel_size=4, padding="same", padding_mode="replicate")),
]
CONV2D += [
    ((2, 3, 7, 9), Conv2d(4, kernel_size=3, padding=1, padding_mode="reflect")),
    ((2, 3, 7, 9), Conv2d(4, kernel_size=(3, 5), padding=(1, 2), stride=2, padding_mode="circular")),
    ((2, 16, 7, 9), Conv2d(16, kernel_size=3, padding=2, dilation=2, padding_mode="replicate")),
    ((1, 2, 7, 7), Conv2d(3, kernel_size=4, padding="same", padding_mode="reflect")),
]
CONV3D = [
    ((1, 1, 3, 4, 5), L.Conv3d(1, kernel_size=2)),
    ((2, 3, 5, 6, 7), L.Conv3d(4, kernel_size=3, padding=1)),
    ((1, 4, 5, 6, 7), L.Conv3d(6, (2, 3, 1), stride=(2, 1, 3), groups=2)),
    ((1, 2, 7, 6, 5), L.Conv3d(3, kernel_size=3, stride=2, padding=(2, 1, 0), dilation=(2, 1, 1), bias=False)),
    ((2, 3, 4, 5, 5), L.Conv3d(4, kernel_size=(1, 3, 3), padding=(0, 1, 1))),
    ((2, 3, 5, 4, 4), L.Conv3d(4, kernel_size=(3, 1, 1), padding=(1, 0, 0))),
    ((1, 17, 3, 4, 4), L.Conv3d(16, kernel_size=3, padding="same")),
    ((1, 4, 3, 5, 4), L.Conv3d(8, kernel_size=3, padding=1, groups=4)),
    ((1, 2, 4, 4, 5), L.Conv3d(3, kernel_size=3, padding=1, padding_mode="circular")),
]
CONV_TRANSPOSE1D = [
    ((1, 1, 4), L.ConvTranspose1d(1, kernel_size=2)),
    ((2, 3, 7), L.ConvTranspose1d(4, kernel_size=3, stride=2, padding=1, output_padding=1)),
    ((1, 4, 6), L.ConvTranspose1d(6, 4, 3, 2, 1, 2)),
    ((1, 4, 6), L.ConvTranspose1d(4, kernel_size=3, dilation=2, groups=4, bias=False)),
    ((1, 16, 9), L.ConvTranspose1d(17, kernel_size=2, stride=2)),
]
CONV_TRANSPOSE3D = [
    ((1, 1, 2, 3, 2), L.ConvTranspose3d(1, kernel_size=2)),
    ((2, 3, 3, 4, 2), L.ConvTranspose3d(4, kernel_size=2, stride=2)),
    ((1, 4, 3, 3, 4), L.ConvTranspose3d(6, 3, 2, 1, 1, 2)),
    ((1, 2, 3, 2, 3), L.ConvTranspose3d(3, kernel_size=(3, 1, 2), stride=(1, 3, 2), dilation=(2, 1, 1), bias=False)),
    ((1, 4, 4, 3, 3), L.ConvTranspose3d(4, kernel_size=3, stride=(3, 1, 1), padding=(2, 1, 0), groups=4)),
]
POOL1D = [
    ((1, 1, 4), (2,), {}),
    ((2, 3, 11), (3,), {"stride": 2, "padding": 1}),
    ((2, 3, 11), (4,), {"stride": 3, "ceil_mode": True}),
    ((1, 17, 10), (3, 1), {}),
]
POOL3D = [
    ((1, 1, 4, 4, 4), (2,), {}),
    ((2, 3, 5, 7, 6), (3,), {"stride": 2, "padding": 1}),
    ((1, 3, 5, 7, 6), ((2, 3, 1),), {"stride": (1, 2, 3), "ceil_mode": True}),
    ((1, 17, 3, 4, 5), ((1, 2, 2),), {"padding": (0, 1, 1)}),
]
ADAPTIVE1D = [((2, 3, 7), 1), ((2, 3, 7), 7), ((1, 17, 7), 3), ((1, 2, 5), 8)]
ADAPTIVE3D = [((2, 3, 4, 5, 6), 1), ((1, 3, 4, 6, 6), (2, 3, 1)), ((1, 2, 5, 4, 7), (3, 4, 2)), ((1, 2, 3, 4, 5), 5)]


def pools(name, cases, *more):
    """The cases of a pooling of so many axes."""
    return [(shape, getattr(L, name)(*args, **kwargs)) for shape, args, kwargs in cases] + list(more)


CASES = {
    "conv1d": CONV1D,
    "conv3d": CONV3D,
    "conv_transpose1d": CONV_TRANSPOSE1D,
    "conv_transpose3d": CONV_TRANSPOSE3D,
    "max_pool1d": pools("MaxPool1d", POOL1D, ((2, 3, 11), L.MaxPool1d(3, dilation=2))),
    "max_pool3d": pools("MaxPool3d", POOL3D, ((1, 3, 6, 7, 8), L.MaxPool3d(2, dilation=(1, 2, 3)))),
    "avg_pool1d": pools("AvgPool1d", POOL1D, ((2, 3, 11), L.AvgPool1d(3, padding=1, count_include_pad=False))),
    "avg_pool3d": pools(
        "AvgPool3d",
        POOL3D,
        ((1, 3, 5, 6, 7), L.AvgPool3d(3, padding=1, count_include_pad=False)),
        ((1, 3, 5, 6, 7), L.AvgPool3d(2, stride=3, divisor_override=5)),
    ),
    **{
        f"adaptive_{word.lower()}_pool{axes}": [(shape, getattr(L, f"Adaptive{word}Pool{axes}")(size)) for shape, size in cases]
        for word in ("Avg", "Max")
        for axes, cases in (("1d", ADAPTIVE1D), ("3d", ADAPTIVE3D))
    },
    "lp_pool1d": [
        ((2, 3, 11), L.LPPool1d(2, 3)),
        ((1, 17, 9), L.LPPool1d(2.0, 4, stride=2, ceil_mode=True)),
        ((2, 3, 11), L.Sigmoid(), L.LPPool1d(3, 2)),
        ((2, 3, 11), L.LPPool1d(1, 3, stride=1)),
    ],
    "lp_pool2d": [
        ((2, 3, 7, 8), L.LPPool2d(2, 3)),
        ((2, 3, 8, 8), L.ReLU(), L.LPPool2d(2, 2)),  # some windows are zeros alone
        ((1, 17, 7, 9), L.LPPool2d(norm_type=2, kernel_size=(2, 3), stride=(1, 2), ceil_mode=True)),
        ((2, 3, 7, 8), L.Softplus(), L.LPPool2d(1.5, 2)),
        ((2, 3, 7, 8), L.Sigmoid(), L.LPPool2d(4, 3, stride=2), L.ReLU()),
        ((2, 3, 7, 8), L.LPPool2d(1, (1, 2))),
    ],
    "lp_pool3d": [
        ((2, 3, 4, 5, 6), L.LPPool3d(2, 2)),
        ((1, 2, 5, 4, 7), L.LPPool3d(2, (3, 2, 2), stride=2, ceil_mode=True)),
        ((1, 3, 4, 4, 4), L.Sigmoid(), L.LPPool3d(3, 2)),
    ],
    "conv2d": CONV2D,
    "conv_transpose2d": CONV_TRANSPOSE2D,
    "max_pool2d": MAX_POOL2D,
    "avg_pool2d": AVG_POOL2D,
    "max_unpool2d": [
        ((2, 3, 6, 8), unpooled(2)),
        ((1, 2, 7, 9), unpooled(2, between=(L.Conv2d(2, kernel_size=3, padding=1),))),
        ((2, 3, 9, 7), unpooled((3, 2), stride=(3, 2))),
        ((1, 2, 8, 9), unpooled(3, stride=3, padding=1)),
        ((1, 2, 10, 11), unpooled(2, stride=(3, 4))),
        ((1, 17, 4, 4), unpooled(kernel_size=2, between=(L.ReLU(),)), L.Conv2d(3, kernel_size=1)),
    ],
    "soft_pool2d": SOFT_POOL2D,
    "adaptive_avg_pool2d": [(shape, AdaptiveAvgPool2d(size)) for shape, size in ADAPTIVE_SHAPES]
    + [((2, 3, 7, 6), AdaptiveAvgPool2d((None, 3))), ((2, 3, 7, 6), AdaptiveAvgPool2d((4, None)))],
    "adaptive_max_pool2d": [(shape, AdaptiveMaxPool2d(size)) for shape, size in ADAPTIVE_SHAPES]
    + [((2, 3, 7, 6), AdaptiveMaxPool2d((None, 3)))],
}
