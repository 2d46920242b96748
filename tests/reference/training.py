"""Makes `training/steps.safetensors`: parameters after some steps of PyTorch's optimisers, in float64.

Every case trains the same small network for STEPS steps on one batch: `Linear(6, bias=false); BatchNorm1d; Tanh;
Linear(4)` on the formula's tensor `input`, [5, 3], in training mode. Labels of the cross-entropy are `i mod 4`; the target of the mean
squared error is the formula's tensor `labels`. The learning rate of step t is `0.05 / t`, so that it is seen to be read
anew. Tensor `<case>/<key>` is a parameter or buffer at the end, `<case>/losses` the loss of each step. The metadata
`cases` is JSON: a list of the case's name, loss, optimiser and options as PyTorch names them, and `clip`.
    pip install -r tests/reference/requirements.txt
    python tests/reference/training.py
"""

import json
import pathlib

import torch
from torch import nn

import fixture
import formula

FILE = pathlib.Path(__file__).parent / "training" / "steps.safetensors"
STEPS = 6
ENTROPY, SMOOTH = {"kind": "cross_entropy"}, {"kind": "cross_entropy", "label_smoothing": 0.1}
MEAN, SUM = {"kind": "mse", "reduction": "mean"}, {"kind": "mse", "reduction": "sum"}
CASES = (
    ("plain", ENTROPY, "SGD", {}, None),
    ("decay", SMOOTH, "SGD", {"weight_decay": 0.1}, None),
    ("momentum", MEAN, "SGD", {"momentum": 0.9}, None),
    ("nesterov", SUM, "SGD", {"momentum": 0.8, "nesterov": True, "weight_decay": 0.05}, None),
    ("clip", SUM, "SGD", {"momentum": 0.5}, 0.7),
    ("adam", ENTROPY, "Adam", {}, None),
    ("adam_decay", SMOOTH, "Adam", {"weight_decay": 0.1, "betas": (0.8, 0.95), "eps": 1e-6}, 0.1),
    ("adamw", ENTROPY, "AdamW", {"weight_decay": 0.2}, None),
    ("adamw_plain", MEAN, "AdamW", {"weight_decay": 0.0}, None),
)


def loss_of(loss, y):
    """The loss of an answer."""
    if loss["kind"] == "mse":
        target = torch.from_numpy(formula.tensor("labels", y.shape)).double()
        return nn.functional.mse_loss(y, target, reduction=loss["reduction"])
    labels = torch.arange(y.shape[0]) % y.shape[1]
    return nn.functional.cross_entropy(y, labels, label_smoothing=loss.get("label_smoothing", 0.0))


def train(loss, optimiser, options, clip):
    """The losses, and the network's state at the end."""
    net = nn.Sequential(nn.Linear(3, 6, bias=False), nn.BatchNorm1d(6), nn.Tanh(), nn.Linear(6, 4))
    with torch.no_grad():
        for key, value in net.state_dict().items():
            value.copy_(torch.from_numpy(formula.tensor(key, value.shape)))
    x = torch.from_numpy(formula.tensor("input", (5, 3))).double()
    rule = getattr(torch.optim, optimiser)(net.parameters(), lr=1.0, **options)
    losses = []
    for step in range(1, STEPS + 1):
        rule.param_groups[0]["lr"] = 0.05 / step
        rule.zero_grad()
        value = loss_of(loss, net(x))
        value.backward()
        if clip:
            nn.utils.clip_grad_norm_(net.parameters(), clip)
        rule.step()
        losses.append(value.item())
    return losses, net.state_dict()


def main():
    torch.set_default_dtype(torch.float64)
    tensors, listed = {}, []
    for name, loss, optimiser, options, clip in CASES:
        losses, state = train(loss, optimiser, options, clip)
        tensors[f"{name}/losses"] = torch.tensor(losses).numpy()
        tensors.update({f"{name}/{key}": value.double().numpy() for key, value in state.items()})
        listed.append({"name": name, "loss": loss, "optimiser": optimiser, "options": options, "clip": clip})
        print(name, losses[0], losses[-1])
    fixture.save(FILE, tensors, {"torch": torch.__version__, "cases": json.dumps(listed)})


if __name__ == "__main__":
    main()
