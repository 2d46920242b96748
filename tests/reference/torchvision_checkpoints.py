"""Shows that `state_dict`s of torchvision's networks load as PyTorch saves them: 20 networks in all three forms.

What comes in is the executable to try. Each network is built with random weights and running statistics, saved as a
zip archive, a legacy stream and a tar archive, run by `cnnc run models/torchvision/NAME.cnn --weights NAME.pth`, and
compared with PyTorch in float64 by max|a - b| / max|b|. What goes out is a line for each: that error, which must be
under 1e-4, and whether the three forms gave the same bits, which they must; then the times that reading took.
    pip install -r tests/reference/requirements.txt
    cargo build --release
    python tests/reference/torchvision_checkpoints.py target/release/cnnc
"""

import pathlib
import subprocess
import sys
import tempfile
import time

import numpy
import torch

import torch_forms
from torchvision_table import build

NAMES = (
    *("alexnet", "vgg11", "vgg11_bn", "vgg16", "resnet18", "resnet34", "resnet50", "resnext50_32x4d"),
    *("wide_resnet50_2", "squeezenet1_1", "mobilenet_v2", "mobilenet_v3_small", "shufflenet_v2_x1_0"),
    *("efficientnet_b0", "googlenet", "densenet121", "mnasnet1_0", "regnet_x_400mf", "convnext_tiny", "vit_b_16"),
)
MODELS = pathlib.Path(__file__).resolve().parents[2] / "models" / "torchvision"
MOST = 1e-4


def network(name):
    """A network with numbers that are all its own."""
    torch.manual_seed(len(name))
    net = build(name).eval()
    with torch.no_grad():
        for parameter in net.parameters():
            # Some layers begin as zeros, the last ones too, after which nothing could be told.
            if not parameter.any():
                parameter.normal_(std=0.02)
    for key, buffer in net.named_buffers():
        if key.endswith("running_mean"):
            buffer.normal_(std=0.1)
        elif key.endswith("running_var"):
            buffer.uniform_(0.5, 1.5)
        elif key.endswith("num_batches_tracked"):
            buffer.fill_(7)
    return net


def answered(cnnc, name, weights, folder):
    """What cnnc answers, and how long the process took."""
    output = folder / "output.npy"
    spec = MODELS / f"{name}.cnn"
    files = ["--weights", weights, "--input", folder / "input.npy", "--output", output]
    started = time.perf_counter()
    subprocess.run([cnnc, "run", spec, *files], check=True, capture_output=True)
    return numpy.load(output), time.perf_counter() - started


def compared(cnnc, name, folder):
    """A line for a network, and whether it is as it must be."""
    net = network(name)
    image = torch.rand(1, 3, 224, 224)
    numpy.save(folder / "input.npy", image.numpy())
    state = net.state_dict()
    answers = []
    for form in torch_forms.FORMS:
        weights = folder / f"{name}_{form}.pth"
        torch_forms.save(state, weights, form)
        answers.append(answered(cnnc, name, weights, folder))
        weights.unlink()
    with torch.no_grad():
        exact = net.double()(image.double()).numpy()
    error = max(numpy.abs(answer - exact).max() for answer, _ in answers) / numpy.abs(exact).max()
    same = all(numpy.array_equal(answers[0][0], answer) for answer, _ in answers)
    size = sum(tensor.numel() * tensor.element_size() for tensor in state.values()) / 1e6
    times = " ".join(f"{1e3 * seconds:6.0f}" for _, seconds in answers)
    print(f"{name:20} {size:7.1f} MB  {error:8.1e}  {'same bits' if same else 'DIFFER'}  {times} ms", flush=True)
    return error < MOST and same


def main(cnnc):
    print(f"torch {torch.__version__}; process times for {', '.join(torch_forms.FORMS)}")
    with tempfile.TemporaryDirectory() as folder:
        right = [compared(cnnc, name, pathlib.Path(folder)) for name in NAMES]
    print(f"{sum(right)} of {len(right)} are right")
    sys.exit(not all(right))


if __name__ == "__main__":
    main(sys.argv[1])
