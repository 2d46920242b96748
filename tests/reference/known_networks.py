"""Makes `known/`: checkpoints of networks whose specs ship, and inputs with what PyTorch answers, in float64.

What goes out is a file for each case:
    nested_blocks.pth    the network of `models/nested_blocks.cnn` as `DataParallel` saves it, under the key `ema`, beside an epoch,
                         with `nested_blocks.input.npy` and `nested_blocks.output.npy`
    two_networks.pth     a state that two models of `models/course/function_classes.cnn` have
    pip install -r tests/reference/requirements.txt
    python tests/reference/known_networks.py
"""

import pathlib
from collections import OrderedDict

import numpy
import torch
from torch import nn

FOLDER = pathlib.Path(__file__).resolve().parent / "known"


def block_1():
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 4), nn.ReLU())


def nested_blocks():
    blocks = OrderedDict((f"block {place}", block_1()) for place in range(4))
    return nn.Sequential(nn.Sequential(blocks), nn.Linear(4, 1))


def two_convolutions():
    layers = [("conv1", nn.Conv2d(1, 4, 3, padding=1)), ("relu", nn.ReLU()), ("conv2", nn.Conv2d(4, 1, 3, padding=1))]
    return nn.Sequential(nn.Sequential(OrderedDict(layers)))


def main():
    FOLDER.mkdir(exist_ok=True)
    torch.manual_seed(16)
    net = nested_blocks()
    with torch.no_grad():
        # Biases that keep some of each ReLU's numbers above zero.
        for name, parameter in net.named_parameters():
            if name.endswith("bias"):
                parameter.fill_(0.5)
    torch.save({"epoch": 3, "ema": nn.DataParallel(net).state_dict()}, FOLDER / "nested_blocks.pth")
    taken = torch.randn(3, 4)
    numpy.save(FOLDER / "nested_blocks.input.npy", taken.numpy())
    numpy.save(FOLDER / "nested_blocks.output.npy", net.double()(taken.double()).detach().numpy())
    torch.save(two_convolutions().state_dict(), FOLDER / "two_networks.pth")


if __name__ == "__main__":
    main()
