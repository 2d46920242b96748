"""YOLOv3 in PyTorch, under the names of `models/yolov3.cnn`: a network with three outputs.

What goes out is `YoloV3`, [N, 3, H, W] -> the maps of large, medium and small objects, H and W multiples of 32.
"""

import torch
from torch import nn
from torch.nn import functional

OUTPUTS = 3 * (4 + 1 + 80)


class Conv(nn.Module):
    """Convolution, normalisation, leaky ReLU."""

    def __init__(self, channels_in, channels, kernel_size=1, stride=1):
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels, kernel_size, stride, kernel_size // 2, bias=False)
        self.bn = nn.BatchNorm2d(channels)

    def forward(self, x):
        return functional.leaky_relu(self.bn(self.conv(x)), 0.1)


class Residual(nn.Module):
    """The input plus two convolutions of it."""

    def __init__(self, channels):
        super().__init__()
        self.cv1, self.cv2 = Conv(channels, channels // 2), Conv(channels // 2, channels, 3)

    def forward(self, x):
        return x + self.cv2(self.cv1(x))


class Darknet53(nn.Sequential):
    """The backbone: a list of the values after every stage."""

    def __init__(self):
        layers, channels_in = [Conv(3, 32, 3)], 32
        for depth, channels in ((1, 64), (2, 128), (8, 256), (8, 512), (4, 1024)):
            layers.append(Conv(channels_in, channels, 3, 2))
            layers.append(nn.Sequential(*[Residual(channels) for _ in range(depth)]))
            channels_in = channels
        super().__init__(*layers)

    def forward(self, x):
        values = [x := layer(x) for layer in self]
        return values[2::2]


def neck(channels_in, channels):
    """Five convolutions, 1x1 and 3x3 by turns."""
    sizes = ((channels_in, channels, 1), (channels, 2 * channels, 3), (2 * channels, channels, 1))
    return nn.Sequential(*[Conv(*size) for size in (*sizes, *sizes[1:])])


def head(channels):
    """A 3x3 convolution and the 1x1 that gives the answers."""
    return nn.Sequential(Conv(channels, 2 * channels, 3), nn.Conv2d(2 * channels, OUTPUTS, 1))


class YoloV3(nn.Module):
    """Names are positions among all items of the spec's body, hence "3" and "8" for the two unnamed convolutions."""

    def __init__(self):
        super().__init__()
        self.backbone = Darknet53()
        self.neck5, self.head5 = neck(1024, 512), head(512)
        self.add_module("3", Conv(512, 256))
        self.neck4, self.head4 = neck(512 + 256, 256), head(256)
        self.add_module("8", Conv(256, 128))
        self.neck3, self.head3 = neck(256 + 128, 128), head(128)

    def forward(self, x):
        c3, c4, c5 = self.backbone(x)[2:]
        p5 = self.neck5(c5)
        p4 = self.neck4(torch.cat((functional.interpolate(self.get_submodule("3")(p5), scale_factor=2), c4), dim=1))
        p3 = self.neck3(torch.cat((functional.interpolate(self.get_submodule("8")(p4), scale_factor=2), c3), dim=1))
        return self.head5(p5), self.head4(p4), self.head3(p3)
