"""YOLOv5n and YOLOv8n in PyTorch, under Ultralytics' keys and with their decoding: `models/yolov5n.cnn`, `models/yolov8n.cnn`.

What goes out are `YoloV5n`, [N, 3, H, W] -> [N, boxes, 85], and `YoloV8n`, [N, 3, H, W] -> [N, 84, boxes], H and W
multiples of 32: all boxes, in pixels, before any is left out. The first of five numbers are a centre, a width and a height.
"""

import torch
from torch import nn
from torch.nn import functional

CLASSES, BINS = 80, 16
STRIDES = (8, 16, 32)
ANCHORS = (
    ((10, 13), (16, 30), (33, 23)),
    ((30, 61), (62, 45), (59, 119)),
    ((116, 90), (156, 198), (373, 326)),
)


class Conv(nn.Module):
    """Convolution, normalisation, SiLU."""

    def __init__(self, channels_in, channels, kernel_size=1, stride=1, padding=None):
        super().__init__()
        padding = kernel_size // 2 if padding is None else padding
        self.conv = nn.Conv2d(channels_in, channels, kernel_size, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(channels, eps=1e-3, momentum=0.03)

    def forward(self, x):
        return functional.silu(self.bn(self.conv(x)))


class Bottleneck(nn.Module):
    """Two convolutions, and perhaps the input again."""

    def __init__(self, channels, first_kernel, shortcut):
        super().__init__()
        self.cv1, self.cv2 = Conv(channels, channels, first_kernel), Conv(channels, channels, 3)
        self.shortcut = shortcut

    def forward(self, x):
        y = self.cv2(self.cv1(x))
        return x + y if self.shortcut else y


class C3(nn.Module):
    """YOLOv5's stage: bottlenecks beside a product that passes by."""

    def __init__(self, channels_in, channels, depth=1, shortcut=True):
        super().__init__()
        half = channels // 2
        self.cv1, self.cv2, self.cv3 = Conv(channels_in, half), Conv(channels_in, half), Conv(channels, channels)
        self.m = nn.Sequential(*[Bottleneck(half, 1, shortcut) for _ in range(depth)])

    def forward(self, x):
        return self.cv3(torch.cat((self.m(self.cv1(x)), self.cv2(x)), dim=1))


class C2f(nn.Module):
    """YOLOv8's stage: every bottleneck's answer is seen."""

    def __init__(self, channels_in, channels, depth=1, shortcut=True):
        super().__init__()
        half = channels // 2
        self.cv1, self.cv2 = Conv(channels_in, channels), Conv((2 + depth) * half, channels)
        self.m = nn.ModuleList(Bottleneck(half, 3, shortcut) for _ in range(depth))

    def forward(self, x):
        seen = list(self.cv1(x).chunk(2, dim=1))
        for bottleneck in self.m:
            seen.append(bottleneck(seen[-1]))
        return self.cv2(torch.cat(seen, dim=1))


class SPPF(nn.Module):
    """Three poolings in a row, all of them seen."""

    def __init__(self, channels):
        super().__init__()
        self.cv1, self.cv2 = Conv(channels, channels // 2), Conv(2 * channels, channels)

    def forward(self, x):
        seen = [self.cv1(x)]
        for _ in range(3):
            seen.append(functional.max_pool2d(seen[-1], 5, 1, 2))
        return self.cv2(torch.cat(seen, dim=1))


class Detect(nn.Module):
    """The heads, whose modules are named by the caller."""

    def __init__(self, **lists):
        super().__init__()
        for name, modules in lists.items():
            setattr(self, name, nn.ModuleList(modules))


def branch(channels_in, channels, outputs):
    """YOLOv8's head of one kind on one map."""
    return nn.Sequential(
        Conv(channels_in, channels, 3), Conv(channels, channels, 3), nn.Conv2d(channels, outputs, 1)
    )


def places(height, width, like):
    """The columns and rows of a map's places, [H, W] each."""
    rows, columns = torch.arange(height).to(like), torch.arange(width).to(like)
    rows, columns = torch.meshgrid(rows, columns, indexing="ij")
    return columns, rows


class YoloV5n(nn.Module):
    """`model` has all modules under the numbers of the published file; 11, 12, 15, 16, 19 and 22 have no parameters."""

    def __init__(self):
        super().__init__()
        modules = {
            0: Conv(3, 16, 6, 2, 2),
            1: Conv(16, 32, 3, 2),
            2: C3(32, 32),
            3: Conv(32, 64, 3, 2),
            4: C3(64, 64, depth=2),
            5: Conv(64, 128, 3, 2),
            6: C3(128, 128, depth=3),
            7: Conv(128, 256, 3, 2),
            8: C3(256, 256),
            9: SPPF(256),
            10: Conv(256, 128),
            13: C3(256, 128, shortcut=False),
            14: Conv(128, 64),
            17: C3(128, 64, shortcut=False),
            18: Conv(64, 64, 3, 2),
            20: C3(128, 128, shortcut=False),
            21: Conv(128, 128, 3, 2),
            23: C3(256, 256, shortcut=False),
            24: Detect(m=[nn.Conv2d(channels, 3 * (5 + CLASSES), 1) for channels in (64, 128, 256)]),
        }
        self.model = nn.ModuleDict({str(number): module for number, module in modules.items()})

    def forward(self, x):
        def run(x, *numbers):
            for number in numbers:
                x = self.model[str(number)](x)
            return x

        def twice(x):
            return functional.interpolate(x, scale_factor=2)

        c3 = run(x, 0, 1, 2, 3, 4)
        c4 = run(c3, 5, 6)
        p5 = run(c4, 7, 8, 9, 10)
        p4 = run(torch.cat((twice(p5), c4), dim=1), 13, 14)
        small = run(torch.cat((twice(p4), c3), dim=1), 17)
        medium = run(torch.cat((run(small, 18), p4), dim=1), 20)
        large = run(torch.cat((run(medium, 21), p5), dim=1), 23)
        maps = zip(self.model["24"].m, (small, medium, large), STRIDES, ANCHORS)
        return torch.cat([self.decoded(conv(y), stride, anchors) for conv, y, stride, anchors in maps], dim=1)

    @staticmethod
    def decoded(y, stride, anchors):
        batch, _, height, width = y.shape
        y = y.view(batch, len(anchors), -1, height, width).permute(0, 1, 3, 4, 2).sigmoid()
        centre = 2 * y[..., :2] - 0.5 + torch.stack(places(height, width, y), dim=-1)
        size = (2 * y[..., 2:4]) ** 2 * torch.tensor(anchors).to(y).view(-1, 1, 1, 2)
        return torch.cat((stride * centre, size, y[..., 4:]), dim=-1).flatten(1, 3)


class YoloV8n(nn.Module):
    """`model` as above, but for `dfl.conv.weight`, which is no parameter here: the numbers from 0 to 15."""

    def __init__(self):
        super().__init__()
        modules = {
            0: Conv(3, 16, 3, 2),
            1: Conv(16, 32, 3, 2),
            2: C2f(32, 32),
            3: Conv(32, 64, 3, 2),
            4: C2f(64, 64, depth=2),
            5: Conv(64, 128, 3, 2),
            6: C2f(128, 128, depth=2),
            7: Conv(128, 256, 3, 2),
            8: C2f(256, 256),
            9: SPPF(256),
            12: C2f(384, 128, shortcut=False),
            15: C2f(192, 64, shortcut=False),
            16: Conv(64, 64, 3, 2),
            18: C2f(192, 128, shortcut=False),
            19: Conv(128, 128, 3, 2),
            21: C2f(384, 256, shortcut=False),
            22: Detect(
                cv2=[branch(channels, 64, 4 * BINS) for channels in (64, 128, 256)],
                cv3=[branch(channels, 80, CLASSES) for channels in (64, 128, 256)],
            ),
        }
        self.model = nn.ModuleDict({str(number): module for number, module in modules.items()})

    def forward(self, x):
        def run(x, *numbers):
            for number in numbers:
                x = self.model[str(number)](x)
            return x

        def twice(x):
            return functional.interpolate(x, scale_factor=2)

        c3 = run(x, 0, 1, 2, 3, 4)
        c4 = run(c3, 5, 6)
        p5 = run(c4, 7, 8, 9)
        p4 = run(torch.cat((twice(p5), c4), dim=1), 12)
        small = run(torch.cat((twice(p4), c3), dim=1), 15)
        medium = run(torch.cat((run(small, 16), p4), dim=1), 18)
        large = run(torch.cat((run(medium, 19), p5), dim=1), 21)
        head = self.model["22"]
        maps = zip(head.cv2, head.cv3, (small, medium, large), STRIDES)
        return torch.cat([self.decoded(box(y), scores(y), stride) for box, scores, y, stride in maps], dim=2)

    @staticmethod
    def decoded(sides, scores, stride):
        batch, _, height, width = sides.shape
        chances = sides.view(batch, 4, BINS, height, width).softmax(dim=2)
        left, top, right, bottom = (chances * torch.arange(BINS).to(sides).view(-1, 1, 1)).sum(dim=2).unbind(dim=1)
        columns, rows = places(height, width, sides)
        x, y = columns + 0.5 + (right - left) / 2, rows + 0.5 + (bottom - top) / 2
        box = stride * torch.stack((x, y, left + right, top + bottom), dim=1)
        return torch.cat((box, scores.sigmoid()), dim=1).flatten(2)
