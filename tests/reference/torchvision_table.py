"""Makes `torchvision.json`: parameter counts, multiply-adds and keys of torchvision's networks.

What goes out is a line for each network: `params` (trainable), `gmacs` (the `_ops` that torchvision publishes with
its first classification weights at 224x224, which are multiply-adds in units of 10^9), `keys`: the `state_dict` in
its order, each as "key shape", a scalar's shape being empty ("bn1.num_batches_tracked ").
    pip install -r tests/reference/requirements.txt
    python tests/reference/torchvision_table.py
"""

import json
import pathlib

import torch
import torchvision

FILE = pathlib.Path(__file__).parent / "torchvision.json"
NAMES = (
    "alexnet",
    *(f"vgg{depth}{norm}" for norm in ("", "_bn") for depth in (11, 13, 16, 19)),
    *(f"resnet{depth}" for depth in (18, 34, 50, 101, 152)),
    "resnext50_32x4d",
    "wide_resnet50_2",
    "squeezenet1_1",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "shufflenet_v2_x1_0",
    "efficientnet_b0",
    "googlenet",
    "densenet121",
)
OPTIONS = {"googlenet": {"aux_logits": False, "init_weights": False, "transform_input": False}}


def build(name):
    """A network as torchvision makes it, without weights, without training-only heads."""
    return torchvision.models.get_model(name, weights=None, **OPTIONS.get(name, {}))


def published(name):
    """What torchvision says of the first weights of a network: its metadata."""
    return next(iter(torchvision.models.get_model_weights(name))).meta


def facts(name):
    """A network's line of the table."""
    with torch.device("meta"):
        net = build(name)
    params = sum(value.numel() for value in net.parameters() if value.requires_grad)
    assert params == published(name)["num_params"], f"{name}: {params} is not what torchvision publishes"
    keys = [f"{key} {'x'.join(map(str, value.shape))}" for key, value in net.state_dict().items()]
    return {"params": params, "gmacs": published(name)["_ops"], "keys": keys}


def main():
    versions = {"torch": torch.__version__, "torchvision": torchvision.__version__}
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in versions.items()]
    lines += [f"{json.dumps(name)}: {json.dumps(facts(name))}" for name in NAMES]
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
