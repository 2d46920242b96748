"""Makes `schedules.json`: rates and momenta of PyTorch's `OneCycleLR` and `ReduceLROnPlateau`, at a rate of 0.1.

`one_cycle` is a list of the options as PyTorch names them, and of every step its rate and its momentum; `plateau` one of options
with `mode`, the values that are measured, and the rate after each. Versions are those of requirements.txt.
    pip install -r tests/reference/requirements.txt
    python tests/reference/schedules.py
"""

import json
import pathlib

import torch

FILE = pathlib.Path(__file__).parent / "schedules.json"
LENGTHS = (1, 2, 10, 23)
CYCLES = (
    {},
    {"anneal_strategy": "linear", "pct_start": 0.4},
    {"three_phase": True, "base_momentum": 0.5, "max_momentum": 0.9},
    {"three_phase": True, "anneal_strategy": "linear", "pct_start": 0.2, "div_factor": 10.0, "final_div_factor": 100.0},
    {"cycle_momentum": False},
)
FALLING = [1.0, 0.9, 0.91, 0.92, 0.8999, 0.93, 0.7, 0.71, 0.72, 0.73, 0.74, 0.75, 0.76, 0.5, 0.51, 0.5, 0.5, 0.49999, 0.5]
ODD = [float("nan"), float("inf"), 0.9, float("nan"), float("inf"), 0.9, 0.8, 0.8, 0.8, 0.8, 0.8]
RISING = [0.1, 0.3, 0.3, 0.29, 0.31, 0.5, 0.5, 0.5, 0.5, 0.50004, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6]
PLATEAUS = (
    ("min", FALLING, {"patience": 2}),
    ("min", FALLING, {"patience": 0, "factor": 0.5, "min_lr": 0.01}),
    ("min", FALLING, {"patience": 1, "cooldown": 2, "threshold": 0.05}),
    ("min", FALLING, {"patience": 1, "threshold": 0.1, "threshold_mode": "abs", "factor": 0.3}),
    ("min", FALLING, {"patience": 1, "factor": 0.5, "eps": 0.02}),
    ("min", ODD, {"patience": 1, "factor": 0.5}),
    ("max", RISING, {"patience": 1, "factor": 0.2}),
    ("max", RISING, {"patience": 2, "threshold": 0.15, "threshold_mode": "abs", "cooldown": 1}),
)


def optimiser():
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1, momentum=0.7)


def one_cycle(options, length):
    rule = optimiser()
    schedule = torch.optim.lr_scheduler.OneCycleLR(rule, max_lr=0.1, total_steps=length, **options)
    rates, momenta = [], []
    for step in range(length):
        rates.append(rule.param_groups[0]["lr"])
        momenta.append(rule.param_groups[0]["momentum"])
        rule.step()
        if step + 1 < length:
            schedule.step()
    return {"options": options, "rates": rates, "momenta": momenta}


def plateau(mode, values, options):
    rule = optimiser()
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(rule, mode=mode, **options)
    rates = []
    for value in values:
        rule.step()
        schedule.step(value)
        rates.append(rule.param_groups[0]["lr"])
    # JSON has no numbers that are none.
    return {"mode": mode, "options": options, "values": [str(value) for value in values], "rates": rates}


def main():
    cycles = [one_cycle(options, length) for options in CYCLES for length in LENGTHS]
    made = {"torch": torch.__version__, "one_cycle": cycles, "plateau": [plateau(*case) for case in PLATEAUS]}
    FILE.write_text(json.dumps(made, indent=1) + "\n")


if __name__ == "__main__":
    main()
