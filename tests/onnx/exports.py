"""Specs exported by cnnc, held to the checker of ONNX and to ONNX Runtime.

    python3 tests/onnx/exports.py --cnnc target/release/cnnc
    python3 tests/onnx/exports.py --cnnc target/release/cnnc --opset 13 models/lenet.cnn

Each spec (all of `models/` where none is named) is exported plain and with `--fused`, checked in full, and run by ONNX Runtime and
by `cnnc run` on the same inputs, at two batches and, where height and width are open, two sizes. Parameters are drawn from a
seed, and the running statistics of batch norms made unlike 0 and 1, so that a mistake in them shows. A row a spec goes out: nodes of
both forms and the largest difference over the largest value (DESIGN section 10's measure). Exit 1 where one is above 1e-4, or is
not exported. Needs numpy, onnx, onnxruntime; safetensors are read and written here.
"""

import argparse
import json
import pathlib
import struct
import subprocess
import sys
import tempfile

import numpy
import onnx
import onnxruntime

MOST = 1e-4
# Sizes of the open axes by their names, for the first run and for the second.
SIZES = [{"N": 2, "H": 64, "W": 96, "L": 8000}, {"N": 3, "H": 96, "W": 64, "L": 8192}]


def run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip() or f"exit {done.returncode}")
    return done.stdout


def settled(path):
    """Running statistics as after training, in place."""
    data = bytearray(path.read_bytes())
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + length])
    generator = numpy.random.default_rng(1)
    for key, entry in sorted(header.items()):
        if key.endswith(("running_mean", "running_var")):
            start, end = (8 + length + offset for offset in entry["data_offsets"])
            count = (end - start) // 4
            values = generator.normal(0, 0.1, count) if key.endswith("mean") else generator.uniform(0.8, 1.2, count)
            data[start:end] = values.astype("<f4").tobytes()
    path.write_bytes(data)


def shape_of(value, sizes):
    dims = value.type.tensor_type.shape.dim
    return [dim.dim_value or sizes.get(dim.dim_param, 2) for dim in dims]


def error(a, b):
    if a.shape != b.shape:
        return f"{list(a.shape)} is not {list(b.shape)}"
    if not numpy.array_equal(numpy.isnan(a), numpy.isnan(b)):
        return "NaN"
    return float(numpy.nanmax(numpy.abs(a - b)) / max(numpy.nanmax(numpy.abs(b)), 1e-30)) if b.size else 0.0


def answers(cnnc, spec, weights, inputs, names, folder):
    """What cnnc answers, by the names of the outputs."""
    command = [cnnc, "run", spec, "--output", folder / "y.npy"] + (["--weights", weights] if weights else [])
    for place, value in enumerate(inputs):
        numpy.save(folder / f"x{place}.npy", value)
        command += ["--input", folder / f"x{place}.npy"]
    run(*command)
    if len(names) == 1:
        return [numpy.load(folder / "y.npy")]
    return [numpy.load(folder / f"y.{name}.npy") for name in names]


def row(cnnc, spec, opset, folder):
    weights = folder / "w.safetensors"
    weights.unlink(missing_ok=True)
    if run(cnnc, "params", spec).strip():
        try:
            run(cnnc, "params", spec, "--save", weights)
        except RuntimeError:
            pass
    if weights.exists():
        settled(weights)
    nodes, errors, sizes = [], [], []
    for form in [[], ["--fused"]]:
        file = folder / "net.onnx"
        command = [cnnc, "export", spec, "-o", file, "--force", "--opset", opset]
        run(*command, *form, *(["--weights", weights] if weights.exists() else []))
        model = onnx.load(file)
        onnx.checker.check_model(file, full_check=True)
        nodes.append(len(model.graph.node))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
        names = [output.name for output in model.graph.output]
        for choice in SIZES:
            generator = numpy.random.default_rng(7)
            inputs = [generator.standard_normal(shape_of(value, choice)).astype("f4") for value in model.graph.input]
            theirs = session.run(names, {value.name: x for value, x in zip(model.graph.input, inputs)})
            ours = answers(cnnc, spec, weights if weights.exists() else None, inputs, names, folder)
            errors += [error(a, b) for a, b in zip(theirs, ours)]
    faults = [fault for fault in errors if isinstance(fault, str)]
    if faults:
        raise RuntimeError(faults[0])
    return nodes, max(errors)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--cnnc", required=True)
    arguments.add_argument("--opset", default="20")
    arguments.add_argument("specs", nargs="*", type=pathlib.Path)
    arguments = arguments.parse_args()
    specs = arguments.specs or sorted(
        path for path in pathlib.Path("models").rglob("*.cnn") if "blocks" not in path.parts and "model " in path.read_text()
    )
    print("| spec | nodes | fused | largest difference |\n|---|---|---|---|", flush=True)
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        for spec in specs:
            try:
                nodes, largest = row(arguments.cnnc, spec, arguments.opset, pathlib.Path(folder))
                bad += not largest <= MOST
                print(f"| {spec} | {nodes[0]} | {nodes[1]} | {largest:.1e} |", flush=True)
            except Exception as reason:
                bad += 1
                told = str(reason).strip().splitlines()
                print(f"| {spec} | | | {' '.join(told[:3])[:400]} |", flush=True)
    print(f"\n{len(specs) - bad} of {len(specs)}, onnx {onnx.__version__}, ONNX Runtime {onnxruntime.__version__}")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
