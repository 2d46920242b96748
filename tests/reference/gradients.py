"""Makes `gradients/*.safetensors`: gradients and running statistics by PyTorch's autograd, in float64.

`layers` holds every case of `window_cases.py` and `other_cases.py` in training mode: the loss is the sum of squared
differences from the formula's tensor `labels`. `nets` holds whole networks and their cross-entropy, the label of row i
being `3 i mod 10`, with dropout at p = 0. Inputs and parameters are the formula's; dropout draws with SEED and STEP.

No gradient is stored. Of each, by the key of its parameter, of the input's (`input`), and of each buffer as the step
leaves it, there are four numbers: its inner products with three directions, the formula's symmetric numbers of the
names `<key> along 0` to `<key> along 2`, and its largest absolute value. The tensor `i` is case i's list of these, a row
each, after a row that begins with the loss. Metadata, JSON: `cases`, a list of `{"spec", "input", "keys"}`; of nets
`{"file", "model", "input", "drawn", "keys"}`.
    pip install -r tests/reference/requirements.txt
    python tests/reference/gradients.py
"""

import json
import math
import pathlib

import numpy
import torch
import torchvision
from torch import nn

import d2l_nets
import fixture
import formula
import other_cases
import spec
import window_cases
from nets import VGG_SMALL, fill

FOLDER = pathlib.Path(__file__).parent / "gradients"
SEED, STEP = 5, 7
DIRECTIONS = 3


def digest(key, value):
    """The four numbers that stand for a tensor."""
    flat = value.detach().double().reshape(-1).numpy()
    along = [float(formula.symmetric(f"{key} along {index}", flat.size) @ flat) for index in range(DIRECTIONS)]
    return [*along, float(numpy.abs(flat).max())]


def rows(loss, tensors):
    """The keys and the table of a case: gradients of what has one, values of buffers."""
    table = {key: digest(key, value.grad if value.requires_grad else value) for key, value in tensors.items()}
    return list(table), numpy.array([[loss.item(), 0, 0, 0], *table.values()])


def layer_case(shape, items):
    """A layer's keys and table."""
    x = torch.from_numpy(formula.tensor("input", shape)).double().requires_grad_()
    training = spec.Training(SEED, STEP)
    y = spec.run(items, x, training)
    loss = ((y - torch.from_numpy(formula.tensor("labels", y.shape)).double()) ** 2).sum()
    loss.backward()
    tensors = {"input": x, **training.tensors}
    return rows(loss, {key: value for key, value in tensors.items() if not value.requires_grad or value.grad is not None})


def layers():
    """All cases of layers."""
    tables, listed = {}, []
    for name, cases in {**window_cases.CASES, **other_cases.CASES}.items():
        for shape, *items in cases:
            try:
                keys, table = layer_case(shape, items)
            except ValueError as refusal:  # a batch norm over single values
                assert "more than 1 value per channel" in str(refusal)
                continue
            tables[str(len(listed))] = table
            text = "; ".join(map(spec.text, items))
            listed.append({"layer": name, "spec": text, "input": list(shape), "keys": keys})
    save("layers", tables, listed)


def without_dropout(module):
    """The same network with dropout at p = 0."""
    for part in module.modules():
        if isinstance(part, nn.Dropout):
            part.p = 0.0
    return module


# The input is the symmetric numbers of a name. VGG's was chosen among 30 for the widest gap between the largest elements of
# a pooling's window: where two are the same in single precision, it is chance which of them gets the gradient.
NETS = (
    ("lenet.cnn", "LeNet", d2l_nets.classic_lenet, (8, 1, 28, 28), "input"),
    ("lenet.cnn", "ModernLeNet", d2l_nets.lenet, (8, 1, 28, 28), "input"),
    ("resnet18.cnn", "ResNet18", d2l_nets.resnet18, (4, 1, 64, 64), "input"),
    ("vgg.cnn", "VGGSmall", lambda: without_dropout(d2l_nets.vgg(VGG_SMALL)), (1, 1, 224, 224), "input 20"),
)


def nets():
    """Whole networks."""
    tables, listed = {}, []
    for file, model, make, shape, drawn in NETS:
        module = make().train()
        with torch.no_grad():
            fill(module, ())
        x = torch.from_numpy(formula.symmetric(drawn, math.prod(shape)).reshape(shape))
        labels = torch.arange(shape[0]) * 3 % 10
        loss = nn.functional.cross_entropy(module(x), labels)
        loss.backward()
        keys, table = rows(loss, {**dict(module.named_parameters()), **dict(module.named_buffers())})
        tables[str(len(listed))] = table
        listed.append({"file": file, "model": model, "input": list(shape), "drawn": drawn, "keys": keys})
        print(f"{model}: loss {loss.item():.4f}")
    save("nets", tables, listed)


def save(name, tables, listed):
    """Writes a file."""
    metadata = {"torch": torch.__version__, "torchvision": torchvision.__version__, "cases": json.dumps(listed)}
    fixture.save(FOLDER / f"{name}.safetensors", tables, metadata)
    print(f"{name}: {len(listed)} cases")


def main():
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(2)
    layers()
    nets()


if __name__ == "__main__":
    main()
