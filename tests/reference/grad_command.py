"""Makes `grad_command.json`: what `cnnc grad` must say of twelve networks, by PyTorch's autograd in float64, in training mode.

Weights are those that `cnnc params FILE --seed 0 --save` draws, so the path of an executable is wanted; element i of an
input is (37 i mod 101) / 50 - 1. Classifiers have the cross-entropy of class 3 i mod 10 for row i, all others the sum of
squared differences from zeros. Of each gradient there are its norm, mean and largest absolute value.
    pip install -r tests/reference/requirements.txt
    python tests/reference/grad_command.py target/release/cnnc
"""

import json
import math
import pathlib
import subprocess
import sys
import tempfile

import safetensors.torch
import torch

from nets import D2L

HERE = pathlib.Path(__file__).parent
CLASSIFIERS = ("lenet", "modern_lenet", "plain_lenet", "mlp", "resnet18")
OTHERS = (
    "residual_block",
    "projected_residual_block",
    "residual_plain",
    "resnext_block",
    "inception_block",
    "nested_blocks",
    "tied",
)


def case(cnnc, name):
    """A network's name, input, loss and gradients."""
    net = D2L[name]
    shape = net.input
    module = net.make().double().train()
    with tempfile.TemporaryDirectory() as folder:
        weights = pathlib.Path(folder) / "w.safetensors"
        chosen = ["--model", net.model] if net.model else []
        command = [cnnc, "params", HERE / "../../models" / net.file, *chosen, "--seed", "0", "--save", weights]
        subprocess.run(command, check=True, capture_output=True)
        # Shapes that are inferred at the first input are there once it went through.
        module(torch.zeros(shape, dtype=torch.double))
        state = safetensors.torch.load_file(weights)
        for key in module.state_dict():  # a tied one stands in the file once
            if key not in state:
                state[key] = state[key.replace("4.", "2.", 1)]
        module.load_state_dict(state)
    flat = torch.tensor([(37 * i % 101) / 50 - 1 for i in range(math.prod(shape))], dtype=torch.float32)
    x = flat.reshape(shape).double().requires_grad_()
    y = module(x)
    if name in CLASSIFIERS:
        target = (torch.arange(shape[0]) * 3 % 10).tolist()
        loss = torch.nn.functional.cross_entropy(y, torch.tensor(target))
    else:
        target = list(y.shape)
        loss = (y**2).sum()
    loss.backward()
    gradients = {"input": x.grad, **{key: value.grad for key, value in module.named_parameters()}}
    numbers = {key: [g.norm().item(), g.mean().item(), g.abs().max().item()] for key, g in gradients.items()}
    return {
        "file": net.file,
        "model": net.model,
        "input": list(shape),
        "target": target,
        "loss": loss.item(),
        "gradients": numbers,
    }


def main():
    torch.set_num_threads(1)
    cases = {name: case(sys.argv[1], name) for name in (*CLASSIFIERS, *OTHERS)}
    text = json.dumps({"torch": torch.__version__, "cases": cases}, indent=1)
    (HERE / "grad_command.json").write_text(text + "\n")
    print(f"{len(cases)} cases")


if __name__ == "__main__":
    main()
