"""Makes `torchvision.json`: parameter counts, multiply-adds and keys of torchvision's networks.

What goes out is a line for each network: `params` (trainable), `gmacs` (the `_ops` that torchvision publishes with
its first weights, at the size that these are used with; multiply-adds in units of 10^9), `keys`: the `state_dict` in
its order, each as "key shape", a scalar's shape being empty ("bn1.num_batches_tracked ").
Those that take any size have `size`, the height and width that the multiply-adds are counted at.
Of a network whose published figures count a head that serves training only, `gmacs` is without that head's share.
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
    "inception_v3",
    "mnasnet1_0",
    "regnet_x_400mf",
    "regnet_y_400mf",
    "efficientnet_v2_s",
    "convnext_tiny",
    "deeplabv3_resnet50",
    "lraspp_mobilenet_v3_large",
    "ssd300_vgg16",
    "vit_b_16",
)
OPTIONS = {
    "googlenet": {"aux_logits": False, "init_weights": False, "transform_input": False},
    "inception_v3": {"aux_logits": False, "init_weights": False, "transform_input": False},
    "deeplabv3_resnet50": {"weights_backbone": None, "aux_loss": False},
    "lraspp_mobilenet_v3_large": {"weights_backbone": None},
    "ssd300_vgg16": {"weights_backbone": None},
}
SIZES = {"deeplabv3_resnet50": 520, "lraspp_mobilenet_v3_large": 520}
# Parameters and billions of multiply-adds of heads that serve training only, where what is published counts them.
HEADS = {
    "inception_v3": (3_326_696, 0),
    "deeplabv3_resnet50": (2_365_205, 65 * 65 * (9 * 1024 + 21) * 256 / 1e9),
}


def build(name):
    """A network as torchvision makes it, without weights, without training-only heads."""
    return torchvision.models.get_model(name, weights=None, **OPTIONS.get(name, {}))


def published(name):
    """What torchvision says of the first weights of a network: its metadata."""
    return next(iter(torchvision.models.get_model_weights(name))).meta


def facts(name):
    """A network's line of the table. RegNet computes its sizes with tensors, which must hold something."""
    with torch.device("cpu" if name.startswith("regnet") else "meta"):
        net = build(name)
    params = sum(value.numel() for value in net.parameters() if value.requires_grad)
    head, head_gmacs = HEADS.get(name, (0, 0))
    assert params + head == published(name)["num_params"], f"{name}: {params} is not what torchvision publishes"
    keys = [f"{key} {'x'.join(map(str, value.shape))}" for key, value in net.state_dict().items()]
    size = {"size": SIZES[name]} if name in SIZES else {}
    return {"params": params, "gmacs": round(published(name)["_ops"] - head_gmacs, 3), **size, "keys": keys}


def main():
    versions = {"torch": torch.__version__, "torchvision": torchvision.__version__}
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in versions.items()]
    lines += [f"{json.dumps(name)}: {json.dumps(facts(name))}" for name in NAMES]
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
