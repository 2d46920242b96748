"""ONNX's own tests of nodes and of light networks, imported and run by cnnc.

    python3 tests/onnx/nodes.py --cnnc target/release/cnnc --data onnx/backend/test/data [--table]

`--data` is that folder of the wheel of PyPI's onnx 1.17.0, the last with data of node tests (unpack it, or give the wheel itself).
A node test has inputs and outputs. Inputs that are weights, sizes or axes become initialisers, since a spec holds them so: the file
is tried as it is, then with all inputs but the first of floats (or the first at all) made initialisers. A test passes where all its outputs are within
1e-4 of the wheel's by DESIGN section 10's measure (1e-3 where values are float16, 1e-2 of bfloat16). Of a light network, whose outputs the
wheel has for one input, that input is made as ONNX's own runner makes it. Two ranges of operators are counted apart, by the tests
all of whose operators are in them: the 21 that convolutional networks are made of before all others, and a wide one. With `--table`
the table of `docs/onnx.md` goes out, and of the ranges why each other test does not pass.
"""

import argparse
import collections
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import zipfile

import numpy
import onnx
from onnx import numpy_helper


# What convolutional networks are made of, 21 operators: 263 tests.
NARROW = """
    Add AveragePool BatchNormalization Concat Conv ConvTranspose Dropout Flatten Gemm GlobalAveragePool LeakyRelu MatMul MaxPool PRelu
    Pad Relu Reshape Resize Sigmoid Softmax Tanh
""".split()

# And what is found in them beside: 565 tests.
WIDE = NARROW + """
    Abs Celu Clip DepthToSpace Div Elu Erf Exp Expand Gather Gelu GlobalMaxPool GroupNormalization HardSigmoid HardSwish Identity
    InstanceNormalization LRN LayerNormalization Log LogSoftmax LpPool Max Mean Min Mish Mul Neg Pow Range Reciprocal ReduceL2 ReduceMax
    ReduceMean ReduceMin Selu Shape Shrink Slice Softplus Softsign SpaceToDepth Split Sqrt Squeeze Sub Sum ThresholdedRelu Tile
    Transpose Unsqueeze Upsample
""".split()


def tensor(path):
    """A stored tensor; None for sequences and what has no value."""
    proto = onnx.TensorProto()
    proto.ParseFromString(path.read_bytes())
    return numpy_helper.to_array(proto)


def widened(values, arrays):
    """Arrays whose values are of bfloat16, which the wheel stores as whole numbers of 16 bits, as float32."""
    brain = [value.type.tensor_type.elem_type == onnx.TensorProto.BFLOAT16 for value in values]
    return [(array.view("u2").astype("u4") << 16).view("f4") if is_brain else array for is_brain, array in zip(brain, arrays)]


def variants(model, inputs):
    """The model with its inputs, then with those made initialisers that a spec holds as parameters."""
    made = {tensor.name for tensor in model.graph.initializer}
    graph_inputs = [value for value in model.graph.input if value.name not in made]
    yield model, list(range(len(inputs)))
    floats = [place for place, array in enumerate(inputs) if array.dtype.kind == "f" and array.ndim > 0]
    kept = floats[:1] or list(range(len(inputs)))[:1]
    if len(inputs) == len(kept):
        return
    for keep in (floats, kept) if len(floats) > 1 else (kept,):
        baked = onnx.ModelProto()
        baked.CopyFrom(model)
        del baked.graph.input[:]
        for place, (value, array) in enumerate(zip(graph_inputs, inputs)):
            if place in keep:
                baked.graph.input.append(value)
            else:
                baked.graph.initializer.append(numpy_helper.from_array(array, value.name))
        yield baked, keep


def reason(text):
    """The first reason of a refusal, without names and numbers."""
    lines = [line.strip(" =") for line in text.splitlines()]
    told = [line for line in lines if "node `" in line or line.startswith(("the input", "the output", "the tensor"))]
    told = told or [line for line in lines if line.startswith("error")] or lines[:1]
    return re.sub(r"`[^`]*`", "…", told[0].split(": ", 1)[-1])[:110] if told else "nothing was said"


def attempt(cnnc, model, inputs, outputs, folder, tolerance):
    """None where cnnc gives the outputs, else why not."""
    path, spec = folder / "test.onnx", folder / "net.cnn"
    path.write_bytes(model.SerializeToString())
    wide = dict(os.environ, COLUMNS="400")
    made = subprocess.run([cnnc, "import", path, "-o", spec, "--force"], capture_output=True, text=True, check=False, env=wide)
    if made.returncode != 0:
        return reason(made.stderr)
    command = [cnnc, "run", spec, "--exact"]
    if (folder / "net.safetensors").exists():
        command += ["--weights", folder / "net.safetensors"]
    for place, array in enumerate(inputs):
        numpy.save(folder / f"in{place}.npy", array.astype("f4"))
        command += ["--input", folder / f"in{place}.npy"]
    for old in folder.glob("out*.npy"):
        old.unlink()
    ran = subprocess.run(command + ["--output", folder / "out.npy"], capture_output=True, text=True, check=False, env=wide)
    if ran.returncode != 0:
        return "runs not: " + reason(ran.stderr)
    found = sorted(folder.glob("out*.npy"))
    named = {file.stem.removeprefix("out").lstrip("-._"): numpy.load(file) for file in found}
    ours = [named.get(value.name) for value in model.graph.output] if len(outputs) > 1 else [numpy.load(found[0])]
    for array, wanted in zip(ours, outputs):
        if array is None:
            return "an output has no file"
        if array.shape != wanted.shape:
            return f"gives {array.shape}, and {wanted.shape} is wanted"
        array, wanted = array.astype("f8"), wanted.astype("f8")
        # What is infinite or no number is the same or is not, and is no measure.
        odd = ~numpy.isfinite(wanted)
        if not numpy.array_equal(array[odd], wanted[odd], equal_nan=True):
            return "other numbers"
        array, wanted = array[~odd], wanted[~odd]
        scale = max(float(numpy.abs(wanted).max()), 1e-30) if wanted.size else 1.0
        if wanted.size and not float(numpy.abs(array - wanted).max()) <= tolerance * scale:
            return "other numbers"
    return None


def node_test(cnnc, case, folder):
    """The operators of a test, and why it does not pass."""
    model = onnx.load(str(case / "model.onnx"))
    operators = sorted({node.op_type for node in model.graph.node if node.op_type != "Constant"})
    data = case / "test_data_set_0"
    try:
        inputs = [tensor(data / f"input_{place}.pb") for place in range(len(list(data.glob("input_*.pb"))))]
        outputs = [tensor(data / f"output_{place}.pb") for place in range(len(list(data.glob("output_*.pb"))))]
    except Exception:  # noqa: BLE001 - sequences, optionals and texts are no tensors
        return operators, "its values are no tensors of numbers"
    made = {tensor.name for tensor in model.graph.initializer}
    if len(inputs) != sum(value.name not in made for value in model.graph.input):
        return operators, "its values are no tensors of numbers"
    halves = any(array.dtype == numpy.float16 for array in inputs + outputs)
    kinds = [value.type.tensor_type.elem_type for value in [*model.graph.input, *model.graph.output]]
    brains = onnx.TensorProto.BFLOAT16 in kinds
    tolerance = 1e-2 if brains else 1e-3 if halves else 1e-4
    inputs = widened([value for value in model.graph.input if value.name not in made], inputs)
    outputs = widened(model.graph.output, outputs)
    if any(array.dtype == numpy.float64 and (numpy.abs(array) > 3e38).any() for array in inputs):
        return operators, "its values are past float32"
    first = None
    for variant, places in variants(model, inputs):
        for old in folder.iterdir():
            old.unlink()
        why = attempt(cnnc, variant, [inputs[place] for place in places], outputs, folder, tolerance)
        if why is None:
            return operators, None
        first = first if first is not None and first.startswith(("other", "gives", "runs")) else why
    return operators, first


def light_test(cnnc, path, folder):
    """Why a light network does not pass."""
    model = onnx.load(str(path))
    made = {tensor.name for tensor in model.graph.initializer}
    value = next(value for value in model.graph.input if value.name not in made)
    shape = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
    count = int(numpy.prod(shape))
    picture = (numpy.arange(count).reshape(shape) / count).astype("f4")
    wanted = tensor(path.with_name(path.stem + "_output_0.pb"))
    return attempt(cnnc, model, [picture], [wanted], folder, 1e-4)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--cnnc", required=True)
    arguments.add_argument("--data", required=True, type=pathlib.Path)
    arguments.add_argument("--only", default="", help="tests whose name has this in it")
    arguments.add_argument("--table", action="store_true")
    asked = arguments.parse_args()
    cnnc = str(pathlib.Path(asked.cnnc).resolve())
    with tempfile.TemporaryDirectory() as unpacked, tempfile.TemporaryDirectory() as folder:
        data, folder = asked.data, pathlib.Path(folder)
        if data.is_file():
            zipfile.ZipFile(data).extractall(unpacked)
            data = pathlib.Path(unpacked) / "onnx/backend/test/data"
        passed, failed = collections.Counter(), collections.defaultdict(lambda: collections.defaultdict(list))
        kinds = {}
        ranges = {"of the 21 operators": (NARROW, []), "of the wide range": (WIDE, [])}
        for kind in ("node", "pytorch-converted", "pytorch-operator", "simple"):
            good = total = 0
            for case in sorted((data / kind).iterdir()):
                if asked.only not in case.name:
                    continue
                operators, why = node_test(cnnc, case, folder)
                label = " ".join(operators) if len(operators) < 4 else f"{kind}: several"
                total, good = total + 1, good + (why is None)
                passed[label] += why is None
                for among, cases in ranges.values():
                    if kind != "simple" and set(operators) <= set(among):
                        cases.append((case.name, why))
                if why is not None:
                    failed[label][why].append(case.name)
            kinds[kind] = (good, total)
        for path in sorted((data / "light").glob("*.onnx")):
            if asked.only in path.name:
                why = light_test(cnnc, path, folder)
                print(f"{path.stem}: {why or 'passed'}", flush=True)
    for kind, (good, total) in kinds.items():
        print(f"{kind}: {good} of {total}")
    for name, (_, cases) in ranges.items():
        print(f"{name}: {sum(why is None for _, why in cases)} of {len(cases)}")
        reasons = collections.defaultdict(list)
        for case, why in cases:
            if why is not None:
                reasons[why].append(case.removeprefix("test_"))
        for why, names in sorted(reasons.items(), key=lambda item: -len(item[1])):
            print(f"    {len(names):3} {why}: {' '.join(names)}")
    if asked.table:
        print("\n| operators | passed | not | why not |\n|---|---|---|---|")
    for label in sorted(set(passed) | set(failed)):
        why = failed.get(label, {})
        bad = sum(len(names) for names in why.values())
        told = "; ".join(f"{text} ({len(names)})" for text, names in why.items())
        if asked.table:
            print(f"| {label} | {passed[label]} | {bad} | {told} |")
        elif bad:
            print(f"{label}: {passed[label]} passed")
            for text, names in why.items():
                print(f"    {len(names):3} {text}: {' '.join(names[:6])}")


if __name__ == "__main__":
    main()
