"""Makes `nets/<name>.safetensors`: what PyTorch answers for whole networks, in float64.

What goes out is a file for each network. Its input is the formula's tensor `input`; its parameters and buffers are
the formula's, by `state_dict` key (a tied parameter under its first name). The tensor `output` (`output0`, `output1`,
... where a network has several) holds every `step`-th element of the answer, row-major, from the first on, float64.
Metadata, all text
    torch, torchvision   versions
    file, model          the spec that must agree, under `models/`, and the model in it (empty: the default)
    input                JSON, the input's shape
    outputs              JSON, the shape of each answer
    step                 1 unless the answer is large
    factors              JSON, the (suffix, factor) pairs of `formula.py`, [] for most networks
Under the plain formula a long residual sum grows without bound, ReLU6 saturates and a squeeze-and-excitation lets
little through: the factors change one scale in each block, so that the answer stays moderate, depends on the input,
and float32 comes within 4e-6 of it.
    pip install -r tests/reference/requirements.txt
    python tests/reference/nets.py [NAME ...]
"""

import functools
import itertools
import json
import pathlib
import sys
from dataclasses import dataclass

import torch
import torchvision
from torch import nn

import attention_nets
import d2l_nets
import efficientnet_lite
import fixture
import formula
import small_nets
import yolo_v3
import yolo_v5_v8
from torchvision_table import NAMES, build

FOLDER = pathlib.Path(__file__).parent / "nets"
FEW, MANY = 1e-3, 1e3  # bounds of the standard deviation of a healthy answer


@dataclass(frozen=True)
class Net:
    """How a network is made, its input's shape, its spec, and what the text above calls step and factors."""

    make: object
    input: tuple
    file: str
    model: str = ""
    step: int = 1
    factors: tuple = ()


BASIC, BOTTLENECK = (("bn2.weight", 0.5),), (("bn3.weight", 0.3),)
LITE = (("_bn2.weight", 0.5),)
FACTORS = {
    "resnet34": BASIC,
    "resnet50": BOTTLENECK,
    "resnet101": BOTTLENECK,
    "resnet152": BOTTLENECK,
    "resnext50_32x4d": BOTTLENECK,
    "wide_resnet50_2": BOTTLENECK,
    "mobilenet_v2": (("conv.3.weight", 0.7),),
    "efficientnet_b0": (("block.1.1.weight", 1.4),),
    "efficientnet_v2_s": (("block.3.1.weight", 0.3), ("block.1.1.weight", 0.8)),
    "mnasnet1_0": (("layers.7.weight", 0.5),),
    "regnet_x_400mf": (("f.c.1.weight", 0.3),),
    "deeplabv3_resnet50": BOTTLENECK,
}
SMALL = ("resnet18", "googlenet", "mobilenet_v2", "shufflenet_v2_x1_0")
SIZES = {
    "inception_v3": (139, 139),
    "efficientnet_v2_s": (128, 96),
    "convnext_tiny": (96, 64),
    "deeplabv3_resnet50": (64, 96),
    "lraspp_mobilenet_v3_large": (96, 64),
    "ssd300_vgg16": (300, 300),
}
STEPS = {"deeplabv3_resnet50": 101, "lraspp_mobilenet_v3_large": 101, "ssd300_vgg16": 331}
VGG11 = ((1, 64), (1, 128), (2, 256), (2, 512), (2, 512))
VGG_SMALL = ((1, 16), (1, 32), (2, 64), (2, 128), (2, 128))
GREY, LARGE_GREY = (2, 1, 28, 28), (1, 1, 224, 224)


def cifar_resnet18():
    """ResNet-18 for small pictures: nothing is made smaller before the blocks."""
    net = torchvision.models.resnet18(num_classes=10)
    net.conv1, net.maxpool = nn.Conv2d(1, 64, 3, padding=1, bias=False), nn.Identity()
    return net


def alone(constructor, *args, **kwargs):
    """A network of one unnamed block."""
    return lambda: nn.Sequential(constructor(*args, **kwargs))


D2L = {
    "lenet": Net(d2l_nets.classic_lenet, GREY, "lenet.cnn", "LeNet"),
    "modern_lenet": Net(d2l_nets.lenet, GREY, "lenet.cnn", "ModernLeNet"),
    "plain_lenet": Net(lambda: d2l_nets.lenet(padding=0, features=256), GREY, "lenet.cnn", "PlainLeNet"),
    "vgg11": Net(lambda: d2l_nets.vgg(VGG11), LARGE_GREY, "vgg.cnn", "VGG11"),
    "vgg_small": Net(lambda: d2l_nets.vgg(VGG_SMALL), LARGE_GREY, "vgg.cnn", "VGGSmall"),
    "vgg_block": Net(d2l_nets.vgg_block, (1, 3, 224, 224), "vgg_block.cnn", step=211),
    "resnet18": Net(d2l_nets.resnet18, (1, 1, 96, 96), "resnet18.cnn", "ResNet18"),
    "residual_block": Net(alone(d2l_nets.Residual, 3, 3), (4, 3, 6, 6), "residual_block.cnn", "ResidualBlock"),
    "projected_residual_block": Net(
        alone(d2l_nets.Residual, 3, 6, project=True, stride=2),
        (4, 3, 6, 6),
        "residual_block.cnn",
        "ProjectedResidualBlock",
    ),
    "residual_plain": Net(d2l_nets.ResidualPlain, (1, 64, 56, 56), "residual_plain.cnn", step=101),
    "resnext_block": Net(alone(d2l_nets.ResNeXt), (1, 32, 96, 96), "resnext_block.cnn", "ResNeXtBlock", 101),
    "projected_resnext_block": Net(
        alone(d2l_nets.ResNeXt, project=True, stride=2),
        (1, 32, 96, 96),
        "resnext_block.cnn",
        "ProjectedResNeXtBlock",
        101,
    ),
    "inception_block": Net(alone(d2l_nets.Inception), (1, 192, 28, 28), "inception_block.cnn", step=101),
    "named_lenet": Net(d2l_nets.NamedLeNet, GREY, "course/lenet.cnn", "LeNet"),
    "named_plain_lenet": Net(
        lambda: d2l_nets.NamedLeNet(0, 256, torch.relu, nn.functional.max_pool2d), GREY, "course/lenet.cnn", "PlainLeNet"
    ),
    "convolutional_net": Net(d2l_nets.ConvolutionalNet, GREY, "course/convolutional.cnn"),
    "named_vgg_small": Net(lambda: d2l_nets.NamedVGG(VGG_SMALL), LARGE_GREY, "course/vgg.cnn", "VGGSmall"),
    "mlp": Net(lambda: nn.Sequential(nn.Linear(20, 256), nn.ReLU(), nn.Linear(256, 10)), (2, 20), "mlp.cnn"),
    "nested_blocks": Net(d2l_nets.nested_blocks, (2, 4), "nested_blocks.cnn"),
    "tied": Net(d2l_nets.tied, (2, 4), "tied.cnn"),
    "unet": Net(d2l_nets.UNet, (1, 3, 32, 48), "unet.cnn"),
    "yolov3": Net(yolo_v3.YoloV3, (1, 3, 64, 96), "yolov3.cnn", step=7, factors=(("cv2.bn.weight", 0.3),)),
}

OTHERS = {
    "yolov5n": Net(yolo_v5_v8.YoloV5n, (1, 3, 32, 64), "yolov5n.cnn", step=3),
    "yolov8n": Net(yolo_v5_v8.YoloV8n, (1, 3, 32, 64), "yolov8n.cnn"),
    "dcgan_generator": Net(small_nets.dcgan_generator, (1, 100, 1, 1), "dcgan.cnn", "Generator", step=31),
    "dcgan_discriminator": Net(small_nets.dcgan_discriminator, (2, 3, 64, 64), "dcgan.cnn", "Discriminator"),
    "edsr": Net(small_nets.EDSR, (1, 3, 4, 5), "edsr.cnn", factors=(("body.2.weight", 0.1), ("body.2.bias", 0.1))),
    "m5": Net(small_nets.M5, (2, 1, 8000), "m5.cnn"),
    "eca_resnet18": Net(
        lambda: attention_nets.resnet18(attention_nets.ECA), (1, 3, 32, 32), "attention_resnet18.cnn", "ECAResNet18"
    ),
    "cbam_resnet18": Net(
        lambda: attention_nets.resnet18(attention_nets.CBAM), (1, 3, 32, 32), "attention_resnet18.cnn", "CBAMResNet18"
    ),
    "attention_pooling": Net(attention_nets.AttentionPooling, (2, 1, 28, 20), "attention_pooling.cnn"),
    "mobile_vit_xxs": Net(attention_nets.MobileViTXXS, (1, 3, 64, 64), "mobile_vit_xxs.cnn"),
    "efficientnet_lite0": Net(
        lambda: efficientnet_lite.EfficientNetLite(1.0, 1.0), (1, 3, 224, 224), "efficientnet_lite.cnn", factors=LITE
    ),
    "efficientnet_lite3": Net(
        lambda: efficientnet_lite.EfficientNetLite(1.2, 1.4),
        (1, 3, 100, 76),
        "efficientnet_lite.cnn",
        "EfficientNetLite3",
        factors=LITE,
    ),
    "cifar_resnet18": Net(cifar_resnet18, GREY, "cifar_resnet18.cnn", factors=BASIC),
    "c3d": Net(small_nets.C3D, (1, 3, 16, 56, 56), "c3d.cnn", "C3D"),
}


def with_maps(name):
    """torchvision's network, a detector as what its backbone and heads answer, before any box is decoded."""
    module = build(name)
    if hasattr(module, "head") and hasattr(module, "anchor_generator"):
        module.forward = lambda x: module.head(list(module.backbone(x).values()))
    return module


def torchvision_nets():
    """torchvision's networks at 224x224 or their own size, and some of them small in a batch of two."""
    sized = [(name, "", (1, 3, *SIZES.get(name, (224, 224)))) for name in NAMES]
    sized += [(name, "_small", (2, 3, 64, 64)) for name in SMALL]
    for name, suffix, shape in sized:
        make, file = functools.partial(with_maps, name), f"torchvision/{name}.cnn"
        net = Net(make, shape, file, step=STEPS.get(name, 1), factors=FACTORS.get(name, ()))
        yield f"torchvision_{name}{suffix}", net


def fill(module, factors):
    """Every parameter and buffer, by formula; a tied one once, under its first name."""
    for key, value in itertools.chain(module.named_parameters(), module.named_buffers()):
        value.copy_(torch.from_numpy(formula.tensor(key, value.shape, factors)))


def answers(module, x):
    """The answers as a tuple, even of one; those that have names in their order."""
    y = module(x)
    y = tuple(y.values()) if isinstance(y, dict) else y
    return y if isinstance(y, tuple) else (y,)


def relative_error(a, b):
    """max|a - b| / max|b|"""
    return ((a - b).abs().max() / b.abs().max()).item()


def make(name, net):
    """Runs a network and writes its file; prints how large its answer is and how far float32 is from it."""
    module = net.make().eval()
    fill(module, net.factors)
    x = torch.from_numpy(formula.tensor("input", net.input))
    outputs = answers(module, x.double())
    for y in outputs:
        assert y.dtype == torch.float64 and y.isfinite().all() and FEW < y.std() < MANY, (name, y.std())
    rough = answers(module.float(), x)
    errors = [relative_error(a.double(), b) for a, b in zip(rough, outputs)]
    print(f"{name}: std {outputs[0].std():.3g}, largest {outputs[0].abs().max():.3g}, float32 off {max(errors):.1e}")
    metadata = {
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
        "file": net.file,
        "model": net.model,
        "input": json.dumps(net.input),
        "outputs": json.dumps([list(y.shape) for y in outputs]),
        "step": str(net.step),
        "factors": json.dumps(net.factors),
    }
    names = [f"output{index}" for index in range(len(outputs))] if len(outputs) > 1 else ["output"]
    tensors = {key: y.flatten()[:: net.step].contiguous().numpy() for key, y in zip(names, outputs)}
    fixture.save(FOLDER / f"{name}.safetensors", tensors, metadata)


def main():
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    chosen = sys.argv[1:]
    with torch.no_grad():
        for name, net in {**D2L, **OTHERS, **dict(torchvision_nets())}.items():
            if not chosen or name in chosen:
                make(name, net)


if __name__ == "__main__":
    main()
