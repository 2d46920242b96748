"""Compares how fast photographs are loaded for training: python loading.py [--pictures 512] [--rounds 5]

What comes in is a folder of photographs (PNG or JPEG, at least 500×375; `--photographs`, for instance those that scikit-image's wheel
carries in `skimage/data`); parts of them at random places become as many JPEGs of 500×375 as asked for, at quality 90 and 4:2:0,
in two class folders. Then each side goes through all of them, in turns: decoding, `RandomResizedCrop(224)`, a flip, numbers
normalised, batches of 64, two workers. PyTorch's is torchvision's `ImageFolder` under a `DataLoader` with persistent workers, once with
the transforms on Pillow's images as its own reference scripts have them and once with `decode_image` and tensors of bytes; cnnc's is
`runtime/examples/loading.rs`. What goes out is pictures a second, the median of the rounds, and the ratio to the faster of theirs. A round before the first,
in which files come into the system's memory and workers are started, does not count.
    pip install -r bench/requirements.txt
    cargo build --release --example loading
    python bench/loading.py --photographs FOLDER
"""

import argparse
import json
import pathlib
import random
import statistics
import subprocess
import tempfile
import time

import torch
from PIL import Image
from torchvision import datasets, io
from torchvision.transforms import v2

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
BATCH, WORKERS, SIDE = 64, 2, 224
SIZE = (500, 375)
ROOT = pathlib.Path(__file__).parents[1]


def make_pictures(photographs, into, count):
    """So many JPEGs of 500×375 in `train/first` and `train/second`, two of them in `validation` too."""
    draw = random.Random(0)
    sources = []
    for path in sorted(photographs.iterdir()):
        if path.suffix.lower() in (".png", ".jpg", ".jpeg"):
            image = Image.open(path).convert("RGB")
            scale = max(SIZE[0] / image.width, SIZE[1] / image.height)
            if scale <= 1.6 and image.width >= 300:
                grown = [max(round(side * max(scale, 1)), least) for side, least in zip(image.size, SIZE)]
                sources.append(image.resize(grown, Image.BICUBIC))
    if not sources:
        raise SystemExit(f"no photographs of at least 300 pixels in {photographs}")
    for number in range(count):
        source = draw.choice(sources)
        left, top = (draw.randint(0, most - side) for most, side in zip(source.size, SIZE))
        part = source.crop((left, top, left + SIZE[0], top + SIZE[1]))
        for split in ("train", "validation") if number < 2 else ("train",):
            folder = into / split / ("first", "second")[number % 2]
            folder.mkdir(parents=True, exist_ok=True)
            part.save(folder / f"{number:05}.jpg", quality=90, subsampling="4:2:0")
    return sum(path.stat().st_size for path in (into / "train").rglob("*.jpg")) / count


def theirs(folder, with_tensors):
    """A `DataLoader` as torchvision's users write it."""
    first = [] if with_tensors else [v2.PILToTensor()]
    steps = [v2.RandomResizedCrop(SIDE, antialias=True), v2.RandomHorizontalFlip()]
    last = [v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)]
    loader = io.decode_image if with_tensors else datasets.folder.default_loader
    data = datasets.ImageFolder(folder / "train", v2.Compose(steps + first + last), loader=loader)
    return torch.utils.data.DataLoader(data, BATCH, shuffle=True, num_workers=WORKERS, persistent_workers=True)


def epoch(loader):
    """Pictures a second over all batches."""
    begun, pictures = time.perf_counter(), 0
    for inputs, _ in loader:
        pictures += len(inputs)
    return pictures / (time.perf_counter() - begun)


class Ours:
    """cnnc's loader, a process of as many epochs as rounds, each let begin by a line."""

    def __init__(self, folder, program):
        spec = folder / "net.cnn"
        spec.write_text(
            "model Net {\n    input [N, 3, 224, 224]\n    AdaptiveAvgPool2d(1); Flatten; Linear(2)\n}\n"
        )
        recipe = folder / "recipe.yaml"
        transforms = [
            {"random_resized_crop": SIDE},
            "random_horizontal_flip",
            {"normalize": {"mean": MEAN, "std": STD}},
        ]
        recipe.write_text(
            json.dumps(
                {
                    "model": "net.cnn",
                    "data": {"format": "folder", "path": ".", "train": transforms, "workers": WORKERS},
                    "optimizer": "sgd",
                    "batch_size": BATCH,
                    "epochs": 1,
                    "output": "run",
                }
            )
        )
        self.command = [str(program), str(recipe), "2"]

    def epoch(self):
        """Pictures a second of the second epoch of a process."""
        printed = subprocess.run(self.command, capture_output=True, text=True, check=True).stdout
        return float(printed.split()[-1])


def main():
    """Prints a line a side."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--photographs", type=pathlib.Path, required=True)
    parser.add_argument("--pictures", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "target/release/examples/loading")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        size = make_pictures(arguments.photographs, folder, arguments.pictures)
        print(f"{arguments.pictures} JPEGs of {SIZE[0]}x{SIZE[1]}, {size / 1024:.0f} KiB each; torch {torch.__version__}")
        ours = Ours(folder, arguments.program)
        sides = {"torchvision, Pillow": theirs(folder, False), "torchvision, tensors": theirs(folder, True)}
        turns = {name: lambda loader=loader: epoch(loader) for name, loader in sides.items()} | {"cnnc": ours.epoch}
        rates = {name: [] for name in turns}
        for number in range(arguments.rounds + 1):
            for name, turn in turns.items():
                rate = turn()
                if number:
                    rates[name].append(rate)
    medians = {name: statistics.median(found) for name, found in rates.items()}
    best = max(rate for name, rate in medians.items() if name != "cnnc")
    for name, rate in medians.items():
        low, high = min(rates[name]), max(rates[name])
        print(f"{name:22} {rate:7.1f} pictures/s ({low:.1f} to {high:.1f})  {rate / best:.2f}")


if __name__ == "__main__":
    main()
