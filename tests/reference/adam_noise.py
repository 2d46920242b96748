"""Makes `adam_noise.json`: what AdamW makes of a bias before a batch norm, in PyTorch's float64 and float32.

The batch norm takes the mean off, so that no loss depends on that bias: its gradient is zero, and what is computed is rounding.
Adam divides a gradient by its own size: of rounding that is above `eps` it makes steps as long as any, of smaller one none.
The network is `Linear(6); BatchNorm1d; Tanh; Linear(4)` of the formula's values, batch and learning rates those of training.py.
For each `eps` the file has every parameter after six steps in float64, and in float32 how far it is from that: the largest
difference over the largest value.
    pip install -r tests/reference/requirements.txt
    python tests/reference/adam_noise.py
"""

import json
import pathlib

import torch
from torch import nn

import formula

FILE = pathlib.Path(__file__).parent / "adam_noise.json"
STEPS = 6


def trained(dtype, eps):
    """Every parameter after six steps, and the gradient of the bias before the last."""
    net = nn.Sequential(nn.Linear(3, 6), nn.BatchNorm1d(6), nn.Tanh(), nn.Linear(6, 4)).to(dtype)
    with torch.no_grad():
        for key, value in net.state_dict().items():
            value.copy_(torch.from_numpy(formula.tensor(key, value.shape)))
    x = torch.from_numpy(formula.tensor("input", (5, 3))).to(dtype)
    labels = torch.arange(5) % 4
    rule = torch.optim.AdamW(net.parameters(), lr=1.0, eps=eps, weight_decay=0.0)
    for step in range(1, STEPS + 1):
        rule.param_groups[0]["lr"] = 0.05 / step
        rule.zero_grad()
        nn.functional.cross_entropy(net(x), labels).backward()
        rule.step()
    return {key: value.double() for key, value in net.named_parameters()}, net[0].bias.grad.abs().max().item()


def main():
    torch.set_num_threads(1)
    cases = []
    for eps in (1e-8, 1e-4):
        (exact, size), (rounded, noise) = trained(torch.float64, eps), trained(torch.float32, eps)
        off = {key: ((rounded[key] - value).abs().max() / value.abs().max()).item() for key, value in exact.items()}
        values = {key: value.flatten().tolist() for key, value in exact.items()}
        cases.append({"eps": eps, "float64": values, "float32_is_off_by": off})
        print(f"eps {eps}: gradient of the bias {size:.1e} in float64, {noise:.1e} in float32; float32 is off by {off}")
    FILE.write_text(json.dumps({"torch": torch.__version__, "cases": cases}, indent=1) + "\n")


if __name__ == "__main__":
    main()
