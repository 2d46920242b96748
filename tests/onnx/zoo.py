"""The networks that `networks.py` exports: what a name stands for, and lists of names.

A name is torchvision's (`resnet18`, `deeplabv3_resnet50`, `retinanet_resnet50_fpn`) or, behind `timm:`, one of timm's. Out goes a
module in evaluation with weights of a seed, and a batch of two small pictures for it. Of networks that answer with a dictionary, and
of detectors the part before boxes are decoded (backbone, pyramid and heads), a wrapper gives the tensors alone.
"""

import torch
import torchvision
from torch import nn

# One of each width and depth is enough of a family where --all is not asked for.
CLASSIFICATION = [
    "alexnet", "convnext_tiny", "densenet121", "efficientnet_b0", "efficientnet_v2_s", "googlenet", "inception_v3", "maxvit_t",
    "mnasnet0_5", "mobilenet_v2", "mobilenet_v3_small", "regnet_x_400mf", "regnet_y_400mf", "resnet18", "resnet50",
    "resnext50_32x4d", "shufflenet_v2_x0_5", "squeezenet1_0", "swin_t", "swin_v2_t", "vgg11", "vgg11_bn", "vit_b_32", "wide_resnet50_2",
]

SEGMENTATION = ["deeplabv3_mobilenet_v3_large", "deeplabv3_resnet50", "fcn_resnet50", "lraspp_mobilenet_v3_large"]

DETECTION = [
    "fasterrcnn_mobilenet_v3_large_fpn", "fasterrcnn_resnet50_fpn_v2", "fcos_resnet50_fpn", "retinanet_resnet50_fpn",
    "retinanet_resnet50_fpn_v2", "ssd300_vgg16", "ssdlite320_mobilenet_v3_large",
]

# A small network of each family of timm that is made of convolutions, or mostly so.
TIMM = [
    "bat_resnext26ts", "botnet26t_256", "convformer_s18", "convmixer_768_32", "convnext_atto", "convnextv2_atto", "cs3darknet_s",
    "cs3edgenet_x", "cs3sedarknet_l", "cspdarknet53", "cspnext_s", "cspresnet50", "cspresnext50", "darknet17", "darknetaa53",
    "densenet121", "densenetblur121d", "dla34", "dm_nfnet_f0", "dpn48b", "eca_nfnet_l0", "ecaresnet26t", "edgenext_xx_small",
    "efficientnet_b0", "efficientnetv2_rw_t", "efficientvit_b0", "ese_vovnet19b_dw", "fasternet_t0", "fastvit_t8", "fbnetc_100",
    "fbnetv3_b", "focalnet_tiny_srf", "gcresnext26ts", "gernet_s", "ghostnet_050", "ghostnetv2_100", "ghostnetv3_050",
    "hardcorenas_a", "hgnet_tiny", "hgnetv2_b0", "hrnet_w18_small", "inception_next_atto", "inception_resnet_v2", "inception_v3",
    "inception_v4", "lambda_resnet26t", "lcnet_035", "lcnetv2_small", "legacy_seresnet18", "legacy_xception", "mambaout_femto", "mixnet_s",
    "mobilenet_edgetpu_100", "mobilenetv1_100", "mobilenetv2_035", "mobilenetv3_small_050", "mobilenetv4_conv_small", "mobileone_s0",
    "mobilevit_xxs", "nasnetalarge", "nf_regnet_b1", "nf_resnet50", "pnasnet5large", "poolformer_s12", "poolformerv2_s12", "rdnet_tiny", "regnetv_040",
    "regnetx_002", "regnety_002", "regnetz_005", "repghostnet_050", "repvgg_a0", "repvit_m0_9", "res2net50_14w_8s", "res2next50",
    "resnest14d", "resnet10t", "resnet51q", "resnetaa34d", "resnetblur18", "resnetrs50", "resnetv2_18", "resnetv2_50x1_bit",
    "resnext26ts", "rexnet_100", "rexnetr_100", "sedarknet21", "selecsls42", "semnasnet_050", "seresnet18", "seresnext26d_32x4d",
    "skresnet18", "spnasnet_100", "starnet_s1", "tf_efficientnet_lite0", "tinynet_e", "tresnet_m", "vgg11", "visformer_tiny",
    "vovnet39a", "xception41", "xception41p",
]


class Tensors(nn.Module):
    """The tensors of a network's answer, of a detector those of its heads."""

    def __init__(self, whole):
        super().__init__()
        self.backbone, self.head = whole.backbone, None
        if hasattr(whole, "head"):
            self.head = whole.head
        elif hasattr(whole, "rpn"):
            self.head = whole.rpn.head
        else:
            self.whole, self.backbone = whole, None

    def forward(self, pictures):
        if self.head is None:
            return self.whole(pictures)["out"]
        found = self.head(list(self.backbone(pictures).values()))
        found = list(found.values()) if isinstance(found, dict) else [level for levels in found for level in levels]
        return tuple(found)


def settle(model):
    """Running statistics as after training, and no weights that are all zero: what does nothing would not show a mistake in it."""
    generator = torch.Generator().manual_seed(1)
    for module in model.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm) and module.running_mean is not None:
            module.running_mean.copy_(torch.randn(module.running_mean.shape, generator=generator) * 0.1)
            module.running_var.copy_(torch.rand(module.running_var.shape, generator=generator) * 0.4 + 0.8)
        elif isinstance(module, (nn.Linear, nn.Conv2d)) and not module.weight.any():
            module.weight.copy_(torch.randn(module.weight.shape, generator=generator) * 0.02)


def of_timm(name):
    """A network of timm and the size of its pictures: 96, or its own where it takes no other."""
    import timm

    model = timm.create_model(name, pretrained=False).eval()
    own = model.default_cfg["input_size"][1]
    for size in (96, 128, own):
        try:
            with torch.no_grad():
                model(torch.zeros(2, 3, size, size))
            return model, size
        except (AssertionError, RuntimeError):
            model = timm.create_model(name, pretrained=False).eval()
    return model, own


def of_torchvision(name):
    """A network of torchvision and the size of its pictures."""
    arguments = {"weights": None}
    if name in DETECTION or name in SEGMENTATION:
        arguments["weights_backbone"] = None
    if name in ("googlenet", "inception_v3"):
        arguments.update(aux_logits=False, init_weights=True)
    model = torchvision.models.get_model(name, **arguments)
    if name in DETECTION or name in SEGMENTATION:
        model = Tensors(model.eval())
    size = 64
    if name == "inception_v3":
        size = 75
    elif name.startswith(("alexnet", "vgg", "swin", "maxvit", "vit_")):
        size = 224
    elif name in DETECTION:
        size = 300 if name.startswith("ssd") else 128
    return model, size


def build(name):
    """The network of that name, in evaluation, with weights of a seed, and a batch of two for it."""
    torch.manual_seed(0)
    model, size = of_timm(name.removeprefix("timm:")) if name.startswith("timm:") else of_torchvision(name)
    model.eval()
    with torch.no_grad():
        settle(model)
    torch.manual_seed(2)
    return model, torch.randn(2, 3, size, size)
