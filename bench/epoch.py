"""Compares a whole epoch of LeNet with PyTorch's, loading included: python epoch.py --data FOLDER [--rounds 3] ...

What comes in is the folder of Fashion-MNIST's four gzipped IDX files; what goes out is pictures a second, a line an engine. PyTorch
trains as "Dive into Deep Learning" does: pictures as torchvision's data set gives them, `ToTensor`, a `DataLoader` that shuffles, SGD.
cnnc trains by `models/recipes/lenet.yaml`. Both count from the first batch of an epoch to the last, validation not included, and
engines take turns, an epoch each; PyTorch's first epoch, which starts its workers, does not count.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from PIL import Image
from torch import nn
from torchvision import transforms

import compare
import engines
import learn

CASES = [("eager", 0), ("eager", 2), ("torch.compile", 2)]


class Pictures(torch.utils.data.Dataset):
    """Pictures and labels as `torchvision.datasets.FashionMNIST` gives them."""

    def __init__(self, folder):
        self.images, self.labels = learn.read_split(folder, "train")
        self.transform = transforms.ToTensor()

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        return self.transform(Image.fromarray(self.images[index].numpy(), mode="L")), int(self.labels[index])


class Theirs:
    """PyTorch, eager or compiled, with a number of workers that load."""

    def __init__(self, folder, kind, workers):
        self.net = learn.d2l_nets.classic_lenet()
        learn.start(self.net, 0, as_cnnc=False)
        self.forward = torch.compile(self.net) if kind == "torch.compile" else self.net
        self.rule = torch.optim.SGD(self.net.parameters(), lr=0.1)
        self.data = Pictures(folder)
        self.loader = torch.utils.data.DataLoader(self.data, learn.BATCH, shuffle=True, num_workers=workers)

    def epoch(self):
        """Pictures a second over an epoch."""
        begun = time.perf_counter()
        for inputs, labels in self.loader:
            loss = nn.functional.cross_entropy(self.forward(inputs), labels)
            self.rule.zero_grad()
            loss.backward()
            self.rule.step()
        return len(self.data) / (time.perf_counter() - begun)


def ours(options):
    """Pictures a second over an epoch of cnnc's, as its log says."""
    recipe = (engines.ROOT / "models/recipes/lenet.yaml").read_text().replace("epochs: 10", "epochs: 1")
    recipe = recipe.replace("../lenet.cnn", str(engines.ROOT / "models/lenet.cnn"))
    with tempfile.TemporaryDirectory() as folder:
        path, output = Path(folder) / "lenet.yaml", Path(folder) / "run"
        path.write_text(recipe)
        command = [options.cnnc, "train", path, "--data", options.data, "--threads", options.threads, "--output", output]
        subprocess.run([str(part) for part in command], check=True, capture_output=True)
        return json.loads((output / "log.jsonl").read_text().splitlines()[0])["images_per_second"]


def main():
    """Takes turns, and prints medians."""
    parser = argparse.ArgumentParser(description="Compares a whole epoch of LeNet with PyTorch's, loading included.")
    parser.add_argument("--data", type=Path, required=True, help="folder of the gzipped IDX files")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3, help="epochs of each engine")
    parser.add_argument("--cnnc", type=Path, default=engines.ROOT / "target/release/cnnc", help="the executable")
    parser.add_argument("--force", action="store_true", help="measure although the machine is busy")
    options = parser.parse_args()
    compare.wait_for_quiet(options.force)
    torch.set_num_threads(options.threads)
    theirs = {f"{kind}, {workers} workers": Theirs(options.data, kind, workers) for kind, workers in CASES}
    for engine in theirs.values():
        engine.epoch()
    rates = {name: [] for name in ["cnnc", *theirs]}
    for _ in range(options.rounds):
        rates["cnnc"].append(ours(options))
        for name, engine in theirs.items():
            rates[name].append(engine.epoch())
    medians = {name: statistics.median(values) for name, values in rates.items()}
    for name, rate in medians.items():
        print(f"{name}: {rate:,.0f} pictures a second, cnnc {medians['cnnc'] / rate:.2f} times as many")


if __name__ == "__main__":
    sys.exit(main())
