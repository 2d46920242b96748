"""Trains D2L's LeNet on Fashion-MNIST and saves it with one test image: what `cnnc run` without a file shows.

What comes in is the folder of the four gzipped IDX files (Debian's package `dataset-fashion-mnist`); what goes out is
`models/lenet.safetensors` (float32, the keys of `torch.nn.Sequential`), `models/sample.png` (the first test image)
and `lenet_sample.json` (what the net says of it, in float64). Pixels are divided by 255 in float32, nothing else.
Horizontal flips are the only augmentation. The weights saved are those of the last epoch, never the best one on
the test images.
    pip install -r tests/reference/requirements.txt
    python tests/reference/train_lenet.py --data FOLDER
"""

import argparse
import gzip
import json
import pathlib

import numpy
import torch
from PIL import Image
from torch import nn

import d2l_nets
import fixture

CLASSES = ("t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
LICENCE = "Trained on Fashion-MNIST, (c) 2017 Zalando SE, https://tech.zalando.com, MIT licence"
BATCH, PEAK_LEARNING_RATE = 128, 4e-3


def read_idx(path):
    """The unsigned bytes of a gzipped IDX file, in its shape."""
    data = gzip.decompress(path.read_bytes())
    sizes = numpy.frombuffer(data, ">u4", count=data[3], offset=4)
    return numpy.frombuffer(data, numpy.uint8, offset=4 + 4 * len(sizes)).reshape(tuple(sizes))


def read_split(folder, split):
    """Images as float32 [count, 1, 28, 28] in [0, 1], labels as int64 [count]."""
    images = read_idx(folder / f"{split}-images-idx3-ubyte.gz")[:, None] / numpy.float32(255)
    labels = read_idx(folder / f"{split}-labels-idx1-ubyte.gz").astype(numpy.int64)
    return torch.from_numpy(images), torch.from_numpy(labels)


def accuracy(net, images, labels):
    """The share of images whose largest logit is their label's."""
    with torch.no_grad():
        guesses = torch.cat([net(part).argmax(1) for part in images.split(1000)])
    return (guesses == labels).double().mean().item()


def train(net, train_set, test_set, epochs):
    """Adam with one cycle of the learning rate; prints a line an epoch."""
    for layer in net:
        if hasattr(layer, "weight"):
            nn.init.xavier_uniform_(layer.weight)
    images, labels = train_set
    steps = -(-len(images) // BATCH)
    optimizer = torch.optim.Adam(net.parameters(), lr=PEAK_LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_LEARNING_RATE, total_steps=epochs * steps)
    for epoch in range(epochs):
        total = 0.0
        for chosen in torch.randperm(len(images)).split(BATCH):
            batch = images[chosen]
            flip = torch.rand(len(batch)) < 0.5
            batch[flip] = batch[flip].flip(-1)
            loss = nn.functional.cross_entropy(net(batch), labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item() * len(batch)
        print(f"epoch {epoch + 1}: loss {total / len(images):.4f}, test {accuracy(net, *test_set):.4f}", flush=True)


def save_sample(net, images, labels, models):
    """The first test image as a picture, and what the net says of it in float64."""
    Image.fromarray((images[0, 0] * 255).round().byte().numpy()).save(models / "sample.png", optimize=True)
    with torch.no_grad():
        logits = net.double()(images[:1].double())[0]
    predicted = int(logits.argmax())
    assert predicted == int(labels[0]), "the sample must be classified right"
    facts = {
        "torch": torch.__version__,
        "input": "models/sample.png, each pixel divided by 255 in float32, then widened to float64",
        "weights": "models/lenet.safetensors, widened to float64",
        "logits": logits.tolist(),
        "predicted_class": predicted,
        "predicted_label": CLASSES[predicted],
        "probability": logits.softmax(0).max().item(),
        "labels": CLASSES,
    }
    text = json.dumps(facts, indent=1)
    (pathlib.Path(__file__).parent / "lenet_sample.json").write_text(text + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder of the gzipped IDX files")
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    models = pathlib.Path(__file__).parents[2] / "models"

    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    test_set = read_split(options.data, "t10k")
    net = d2l_nets.classic_lenet()
    train(net, read_split(options.data, "train"), test_set, options.epochs)
    metadata = {
        "accuracy": f"{accuracy(net, *test_set):.4f}",
        "licence": LICENCE,
        "torch": torch.__version__,
    }
    weights = {key: value.numpy() for key, value in net.state_dict().items()}
    fixture.save(models / "lenet.safetensors", weights, metadata)
    save_sample(net, *test_set, models)


if __name__ == "__main__":
    main()
