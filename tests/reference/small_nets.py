"""Networks of `models/` that torchvision does not have, in PyTorch, under the keys of their specs.

What goes out are `dcgan_generator`, `dcgan_discriminator`, `EDSR`, `M5` and `C3D`: functions and classes that make a network.
"""

import torch
from torch import nn
from torch.nn import functional


def under(name, *layers):
    """A network of one child."""
    module = nn.Sequential()
    module.add_module(name, nn.Sequential(*layers))
    return module


def dcgan_generator(noise=100, width=64, channels=3):
    """[N, noise, 1, 1] -> [N, channels, 64, 64]"""
    layers, channels_in = [], noise
    for factor, stride, padding in ((8, 1, 0), (4, 2, 1), (2, 2, 1), (1, 2, 1)):
        layers.append(nn.ConvTranspose2d(channels_in, factor * width, 4, stride, padding, bias=False))
        layers += [nn.BatchNorm2d(factor * width), nn.ReLU()]
        channels_in = factor * width
    return under("main", *layers, nn.ConvTranspose2d(channels_in, channels, 4, 2, 1, bias=False), nn.Tanh())


def dcgan_discriminator(width=64, channels=3):
    """[N, channels, 64, 64] -> [N, 1, 1, 1]"""
    layers = [nn.Conv2d(channels, width, 4, 2, 1, bias=False), nn.LeakyReLU(0.2)]
    for factor in (1, 2, 4):
        layers.append(nn.Conv2d(factor * width, 2 * factor * width, 4, 2, 1, bias=False))
        layers += [nn.BatchNorm2d(2 * factor * width), nn.LeakyReLU(0.2)]
    return under("main", *layers, nn.Conv2d(8 * width, 1, 4, bias=False), nn.Sigmoid())


class EDSR(nn.Module):
    """[N, 3, H, W] -> [N, 3, 2·H, 2·W], pixels of 0 to 255: the baseline that doubles."""

    class Residual(nn.Module):
        def __init__(self, width):
            super().__init__()
            self.body = nn.Sequential(nn.Conv2d(width, width, 3, 1, 1), nn.ReLU(), nn.Conv2d(width, width, 3, 1, 1))

        def forward(self, x):
            return x + self.body(x)

    def __init__(self, blocks=16, width=64):
        super().__init__()
        self.head = nn.Sequential(nn.Conv2d(3, width, 3, 1, 1))
        self.body = nn.Sequential(*[self.Residual(width) for _ in range(blocks)], nn.Conv2d(width, width, 3, 1, 1))
        enlarge = nn.Sequential(nn.Conv2d(width, 4 * width, 3, 1, 1), nn.PixelShuffle(2))
        self.tail = nn.Sequential(enlarge, nn.Conv2d(width, 3, 3, 1, 1))

    def forward(self, x):
        mean = 255 * torch.tensor([0.4488, 0.4371, 0.4040]).to(x).view(3, 1, 1)
        x = self.head(x - mean)
        return self.tail(x + self.body(x)) + mean


class M5(nn.Module):
    """[N, 1, L] -> [N, 1, 35]"""

    def __init__(self):
        super().__init__()
        for number, (channels_in, channels, length, stride) in enumerate(
            ((1, 32, 80, 16), (32, 32, 3, 1), (32, 64, 3, 1), (64, 64, 3, 1)), start=1
        ):
            self.add_module(f"conv{number}", nn.Conv1d(channels_in, channels, length, stride))
            self.add_module(f"bn{number}", nn.BatchNorm1d(channels))
        self.fc1 = nn.Linear(64, 35)

    def forward(self, x):
        for number in range(1, 5):
            x = self.get_submodule(f"bn{number}")(self.get_submodule(f"conv{number}")(x))
            x = functional.max_pool1d(functional.relu(x), 4)
        x = functional.avg_pool1d(x, x.shape[-1]).permute(0, 2, 1)
        return functional.log_softmax(self.fc1(x), dim=2)


class C3D(nn.Module):
    """[N, 3, 16, 56, 56] -> [N, 101], eight channels where the paper has 64."""

    def __init__(self, width=8, hidden=64):
        super().__init__()
        sizes = {"1": (3, 1), "2": (1, 2), "3a": (2, 4), "3b": (4, 4), "4a": (4, 8), "4b": (8, 8), "5a": (8, 8), "5b": (8, 8)}
        for name, (factor_in, factor) in sizes.items():
            channels_in = 3 if name == "1" else factor_in * width
            self.add_module(f"conv{name}", nn.Conv3d(channels_in, factor * width, 3, padding=1))
        self.fc6, self.fc7, self.fc8 = nn.Linear(32 * width, hidden), nn.Linear(hidden, hidden), nn.Linear(hidden, 101)

    def forward(self, x):
        for stage, names in enumerate((["1"], ["2"], ["3a", "3b"], ["4a", "4b"], ["5a", "5b"])):
            for name in names:
                x = functional.relu(self.get_submodule(f"conv{name}")(x))
            x = functional.max_pool3d(x, (1 if stage == 0 else 2, 2, 2), padding=(0, 1, 1) if stage == 4 else 0)
        x = functional.relu(self.fc6(x.flatten(1)))
        return self.fc8(functional.relu(self.fc7(x)))
