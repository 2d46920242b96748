"""Compares single layers with PyTorch's on this machine: python layers.py [--cases conv1d,conv3d] [--threads 2] [--before OTHER_CNNC]

The peers' networks hold none of these layers: sequences, volumes, enlarging, attention, matrices, long fully connected layers.
Each case is a spec of a line or two and the same module in PyTorch; both take turns, as in `compare.py`. A case may name another that
should take as long (a sequence beside the same layer over an image of one row).
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

import compare
import engines

WORK = engines.WORK / "layers"


def kept(shape):
    """A spec's input line."""
    return f"    input [{', '.join(map(str, shape))}]\n"


class Attention(nn.Module):
    """Self-attention, as a spec's `MultiheadAttention` without arguments is."""

    def __init__(self):
        super().__init__()
        self.inner = nn.MultiheadAttention(384, 6, batch_first=True)

    def forward(self, x):
        return self.inner(x, x, x, need_weights=False)[0]


def enlarge(mode):
    """Enlarging twice by a mode of `interpolate`."""
    return lambda x: functional.interpolate(x, scale_factor=2, mode=mode)


def product(x):
    """A Gram matrix of every picture's channels."""
    rows = x.flatten(2)
    return rows @ rows.transpose(1, 2)


GRAM = """    Flatten(2)
    matmul {
        Identity
        Permute((0, 2, 1))
    }
"""

# Name, input shape, the spec's lines, PyTorch's function.
CASES = {
    "conv1d": ((8, 64, 1024), "    Conv1d(64, kernel_size=9, padding=4)\n", nn.Conv1d(64, 64, 9, padding=4)),
    "conv1d as 2-D": ((8, 64, 1, 1024), "    Conv2d(64, kernel_size=(1, 9), padding=(0, 4))\n", nn.Conv2d(64, 64, (1, 9), padding=(0, 4))),
    "max_pool1d": ((8, 64, 1024), "    MaxPool1d(4)\n", nn.MaxPool1d(4)),
    "max_pool1d as 2-D": ((8, 64, 1, 1024), "    MaxPool2d((1, 4))\n", nn.MaxPool2d((1, 4))),
    "avg_pool1d": ((8, 64, 1024), "    AvgPool1d(4)\n", nn.AvgPool1d(4)),
    "avg_pool1d as 2-D": ((8, 64, 1, 1024), "    AvgPool2d((1, 4))\n", nn.AvgPool2d((1, 4))),
    "conv_transpose1d": ((8, 64, 512), "    ConvTranspose1d(64, kernel_size=4, stride=2, padding=1)\n", nn.ConvTranspose1d(64, 64, 4, 2, 1)),
    "conv_transpose1d as 2-D": (
        (8, 64, 1, 512),
        "    ConvTranspose2d(64, kernel_size=(1, 4), stride=(1, 2), padding=(0, 1))\n",
        nn.ConvTranspose2d(64, 64, (1, 4), (1, 2), (0, 1)),
    ),
    "conv3d 3x3x3": ((1, 64, 16, 56, 56), "    Conv3d(64, kernel_size=3, padding=1)\n", nn.Conv3d(64, 64, 3, padding=1)),
    "conv3d stem": ((1, 3, 16, 112, 112), "    Conv3d(64, kernel_size=3, padding=1)\n", nn.Conv3d(3, 64, 3, padding=1)),
    "conv3d deep": ((1, 512, 2, 7, 7), "    Conv3d(512, kernel_size=3, padding=1)\n", nn.Conv3d(512, 512, 3, padding=1)),
    "conv3d stride 2": ((1, 64, 16, 56, 56), "    Conv3d(128, kernel_size=3, stride=2, padding=1)\n", nn.Conv3d(64, 128, 3, 2, 1)),
    "conv_transpose3d": ((1, 32, 8, 28, 28), "    ConvTranspose3d(32, kernel_size=2, stride=2)\n", nn.ConvTranspose3d(32, 32, 2, 2)),
    "batch_norm3d": ((1, 64, 16, 56, 56), "    BatchNorm3d\n", nn.BatchNorm3d(64)),
    "max_pool3d": ((1, 64, 16, 56, 56), "    MaxPool3d(2)\n", nn.MaxPool3d(2)),
    "avg_pool3d": ((1, 64, 16, 56, 56), "    AvgPool3d(2)\n", nn.AvgPool3d(2)),
    "adaptive_avg_pool3d": ((1, 64, 16, 56, 56), "    AdaptiveAvgPool3d(1)\n", nn.AdaptiveAvgPool3d(1)),
    "bicubic": ((1, 64, 56, 56), '    Upsample(scale_factor=2, mode="bicubic")\n', enlarge("bicubic")),
    "bilinear": ((1, 64, 56, 56), '    Upsample(scale_factor=2, mode="bilinear")\n', enlarge("bilinear")),
    "nearest-exact": ((1, 64, 56, 56), '    Upsample(scale_factor=2, mode="nearest-exact")\n', enlarge("nearest-exact")),
    "nearest": ((1, 64, 56, 56), '    Upsample(scale_factor=2, mode="nearest")\n', enlarge("nearest")),
    "attention 197": ((1, 197, 384), "    MultiheadAttention(6, batch_first=true)\n", Attention()),
    "attention 1024": ((1, 1024, 384), "    MultiheadAttention(6, batch_first=true)\n", Attention()),
    "matmul 64": ((8, 64, 56, 56), GRAM, product),
    "matmul 256": ((8, 256, 28, 28), GRAM, product),
    "linear 25088": ((1, 25088), "    Linear(4096)\n", nn.Linear(25088, 4096)),
    "linear 25088 by 8": ((8, 25088), "    Linear(1024)\n", nn.Linear(25088, 1024)),
    "linear 784": ((128, 784), "    Linear(256)\n", nn.Linear(784, 256)),
}


class Torch:
    """A module of PyTorch in this process, in inference mode."""

    def __init__(self, module, shape, threads):
        torch.set_num_threads(threads)
        self.module = module.eval() if isinstance(module, nn.Module) else module
        self.x = torch.randn(shape)

    def measure(self, seconds):
        """The median time of a run in milliseconds, over so many seconds."""
        times = []
        with torch.inference_mode():
            self.module(self.x)
            end = time.perf_counter() + seconds
            while time.perf_counter() < end:
                start = time.perf_counter()
                self.module(self.x)
                times.append(time.perf_counter() - start)
        return sorted(times)[len(times) // 2] * 1000 if times else 0.0

    def stop(self):
        """Nothing stays."""


class Spec(engines.Cnnc):
    """cnnc on a spec of its own; sizes are those that the input line says."""

    def __init__(self, binary, path, threads):
        super().__init__(binary, "", 1, threads)
        self.path = path

    def measure(self, seconds):
        """The median time of a run in milliseconds, over so many seconds."""
        options = ["--threads", self.threads, "--seconds", seconds, "--format", "json"]
        return engines.json.loads(self.run("bench", self.path, *options))["median_ms"]


def write(name, shape, lines):
    """The case's spec as a file."""
    WORK.mkdir(parents=True, exist_ok=True)
    path = WORK / f"{name.replace(' ', '_').replace(',', '')}.cnn"
    path.write_text(f"model Layer {{\n{kept(shape)}{lines}}}\n")
    return path


def measured(options, name):
    """The medians of one case by every engine, and the faster of the others over cnnc's."""
    shape, lines, module = CASES[name]
    path = write(name, shape, lines)
    running = {"cnnc": Spec(options.cnnc, path, options.threads), "torch": Torch(module, shape, options.threads)}
    if options.before:
        try:
            before = Spec(options.before, path, options.threads)
            before.measure(0.01)
            running["before"] = before
        except RuntimeError:
            pass
    medians = compare.turns(running, options.rounds, options.seconds)[1]
    times = "".join(f" {medians[engine]:.4g} |" if engine in medians else " |" for engine in ["cnnc", "before", "torch"])
    return f"| {name} | {'×'.join(map(str, shape))} |{times} {medians['torch'] / medians['cnnc']:.2f} |"


def main():
    """Measures what was asked for, and prints a line a case."""
    parser = argparse.ArgumentParser(description="Compares single layers with PyTorch's on this machine.")
    parser.add_argument("--cases", default=",".join(CASES), help="names, by commas")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5, help="turns of each engine")
    parser.add_argument("--seconds", type=float, default=0.2, help="length of a turn")
    parser.add_argument("--cnnc", type=Path, default=engines.ROOT / "target/release/cnnc", help="the executable")
    parser.add_argument("--before", type=Path, help="another build of it, to measure beside")
    parser.add_argument("--force", action="store_true", help="measure although the machine is busy")
    options = parser.parse_args()
    compare.wait_for_quiet(options.force)
    print("| layer | input | cnnc, ms | before | torch | torch over cnnc |\n|---|---|---|---|---|---|")
    for name in options.cases.split(","):
        print(measured(options, name), flush=True)


if __name__ == "__main__":
    main()
