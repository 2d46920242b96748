"""PyTorch's side of `docs/training.md`: trains a net of `models/recipes/` by the same recipe, and prints a line an epoch.

What comes in is the folder of Fashion-MNIST's four gzipped IDX files; what goes out is JSON lines with the keys of cnnc's
`log.jsonl`. The recipe is that of "Dive into Deep Learning": SGD, batches of 128 (the last one smaller), weights xavier
uniform and biases as PyTorch starts them, pictures resized by torchvision, pixels from 0 to 1.
With `--as-cnnc` the first values and the order of every epoch are those that cnnc draws from the same seed, so that both
sides do the same arithmetic on the same numbers; `--float64` shows how far rounding alone leads apart. `--subset N` writes the first N training pictures and the first N / 5 test
pictures of a folder into another one, for nets that take hours.
    pip install -r bench/requirements.txt
    python bench/learn.py lenet --data /usr/share/datasets/fashion-mnist --seed 0
    python bench/learn.py --subset 6000 --data /usr/share/datasets/fashion-mnist --into FOLDER
"""

import argparse
import gzip
import json
import math
import pathlib
import sys
import time

import numpy
import torch
from torch import nn
from torchvision.transforms import functional as pictures

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "tests" / "reference"))
import d2l_nets  # noqa: E402
import formula  # noqa: E402

VGG_SMALL = ((1, 16), (1, 32), (2, 64), (2, 128), (2, 128))
BATCH = 128
# Name: the network, its learning rate, the side that pictures are resized to, epochs.
NETS = {
    "lenet": (d2l_nets.classic_lenet, 0.1, 28, 10),
    "modern_lenet": (d2l_nets.lenet, 0.1, 28, 10),
    "vgg_small": (lambda: d2l_nets.vgg(VGG_SMALL), 0.01, 224, 1),
    "resnet18": (d2l_nets.resnet18, 0.01, 96, 2),
}


def read_idx(path):
    """The unsigned bytes of a gzipped IDX file, in its shape."""
    data = gzip.decompress(path.read_bytes())
    sizes = numpy.frombuffer(data, ">u4", count=data[3], offset=4)
    return numpy.frombuffer(data, numpy.uint8, offset=4 + 4 * len(sizes)).reshape(tuple(sizes))


def write_subset(folder, into, count):
    """The first pictures and labels of both sets, as IDX files."""
    into.mkdir(parents=True, exist_ok=True)
    for split, some in (("train", count), ("t10k", count // 5)):
        for kind in ("images-idx3", "labels-idx1"):
            name = f"{split}-{kind}-ubyte.gz"
            values = read_idx(folder / name)[:some]
            head = bytes((0, 0, 8, values.ndim)) + numpy.array(values.shape, ">u4").tobytes()
            (into / name).write_bytes(gzip.compress(head + values.tobytes(), mtime=0))


def read_split(folder, split):
    """Images as uint8 [count, 28, 28], labels as int64 [count]."""
    images, labels = (read_idx(folder / f"{split}-{kind}-ubyte.gz") for kind in ("images-idx3", "labels-idx1"))
    return torch.from_numpy(images.copy()), torch.from_numpy(labels.astype(numpy.int64))


def batch_of(images, side):
    """Pictures as the network takes them, float32 [count, 1, side, side] from 0 to 1."""
    if side != images.shape[-1]:
        resized = (pictures.resize(pictures.to_pil_image(image), [side, side]) for image in images)
        values = torch.stack([pictures.to_tensor(image) for image in resized])
    else:
        values = images[:, None].float() / 255
    return values.to(torch.get_default_dtype())


def start(net, seed, as_cnnc):
    """Fills a network: PyTorch's numbers of that seed, or cnnc's."""
    torch.manual_seed(seed)
    for layer in net.modules():
        if isinstance(layer, (nn.Linear, nn.Conv2d)):
            layer.reset_parameters()
            nn.init.xavier_uniform_(layer.weight)
    if not as_cnnc:
        return
    state = net.state_dict()
    for key, value in state.items():
        weight = state[key.rsplit(".", 1)[0] + ".weight"]
        if weight.dim() < 2:
            continue  # a normalisation starts with ones and zeros on both sides
        fan_in, fan_out = nn.init._calculate_fan_in_and_fan_out(weight)
        bound = math.sqrt(6 / (fan_in + fan_out)) if value.dim() > 1 else 1 / math.sqrt(fan_in)
        value.copy_(torch.from_numpy(formula.symmetric(key, value.numel(), seed) * bound).float().view_as(value))


def order_of(count, seed, epoch):
    """The order in which cnnc goes through an epoch."""
    order = list(range(count))
    uniform = (formula.symmetric(f"order of epoch {epoch}", count - 1, seed) + 1) / 2
    for last, share in zip(range(count - 1, 0, -1), uniform):
        other = int(share * (last + 1))
        order[last], order[other] = order[other], order[last]
    return torch.tensor(order)


def validate(net, images, labels, side):
    """Mean loss and share of right answers."""
    net.eval()
    loss = right = 0
    with torch.no_grad():
        for some, of in zip(images.split(BATCH), labels.split(BATCH)):
            scores = net(batch_of(some, side))
            loss += nn.functional.cross_entropy(scores, of, reduction="sum").item()
            right += (scores.argmax(1) == of).sum().item()
    net.train()
    return loss / len(labels), right / len(labels)


def train(options):
    """Trains, and prints what cnnc writes into its log."""
    make, rate, side, epochs = NETS[options.net]
    images, labels = read_split(options.data, "train")
    validation = read_split(options.data, "t10k")
    net = make()
    start(net, options.seed, options.as_cnnc)
    rule = torch.optim.SGD(net.parameters(), lr=rate)
    for epoch in range(options.epochs or epochs):
        begun, total = time.time(), 0
        shuffled = order_of(len(labels), options.seed, epoch) if options.as_cnnc else torch.randperm(len(labels))
        for chosen in shuffled.split(BATCH):
            loss = nn.functional.cross_entropy(net(batch_of(images[chosen], side)), labels[chosen])
            rule.zero_grad()
            loss.backward()
            rule.step()
            total += loss.item() * len(chosen)
        val_loss, val_accuracy = validate(net, *validation, side)
        line = {"epoch": epoch + 1, "train_loss": total / len(labels), "val_loss": val_loss}
        print(json.dumps({**line, "val_accuracy": val_accuracy, "seconds": time.time() - begun}), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("net", nargs="?", choices=NETS)
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder of the gzipped IDX files")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, help="the recipe's unless given")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--as-cnnc", action="store_true", help="cnnc's first values and order of pictures")
    parser.add_argument("--float64", action="store_true")
    parser.add_argument("--subset", type=int, help="write so many pictures into --into, and train nothing")
    parser.add_argument("--into", type=pathlib.Path)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.float64:
        torch.set_default_dtype(torch.float64)
    if options.subset:
        write_subset(options.data, options.into, options.subset)
    elif options.net:
        train(options)
    else:
        parser.error("which net?")


if __name__ == "__main__":
    main()
