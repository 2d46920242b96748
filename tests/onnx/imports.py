"""ONNX files imported by cnnc, held to ONNX Runtime.

    python3 tests/onnx/imports.py --cnnc target/release/cnnc tests/onnx/cases/conv_pads.onnx

Each file is imported, and spec and file are run on the same inputs, drawn from a seed. A row a file goes out: lines of the spec and the
largest difference over the largest value (DESIGN section 10's measure). Exit 1 where one is above 1e-4, or is not imported. Needs
numpy, onnx, onnxruntime.
"""

import argparse
import pathlib
import sys
import tempfile

import numpy
import onnxruntime

from exports import MOST, answers, error, run

# Sizes of the open axes by their names; any other is 2.
SIZES = {"N": 2, "C": 3, "H": 12, "W": 9, "L": 11}


def row(cnnc, file, folder):
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    sizes = [[size if isinstance(size, int) else SIZES.get(size, 2) for size in value.shape] for value in session.get_inputs()]
    generator = numpy.random.default_rng(7)
    inputs = [generator.standard_normal(shape).astype("f4") for shape in sizes]
    theirs = session.run(None, {value.name: x for value, x in zip(session.get_inputs(), inputs)})
    spec = folder / "net.cnn"
    weights = folder / "net.safetensors"
    weights.unlink(missing_ok=True)
    run(cnnc, "import", file, "-o", spec, "--force")
    names = [output.name for output in session.get_outputs()]
    ours = answers(cnnc, spec, weights if weights.exists() else None, inputs, names, folder)
    faults = [error(a, b) for a, b in zip(ours, theirs)]
    if any(isinstance(fault, str) for fault in faults):
        raise RuntimeError(str(faults))
    return len(spec.read_text().splitlines()), max(faults)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--cnnc", required=True)
    arguments.add_argument("files", nargs="+", type=pathlib.Path)
    arguments = arguments.parse_args()
    print("| file | lines | largest difference |\n|---|---|---|", flush=True)
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        for file in arguments.files:
            try:
                lines, largest = row(arguments.cnnc, file, pathlib.Path(folder))
                bad += not largest <= MOST
                print(f"| {file} | {lines} | {largest:.1e} |", flush=True)
            except Exception as reason:
                bad += 1
                print(f"| {file} | | {' '.join(str(reason).strip().splitlines()[:3])[:400]} |", flush=True)
    print(f"\n{len(arguments.files) - bad} of {len(arguments.files)}, ONNX Runtime {onnxruntime.__version__}")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
