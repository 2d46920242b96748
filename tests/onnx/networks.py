"""Whole networks from real exporters, imported by cnnc and held to ONNX Runtime.

    python3 tests/onnx/networks.py --cnnc target/release/cnnc --exporter script resnet18 mobilenet_v2
    python3 tests/onnx/networks.py --cnnc target/release/cnnc --exporter dynamo --all

Each of torchvision's networks is built with weights drawn from a seed, exported by `torch.onnx.export` (`dynamo=False` or
`dynamo=True`) with an open batch, imported by `cnnc import`, and run on two pictures by both. A line a network goes out: the layers
and lines of the spec, and the largest difference over the largest value (DESIGN section 10's measure). Exit 1 where one is above
1e-4 or is not imported. Needs torch, torchvision, onnx, onnxscript, onnxruntime, numpy; runs on the CPU, one network at a time.
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile
import warnings

import numpy
import onnxruntime
import torch
import torchvision

warnings.filterwarnings("ignore")

# One of each width and depth is enough of a family where --all is not asked for.
SMALL = [
    "alexnet", "densenet121", "efficientnet_b0", "efficientnet_v2_s", "googlenet", "inception_v3", "mnasnet0_5",
    "mobilenet_v2", "mobilenet_v3_small", "regnet_x_400mf", "regnet_y_400mf", "resnet18", "resnet50", "resnext50_32x4d",
    "shufflenet_v2_x0_5", "squeezenet1_0", "vgg11", "vgg11_bn", "convnext_tiny", "wide_resnet50_2",
]


def settle(model):
    """Running statistics as after training: at 0 and 1 a batch norm does nothing, and a mistake in it would not show."""
    generator = torch.Generator().manual_seed(1)
    for module in model.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.running_mean.copy_(torch.randn(module.running_mean.shape, generator=generator) * 0.1)
            module.running_var.copy_(torch.rand(module.running_var.shape, generator=generator) * 0.4 + 0.8)


def build(name, builder):
    """The network of that name, in evaluation, with weights of a seed, and a batch of two for it."""
    torch.manual_seed(0)
    size = 75 if name == "inception_v3" else 64
    if builder is not None:
        model, size = builder()
    else:
        arguments = {"weights": None}
        if name in ("googlenet", "inception_v3"):
            arguments.update(aux_logits=False, init_weights=True)
        if name.startswith("vit_"):
            size = 224
        model = torchvision.models.get_model(name, **arguments)
        if name.startswith(("alexnet", "vgg", "swin", "maxvit")):
            size = 224
    model.eval()
    with torch.no_grad():
        settle(model)
    return model, torch.randn(2, 3, size, size)


def export(model, pictures, path, exporter):
    """Writes the ONNX file."""
    if exporter == "dynamo":
        batch = torch.export.Dim("batch")
        torch.onnx.export(model, (pictures,), str(path), dynamo=True, dynamic_shapes=({0: batch},), verbose=False)
    else:
        axes = {"input": {0: "batch"}, "output": {0: "batch"}}
        torch.onnx.export(model, (pictures,), str(path), dynamo=False, input_names=["input"], output_names=["output"], dynamic_axes=axes)


def compare(cnnc, path, pictures, folder, command):
    """Imports and runs both: lines of the spec, layers, difference; or why not."""
    spec = folder / "net.cnn"
    made = subprocess.run([cnnc, "import", path, "-o", spec, "--force"], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        return None, made.stderr.strip()
    numpy.save(folder / "in.npy", pictures.numpy())
    ran = [cnnc, "run", spec, "--weights", folder / "net.safetensors", "--input", folder / "in.npy", "--output", folder / "out.npy"]
    ran = subprocess.run(ran + command, capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        return None, ran.stderr.strip()
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    theirs = session.run(None, {session.get_inputs()[0].name: pictures.numpy()})[0]
    ours = numpy.load(folder / "out.npy")
    if ours.shape != theirs.shape:
        return None, f"gives {ours.shape}, and ONNX Runtime {theirs.shape}"
    difference = float(numpy.abs(ours.astype("f8") - theirs).max() / numpy.abs(theirs).max())
    text = spec.read_text()
    holds = next(line for line in made.stdout.splitlines() if "holds" in line).split("holds")[1].split(",")[0].strip()
    renamed = sum("renamed" in line for line in made.stdout.splitlines())
    return (text.count("\n"), holds, renamed, difference), made.stdout


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--cnnc", required=True)
    arguments.add_argument("--exporter", choices=["script", "dynamo"], default="script")
    arguments.add_argument("--all", action="store_true", help="every classification network of torchvision")
    arguments.add_argument("--timm", action="store_true", help="names are timm's")
    arguments.add_argument("--keep", type=pathlib.Path, help="a folder for the files")
    arguments.add_argument("names", nargs="*")
    asked = arguments.parse_args()
    names = asked.names or (torchvision.models.list_models(torchvision.models) if asked.all else SMALL)
    cnnc = str(pathlib.Path(asked.cnnc).resolve())
    print(f"torch {torch.__version__}, torchvision {torchvision.__version__}, onnxruntime {onnxruntime.__version__}, {asked.exporter}")
    failures = 0
    for name in names:
        builder = None
        if asked.timm:
            import timm

            def builder(name=name):
                model = timm.create_model(name, pretrained=False)
                return model, model.default_cfg["input_size"][1]

        with tempfile.TemporaryDirectory() as folder:
            folder = asked.keep / name if asked.keep else pathlib.Path(folder)
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / "net.onnx"
            try:
                model, pictures = build(name, builder)
                with torch.no_grad():
                    export(model, pictures, path, asked.exporter)
            except Exception as error:  # noqa: BLE001 - the exporter's own failures are told and counted apart
                print(f"{name:24} not exported: {str(error).splitlines()[0][:120]}", flush=True)
                continue
            found, told = compare(cnnc, path, pictures, folder, [])
            if found is None:
                failures += 1
                print(f"{name:24} FAILED\n{told}", flush=True)
                continue
            lines, holds, renamed, difference = found
            failures += difference > 1e-4
            verdict = "" if difference <= 1e-4 else "  TOO FAR"
            print(f"{name:24} {lines:5} lines  {holds:12}  {renamed:3} renamed  {difference:.1e}{verdict}", flush=True)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
