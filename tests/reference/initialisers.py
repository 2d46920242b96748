"""Makes `initialisers.json`: from where to where PyTorch draws the parameters of each layer.

What goes out is versions, `rules` (the table in words) and `cases`: a spec with its input, and for each parameter its
key, shape, and how it starts: `{"uniform": bound}` (from -bound to bound) or `{"constant": value}`; `xavier_uniform`
beside it is the bound of that scheme for a weight. Nothing is drawn for the file; the script draws once to see that
PyTorch keeps the bound and comes near it.
    pip install -r tests/reference/requirements.txt
    python tests/reference/initialisers.py
"""

import json
import math
import pathlib

import torch
from torch import nn

import spec
from spec import layer as L

FILE = pathlib.Path(__file__).parent / "initialisers.json"
RULES = {
    "fan_in": "weight.size(1) * product(weight.shape[2:])",
    "fan_out": "weight.size(0) * product(weight.shape[2:])",
    "Linear, Conv2d, ConvTranspose2d weight": "uniform, bound 1 / sqrt(fan_in): kaiming_uniform with a = sqrt(5)",
    "Linear, Conv2d, ConvTranspose2d bias": "uniform, the weight's bound",
    "ConvTranspose2d": "its weight is [in, out / groups, kernel_h, kernel_w], so fan_in counts output channels",
    "BatchNorm, GroupNorm, LayerNorm": "weight 1, bias 0, running_mean 0, running_var 1, num_batches_tracked 0",
    "PReLU": "weight 0.25, or init=",
    "xavier_uniform": "uniform, bound sqrt(6 / (fan_in + fan_out)); of a weight alone, the bias keeps its own rule",
}
CASES = [
    ((2, 20), L.Linear(256)),
    ((2, 1), L.Linear(3)),
    ((1, 3, 9, 9), L.Conv2d(64, kernel_size=7)),
    ((1, 8, 9, 9), L.Conv2d(12, kernel_size=(3, 2), groups=4)),
    ((1, 8, 9, 9), L.Conv2d(8, kernel_size=3, groups=8, bias=False)),
    ((1, 8, 9, 9), L.ConvTranspose2d(12, kernel_size=(3, 2))),
    ((1, 8, 9, 9), L.ConvTranspose2d(12, kernel_size=3, groups=4)),
    ((1, 4, 5, 5), L.BatchNorm2d()),
    ((1, 4, 5, 5), L.GroupNorm(2)),
    ((1, 4, 5, 5), L.LayerNorm()),
    ((1, 4, 5, 5), L.PReLU(num_parameters=4)),
    ((1, 4, 5, 5), L.PReLU(init=0.1)),
]


def start(name, value, weight):
    """How one parameter starts, checked against what PyTorch has drawn."""
    if value.numel() == 1 or value.min() == value.max():
        return {"constant": value.flatten()[0].item()}
    bound = 1 / math.sqrt(nn.init._calculate_fan_in_and_fan_out(weight)[0])
    largest = value.abs().max().item()
    assert 0.5 * bound < largest <= bound, (name, largest, bound)
    facts = {"uniform": bound}
    if name == "weight":
        facts["xavier_uniform"] = math.sqrt(6 / sum(nn.init._calculate_fan_in_and_fan_out(weight)))
    return facts


def case(shape, item):
    """A layer's parameters in the order of its `state_dict`."""
    module = spec.build(item, torch.zeros(shape))
    state = module.state_dict()
    parameters = [
        {"key": f"0.{name}", "shape": list(value.shape), **start(name, value, state["weight"])}
        for name, value in state.items()
    ]
    return {"spec": spec.text(item), "input": list(shape), "parameters": parameters}


def main():
    torch.manual_seed(0)
    torch.set_default_dtype(torch.float64)
    cases = ",\n".join(json.dumps(case(shape, item)) for shape, item in CASES)
    rules = json.dumps(RULES, indent=1)
    FILE.write_text(f'{{\n"torch": {json.dumps(torch.__version__)},\n"rules": {rules},\n"cases": [\n{cases}\n]\n}}\n')


if __name__ == "__main__":
    main()
