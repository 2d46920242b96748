"""Whole networks from real exporters, imported by cnnc and held to ONNX Runtime.

    python3 tests/onnx/networks.py --cnnc target/release/cnnc --exporter script resnet18 timm:convnext_atto
    python3 tests/onnx/networks.py --cnnc target/release/cnnc --exporter dynamo --list segmentation --list timm

Each network of `zoo.py` that is named is built with weights drawn from a seed, exported by `torch.onnx.export` (`dynamo=False` or
`dynamo=True`) with an open batch, imported by `cnnc import`, and run on two pictures by both. A line a network goes out: the layers
and lines of the spec, and the largest difference over the largest value of any output (DESIGN section 10's measure). Exit 1 where
one is above 1e-4 or is not imported. With `--keep` files stay, and what was exported is not exported again. Needs torch,
torchvision, onnx, onnxscript, onnxruntime, numpy, and timm for its own; runs on the CPU, one network at a time.
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

import zoo

warnings.filterwarnings("ignore")

LISTS = {
    "classification": zoo.CLASSIFICATION,
    "segmentation": zoo.SEGMENTATION,
    "detection": zoo.DETECTION,
    "timm": [f"timm:{name}" for name in zoo.TIMM],
}


def export(model, pictures, path, exporter):
    """Writes the ONNX file."""
    if exporter == "dynamo":
        batch = torch.export.Dim("batch")
        torch.onnx.export(model, (pictures,), str(path), dynamo=True, dynamic_shapes=({0: batch},), verbose=False)
    else:
        # The layer's fast path is one operator of PyTorch that ONNX lacks.
        torch.backends.mha.set_fastpath_enabled(False)
        with torch.no_grad():
            answer = model(pictures)
        count = len(answer) if isinstance(answer, tuple) else 1
        names = [f"output{place}" if count > 1 else "output" for place in range(count)]
        axes = {name: {0: "batch"} for name in ["input", *names]}
        torch.onnx.export(
            model, (pictures,), str(path), dynamo=False, input_names=["input"], output_names=names, dynamic_axes=axes
        )


def compare(cnnc, folder):
    """Imports and runs both: lines of the spec, layers, difference; or why not."""
    path, spec, pictures = folder / "net.onnx", folder / "net.cnn", folder / "in.npy"
    made = subprocess.run([cnnc, "import", path, "-o", spec, "--force"], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        return None, made.stderr.strip()
    for old in folder.glob("out*.npy"):
        old.unlink()
    ran = [cnnc, "run", spec, "--weights", folder / "net.safetensors", "--input", pictures, "--output", folder / "out.npy"]
    ran = subprocess.run(ran, capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        return None, ran.stderr.strip()
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    theirs = session.run(None, {session.get_inputs()[0].name: numpy.load(pictures)})
    found = {file.stem.removeprefix("out").lstrip("-._"): numpy.load(file) for file in folder.glob("out*.npy")}
    difference = 0.0
    for value, wanted in zip(session.get_outputs(), theirs):
        ours = found.get(value.name) if len(theirs) > 1 else next(iter(found.values()))
        if ours is None or ours.shape != wanted.shape:
            return None, f"gives {None if ours is None else ours.shape} for `{value.name}`, and ONNX Runtime {wanted.shape}"
        far = float(numpy.abs(ours.astype("f8") - wanted).max() / max(numpy.abs(wanted).max(), 1e-30))
        # An answer of zeros, or of no numbers, would show nothing.
        difference = max(difference, far) if numpy.abs(wanted).max() > 0 and numpy.isfinite(far) else numpy.inf
    holds = next(line for line in made.stdout.splitlines() if "holds" in line).split("holds")[1].split(" layers")[0].strip()
    renamed = sum("renamed" in line for line in made.stdout.splitlines())
    return (spec.read_text().count("\n"), holds, renamed, difference), made.stdout


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--cnnc")
    arguments.add_argument("--exporter", choices=["script", "dynamo"], default="script")
    arguments.add_argument("--list", choices=LISTS, action="append", default=[])
    arguments.add_argument("--all", action="store_true", help="every classification network of torchvision")
    arguments.add_argument("--keep", type=pathlib.Path, help="a folder for the files")
    arguments.add_argument("names", nargs="*")
    asked = arguments.parse_args()
    names = asked.names + [name for chosen in asked.list for name in LISTS[chosen]]
    names += torchvision.models.list_models(torchvision.models) if asked.all else []
    names = names or LISTS["classification"]
    cnnc = asked.cnnc and str(pathlib.Path(asked.cnnc).resolve())
    print(f"torch {torch.__version__}, torchvision {torchvision.__version__}, onnxruntime {onnxruntime.__version__}, {asked.exporter}")
    failures = 0
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            folder = asked.keep / asked.exporter / name.replace(":", "-") if asked.keep else pathlib.Path(folder)
            folder.mkdir(parents=True, exist_ok=True)
            if not (folder / "in.npy").exists():
                try:
                    model, pictures = zoo.build(name)
                    with torch.no_grad():
                        export(model, pictures, folder / "net.onnx", asked.exporter)
                    numpy.save(folder / "in.npy", pictures.numpy())
                except Exception as error:  # noqa: BLE001 - the exporter's own failures are told and counted apart
                    print(f"{name:34} not exported: {str(error).splitlines()[0][:120]}", flush=True)
                    continue
            if not cnnc:
                print(f"{name:34} exported", flush=True)
                continue
            found, told = compare(cnnc, folder)
            if found is None:
                failures += 1
                print(f"{name:34} FAILED\n{told}", flush=True)
                continue
            lines, holds, renamed, difference = found
            failures += not difference <= 1e-4
            verdict = "" if difference <= 1e-4 else "  TOO FAR"
            print(f"{name:34} {lines:5} lines  {holds:>5} layers  {renamed:3} renamed  {difference:.1e}{verdict}", flush=True)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
