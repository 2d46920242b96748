"""Makes `inner_values/ten_networks.safetensors`: what every module of ten networks gives, by forward hooks, in float64.

The networks, their inputs and parameters are those of `nets.py`. Of each module's value go out the shape and at most 24 elements
at even steps through it; a module that is called several times gives its last value. Tensor "<net>" holds the elements of all
modules one after the other; the metadata `nets` is a JSON list of objects with the name, the spec's file and model, the input's
shape, the factors, and for each module its path, its shape and how many elements it has.
    pip install -r tests/reference/requirements.txt
    python tests/reference/inner_values.py
"""

import json
import pathlib

import torch
import torchvision

import fixture
import formula
import nets

NAMES = (
    "lenet",
    "modern_lenet",
    "vgg_small",
    "resnet18",
    "projected_residual_block",
    "resnext_block",
    "inception_block",
    "nested_blocks",
    "unet",
    "torchvision_mobilenet_v2",
)
MOST = 24


def main():
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    known = {**nets.D2L, **nets.OTHERS, **dict(nets.torchvision_nets())}
    tensors, listed = {}, []
    for name in NAMES:
        net = known[name]
        module = net.make().eval()
        with torch.no_grad():
            nets.fill(module, net.factors)
        values = {}
        for path, part in module.named_modules():
            if path:
                part.register_forward_hook(lambda _, __, value, path=path: values.__setitem__(path, value.detach().clone()))
        with torch.no_grad():
            nets.answers(module, torch.from_numpy(formula.tensor("input", net.input)).double())
        rows, elements = [], []
        for path, value in values.items():
            if not isinstance(value, torch.Tensor):
                continue
            flat = value.flatten()
            part = flat[:: max(1, -(-flat.numel() // MOST))]
            rows.append({"path": path, "shape": list(value.shape), "elements": part.numel()})
            elements.append(part)
        tensors[name] = torch.cat(elements).contiguous().numpy()
        about = {"name": name, "file": net.file, "model": net.model, "input": list(net.input), "factors": net.factors}
        listed.append({**about, "modules": rows})
        print(f"{name}: {len(rows)} modules")
    metadata = {"torch": torch.__version__, "torchvision": torchvision.__version__, "nets": json.dumps(listed)}
    fixture.save(pathlib.Path(__file__).parent / "inner_values" / "ten_networks.safetensors", tensors, metadata)


if __name__ == "__main__":
    main()
