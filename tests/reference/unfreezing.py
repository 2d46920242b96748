"""Makes `unfreezing/runs.safetensors`: a network whose layers become free one after another, by PyTorch's optimisers, in float64.

`Linear(6); Tanh; Linear(5); Tanh; Linear(2)` learns the formula's tensor `labels`, [8, 2], from its tensor `input`, [8, 3], all of it in
every step: an epoch is a step. The layers `0` and `2` have `requires_grad` false in the first 4 and 2 epochs; all parameters are in the
optimiser from the beginning, which has no state of what it got no gradient of. The rate of epoch t, from 0, is `0.05 * 0.9**t`, of layer
`0` that times 0.4. Of each case there are the `<case>/losses`, each parameter at the end, its states as PyTorch names them
(`<case>/exp_avg/0.weight`), and its running mean (`<case>/ema/0.weight`), by `AveragedModel` with `get_ema_multi_avg_fn(0.9)`. The metadata
`cases` is JSON: a list of the case's name, and its `optimizer` as a recipe says it.
    pip install -r tests/reference/requirements.txt
    python tests/reference/unfreezing.py
"""

import json
import pathlib

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

import fixture
import formula

FILE = pathlib.Path(__file__).parent / "unfreezing" / "runs.safetensors"
EPOCHS = 7
FREE_AFTER = {"0": 4, "2": 2, "4": 0}
CASES = (
    ("sgd", "SGD", {"momentum": 0.9, "weight_decay": 0.1}),
    ("nesterov", "SGD", {"momentum": 0.8, "nesterov": True}),
    ("adam", "Adam", {"betas": (0.8, 0.95)}),
    ("adamw", "AdamW", {"weight_decay": 0.1}),
)


def train(optimiser, options):
    """The losses, the network, the optimiser and the running mean at the end."""
    net = nn.Sequential(nn.Linear(3, 6), nn.Tanh(), nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 2))
    with torch.no_grad():
        for key, value in net.state_dict().items():
            value.copy_(torch.from_numpy(formula.tensor(key, value.shape)))
    x, y = (torch.from_numpy(formula.tensor(name, (8, size))).double() for name, size in (("input", 3), ("labels", 2)))
    first = [parameter for key, parameter in net.named_parameters() if key.startswith("0.")]
    others = [parameter for key, parameter in net.named_parameters() if not key.startswith("0.")]
    groups = [{"params": first, "lr": 0.02}, {"params": others}]
    rule = getattr(torch.optim, optimiser)(groups, lr=0.05, **options)
    schedule = torch.optim.lr_scheduler.ExponentialLR(rule, 0.9)
    mean = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(0.9))
    losses = []
    for epoch in range(EPOCHS):
        for key, parameter in net.named_parameters():
            parameter.requires_grad_(epoch >= FREE_AFTER[key.split(".")[0]])
        rule.zero_grad()
        loss = nn.functional.mse_loss(net(x), y)
        loss.backward()
        rule.step()
        mean.update_parameters(net)
        schedule.step()
        losses.append(loss.item())
    return losses, net, rule, mean


def main():
    torch.set_default_dtype(torch.float64)
    tensors, listed = {}, []
    for name, optimiser, options in CASES:
        losses, net, rule, mean = train(optimiser, options)
        tensors[f"{name}/losses"] = torch.tensor(losses).numpy()
        for (key, parameter), average in zip(net.named_parameters(), mean.module.parameters()):
            tensors[f"{name}/{key}"] = parameter.detach().numpy()
            tensors[f"{name}/ema/{key}"] = average.detach().numpy()
            states = {state: value for state, value in rule.state[parameter].items() if state != "step"}
            tensors.update({f"{name}/{state}/{key}": value.numpy() for state, value in states.items()})
            if "step" in rule.state[parameter]:
                assert rule.state[parameter]["step"] == EPOCHS - FREE_AFTER[key.split(".")[0]]
        said = {"name": optimiser.lower(), "lr": 0.05, **options, "groups": [{"parameters": "0.*", "lr": 0.02}]}
        listed.append({"name": name, "optimizer": said})
        print(name, losses[0], losses[-1])
    fixture.save(FILE, tensors, {"torch": torch.__version__, "cases": json.dumps(listed)})


if __name__ == "__main__":
    main()
