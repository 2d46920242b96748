"""Makes what every engine of the comparison reads: python nets.py NAME DIRECTORY.

Out go, in DIRECTORY/NAME: `net.onnx` with an open batch, `weights.safetensors`, `state.pt`, inputs of batches 1 and 8 (also as
raw floats) and `answer.npy`, PyTorch's answer to the first in float64. Everything is drawn from one seed; running means and
variances are taken from a batch, so that no activation vanishes or runs away: numbers near zero would be slow ones.
"""

import copy
import sys
from pathlib import Path

import numpy
import torch
import torchvision
from safetensors.torch import save_file
from torch import nn

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests" / "reference"))
import d2l_nets  # noqa: E402

VGG11 = ((1, 64), (1, 128), (2, 256), (2, 512), (2, 512))


def torchvision_net(name):
    """torchvision's network without the heads that only training uses."""
    options = {"aux_logits": False, "init_weights": False} if name == "googlenet" else {}
    return getattr(torchvision.models, name)(weights=None, **options)


D2L = {"lenet": d2l_nets.classic_lenet, "resnet18_d2l": d2l_nets.resnet18, "vgg11_d2l": lambda: d2l_nets.vgg(VGG11)}
INPUTS = {"lenet": (1, 28, 28), "resnet18_d2l": (1, 96, 96), "vgg11_d2l": (1, 224, 224)}


def build(name):
    """The network as PyTorch makes it."""
    return D2L[name]() if name in D2L else torchvision_net(name)


def make(name):
    """The network, its parameters drawn by seed 0, ready for inference."""
    torch.manual_seed(0)
    net = build(name)
    norms = [layer for layer in net.modules() if isinstance(layer, nn.BatchNorm2d)]
    if norms:
        for norm in norms:
            norm.momentum = None
        with torch.no_grad():
            net.train()(torch.randn(4, *shape(name)))
    return net.eval()


def shape(name):
    """Channels, height and width of its input."""
    return INPUTS.get(name, (3, 224, 224))


def export(name, directory):
    """Writes all files; the ONNX file last, by which a later run knows that all are there."""
    directory.mkdir(parents=True, exist_ok=True)
    net = make(name)
    state = {key: value.contiguous() for key, value in net.state_dict().items()}
    torch.save(state, directory / "state.pt")
    save_file(state, directory / "weights.safetensors")
    exact = copy.deepcopy(net).double()
    x = torch.randn(8, *shape(name))
    for batch in (1, 8):
        numpy.save(directory / f"input{batch}.npy", x[:batch].numpy())
        x[:batch].numpy().tofile(directory / f"input{batch}.f32")
    with torch.inference_mode():
        numpy.save(directory / "answer.npy", exact(x[:1].double()).numpy())
    temporary = directory / "unfinished.onnx"
    torch.onnx.export(
        net, (torch.randn(1, *shape(name)),), str(temporary), dynamo=False, opset_version=17,
        input_names=["x"], output_names=["y"], dynamic_axes={"x": {0: "batch"}, "y": {0: "batch"}})  # fmt: skip
    temporary.rename(directory / "net.onnx")


if __name__ == "__main__":
    export(sys.argv[1], Path(sys.argv[2]) / sys.argv[1])
