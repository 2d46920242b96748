"""Makes `extremes.json`: what PyTorch's activations answer to numbers at the ends of float32, computed in float32.

`inputs` holds numbers as text, `cases` a list of `{"spec": text of the cnn language, "answers": as inputs}`.
    pip install -r tests/reference/requirements.txt
    python tests/reference/extremes.py
"""

import json
import pathlib

import torch
from torch import nn

INPUTS = ["-inf", "-3e38", "-1e38", "-1e20", "-1e5", "-200", "-100", "-89", "-60", "-20", "-0.0"]
INPUTS += ["0.0", "20", "60", "89", "100", "200", "1e5", "1e20", "1e38", "3e38", "inf", "nan"]

CASES = {
    "ReLU": nn.ReLU(),
    "ReLU6": nn.ReLU6(),
    "LeakyReLU(0.1)": nn.LeakyReLU(0.1),
    "ELU": nn.ELU(),
    "SELU": nn.SELU(),
    "CELU(2.0)": nn.CELU(2.0),
    "GELU": nn.GELU(),
    'GELU(approximate="tanh")': nn.GELU(approximate="tanh"),
    "SiLU": nn.SiLU(),
    "Mish": nn.Mish(),
    "Sigmoid": nn.Sigmoid(),
    "LogSigmoid": nn.LogSigmoid(),
    "Tanh": nn.Tanh(),
    "Tanhshrink": nn.Tanhshrink(),
    "Softplus": nn.Softplus(),
    "Softplus(2.0, 10.0)": nn.Softplus(2.0, 10.0),
    "Softsign": nn.Softsign(),
    "Softshrink": nn.Softshrink(),
    "Hardshrink": nn.Hardshrink(),
    "Hardtanh": nn.Hardtanh(),
    "Hardsigmoid": nn.Hardsigmoid(),
    "Hardswish": nn.Hardswish(),
    "Threshold(0.1, 20.0)": nn.Threshold(0.1, 20.0),
    "Abs": torch.abs,
    "Exp": torch.exp,
    "Log": torch.log,
    "Sqrt": torch.sqrt,
    "Pow(3)": lambda x: torch.pow(x, 3),
    "Pow(-1.5)": lambda x: torch.pow(x, -1.5),
    "Erf": torch.erf,
}


def main():
    torch.set_num_threads(1)
    # One number beside itself for each vector of the machine, so that all are computed alike.
    numbers = torch.tensor([float(text) for text in INPUTS], dtype=torch.float32)
    repeated = numbers.repeat_interleave(64)
    cases = []
    for spec, layer in CASES.items():
        answers = layer(repeated).reshape(len(INPUTS), 64)[:, 0]
        cases.append({"spec": spec, "answers": [repr(number.item()) for number in answers]})
    lines = ",\n".join(json.dumps(case) for case in cases)
    head = f'"torch": "{torch.__version__}",\n"inputs": {json.dumps(INPUTS)}'
    path = pathlib.Path(__file__).parent / "extremes.json"
    path.write_text(f'{{{head},\n"cases": [\n{lines}\n]}}\n', encoding="utf-8")
    print(f"{len(cases)} activations of {len(INPUTS)} numbers")


if __name__ == "__main__":
    main()
