"""The networks of the comparison on a GPU, in plain PyTorch: no torchvision needed, its keys all the same.

`build(name)` gives the module, `SHAPES[name]` its input, `SPECS[name]` cnnc's spec of it; `save` writes safetensors.
"""

import json
import struct
import sys
from pathlib import Path

import torch
from torch import nn

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "tests" / "reference"))
import d2l_nets  # noqa: E402

SPECS = {
    "lenet": ["models/lenet.cnn", "--model", "LeNet"],
    "resnet18": ["models/torchvision/resnet18.cnn"],
    "resnet50": ["models/torchvision/resnet50.cnn"],
    "vgg16": ["models/torchvision/vgg16.cnn"],
    "resnet18_d2l": ["models/resnet18.cnn"],
}
SHAPES = {"lenet": (1, 28, 28), "resnet18_d2l": (1, 96, 96)}


def shape(name):
    """Channels, height and width of a network's input."""
    return SHAPES.get(name, (3, 224, 224))


class Block(nn.Module):
    """A residual block, plain or with a bottleneck."""

    def __init__(self, channels, width, out, stride, bottleneck):
        super().__init__()
        if bottleneck:
            self.conv1, self.bn1 = nn.Conv2d(channels, width, 1, bias=False), nn.BatchNorm2d(width)
            self.conv2, self.bn2 = nn.Conv2d(width, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
            self.conv3, self.bn3 = nn.Conv2d(width, out, 1, bias=False), nn.BatchNorm2d(out)
        else:
            self.conv1, self.bn1 = nn.Conv2d(channels, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
            self.conv2, self.bn2 = nn.Conv2d(width, out, 3, 1, 1, bias=False), nn.BatchNorm2d(out)
        self.bottleneck = bottleneck
        changes = stride != 1 or channels != out
        shortcut = [nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out)]
        self.downsample = nn.Sequential(*shortcut) if changes else None

    def forward(self, x):
        """Both ways, added."""
        y = torch.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        if self.bottleneck:
            y = self.bn3(self.conv3(torch.relu(y)))
        return torch.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    """ResNet for 1,000 classes, by the blocks of its four stages."""

    def __init__(self, blocks, bottleneck):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
        channels = 64
        for stage, count in enumerate(blocks):
            width = 64 << stage
            out, layers = width * (4 if bottleneck else 1), []
            for number in range(count):
                stride = 2 if stage > 0 and number == 0 else 1
                layers.append(Block(channels, width, out, stride, bottleneck))
                channels = out
            setattr(self, f"layer{stage + 1}", nn.Sequential(*layers))
        self.fc = nn.Linear(channels, 1000)

    def forward(self, x):
        """Scores of 1,000 classes."""
        x = nn.functional.max_pool2d(torch.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean((2, 3)))


class Vgg16(nn.Module):
    """VGG-16 for 1,000 classes."""

    def __init__(self):
        super().__init__()
        layers, channels = [], 3
        for count, width in ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512)):
            for _ in range(count):
                layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
                channels = width
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        dense = [nn.Linear(512 * 49, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout()]
        self.classifier = nn.Sequential(*dense, nn.Linear(4096, 1000))

    def forward(self, x):
        """Scores of 1,000 classes."""
        return self.classifier(self.features(x).flatten(1))


def build(name):
    """A network, its parameters drawn from seed 0, its running statistics those of a batch."""
    torch.manual_seed(0)
    makers = {
        "lenet": d2l_nets.classic_lenet,
        "resnet18_d2l": d2l_nets.resnet18,
        "resnet18": lambda: ResNet((2, 2, 2, 2), False),
        "resnet50": lambda: ResNet((3, 4, 6, 3), True),
        "vgg16": Vgg16,
    }
    net = makers[name]()
    norms = [layer for layer in net.modules() if isinstance(layer, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = None
    if norms:
        with torch.no_grad():
            net.train()(torch.randn(4, *shape(name)))
    return net.eval()


def save(state, path):
    """Writes a state as safetensors: a head in JSON, then the values."""
    head, values, place = {}, [], 0
    for key, value in state.items():
        kind = "F32" if value.dtype == torch.float32 else "I64"
        data = value.detach().cpu().contiguous().numpy().tobytes()
        head[key] = {"dtype": kind, "shape": list(value.shape), "data_offsets": [place, place + len(data)]}
        values.append(data)
        place += len(data)
    text = json.dumps(head).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(values))
