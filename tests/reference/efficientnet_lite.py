"""EfficientNet-Lite in PyTorch, under the keys of the package efficientnet_lite_pytorch, padded as the sizes ask for.

What goes out is `EfficientNetLite(width, depth)`, which takes [N, 3, H, W] to [N, 1000].
"""

import math

from torch import nn
from torch.nn import functional

# expand, kernel, stride, channels, layers
ROWS = (
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
)


def rounded(channels, multiplier):
    """Channels times a multiplier, as the next multiple of 8 that is not a tenth less."""
    exact = channels * multiplier
    least = max(8, int(exact + 4) // 8 * 8)
    return least + 8 if least < 0.9 * exact else least


class Same(nn.Conv2d):
    """A convolution without bias whose answer has the input's size over the stride, rounded up."""

    def forward(self, x):
        pads = []
        for axis in (3, 2):
            size, kernel, stride = x.shape[axis], self.kernel_size[axis - 2], self.stride[axis - 2]
            total = max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
            pads += [total // 2, total - total // 2]
        return super().forward(functional.pad(x, pads))


def convolution(channels_in, channels, kernel, stride=1, groups=1):
    return Same(channels_in, channels, kernel, stride, groups=groups, bias=False)


def norm(channels):
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


class MBConv(nn.Module):
    """Wider, depthwise, narrower; added to what came in where both have one size."""

    def __init__(self, channels_in, channels, expand, kernel, stride):
        super().__init__()
        hidden = channels_in * expand
        self.is_wider, self.is_residual = expand != 1, stride == 1 and channels_in == channels
        if self.is_wider:
            self._expand_conv, self._bn0 = convolution(channels_in, hidden, 1), norm(hidden)
        self._depthwise_conv, self._bn1 = convolution(hidden, hidden, kernel, stride, hidden), norm(hidden)
        self._project_conv, self._bn2 = convolution(hidden, channels, 1), norm(channels)

    def forward(self, x):
        y = functional.relu6(self._bn0(self._expand_conv(x))) if self.is_wider else x
        y = functional.relu6(self._bn1(self._depthwise_conv(y)))
        y = self._bn2(self._project_conv(y))
        return x + y if self.is_residual else y


class EfficientNetLite(nn.Module):
    def __init__(self, width, depth):
        super().__init__()
        self._conv_stem, self._bn0 = convolution(3, 32, 3, 2), norm(32)
        self._blocks, before = nn.ModuleList(), 32
        for index, (expand, kernel, stride, channels, layers) in enumerate(ROWS):
            channels = rounded(channels, width)
            layers = layers if index in (0, len(ROWS) - 1) else math.ceil(depth * layers)
            for layer in range(layers):
                self._blocks.append(MBConv(before, channels, expand, kernel, stride if layer == 0 else 1))
                before = channels
        self._conv_head, self._bn1 = convolution(before, 1280, 1), norm(1280)
        self._fc = nn.Linear(1280, 1000)

    def forward(self, x):
        x = functional.relu6(self._bn0(self._conv_stem(x)))
        for block in self._blocks:
            x = block(x)
        x = functional.relu6(self._bn1(self._conv_head(x)))
        return self._fc(x.mean((2, 3)))
