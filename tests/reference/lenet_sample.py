"""Makes what `cnnc run` shows without a file of a checkpoint that `cnnc train models/recipes/embedded_lenet.yaml` left.

What comes in is the checkpoint (`last.safetensors`: the weights of the last epoch, never the best one on the test images)
and the folder of Fashion-MNIST's four gzipped IDX files. What goes out is `models/lenet.safetensors` (the weights alone,
under the keys of `torch.nn.Sequential`, into which they are loaded here), `models/sample.png` (the first test image) and
`lenet_sample.json` (what PyTorch says of it, in float64). Pixels are divided by 255 in float32, nothing else.
    pip install -r tests/reference/requirements.txt
    python tests/reference/lenet_sample.py --data FOLDER models/recipes/runs/embedded_lenet/last.safetensors
"""

import argparse
import gzip
import json
import pathlib

import numpy
import torch
from PIL import Image

import d2l_nets
import fixture

CLASSES = ("t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
LICENCE = "Trained on Fashion-MNIST, (c) 2017 Zalando SE, https://tech.zalando.com, MIT licence"


def read_idx(path):
    """The unsigned bytes of a gzipped IDX file, in its shape."""
    data = gzip.decompress(path.read_bytes())
    sizes = numpy.frombuffer(data, ">u4", count=data[3], offset=4)
    return numpy.frombuffer(data, numpy.uint8, offset=4 + 4 * len(sizes)).reshape(tuple(sizes))


def read_test_set(folder):
    """Images as float32 [count, 1, 28, 28] in [0, 1], labels as int64 [count]."""
    images = read_idx(folder / "t10k-images-idx3-ubyte.gz")[:, None] / numpy.float32(255)
    labels = read_idx(folder / "t10k-labels-idx1-ubyte.gz").astype(numpy.int64)
    return torch.from_numpy(images), torch.from_numpy(labels)


def read_weights(path):
    """The float32 tensors of a checkpoint, without the optimiser's state, whose keys have a `/`."""
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    tensors = {}
    for key, entry in header.items():
        if key != "__metadata__" and "/" not in key:
            start, end = (8 + length + offset for offset in entry["data_offsets"])
            tensors[key] = numpy.frombuffer(data[start:end], numpy.float32).reshape(entry["shape"])
    return tensors


def accuracy(net, images, labels):
    """The share of images whose largest logit is their label's."""
    with torch.no_grad():
        guesses = torch.cat([net(part).argmax(1) for part in images.split(1000)])
    return (guesses == labels).double().mean().item()


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
    parser.add_argument("checkpoint", type=pathlib.Path)
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder of the gzipped IDX files")
    options = parser.parse_args()
    models = pathlib.Path(__file__).parents[2] / "models"

    net = d2l_nets.classic_lenet()
    state = net.state_dict()
    weights = read_weights(options.checkpoint)
    weights = {key: weights[key] for key in state}
    net.load_state_dict({key: torch.from_numpy(value.copy()) for key, value in weights.items()})
    test_set = read_test_set(options.data)
    share = f"{accuracy(net, *test_set):.4f}"
    print("accuracy", share)
    about = {"accuracy": share, "licence": LICENCE, "recipe": "models/recipes/embedded_lenet.yaml"}
    fixture.save(models / "lenet.safetensors", weights, about)
    save_sample(net, *test_set, models)


if __name__ == "__main__":
    main()
