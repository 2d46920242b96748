"""ResNet-18 with ECA and with CBAM, MobileViT-XXS and a pooling by attention, in PyTorch, under the keys of their specs.

What goes out are `resnet18` with `ECA` or `CBAM` in every block, and `MobileViTXXS`, which take [N, 3, H, W] to [N, 1000],
and `AttentionPooling`.
"""

import torch
from torch import nn
from torch.nn import functional


class ECA(nn.Module):
    """A gate for each channel, from the means of its neighbours."""

    def __init__(self, channels):
        super().__init__()
        length = 3 if channels < 128 else 5
        self.conv = nn.Conv1d(1, 1, length, padding=length // 2, bias=False)

    def forward(self, x):
        gate = self.conv(x.mean((2, 3)).unsqueeze(1)).sigmoid()
        return x * gate.reshape(*x.shape[:2], 1, 1)


class CBAM(nn.Module):
    """A gate for each channel, then one for each place."""

    def __init__(self, channels, reduction=16):
        super().__init__()
        hidden = channels // reduction
        self.mlp = nn.Sequential(nn.Linear(channels, hidden), nn.ReLU(), nn.Linear(hidden, channels))
        self.conv, self.bn = nn.Conv2d(2, 1, 7, padding=3, bias=False), nn.BatchNorm2d(1)

    def forward(self, x):
        gate = (self.mlp(x.mean((2, 3))) + self.mlp(x.amax((2, 3)))).sigmoid()
        x = x * gate[:, :, None, None]
        seen = torch.cat((x.amax(1, keepdim=True), x.mean(1, keepdim=True)), dim=1)
        return x * self.bn(self.conv(seen)).sigmoid()


class BasicBlock(nn.Module):
    """ResNet's block, which attends before it adds."""

    def __init__(self, channels_in, channels, stride, attention):
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn1, self.bn2 = nn.BatchNorm2d(channels), nn.BatchNorm2d(channels)
        self.attention = attention(channels)
        self.downsample = nn.Sequential()
        if stride != 1:
            shortcut = nn.Conv2d(channels_in, channels, 1, stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(channels))

    def forward(self, x):
        y = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))
        return functional.relu(self.attention(y) + self.downsample(x))


def resnet18(attention):
    """A ResNet-18 with that attention."""
    net = nn.Sequential()
    net.add_module("conv1", nn.Conv2d(3, 64, 7, 2, 3, bias=False))
    net.add_module("bn1", nn.BatchNorm2d(64))
    net.extend([nn.ReLU(), nn.MaxPool2d(3, 2, 1)])
    for index, (channels_in, channels) in enumerate(((64, 64), (64, 128), (128, 256), (256, 512))):
        first = BasicBlock(channels_in, channels, 1 if index == 0 else 2, attention)
        net.add_module(f"layer{index + 1}", nn.Sequential(first, BasicBlock(channels, channels, 1, attention)))
    net.extend([nn.AdaptiveAvgPool2d(1), nn.Flatten()])
    net.add_module("fc", nn.Linear(512, 1000))
    return net


class Conv(nn.Module):
    """Convolution, normalisation, activation."""

    def __init__(self, channels_in, channels, kernel_size=3, stride=1, groups=1, activation=functional.silu):
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels, kernel_size, stride, kernel_size // 2, groups=groups, bias=False)
        self.norm, self.activation = nn.BatchNorm2d(channels), activation

    def forward(self, x):
        x = self.norm(self.conv(x))
        return self.activation(x) if self.activation else x


class MV2(nn.Module):
    """MobileNetV2's block."""

    def __init__(self, channels_in, channels, stride=1):
        super().__init__()
        hidden = 2 * channels_in
        self.block = nn.Sequential(
            Conv(channels_in, hidden, 1),
            Conv(hidden, hidden, stride=stride, groups=hidden),
            Conv(hidden, channels, 1, activation=None),
        )
        self.residual = stride == 1 and channels_in == channels

    def forward(self, x):
        return self.block(x) + x if self.residual else self.block(x)


class Transformer(nn.Sequential):
    """A layer of a transformer; norms and products are numbered as in the spec."""

    def __init__(self, size):
        attention = nn.MultiheadAttention(size, 4, batch_first=True)
        super().__init__(
            nn.LayerNorm(size), attention, nn.LayerNorm(size), nn.Linear(size, 2 * size), nn.SiLU(), nn.Linear(2 * size, size)
        )

    def forward(self, x):
        first, attention, *rest = self
        y = first(x)
        x = x + attention(y, y, y, need_weights=False)[0]
        return x + nn.Sequential(*rest)(x)


class MobileViT(nn.Module):
    """Windows, then attention among the places that lie alike in their patches of 2x2."""

    def __init__(self, channels, size, depth):
        super().__init__()
        self.near = nn.Sequential(Conv(channels, channels), nn.Conv2d(channels, size, 1, bias=False))
        self.far = nn.ModuleDict({str(3 + index): Transformer(size) for index in range(depth)})
        self.far[str(3 + depth)] = nn.LayerNorm(size)
        self.project, self.fuse = Conv(size, channels, 1), Conv(2 * channels, channels)

    def forward(self, image):
        x = self.near(image)
        batch, size, height, width = x.shape
        columns = functional.unfold(x, 2, stride=2).view(batch, size, 4, -1)
        tokens = columns.permute(0, 2, 3, 1).flatten(0, 1)
        for layer in self.far.values():
            tokens = layer(tokens)
        columns = tokens.view(batch, 4, -1, size).permute(0, 3, 1, 2).reshape(batch, 4 * size, -1)
        x = functional.fold(columns, (height, width), 2, stride=2)
        return self.fuse(torch.cat((image, self.project(x)), dim=1))


class MobileViTXXS(nn.Sequential):
    """The whole network, all of whose children but one are numbered."""

    def __init__(self):
        super().__init__(
            Conv(3, 16, stride=2),
            MV2(16, 16),
            MV2(16, 24, 2),
            MV2(24, 24),
            MV2(24, 24),
            MV2(24, 48, 2),
            MobileViT(48, 64, depth=2),
            MV2(48, 64, 2),
            MobileViT(64, 80, depth=4),
            MV2(64, 80, 2),
            MobileViT(80, 96, depth=3),
            Conv(80, 320, 1),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )
        self.add_module("fc", nn.Linear(320, 1000))


class Attention(nn.Module):
    """Attention of a query to a memory, [N, L, E] and [N, S, E] to [N, L, E]."""

    def __init__(self, size, heads):
        super().__init__()
        self.query, self.key, self.value, self.out = (nn.Linear(size, size) for _ in range(4))
        self.heads = heads

    def forward(self, x, memory):
        def parts(y):
            return y.unflatten(2, (self.heads, -1)).transpose(1, 2)

        query, key, value = parts(self.query(x)), parts(self.key(memory)), parts(self.value(memory))
        seen = functional.scaled_dot_product_attention(query, key, value)
        return self.out(seen.transpose(1, 2).flatten(2))


class AttentionPooling(nn.Module):
    """[N, 1, H, W] -> [N, 10]; numbered children are called by their position in the spec."""

    def __init__(self, size=64):
        super().__init__()
        for number, module in (
            ("0", nn.Conv2d(1, 32, 3, 2, 1)),
            ("1", nn.BatchNorm2d(32)),
            ("3", nn.Conv2d(32, size, 3, 2, 1)),
            ("4", nn.BatchNorm2d(size)),
            ("11", nn.LayerNorm(size)),
        ):
            self.add_module(number, module)
        self.queries = nn.Parameter(torch.ones(1, 4, size))
        self.attention, self.fc = Attention(size, heads=4), nn.Linear(4 * size, 10)

    def forward(self, x):
        for conv, norm in (("0", "1"), ("3", "4")):
            x = functional.relu(self.get_submodule(norm)(self.get_submodule(conv)(x)))
        seen = x.flatten(2).transpose(1, 2)
        queries = self.queries.expand(len(x), -1, -1)
        x = self.get_submodule("11")(queries + self.attention(queries, seen))
        return self.fc(x.flatten(1))
