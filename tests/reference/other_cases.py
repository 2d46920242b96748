"""The cases of every layer without a window, and of joins: an input shape and the items of a spec.

What goes out is `CASES`, from the name of a fixture file to its cases. The formula's inputs lie in [-1, 1]; `EIGHTFOLD`
widens them for the activations that bend at 3 or 6.
"""

from spec import branch, join
from spec import layer as L

# 0 or 1, by the sign of what comes in.
WHOLE = (join("product", L.Identity(), 1e30), L.Hardtanh(0.0, 1.0))

EIGHTFOLD = join("sum", *[L.Identity()] * 8)
IMAGE, ODD, ROWS, TOKENS = (2, 4, 5, 6), (3, 17, 3, 7), (3, 10), (2, 5, 8)


def bounded(before, *calls):
    """Each call behind a layer whose numbers it takes, on an image and on rows, and fused with a convolution."""
    return [
        case
        for call in calls
        for case in (
            (IMAGE, before, call),
            (ROWS, EIGHTFOLD, before, call),
            (ODD, L.Conv2d(5, kernel_size=1), before, call, L.ReLU()),
        )
    ]


def activation(*calls):
    """Each call on an image, on rows of a matrix, on tokens, widened, and after a layer with parameters."""
    first = calls[0]
    more = [(IMAGE, EIGHTFOLD, call) for call in calls[1:]] + [(ROWS, call) for call in calls[1:]]
    return [
        (IMAGE, first),
        (ODD, EIGHTFOLD, first),
        (ROWS, EIGHTFOLD, first),
        (TOKENS, first),
        (IMAGE, L.Conv2d(5, kernel_size=3, padding=1), first),
        *more,
    ]


LINEAR = [
    ((1, 784), L.Linear(128)),
    ((2, 20), L.Linear(256), L.ReLU(), L.Linear(10)),
    ((3, 17), L.Linear(5)),
    ((3, 17), L.Linear(33, bias=False)),
    ((1, 1), L.Linear(1)),
    ((2, 5, 8), L.Linear(6)),
    ((1, 7, 4), L.Linear(3, bias=False)),
    ((2, 3, 4, 5), L.Linear(7)),
    ((1, 2, 3, 4), L.Linear(1, bias=False)),
    ((64, 12), L.Linear(16)),
]

NORMS = {
    "batch_norm1d": [
        (ROWS, L.BatchNorm1d()),
        ((1, 33), L.BatchNorm1d(eps=0.1)),
        (TOKENS, L.BatchNorm1d()),
        ((1, 4, 9), L.BatchNorm1d(affine=False)),
        (ROWS, L.Linear(6), L.BatchNorm1d(eps=0.001, momentum=0.2), L.ReLU()),
    ],
    "batch_norm2d": [
        (IMAGE, L.BatchNorm2d()),
        (ODD, L.BatchNorm2d(eps=0.001)),
        (IMAGE, L.BatchNorm2d(affine=False)),
        (IMAGE, L.BatchNorm2d(eps=0.5, momentum=0.01)),
        ((1, 1, 1, 1), L.BatchNorm2d()),
        (IMAGE, L.BatchNorm2d(momentum=None)),
        ((1, 3, 7, 7), L.Conv2d(8, kernel_size=3, padding=1, bias=False), L.BatchNorm2d(), L.ReLU()),
        ((2, 3, 7, 7), L.Conv2d(8, kernel_size=3, stride=2), L.BatchNorm2d(affine=False)),
        ((1, 4, 5, 5), L.ConvTranspose2d(6, kernel_size=2, stride=2), L.BatchNorm2d()),
        ((1, 4, 5, 5), L.BatchNorm2d(), L.Conv2d(6, kernel_size=3, padding=1)),
    ],
    "batch_norm3d": [
        ((2, 3, 2, 4, 3), L.BatchNorm3d()),
        ((1, 17, 3, 2, 2), L.BatchNorm3d(eps=0.001, momentum=None)),
        ((2, 3, 2, 4, 3), L.BatchNorm3d(affine=False)),
        ((2, 3, 4, 4, 4), L.Conv3d(4, kernel_size=3, bias=False), L.BatchNorm3d(), L.ReLU()),
    ],
    **{
        f"instance_norm{axes}d": [
            (shape, getattr(L, f"InstanceNorm{axes}d")()),
            (shape, getattr(L, f"InstanceNorm{axes}d")(eps=0.01, affine=True)),
            (shape, getattr(L, f"InstanceNorm{axes}d")(affine=True, track_running_stats=True)),
            (shape, getattr(L, f"InstanceNorm{axes}d")(momentum=0.3, track_running_stats=True), L.ReLU()),
        ]
        for axes, shape in ((1, (3, 4, 9)), (2, IMAGE), (3, (2, 3, 2, 4, 3)))
    },
    "rms_norm": [
        (TOKENS, L.RMSNorm()),
        (IMAGE, L.RMSNorm((5, 6), eps=0.01)),
        (ROWS, L.RMSNorm(eps=1e-6)),
        (TOKENS, L.RMSNorm(8, eps=1e-5, elementwise_affine=False)),
        (IMAGE, L.RMSNorm((4, 5, 6), eps=0.1), L.ReLU()),
    ],
    "group_norm": [
        (IMAGE, L.GroupNorm(2)),
        (IMAGE, L.GroupNorm(1)),
        (IMAGE, L.GroupNorm(4, eps=0.01)),
        (IMAGE, L.GroupNorm(2, affine=False)),
        ((3, 12), L.GroupNorm(3)),
        ((2, 6, 5), L.GroupNorm(2)),
        ((1, 32, 5, 7), L.GroupNorm(8)),
    ],
    "layer_norm": [
        (ROWS, L.LayerNorm()),
        (TOKENS, L.LayerNorm()),
        (IMAGE, L.LayerNorm()),
        (TOKENS, L.LayerNorm(8)),
        (TOKENS, L.LayerNorm((5, 8))),
        (IMAGE, L.LayerNorm((4, 5, 6))),
        (IMAGE, L.LayerNorm((5, 6), eps=0.01)),
        (TOKENS, L.LayerNorm(elementwise_affine=False)),
        (TOKENS, L.LayerNorm(bias=False)),
        (IMAGE, L.LayerNorm((6,), eps=0.001, bias=False)),
    ],
    "layer_norm2d": [
        (IMAGE, L.LayerNorm2d()),
        (ODD, L.LayerNorm2d(eps=1e-6)),
        ((1, 16, 4, 4), L.LayerNorm2d(eps=0.01)),
        ((1, 3, 8, 8), L.Conv2d(12, kernel_size=4, stride=4), L.LayerNorm2d(eps=1e-6)),
        ((1, 8, 3, 3), L.LayerNorm2d(elementwise_affine=False)),
    ],
    "local_response_norm": [
        (IMAGE, L.LocalResponseNorm(2)),
        (ODD, L.LocalResponseNorm(5, alpha=0.5)),
        (ODD, L.LocalResponseNorm(4, alpha=2.0, beta=0.5, k=2.0)),
        (ODD, L.LocalResponseNorm(3, 1.5, 1.0, 0.5)),
        ((1, 3, 4, 4), L.LocalResponseNorm(size=9, alpha=3.0)),
        ((1, 6, 5), L.LocalResponseNorm(3, alpha=1.0)),
    ],
}

ACTIVATIONS = {
    "relu": activation(L.ReLU()),
    "relu6": activation(L.ReLU6()),
    "leaky_relu": activation(L.LeakyReLU(), L.LeakyReLU(0.1), L.LeakyReLU(negative_slope=0.3)),
    "prelu": activation(L.PReLU(), L.PReLU(num_parameters=1, init=0.1))
    + [
        (IMAGE, L.PReLU(num_parameters=4)),
        (ODD, L.PReLU(17)),
        (ROWS, L.PReLU(num_parameters=10)),
        (TOKENS, L.PReLU(num_parameters=5)),
    ],
    "elu": activation(L.ELU(), L.ELU(0.5), L.ELU(alpha=2.0)),
    "gelu": activation(L.GELU(), L.GELU(approximate="none"), L.GELU(approximate="tanh")),
    "silu": activation(L.SiLU()),
    "hardswish": activation(L.Hardswish()),
    "hardsigmoid": activation(L.Hardsigmoid()),
    "sigmoid": activation(L.Sigmoid()),
    "tanh": activation(L.Tanh()),
    "selu": activation(L.SELU()),
    "celu": activation(L.CELU(), L.CELU(0.5), L.CELU(alpha=2.0)),
    "mish": activation(L.Mish()),
    "softplus": activation(L.Softplus(), L.Softplus(2.0, 3.0), L.Softplus(beta=0.5, threshold=1)),
    "softsign": activation(L.Softsign()),
    "log_sigmoid": activation(L.LogSigmoid()),
    "hardtanh": activation(L.Hardtanh(), L.Hardtanh(-1.7, 2.4), L.Hardtanh(min_val=0.125)),
    "hardshrink": activation(L.Hardshrink(), L.Hardshrink(0.1), L.Hardshrink(lambd=2.0)),
    "softshrink": activation(L.Softshrink(), L.Softshrink(0.1), L.Softshrink(lambd=2.0)),
    "tanhshrink": activation(L.Tanhshrink()),
    "threshold": activation(L.Threshold(0.1, 20), L.Threshold(-0.5, value=0.25)),
    "abs": activation(L.Abs()),
    "exp": activation(L.Exp()),
    "log": bounded(L.Softplus(), L.Log()) + bounded(L.Sigmoid(), L.Log()),
    "sqrt": bounded(L.Sigmoid(), L.Sqrt()) + [(IMAGE, L.Pow(2), L.Sum(1, keepdim=True), L.Sqrt())],
    "pow": activation(L.Pow(2), L.Pow(3), L.Pow(exponent=4)) + bounded(L.Softplus(), L.Pow(1.5), L.Pow(-0.5), L.Pow(0.5)),
    "erf": activation(L.Erf()),
    "glu": [
        (IMAGE, L.GLU()),
        (IMAGE, L.GLU(1)),
        (IMAGE, EIGHTFOLD, L.GLU(dim=0)),
        (ROWS, EIGHTFOLD, L.GLU()),
        (TOKENS, L.GLU(dim=-1)),
        (IMAGE, L.Conv2d(10, kernel_size=3, padding=1), L.GLU(dim=-3), L.ReLU()),
    ],
    "softmax": activation(L.Softmax(1), L.Softmax(dim=0), L.Softmax(dim=-1)) + [(IMAGE, L.Softmax(dim=2))],
    "softmin": activation(L.Softmin(1), L.Softmin(dim=0), L.Softmin(dim=-1)),
    "softmax2d": [
        (IMAGE, L.Softmax2d()),
        (ODD, EIGHTFOLD, L.Softmax2d()),
        ((1, 1, 2, 3), L.Softmax2d()),
        (IMAGE, L.Conv2d(5, kernel_size=3, padding=1), L.Softmax2d()),
    ],
    "log_softmax": activation(L.LogSoftmax(1), L.LogSoftmax(dim=0), L.LogSoftmax(dim=-1))
    + [(IMAGE, EIGHTFOLD, L.LogSoftmax(dim=2))],
    "dropout": activation(L.Dropout(), L.Dropout(0.3), L.Dropout(p=0.9)),
    "dropout1d": [(TOKENS, L.Dropout1d()), (TOKENS, L.Dropout1d(0.3)), ((3, 4, 7), L.Dropout1d(p=0.9)),
                  (TOKENS, L.Conv1d(3, kernel_size=1), L.Dropout1d(0.2), L.ReLU())],
    "dropout3d": [((2, 3, 2, 4, 3), L.Dropout3d()), ((2, 3, 2, 4, 3), L.Dropout3d(0.3)),
                  ((1, 17, 2, 2, 3), L.Dropout3d(p=0.9)), ((2, 3, 2, 4, 3), L.Dropout3d(0.2), L.ReLU())],
    "dropout2d": [
        (IMAGE, L.Dropout2d()),
        (ODD, L.Dropout2d(0.3)),
        (IMAGE, L.Dropout2d(p=0.9)),
        (IMAGE, L.Conv2d(3, kernel_size=1), L.Dropout2d(0.2), L.ReLU()),
    ],
    "alpha_dropout": activation(L.AlphaDropout(), L.AlphaDropout(0.3), L.AlphaDropout(p=0.9)),
    "drop_path": [
        (IMAGE, L.DropPath(0.2)),
        (ODD, L.DropPath(drop_prob=0.5, scale_by_keep=False)),
        (ROWS, L.DropPath(0.3, True)),
        (IMAGE, L.DropPath()),
        (IMAGE, join("sum", branch(L.Conv2d(4, kernel_size=1), L.DropPath(0.4)), L.Identity())),
    ],
    "stochastic_depth": [
        (IMAGE, L.StochasticDepth(0.2, mode="row")),
        (IMAGE, L.StochasticDepth(0.5, mode="batch")),
        (ROWS, L.StochasticDepth(p=0.1, mode="row")),
        (IMAGE, join("sum", branch(L.Conv2d(4, kernel_size=1), L.StochasticDepth(0.3, mode="row")), L.Identity())),
    ],
    "identity": [(IMAGE, L.Identity()), (ROWS, L.Identity()), (TOKENS, L.Identity()), (ODD, L.Identity(), L.ReLU())],
}

SHAPES = {
    "flatten": [
        (IMAGE, L.Flatten()),
        (TOKENS, L.Flatten()),
        (ROWS, L.Flatten()),
        (IMAGE, L.Flatten(start_dim=2)),
        (IMAGE, L.Flatten(1, 2)),
        (IMAGE, L.Flatten(start_dim=2, end_dim=-2)),
        (IMAGE, L.Flatten(0, 1)),
        (IMAGE, L.Flatten(start_dim=-1)),
    ],
    "zero_pad2d": [
        (IMAGE, L.ZeroPad2d(1)),
        (ODD, L.ZeroPad2d((1, 2, 3, 0))),
        (IMAGE, L.ZeroPad2d((-1, 0, 0, -2))),
        (IMAGE, L.ZeroPad2d((2, -1, -1, 3))),
        (IMAGE, L.ZeroPad2d(0)),
        (IMAGE, L.ZeroPad2d(-1)),
        (IMAGE, L.ZeroPad2d((0, 1, 0, 1)), L.Conv2d(3, kernel_size=3, stride=2)),
        ((2, 3, 4, 1), join("sum", branch(L.ZeroPad2d((2, -1, 0, 0))), branch(L.ZeroPad2d((1, 0, 0, 0))))),
        ((2, 3, 1, 4), join("concat", branch(L.ZeroPad2d((0, 0, -1, 3))), branch(L.ZeroPad2d((0, 0, 0, 2))), dim=1)),
    ],
    **{
        f"{kind.lower()}_pad{len(sides) // 2}d": [
            (shape, getattr(L, f"{kind}Pad{len(sides) // 2}d")(sides, *more)),
            (shape, getattr(L, f"{kind}Pad{len(sides) // 2}d")(2, *more)),
            (shape, getattr(L, f"{kind}Pad{len(sides) // 2}d")(cut, *more)),
            (shape, L.Softsign(), getattr(L, f"{kind}Pad{len(sides) // 2}d")(1, *more), L.ReLU()),
        ]
        for kind, more in (
            ("Zero", ()),
            ("Constant", (0.75,)),
            ("Reflection", ()),
            ("Replication", ()),
            ("Circular", ()),
        )
        for shape, sides, cut in (
            ((3, 2, 7), (3, 1), (-1, 2)),
            ((2, 4, 5, 6), (1, 2, 3, 0), (2, -1, -1, 1)),
            ((1, 2, 4, 5, 6), (1, 2, 0, 3, 2, 1), (0, 1, -1, 2, 1, -1)),
        )
        if (kind, len(sides)) != ("Zero", 4)
    },
    "upsample": [
        (IMAGE, L.Upsample(scale_factor=2)),
        (IMAGE, L.Upsample(scale_factor=(3, 2))),
        (IMAGE, L.Upsample(size=9)),
        (IMAGE, L.Upsample((7, 4))),
        (IMAGE, L.Upsample(scale_factor=1.5, mode="nearest")),
        (IMAGE, L.Upsample(scale_factor=0.5)),
        (IMAGE, L.Upsample(scale_factor=2, mode="bilinear")),
        (IMAGE, L.Upsample(scale_factor=2, mode="bilinear", align_corners=True)),
        (IMAGE, L.Upsample(scale_factor=2, mode="bilinear", align_corners=False)),
        (IMAGE, L.Upsample(size=(8, 11), mode="bilinear")),
        (IMAGE, L.Upsample(size=(3, 4), mode="bilinear")),
        (IMAGE, L.Upsample(size=(3, 4), mode="bilinear", align_corners=True)),
        (IMAGE, L.Upsample(scale_factor=1.5, mode="bilinear")),
        (IMAGE, L.Upsample(scale_factor=(1.3, 0.7), mode="bilinear")),
        (IMAGE, L.Upsample(size=1, mode="bilinear", align_corners=True)),
        ((1, 2, 1, 1), L.Upsample(size=(3, 4), mode="bilinear", align_corners=True)),
        ((1, 17, 4, 4), L.Upsample(scale_factor=2)),
        (IMAGE, L.Upsample(scale_factor=2, mode="nearest-exact")),
        (IMAGE, L.Upsample(size=(7, 4), mode="nearest-exact")),
        (IMAGE, L.Upsample(scale_factor=2, mode="bicubic")),
        (IMAGE, L.Upsample(size=(8, 11), mode="bicubic", align_corners=True)),
        (IMAGE, L.Upsample(scale_factor=(1.3, 0.7), mode="bicubic")),
        ((1, 2, 1, 2), L.Upsample(size=(3, 5), mode="bicubic")),
    ],
    "pixel_shuffle": [
        ((1, 4, 3, 3), L.PixelShuffle(2)),
        ((2, 12, 3, 5), L.PixelShuffle(2)),
        ((1, 18, 2, 2), L.PixelShuffle(3)),
        ((1, 3, 4, 4), L.Conv2d(8, kernel_size=3, padding=1), L.PixelShuffle(2)),
        ((2, 3, 4, 4), L.PixelShuffle(1)),
    ],
    "pixel_unshuffle": [
        ((1, 1, 4, 4), L.PixelUnshuffle(2)),
        ((2, 3, 6, 4), L.PixelUnshuffle(2)),
        ((1, 2, 6, 9), L.PixelUnshuffle(3)),
        ((2, 3, 4, 4), L.Conv2d(8, kernel_size=3, padding=1), L.PixelUnshuffle(2), L.ReLU()),
    ],
    "unfold": [
        (IMAGE, L.Unfold(2)),
        (IMAGE, L.Unfold((2, 3), stride=2, padding=1)),
        (IMAGE, L.Unfold(2, 2, 1, 1)),
        ((2, 3, 8, 8), L.Unfold(kernel_size=2, stride=2), L.Permute((0, 2, 1)), L.Linear(4)),
    ],
    "fold": [
        ((2, 12, 16), L.Fold((8, 8), kernel_size=2, stride=2)),
        ((2, 12, 20), L.Fold((5, 6), 2)),
        ((1, 24, 12), L.Fold((5, 7), (2, 3), padding=1, stride=2)),
        ((3, 8, 12), L.Fold((5, 6), 2, dilation=2)),
        ((1, 18, 6), L.Fold(output_size=6, kernel_size=3, stride=3, padding=(1, 2))),
        ((1, 6, 6), L.Fold((9, 7), (3, 2), 2, (0, 1), 3)),
        ((2, 3, 6, 6), L.Conv2d(4, kernel_size=3), L.Unfold(2, stride=2), L.Fold((4, 4), 2, stride=2), L.ReLU()),
    ],
    "embedding": [
        ((2, 5), *WHOLE, L.Embedding(2, 3)),
        ((3, 4, 2), join("sum", branch(*WHOLE), branch(join("sum", L.Identity(), -0.4), *WHOLE)), L.Embedding(3, 4)),
        ((2, 6), *WHOLE, L.Embedding(40, 8), L.Permute((0, 2, 1)), L.Conv1d(4, kernel_size=3), L.ReLU()),
        ((7,), *WHOLE, L.Embedding(num_embeddings=2, embedding_dim=1)),
    ],
    "multihead_attention": [
        (TOKENS, L.MultiheadAttention(2, batch_first=True)),
        (TOKENS, L.MultiheadAttention(4)),
        ((1, 7, 12), L.MultiheadAttention(3, bias=False, batch_first=True)),
        ((2, 17, 16), L.MultiheadAttention(1, batch_first=True)),
        (TOKENS, join("sum", branch(L.LayerNorm(), L.MultiheadAttention(2, batch_first=True)), L.Identity()), L.GELU()),
    ],
    "channel_shuffle": [
        ((1, 4, 2, 2), L.ChannelShuffle(2)),
        ((2, 12, 3, 5), L.ChannelShuffle(3)),
        ((1, 6, 2, 2), L.ChannelShuffle(groups=6)),
        ((1, 6, 2, 2), L.ChannelShuffle(1)),
        ((3, 58, 3, 3), L.ChannelShuffle(2)),
    ],
    "narrow": [
        (IMAGE, L.Narrow(1, 0, 2)),
        (IMAGE, L.Narrow(1, 2, 2)),
        (IMAGE, L.Narrow(dim=3, start=1, length=3)),
        (IMAGE, L.Narrow(-2, 4, 1)),
        (ROWS, L.Narrow(1, 3, 7)),
        (IMAGE, L.Narrow(1, -3, 2)),
        (IMAGE, L.Narrow(2, 0, step=2)),
        (IMAGE, L.Narrow(dim=3, start=1, step=2)),
        (IMAGE, L.Narrow(dim=-1, start=-5, length=2, step=3)),
        (ODD, L.Conv2d(4, kernel_size=1), L.Narrow(dim=3, start=0, length=3, step=3), L.ReLU()),
        (IMAGE, L.Narrow(1, 1, step=2), L.Conv2d(3, kernel_size=1)),
    ],
    "chunk": [
        (IMAGE, L.Chunk(2, 0)),
        (IMAGE, L.Chunk(chunks=3, index=2, dim=-1)),
        (ODD, L.Chunk(4, 3)),
        (TOKENS, L.Linear(12), L.Chunk(3, 1, dim=2), L.ReLU()),
        (IMAGE, L.Conv2d(6, kernel_size=3, padding=1), join("product", L.Chunk(2, 0), branch(L.Chunk(2, 1), L.Sigmoid()))),
    ],
    "split": [
        (IMAGE, L.Split(3, 1)),
        (IMAGE, L.Split((1, 4), index=1, dim=2)),
        (IMAGE, L.Split(split_size=[2, 3, 1], index=2, dim=-1)),
        (IMAGE, L.Conv2d(8, kernel_size=1), join("concat", L.Split((5, 3), 1), branch(L.Split((5, 3), 0), L.ReLU()))),
    ],
    "reshape": [
        (IMAGE, L.Reshape((2, 4, 30))),
        (IMAGE, L.Reshape((-1, 6))),
        (IMAGE, L.Reshape((2, 2, 2, -1))),
        (ROWS, L.Linear(12), L.Reshape((3, 3, 2, 2)), L.Conv2d(4, kernel_size=3, padding=1)),
        (IMAGE, L.Conv2d(6, kernel_size=3, padding=1), L.Reshape([2, 3, 2, -1]), L.Permute((0, 2, 1, 3)),
         L.Reshape((2, 6, 5, 6))),
    ],
    "unflatten": [
        (IMAGE, L.Unflatten(1, (2, 2))),
        (ROWS, L.Unflatten(dim=-1, unflattened_size=(5, -1))),
        (ROWS, L.Linear(3 * 4 * 4), L.ReLU(), L.Unflatten(1, (3, 4, 4)), L.ConvTranspose2d(2, kernel_size=2, stride=2)),
        (IMAGE, L.Conv2d(8, kernel_size=1), L.Unflatten(1, (2, 4)), L.Mean(1)),
    ],
    "unsqueeze": [
        (ROWS, L.Unsqueeze(1)),
        (IMAGE, L.Unsqueeze(-1)),
        (ROWS, L.Unsqueeze(1), L.Conv1d(3, kernel_size=3), L.ReLU()),
        (TOKENS, L.Unsqueeze(0)),
    ],
    "squeeze": [
        (IMAGE, L.AdaptiveAvgPool2d(1), L.Squeeze((2, 3))),
        ((2, 1, 5), L.Squeeze(1), L.Linear(3)),
        ((1, 3, 1), L.Squeeze((0, -1))),
    ],
    "expand": [
        (IMAGE, L.AdaptiveAvgPool2d(1), L.Expand((-1, -1, 5, 6))),
        (ROWS, L.Expand((2, -1, 10))),
        ((2, 1, 3), L.Expand((2, 4, -1)), L.Linear(2)),
        (IMAGE, L.Conv2d(1, kernel_size=3), L.Expand((2, 5, 3, 4)), L.ReLU()),
    ],
    "repeat": [
        (IMAGE, L.Repeat((1, 2, 1, 1))),
        (IMAGE, L.Repeat((1, 1, 2, 3))),
        (ROWS, L.Repeat((2, 3, 1))),
        (IMAGE, L.Conv2d(1, kernel_size=3), L.Repeat((2, 3, 1, 1)), L.Conv2d(2, kernel_size=1)),
    ],
    "roll": [
        (IMAGE, L.Roll(1, 2)),
        (IMAGE, L.Roll((-2, 4), (2, -1))),
        (ROWS, L.Roll(shifts=13, dims=1)),
        (IMAGE, L.Conv2d(3, kernel_size=3, padding=1), L.Roll((1, -1), (1, 3)), L.ReLU()),
        (IMAGE, L.Roll(6, 3)),
    ],
    **{
        {"Sum": "total"}.get(kind, kind.lower()): [
            (IMAGE, getattr(L, kind)((2, 3))),
            (IMAGE, getattr(L, kind)(1, keepdim=True)),
            (ROWS, getattr(L, kind)(dim=-1)),
            (TOKENS, L.Linear(3), getattr(L, kind)(1)),
            (IMAGE, L.Conv2d(5, kernel_size=3, padding=1), L.ReLU(), getattr(L, kind)((-1, 1), True), L.Softsign()),
            (ROWS, join("sum", L.Identity(), getattr(L, kind)(0, keepdim=True))),
            (IMAGE, join("concat", getattr(L, kind)(1, True), L.Identity())),
        ]
        for kind in ("Mean", "Sum", "Max", "Min")
    },
    "permute": [
        (IMAGE, L.Permute((0, 2, 3, 1))),
        (IMAGE, L.Permute((0, 1, 3, 2))),
        (IMAGE, L.Permute((0, 2, 3, 1)), L.LayerNorm(), L.Permute((0, 3, 1, 2))),
        (TOKENS, L.Permute((0, 2, 1))),
        (IMAGE, L.Permute((0, -1, 1, 2)), L.Linear(3)),
        (IMAGE, L.Permute((1, 0, 2, 3))),
    ],
    "parameter": [
        (IMAGE, join("product", L.Identity(), L.Parameter((4, 1, 1), label="layer_scale", value=1e-6))),
        (IMAGE, join("sum", L.Identity(), L.Parameter((1, 4, 1, 1), label="offset", value=0.0))),
        (ROWS, join("product", L.Linear(6), L.Parameter((6,), label="scale", value=1.0))),
        (IMAGE, join("sum", L.Identity(), L.Parameter((4, 5, 6), value=2))),
        (TOKENS, L.Linear(4), join("sum", L.Identity(), L.Parameter((1, 5, 4), label="position", value=0.5))),
        (IMAGE, join("product", L.Parameter((1, 6), label="weight", value=1.0), L.Identity())),
    ],
}

SQUEEZE = branch(L.AdaptiveAvgPool2d(1), L.Conv2d(2, kernel_size=1), L.ReLU(), L.Conv2d(4, kernel_size=1), L.Sigmoid())
JOINS = [
    (IMAGE, join("sum", L.Conv2d(4, kernel_size=1), L.Conv2d(4, kernel_size=3, padding=1))),
    (IMAGE, join("sum", L.Identity(), L.Identity())),
    (IMAGE, join("sum", branch(), L.Conv2d(4, kernel_size=1), branch())),
    (IMAGE, join("sum", L.Conv2d(3, kernel_size=1))),
    (IMAGE, join("sum", L.Identity(), L.AdaptiveAvgPool2d(1))),
    (IMAGE, join("sum", L.AdaptiveAvgPool2d((1, 6)), L.AdaptiveAvgPool2d((5, 1)))),
    (IMAGE, join("sum", L.Conv2d(1, kernel_size=1), L.Identity(), L.AdaptiveMaxPool2d(1))),
    (ROWS, join("sum", L.Linear(1), L.Linear(5))),
    (IMAGE, join("sum", L.Linear(6), L.Linear(1))),
    (IMAGE, join("product", L.Identity(), SQUEEZE)),
    (IMAGE, join("product", L.Identity(), L.Sigmoid())),
    (IMAGE, join("product", L.Conv2d(4, kernel_size=1), L.Conv2d(1, kernel_size=1), L.AdaptiveAvgPool2d(1))),
    (IMAGE, join("product", L.Identity(), L.Identity(), L.Identity())),
    (ROWS, join("product", L.Linear(1), branch(L.Linear(5), L.Tanh()))),
    (IMAGE, join("concat", L.Conv2d(3, kernel_size=1), L.Identity(), L.Conv2d(1, kernel_size=3, padding=1))),
    (IMAGE, join("concat", L.Identity(), L.ReLU(), dim=1)),
    (IMAGE, join("concat", L.Identity(), L.MaxPool2d((2, 1)), dim=2)),
    (IMAGE, join("concat", L.Narrow(3, 4, 2), L.Narrow(3, 0, 4), dim=-1)),
    (IMAGE, join("concat", L.Identity(), L.Identity(), dim=0)),
    (ROWS, join("concat", L.Linear(3), L.Identity())),
    (IMAGE, join("concat", L.Conv2d(2, kernel_size=1)), L.ReLU()),
    (IMAGE, L.ReLU(), join("sum", branch(L.Conv2d(4, kernel_size=3, padding=1), L.ReLU(), L.Conv2d(4, kernel_size=1)),
                           L.Identity()), L.ReLU()),
    (IMAGE, join("sum", branch(L.Conv2d(8, kernel_size=3, stride=2, padding=1), L.BatchNorm2d(), L.ReLU()),
                 branch(L.Conv2d(8, kernel_size=1, stride=2), L.BatchNorm2d())), L.ReLU()),
    (IMAGE, join("concat", branch(L.Narrow(1, 0, 2)), branch(L.Narrow(1, 2, 2), L.Conv2d(2, kernel_size=1))),
     L.ChannelShuffle(2)),
    (IMAGE, join("sum", join("product", L.Identity(), L.Conv2d(1, kernel_size=1)),
                 join("concat", L.Conv2d(1, kernel_size=1), L.Conv2d(3, kernel_size=1)))),
    (IMAGE, join("concat", L.Identity(), join("sum", L.Conv2d(2, kernel_size=1), branch(L.Conv2d(2, kernel_size=1),
                                                                                        L.ReLU())))),
    (IMAGE, join("difference", L.Identity(), L.AdaptiveAvgPool2d(1))),
    (IMAGE, join("difference", 1.0, L.Sigmoid(), L.Conv2d(1, kernel_size=1))),
    (IMAGE, join("quotient", L.Conv2d(4, kernel_size=1), branch(L.Identity(), L.Sigmoid()))),
    (IMAGE, join("quotient", L.Identity(), 2, [[[0.5]], [[-4]], [[1.5]], [[8]]])),
    (ROWS, join("quotient", 1, join("sum", L.Sigmoid(), 0.25))),
    (IMAGE, join("maximum", L.Conv2d(4, kernel_size=1), L.Identity(), L.AdaptiveAvgPool2d(1))),
    (IMAGE, join("maximum", L.Identity(), L.Identity())),
    (IMAGE, join("minimum", L.Conv2d(4, kernel_size=3, padding=1), L.Identity())),
    (IMAGE, join("minimum", join("maximum", L.Identity(), -0.25), 0.5)),
    (IMAGE, join("sum", join("product", L.Identity(), [0.5, 2, -1, 3, 0, 1.25]), 3.0)),
    (ROWS, join("stack", L.Identity(), L.ReLU())),
    (IMAGE, join("stack", L.Identity(), L.Sigmoid(), L.Tanh(), dim=2)),
    (ROWS, join("stack", L.Linear(5), L.Linear(5), dim=-1)),
    (IMAGE, join("stack", L.Identity(), L.Conv2d(4, kernel_size=1), dim=0)),
    (IMAGE, join("matmul", L.Permute((0, 1, 3, 2)), L.Identity())),
    (TOKENS, join("matmul", L.Linear(3), branch(L.Linear(3), L.Permute((0, 2, 1))))),
    (TOKENS, join("matmul", branch(L.Linear(7), L.ReLU()), L.Parameter((7, 4), label="right"))),
    (TOKENS, join("matmul", L.Parameter((4, 5), label="left"), L.Identity())),
    (IMAGE, join("matmul", branch(L.Mean(1, True), L.Permute((0, 1, 3, 2))), L.Identity())),
    (IMAGE, join("matmul", L.Identity(), branch(L.Mean(1, True), L.Permute((0, 1, 3, 2))), L.Identity()), L.Sigmoid()),
    (ROWS, join("matmul", L.Identity(), [[0.5, -2.0]] * 10)),
    (ROWS, join("matmul", branch(L.Permute((1, 0))), L.Linear(4))),
    (TOKENS, join("matmul", branch(join("matmul", L.Linear(6), branch(L.Linear(6), L.Permute((0, 2, 1)))), L.Softmax(-1)),
                  L.Linear(6))),
]  # fmt: skip

CASES = {"linear": LINEAR, **NORMS, **ACTIVATIONS, **SHAPES, "joins": JOINS}
