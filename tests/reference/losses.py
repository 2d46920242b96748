"""Makes `losses/losses.safetensors`: losses and gradients of PyTorch and torchvision, in float64.

Two kinds of case, all of four classes. In `steps` the network `Linear(6); Tanh; Linear(4)` takes STEPS steps of SGD with
momentum 0.9 on the formula's tensor `input`, [5, 3], with the learning rate 0.5 / t in step t: `<case>/losses` are the losses of
the steps, `<case>/<key>` the parameters at the end. In `extremes` the scores are SCORES, and the loss is `<case>/loss`, its
gradient by the scores `<case>/gradient`. Targets are LABELS, CHANCES (what mixup makes of labels) or SEVERAL (ones for the
classes that are there). The metadata `cases` is JSON: a list of each case's name, loss and options.

PyTorch has no focal loss of a softmax, and no label smoothing of the binary cross-entropy: `focal` is the definition of Lin et
al. (2017, equation 5) on chances that the softmax gives, its mean over samples; smoothed ones and zeros are t (1 - e) + e / 2.
    pip install -r tests/reference/requirements.txt     (made with torch 2.15.0, torchvision 0.29.2)
    python tests/reference/losses.py
"""

import json
import pathlib

import torch
import torchvision
from torch import nn

import fixture
import formula

FILE = pathlib.Path(__file__).parent / "losses" / "losses.safetensors"
STEPS = 6
WEIGHT = [0.5, 2.0, 1.0, 4.0]
LABELS = [0, 1, 2, 3, 0]
SEVERAL = [[1, 0, 0, 1], [0, 0, 0, 0], [1, 1, 1, 1], [0, 1, 0, 0], [0, 0, 1, 1]]
SCORES = [
    [1e4, -1e4, 0.0, 1.0],
    [0.0, 0.0, 0.0, 0.0],
    [-1e4, -1e4, -1e4, -1e4],
    [100.0, 20.0, -20.0, -100.0],
    [88.0, 1e4, -88.0, 0.5],
]
CASES = (
    ("cross_entropy", "cross_entropy", {"weight": WEIGHT}),
    ("cross_entropy_smooth", "cross_entropy", {"weight": WEIGHT, "label_smoothing": 0.1}),
    ("cross_entropy_zero", "cross_entropy", {"weight": [0.0, 1.0, 3.0, 0.0]}),
    ("mixed", "soft_cross_entropy", {"weight": WEIGHT}),
    ("mixed_smooth", "soft_cross_entropy", {"weight": WEIGHT, "label_smoothing": 0.2}),
    ("focal", "focal", {"gamma": 2.0}),
    ("focal_alpha", "focal", {"gamma": 1.5, "weight": WEIGHT}),
    ("focal_smooth", "focal", {"gamma": 2.0, "weight": WEIGHT, "label_smoothing": 0.1}),
    ("focal_mixed", "soft_focal", {"gamma": 2.0}),
    ("binary", "binary_cross_entropy", {}),
    ("binary_pos_weight", "binary_cross_entropy", {"weight": WEIGHT}),
    ("binary_smooth", "binary_cross_entropy", {"weight": WEIGHT, "label_smoothing": 0.1}),
    ("binary_focal", "binary_focal", {"gamma": 2.0, "alpha": 0.25}),
    ("binary_focal_plain", "binary_focal", {"gamma": 3.0, "alpha": -1.0}),
)


def chances():
    """The labels, each mixed with the one before it."""
    hot = nn.functional.one_hot(torch.tensor(LABELS), 4).double()
    return 0.75 * hot + 0.25 * hot.roll(1, 0)


def focal(y, target, gamma, weight, label_smoothing):
    """The focal loss of chances."""
    target = target * (1 - label_smoothing) + label_smoothing / y.shape[1]
    logarithm = nn.functional.log_softmax(y, 1)
    parts = -target * (1 - logarithm.exp()) ** gamma * logarithm
    return (parts if weight is None else parts * weight).sum() / y.shape[0]


def loss_of(kind, options, y):
    """The loss of scores."""
    weight = torch.tensor(options["weight"]) if "weight" in options else None
    smoothing = options.get("label_smoothing", 0.0)
    labels, several = torch.tensor(LABELS), torch.tensor(SEVERAL).double()
    if kind in ("cross_entropy", "soft_cross_entropy"):
        target = labels if kind == "cross_entropy" else chances()
        return nn.CrossEntropyLoss(weight=weight, label_smoothing=smoothing)(y, target)
    if kind in ("focal", "soft_focal"):
        target = nn.functional.one_hot(labels, 4).double() if kind == "focal" else chances()
        return focal(y, target, options["gamma"], weight, smoothing)
    if kind == "binary_focal":
        alpha, gamma = options["alpha"], options["gamma"]
        return torchvision.ops.sigmoid_focal_loss(y, several, alpha=alpha, gamma=gamma, reduction="mean")
    return nn.BCEWithLogitsLoss(pos_weight=weight)(y, several * (1 - smoothing) + smoothing / 2)


def steps(kind, options):
    """The losses of some steps, and the parameters at the end."""
    net = nn.Sequential(nn.Linear(3, 6), nn.Tanh(), nn.Linear(6, 4))
    with torch.no_grad():
        for key, value in net.state_dict().items():
            value.copy_(torch.from_numpy(formula.tensor(key, value.shape)))
    x = torch.from_numpy(formula.tensor("input", (5, 3))).double()
    rule = torch.optim.SGD(net.parameters(), lr=1.0, momentum=0.9)
    losses = []
    for step in range(1, STEPS + 1):
        rule.param_groups[0]["lr"] = 0.5 / step
        rule.zero_grad()
        value = loss_of(kind, options, net(x))
        value.backward()
        rule.step()
        losses.append(value.item())
    return losses, net.state_dict()


def main():
    torch.set_default_dtype(torch.float64)
    tensors, listed = {}, []
    for name, kind, options in CASES:
        losses, state = steps(kind, options)
        tensors[f"{name}/losses"] = torch.tensor(losses).numpy()
        tensors.update({f"{name}/{key}": value.numpy() for key, value in state.items()})
        scores = torch.tensor(SCORES, requires_grad=True)
        loss = loss_of(kind, options, scores)
        loss.backward()
        tensors[f"{name}/loss"] = loss.detach().reshape(1).numpy()
        tensors[f"{name}/gradient"] = scores.grad.numpy()
        listed.append({"name": name, "loss": kind, **options})
        print(name, losses[0], losses[-1], loss.item(), scores.grad.abs().max().item())
    versions = {"torch": torch.__version__, "torchvision": torchvision.__version__}
    fixture.save(FILE, tensors, {**versions, "cases": json.dumps(listed)})


if __name__ == "__main__":
    main()
