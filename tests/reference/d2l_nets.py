"""The networks of `models/` that torchvision does not have, in PyTorch, under the names that the specs give.

What goes out is modules without a value that matters: `nets.py` fills every parameter by formula. Most are those of
"Dive into Deep Learning", chapters 5, 7 and 8; U-Net and YOLOv3 carry the names of the examples of the language.
"""

import torch
from torch import nn
from torch.nn import functional


def lenet(padding=2, features=400, activation=nn.ReLU, pool=nn.MaxPool2d):
    """LeNet for one channel at 28x28 and ten classes; without padding it has 256 features."""
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=padding), activation(), pool(2, 2), nn.Conv2d(6, 16, 5), activation(), pool(2, 2),
        nn.Flatten(), nn.Linear(features, 120), activation(), nn.Linear(120, 84), activation(),
        nn.Linear(84, 10))  # fmt: skip


def classic_lenet():
    """LeNet with sigmoids and average pooling."""
    return lenet(activation=nn.Sigmoid, pool=nn.AvgPool2d)


def vgg(arch):
    """VGG for one channel at 224x224 and ten classes; `arch` holds (convolutions, channels) of every block."""
    blocks, channels_in = [], 1
    for convs, channels in arch:
        layers = []
        for _ in range(convs):
            layers += [nn.Conv2d(channels_in, channels, 3, padding=1), nn.ReLU()]
            channels_in = channels
        blocks.append(nn.Sequential(*layers, nn.MaxPool2d(2, 2)))
    head = [nn.Linear(channels_in * 7 * 7, 4096), nn.ReLU(), nn.Dropout(0.5), nn.Linear(4096, 4096), nn.ReLU()]
    return nn.Sequential(*blocks, nn.Flatten(), *head, nn.Dropout(0.5), nn.Linear(4096, 10))


def vgg_block():
    """The first block of VGG-16, for three channels."""
    layers = [nn.Conv2d(3, 64, 3, padding=1), nn.ReLU(), nn.Conv2d(64, 64, 3, padding=1), nn.ReLU()]
    return nn.Sequential(*layers, nn.MaxPool2d(2, 2))


class Residual(nn.Module):
    """The residual block of D2L's ResNet-18; `project` gives the skip a 1x1 convolution."""

    def __init__(self, channels_in, channels, project=False, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, padding=1, stride=stride)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(channels)
        self.conv3 = nn.Conv2d(channels_in, channels, 1, stride=stride) if project else nn.Identity()

    def forward(self, x):
        y = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))
        return functional.relu(y + self.conv3(x))


class ResidualPlain(nn.Module):
    """A residual block without normalisation, 64 channels."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(64, 64, 3, padding=1), nn.Conv2d(64, 64, 3, padding=1)

    def forward(self, x):
        return functional.relu(self.conv2(functional.relu(self.conv1(x))) + x)


class ResNeXt(nn.Module):
    """D2L's ResNeXt block for 32 channels, groups of 16, bottleneck 1."""

    def __init__(self, project=False, stride=1):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(32, 32, 1), nn.BatchNorm2d(32)
        self.conv2, self.bn2 = nn.Conv2d(32, 32, 3, stride=stride, padding=1, groups=2), nn.BatchNorm2d(32)
        self.conv3, self.bn3 = nn.Conv2d(32, 32, 1), nn.BatchNorm2d(32)
        if project:
            self.conv4, self.bn4 = nn.Conv2d(32, 32, 1, stride=stride), nn.BatchNorm2d(32)
        self.project = project

    def forward(self, x):
        y = functional.relu(self.bn1(self.conv1(x)))
        y = functional.relu(self.bn2(self.conv2(y)))
        skip = self.bn4(self.conv4(x)) if self.project else x
        return functional.relu(self.bn3(self.conv3(y)) + skip)


def resnet18():
    """D2L's ResNet-18, for one channel at 96x96 and ten classes."""
    stem = nn.Sequential(nn.Conv2d(1, 64, 7, stride=2, padding=3), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
    net = nn.Sequential(stem)
    net.add_module("b2", nn.Sequential(Residual(64, 64), Residual(64, 64)))
    for stage, channels in ((3, 128), (4, 256), (5, 512)):
        first = Residual(channels // 2, channels, project=True, stride=2)
        net.add_module(f"b{stage}", nn.Sequential(first, Residual(channels, channels)))
    net.add_module("last", nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10)))
    return net


class Inception(nn.Module):
    """D2L's Inception block, GoogLeNet's 3a."""

    def __init__(self):
        super().__init__()
        self.b1_1 = nn.Conv2d(192, 64, 1)
        self.b2_1, self.b2_2 = nn.Conv2d(192, 96, 1), nn.Conv2d(96, 128, 3, padding=1)
        self.b3_1, self.b3_2 = nn.Conv2d(192, 16, 1), nn.Conv2d(16, 32, 5, padding=2)
        self.b4_1, self.b4_2 = nn.MaxPool2d(3, stride=1, padding=1), nn.Conv2d(192, 32, 1)

    def forward(self, x):
        relu = functional.relu
        b1 = relu(self.b1_1(x))
        b2 = relu(self.b2_2(relu(self.b2_1(x))))
        b3 = relu(self.b3_2(relu(self.b3_1(x))))
        b4 = relu(self.b4_2(self.b4_1(x)))
        return torch.cat((b1, b2, b3, b4), dim=1)


def nested_blocks():
    """Four blocks of two linear layers, called `block 0` to `block 3`, then one more linear layer."""
    inner = nn.Sequential()
    for index in range(4):
        block = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 4), nn.ReLU())
        inner.add_module(f"block {index}", block)
    return nn.Sequential(inner, nn.Linear(4, 1))


def tied():
    """One linear layer in two places; PyTorch's `named_parameters` names it by the first."""
    shared = nn.Linear(8, 8)
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), shared, nn.ReLU(), shared, nn.ReLU(), nn.Linear(8, 1))


class DoubleConv(nn.Module):
    """Twice convolution, normalisation and ReLU."""

    def __init__(self, channels_in, channels):
        super().__init__()
        self.double_conv = nn.Sequential(
            nn.Conv2d(channels_in, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels), nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels), nn.ReLU())  # fmt: skip

    def forward(self, x):
        return self.double_conv(x)


class UNet(nn.Module):
    """U-Net for three channels and two classes."""

    def __init__(self):
        super().__init__()
        self.inc = DoubleConv(3, 64)
        for step, channels in enumerate((128, 256, 512, 1024), start=1):
            down, up = nn.Module(), nn.Module()
            down.maxpool_conv = nn.Sequential(nn.MaxPool2d(2), DoubleConv(channels // 2, channels))
            up.up = nn.ConvTranspose2d(channels, channels // 2, 2, stride=2)
            up.conv = DoubleConv(channels, channels // 2)
            self.add_module(f"down{step}", down)
            self.add_module(f"up{5 - step}", up)
        self.outc = nn.Module()
        self.outc.conv = nn.Conv2d(64, 2, 1)

    def forward(self, x):
        skips = [self.inc(x)]
        for down in (self.down1, self.down2, self.down3, self.down4):
            skips.append(down.maxpool_conv(skips[-1]))
        y = skips.pop()
        for up in (self.up1, self.up2, self.up3, self.up4):
            y = up.conv(torch.cat((skips.pop(), up.up(y)), dim=1))
        return self.outc.conv(y)


class NamedLeNet(nn.Module):
    """LeNet as a class that names its layers, and calls what has no parameters as functions."""

    def __init__(self, padding=2, features=400, activation=torch.sigmoid, pool=functional.avg_pool2d):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, kernel_size=5, padding=padding)
        self.conv2 = nn.Conv2d(6, 16, kernel_size=5)
        self.fc1 = nn.Linear(features, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)
        self.activation, self.pool = activation, pool

    def forward(self, x):
        x = self.pool(self.activation(self.conv1(x)), 2)
        x = self.pool(self.activation(self.conv2(x)), 2)
        x = self.activation(self.fc1(torch.flatten(x, 1)))
        return self.fc3(self.activation(self.fc2(x)))


class ConvolutionalNet(nn.Module):
    """A class of two `nn.Sequential`s."""

    def __init__(self):
        super().__init__()
        self.conv_layers = nn.Sequential(
            nn.Conv2d(1, 32, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(32, 64, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
        )
        self.fc_layers = nn.Sequential(nn.Linear(64 * 7 * 7, 128), nn.ReLU(), nn.Linear(128, 10))

    def forward(self, x):
        return self.fc_layers(torch.flatten(self.conv_layers(x), 1))


class NamedVGG(nn.Module):
    """VGG as a class: an `nn.Sequential` of blocks and one of the classifier."""

    def __init__(self, arch):
        super().__init__()
        layers = list(vgg(arch))
        self.conv_layers = nn.Sequential(*layers[: len(arch)])
        self.fc_layers = nn.Sequential(*layers[len(arch) + 1 :])

    def forward(self, x):
        return self.fc_layers(torch.flatten(self.conv_layers(x), 1))
