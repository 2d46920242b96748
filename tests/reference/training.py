"""Makes `training/steps.safetensors`: parameters after some steps of PyTorch's optimisers, in float64.

Every case trains the same small network for STEPS steps on one batch: `Linear(6, bias=false); BatchNorm1d; Tanh;
Linear(4)` on the formula's tensor `input`, [5, 3], in training mode. Labels of the cross-entropy are `i mod 4`; the target of the mean
squared error is the formula's tensor `labels`. The learning rate of step t is `0.05 / t`, so that it is seen to be read
anew. A key that a case freezes has no gradient, and a batch norm whose running mean is frozen is in evaluation mode; parameters of
which it says more are groups of their own. Tensor `<case>/<key>` is a parameter or buffer at the end, `<case>/losses` the loss of each step. The metadata
`cases` is JSON: a list of the case's name, loss, optimiser and options as PyTorch names them, `clip`, and `learning`, what is said of
single keys: `frozen`, `rate` (a factor of the learning rate), `weight_decay`. `momenta`, where it is no null, has the momentum of each
step, or the first beta, as a schedule sets it. PyTorch has no LAMB: it is written out below, by its paper and as timm 1.0 has it.
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
# A frozen first layer and batch norm; its statistics alone; a rate and a decay of their own.
FIRST = {key: {"frozen": True} for key in ("0.weight", "1.weight", "1.bias", "1.running_mean", "1.running_var")}
STATISTICS = {key: {"frozen": True} for key in ("1.running_mean", "1.running_var", "1.num_batches_tracked")}
GROUPS = {"0.weight": {"rate": 0.1}, "1.weight": {"weight_decay": 0.0}, "3.bias": {"weight_decay": 0.0, "rate": 2.0}}
CYCLE = (0.95, 0.9, 0.85, 0.85, 0.9, 0.95)
CENTRED = {"alpha": 0.9, "eps": 1e-6, "momentum": 0.8, "centered": True, "weight_decay": 0.1}
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
    ("frozen", ENTROPY, "SGD", {"momentum": 0.9, "weight_decay": 0.1}, None, FIRST),
    ("frozen_statistics", ENTROPY, "AdamW", {"weight_decay": 0.1}, 0.5, STATISTICS),
    ("groups", SMOOTH, "SGD", {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}, 0.7, GROUPS),
    ("groups_adam", ENTROPY, "Adam", {"weight_decay": 0.1}, None, GROUPS),
    ("groups_adamw", MEAN, "AdamW", {"weight_decay": 0.1}, None, GROUPS),
    ("cycle", ENTROPY, "SGD", {"weight_decay": 0.1}, None, {}, CYCLE),
    ("cycle_nesterov", MEAN, "SGD", {"momentum": 0.9, "nesterov": True}, None, GROUPS, CYCLE),
    ("cycle_adam", ENTROPY, "Adam", {"eps": 1e-6}, None, GROUPS, CYCLE),
    ("cycle_adamw", SMOOTH, "AdamW", {"weight_decay": 0.1}, 0.5, {}, CYCLE),
    ("cycle_rmsprop", MEAN, "RMSprop", {}, None, {}, CYCLE),
    ("cycle_nadam", MEAN, "NAdam", {}, None, GROUPS, CYCLE),
    ("cycle_lamb", ENTROPY, "Lamb", {}, None, {}, CYCLE),
    ("nadam", ENTROPY, "NAdam", {}, None),
    ("nadam_decay", SMOOTH, "NAdam", {"weight_decay": 0.1, "betas": (0.8, 0.95), "momentum_decay": 0.05}, 0.1),
    ("groups_nadam", MEAN, "NAdam", {"weight_decay": 0.1, "decoupled_weight_decay": True}, None, GROUPS),
    ("rmsprop", ENTROPY, "RMSprop", {}, None),
    ("rmsprop_centred", MEAN, "RMSprop", {"centered": True}, None),
    ("groups_rmsprop", SMOOTH, "RMSprop", CENTRED, 0.7, GROUPS),
    ("lamb", ENTROPY, "Lamb", {}, None),
    ("lamb_plain", MEAN, "Lamb", {"weight_decay": 0.0}, None),
    ("lamb_paper", MEAN, "Lamb", {"weight_decay": 0.0, "betas": (0.8, 0.95), "always_adapt": True}, None),
    ("groups_lamb", SMOOTH, "Lamb", {"weight_decay": 0.1}, 0.7, GROUPS),
)


class Lamb(torch.optim.Optimizer):
    """You et al., 2020, algorithm 2 with the norm itself as phi. As timm's, a parameter without a weight decay has no ratio of
    norms unless `always_adapt`, and the ratio is 1 where a norm is zero; timm's own clipping is left out."""

    def __init__(self, params, lr, betas=(0.9, 0.999), eps=1e-6, weight_decay=0.01, always_adapt=False):
        options = {"betas": betas, "eps": eps, "weight_decay": weight_decay, "always_adapt": always_adapt}
        super().__init__(params, {"lr": lr, **options})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            (first, second), decay = group["betas"], group["weight_decay"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                state["t"] = state.get("t", 0) + 1
                state["m"] = first * state.get("m", 0) + (1 - first) * p.grad
                state["v"] = second * state.get("v", 0) + (1 - second) * p.grad**2
                m, v = state["m"] / (1 - first ** state["t"]), state["v"] / (1 - second ** state["t"])
                u = m / (v.sqrt() + group["eps"]) + decay * p
                ratio = p.norm() / u.norm() if p.norm() > 0 and u.norm() > 0 else 1.0
                p -= group["lr"] * (ratio if decay != 0 or group["always_adapt"] else 1.0) * u


def loss_of(loss, y):
    """The loss of an answer."""
    if loss["kind"] == "mse":
        target = torch.from_numpy(formula.tensor("labels", y.shape)).double()
        return nn.functional.mse_loss(y, target, reduction=loss["reduction"])
    labels = torch.arange(y.shape[0]) % y.shape[1]
    return nn.functional.cross_entropy(y, labels, label_smoothing=loss.get("label_smoothing", 0.0))


def group(key, parameter, said):
    """A parameter as a group of its optimiser."""
    decay = {"weight_decay": said["weight_decay"]} if "weight_decay" in said else {}
    return {"params": [parameter], "lr": 1.0, "rate": said.get("rate", 1.0), **decay}


def train(loss, optimiser, options, clip, learning, momenta):
    """The losses, and the network's state at the end."""
    net = nn.Sequential(nn.Linear(3, 6, bias=False), nn.BatchNorm1d(6), nn.Tanh(), nn.Linear(6, 4))
    with torch.no_grad():
        for key, value in net.state_dict().items():
            value.copy_(torch.from_numpy(formula.tensor(key, value.shape)))
    x = torch.from_numpy(formula.tensor("input", (5, 3))).double()
    for key, parameter in net.named_parameters():
        parameter.requires_grad = not learning.get(key, {}).get("frozen", False)
    if "1.running_mean" in learning:
        net[1].eval()
    groups = [group(key, parameter, learning.get(key, {})) for key, parameter in net.named_parameters()]
    rule = (Lamb if optimiser == "Lamb" else getattr(torch.optim, optimiser))(groups, lr=1.0, **options)
    losses = []
    for step in range(1, STEPS + 1):
        for each in rule.param_groups:
            each["lr"] = 0.05 / step * each["rate"]
            if momenta and "betas" in each:
                each["betas"] = (momenta[step - 1], each["betas"][1])
            elif momenta:
                each["momentum"] = momenta[step - 1]
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
    for name, loss, optimiser, options, clip, *more in CASES:
        learning, momenta = (*more, *({}, None)[len(more) :])
        losses, state = train(loss, optimiser, options, clip, learning, momenta)
        tensors[f"{name}/losses"] = torch.tensor(losses).numpy()
        tensors.update({f"{name}/{key}": value.double().numpy() for key, value in state.items()})
        case = {"name": name, "loss": loss, "optimiser": optimiser, "options": options, "clip": clip}
        listed.append({**case, "learning": learning, "momenta": momenta})
        print(name, losses[0], losses[-1])
    fixture.save(FILE, tensors, {"torch": torch.__version__, "cases": json.dumps(listed)})


if __name__ == "__main__":
    main()
