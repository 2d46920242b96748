"""Pieces of a spec in the cnn language that PyTorch can run: one description gives both the text and the numbers.

What comes in is items built with `layer` (`layer.Conv2d(4, kernel_size=3)`), `join` and `branch`; what goes out is
their text (`text`) and what they compute on a tensor (`run`), every parameter filled by `formula.py` under its key.
Keys follow LANGUAGE.md: an unnamed layer takes its position among all layers in text order, joins are transparent.
Layers that PyTorch lacks, and those whose arguments the language shortens, are in `SPECIAL`. `Training` is what `run`
needs for the same in training mode: it collects parameters and buffers by key and draws the masks of dropout.
"""

import functools
import itertools
import math
from dataclasses import dataclass, field

import torch
import torchvision
from torch import nn

import formula


@dataclass(frozen=True)
class Layer:
    """A layer call; `label` names it, otherwise its position does."""

    name: str
    args: tuple = ()
    kwargs: dict = field(default_factory=dict)
    label: str = ""


@dataclass(frozen=True)
class Join:
    """A join of branches, each an item, a `Branch`, a layer, or a number or a list of numbers."""

    kind: str
    branches: tuple
    kwargs: dict


@dataclass(frozen=True)
class Branch:
    """A bare `{ }` in a join: items that follow each other."""

    items: tuple


@dataclass(frozen=True)
class Unpooled:
    """A max pooling, items after it, and the unpooling that puts their values where its largest elements were."""

    args: tuple
    kwargs: dict
    items: tuple


class _Layers:
    def __getattr__(self, name):
        return lambda *args, label="", **kwargs: Layer(name, args, kwargs, label)


layer = _Layers()


def join(kind, *branches, **kwargs):
    """`join("concat", a, b, dim=1)`"""
    return Join(kind, branches, kwargs)


def branch(*items):
    """`branch(a, b)` is `{ a; b }`, `branch()` is `{}`."""
    return Branch(items)


def unpooled(*args, between=(), **kwargs):
    """`unpooled(2, between=(a, b))` is `keep pooled; MaxPool2d(2); a; b; MaxUnpool2d(2) { from pooled }`."""
    return Unpooled(args, kwargs, tuple(between))


def value_text(value):
    """An argument's value as the language writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:  # of an adaptive pooling: the size stays
        return '"same"'
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, tuple):
        inside = ", ".join(map(value_text, value))
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    return repr(value)


def arguments_text(args, kwargs):
    """`(4, kernel_size=3)`, or nothing where there are no arguments."""
    given = {key: "cumulative" if (key, value) == ("momentum", None) else value for key, value in kwargs.items()}
    parts = [value_text(value) for value in args] + [f"{key}={value_text(value)}" for key, value in given.items()]
    return f"({', '.join(parts)})" if parts else ""


def text(item):
    """An item as the language writes it."""
    if isinstance(item, Layer):
        label = f"{item.label}: " if item.label else ""
        return label + item.name + arguments_text(item.args, item.kwargs)
    if isinstance(item, Branch):
        return f"{{ {'; '.join(map(text, item.items))} }}" if item.items else "{}"
    if isinstance(item, (int, float, list)):
        return repr(item)
    if isinstance(item, Unpooled):
        arguments = arguments_text(item.args, item.kwargs)
        between = "".join(f"{text(each)}; " for each in item.items)
        return f"keep pooled; MaxPool2d{arguments}; {between}MaxUnpool2d{arguments} {{ from pooled }}"
    return f"{item.kind}{arguments_text((), item.kwargs)} {{ {'; '.join(map(text, item.branches))} }}"


class SoftPool2d(nn.Module):
    """Each window's sum of x * exp(x) over its sum of exp(x); padding is in neither sum."""

    def __init__(self, kernel_size, stride=None, padding=0, ceil_mode=False):
        super().__init__()
        self.window_sum = nn.AvgPool2d(kernel_size, stride, padding, ceil_mode, divisor_override=1)

    def forward(self, x):
        weights = x.exp()
        return self.window_sum(x * weights) / self.window_sum(weights)


class Function(nn.Module):
    """A function of one tensor as a layer."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def narrow(dim, start, length=None, step=1):
    """`torch.narrow`, every `step`-th element."""

    def function(x):
        size = x.shape[dim]
        first = start % size
        count = -((first - size) // step) if length is None else length
        part = torch.narrow(x, dim, first, (count - 1) * step + 1)
        return part.index_select(dim, torch.arange(0, part.shape[dim], step))

    return function


def reduction(of):
    """A reduction over axes, which go unless they are kept."""
    return lambda x, dim, keepdim=False: Function(lambda x: of(x, dim=dim, keepdim=keepdim))


def elementwise(of):
    """A function of each element."""
    return lambda x, *args, **kwargs: Function(lambda x: of(x, *args, **kwargs))


# Of each layer that drops, the axes along which elements have chances of their own.
DROPPING = {
    "Dropout": lambda item, rank: range(rank),
    "Dropout1d": lambda item, rank: range(2),
    "Dropout2d": lambda item, rank: range(2),
    "Dropout3d": lambda item, rank: range(2),
    "AlphaDropout": lambda item, rank: range(rank),
    "DropPath": lambda item, rank: range(1),
    "StochasticDepth": lambda item, rank: range(1 if item.kwargs.get("mode", (*item.args, "")[-1]) == "row" else 0),
}


class Training:
    """Training mode: `tensors` holds parameters and buffers by key; masks are drawn with `seed` and `step`."""

    def __init__(self, seed, step):
        self.seed, self.step, self.tensors = seed, step, {}

    def drop(self, item, x, key):
        """The elements of x whose number is at least p, enlarged by 1 / (1 - p); the numbers are those of stream `key`."""
        if item.name == "DropPath":
            first = item.args[0] if item.args else 0.0
            p = item.kwargs.get("drop_prob", first)
        else:
            p = item.kwargs.get("p", item.args[0] if item.args else 0.5)
        own = DROPPING[item.name](item, x.dim())
        shape = [size if axis in own else 1 for axis, size in enumerate(x.shape)]
        drawn = (formula.symmetric(key, math.prod(shape), self.seed + (self.step << 32)) + 1) / 2
        kept = torch.from_numpy(drawn).reshape(shape) >= p
        if item.name == "AlphaDropout":  # ATen's dropout.cpp: the noise is 1 where an element is kept
            alpha = 1.7580993408473766
            a = 1 / math.sqrt((alpha * alpha * p + 1) * (1 - p))
            noise = kept.to(x.dtype)
            return x * (noise * a) + (noise - 1) * (alpha * a) + alpha * a * p
        if item.name == "DropPath" and not item.kwargs.get("scale_by_keep", True):
            return torch.where(kept, x, 0)
        return torch.where(kept, x / (1 - p) if p < 1 else x, 0)


class SelfAttention(nn.MultiheadAttention):
    """`nn.MultiheadAttention` of one tensor, without its weights."""

    def forward(self, x):
        return super().forward(x, x, x, need_weights=False)[0]


class Embedding(nn.Embedding):
    """`nn.Embedding` of floats that are whole numbers."""

    def forward(self, x):
        return super().forward(x.long())


class DropPath(nn.Module):
    """timm's `layers.DropPath`, which does nothing in evaluation mode."""

    def __init__(self, drop_prob=0.0, scale_by_keep=True):
        super().__init__()

    def forward(self, x):
        return x


# Constructors that take the input first, for what it says of channels and features.
SPECIAL = {
    "DropPath": lambda x, *args, **kwargs: DropPath(*args, **kwargs),
    "Embedding": lambda x, *args, **kwargs: Embedding(*args, **kwargs),
    "GroupNorm": lambda x, groups, **kwargs: nn.GroupNorm(groups, x.shape[1], **kwargs),
    "RMSNorm": lambda x, shape=None, eps=torch.finfo(torch.float32).eps, **kwargs: nn.RMSNorm(
        shape or x.shape[-1], eps, **kwargs
    ),
    "LayerNorm": lambda x, shape=None, **kwargs: nn.LayerNorm(shape or x.shape[-1], **kwargs),
    "LayerNorm2d": lambda x, **kwargs: torchvision.models.convnext.LayerNorm2d(x.shape[1], **kwargs),
    # The lazy ones have other defaults than those that say their channels.
    **{
        f"InstanceNorm{axes}d": lambda x, axes=axes, **kwargs: getattr(nn, f"InstanceNorm{axes}d")(x.shape[1], **kwargs)
        for axes in (1, 2, 3)
    },
    "MultiheadAttention": lambda x, *args, **kwargs: SelfAttention(x.shape[-1], *args, **kwargs),
    "Narrow": lambda x, *args, **kwargs: Function(narrow(*args, **kwargs)),
    "Chunk": lambda x, chunks, index, dim=1: Function(lambda x: torch.chunk(x, chunks, dim)[index]),
    "Split": lambda x, split_size, index, dim=1: Function(lambda x: torch.split(x, split_size, dim)[index]),
    "Reshape": lambda x, shape: Function(lambda x: torch.reshape(x, shape)),
    "Unsqueeze": lambda x, dim: Function(lambda x: torch.unsqueeze(x, dim)),
    "Squeeze": lambda x, dim: Function(lambda x: torch.squeeze(x, dim)),
    "Expand": lambda x, shape: Function(lambda x: x.expand(shape)),
    "Repeat": lambda x, repeats: Function(lambda x: x.repeat(repeats)),
    "Roll": lambda x, shifts, dims: Function(lambda x: torch.roll(x, shifts, dims)),
    "Mean": reduction(torch.mean),
    "Sum": reduction(torch.sum),
    "Max": reduction(torch.amax),
    "Min": reduction(torch.amin),
    **{name: elementwise(getattr(torch, name.lower())) for name in ("Abs", "Exp", "Log", "Sqrt", "Pow")},
    "Erf": elementwise(torch.special.erf),
    "Permute": lambda x, dims: torchvision.ops.Permute(dims),
    "SoftPool2d": lambda x, *args, **kwargs: SoftPool2d(*args, **kwargs),
    "StochasticDepth": lambda x, *args, **kwargs: torchvision.ops.StochasticDepth(*args, **kwargs),
}


def build(item, x):
    """The PyTorch module of a layer for input x, in evaluation mode, its parameters not yet filled."""
    if item.name in SPECIAL:
        module = SPECIAL[item.name](x, *item.args, **item.kwargs)
    else:
        constructor = getattr(nn, f"Lazy{item.name}", None) or getattr(nn, item.name)
        module = constructor(*item.args, **item.kwargs)
    module.eval()
    module(x)  # a lazy module learns its sizes from its first call
    return module


def run_layer(item, x, positions, training):
    """A layer's answer, its parameters filled under `<position or label>.<parameter>`."""
    position = next(positions)
    key = item.label or str(position)
    if item.name == "Parameter":
        value = torch.from_numpy(formula.tensor(key, item.args[0])).to(x.dtype)
        if training:
            training.tensors[key] = value.requires_grad_()
        return value
    if training and item.name in DROPPING:
        return training.drop(item, x, key)
    if training and item.name == "Hardsigmoid":
        return (x + 3).clamp(0, 6) / 6  # PyTorch's own has a sixth in single precision in its gradient
    with torch.no_grad():
        module = build(item, x)
        for name, value in module.state_dict().items():
            value.copy_(torch.from_numpy(formula.tensor(f"{key}.{name}", value.shape)))
    if training:
        module.train()
        named = itertools.chain(module.named_parameters(), module.named_buffers())
        training.tensors.update({f"{key}.{name}": value for name, value in named})
    return module(x)


COMBINE = {
    "sum": lambda values: functools.reduce(torch.add, values),
    "product": lambda values: functools.reduce(torch.mul, values),
    "concat": lambda values, dim=1: torch.cat(values, dim),
    "difference": lambda values: functools.reduce(torch.sub, values),
    "quotient": lambda values: functools.reduce(torch.div, values),
    "maximum": lambda values: functools.reduce(torch.maximum, values),
    "minimum": lambda values: functools.reduce(torch.minimum, values),
    "stack": lambda values, dim=1: torch.stack(values, dim),
    "matmul": lambda values: functools.reduce(torch.matmul, values),
}


def run_item(item, x, positions, training):
    """An item's answer on x; `positions` hands out the numbers of layers in text order."""
    if isinstance(item, Layer):
        return run_layer(item, x, positions, training)
    if isinstance(item, (int, float, list)):
        return torch.tensor(item, dtype=x.dtype)
    if isinstance(item, Branch):
        return functools.reduce(lambda value, each: run_item(each, value, positions, training), item.items, x)
    if isinstance(item, Unpooled):
        next(positions)
        pool = nn.MaxPool2d(*item.args, return_indices=True, **item.kwargs)
        value, places = pool(x)
        value = run_item(Branch(item.items), value, positions, training)
        next(positions)
        return nn.MaxUnpool2d(*item.args, **item.kwargs)(value, places, output_size=x.shape)
    return COMBINE[item.kind]([run_item(each, x, positions, training) for each in item.branches], **item.kwargs)


def run(items, x, training=None):
    """The answer of items that follow each other, as in a model's body."""
    with torch.set_grad_enabled(training is not None):
        return run_item(Branch(tuple(items)), x, itertools.count(), training)
