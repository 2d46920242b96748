"""Makes `checkpoints/`: small files as PyTorch saves them, and `checkpoints.json`, what is in each.

What goes out is a file for each case: a state of views in all three forms and all protocols of pickle (`zip_0.pth` to
`tar_5.pth`), states nested in other things, whole modules, all types of elements, and files that must be refused
(`refused_*.pth`); and the seeds of the fuzz target, `../fuzz/seeds/pytorch/`, which are a state of the network in
`tests/src/hostile/weights.rs`. The JSON has versions, and of each file that is read
    key        what `--key` has to say, where there are several states
    under      the keys that lead to the state, with dots between
    module     the class of the module that was saved
    tensors    key, type, shape and values of each tensor, in order, as PyTorch has them
    left_out   keys that are in the state and no tensors that are read
    beside     keys beside the state
    pip install -r tests/reference/requirements.txt
    python tests/reference/checkpoints.py
"""

import argparse
import inspect
import io
import json
import pathlib
import pickle
import zipfile
from collections import OrderedDict

import numpy
import torch
from torch import nn

import torch_forms

FOLDER = pathlib.Path(__file__).resolve().parent / "checkpoints"
SEEDS = FOLDER.parents[1] / "fuzz" / "seeds" / "pytorch"
FILE = FOLDER.with_suffix(".json")


def numbers(*shape, start=0):
    """Numbers that count up from `start`, as float32."""
    return torch.arange(start, start + torch.Size(shape).numel(), dtype=torch.float32).reshape(shape)


def views():
    """A state of tensors that are views of all kinds."""
    whole = numbers(24)
    tied = numbers(2, 2, start=100)
    return OrderedDict(
        {
            "row.weight": numbers(2, 3, start=1),
            "transposed.weight": numbers(3, 4, start=10).t(),
            "last.weight": numbers(2, 3, 2, 2, start=50).contiguous(memory_format=torch.channels_last),
            "part.weight": whole[6:12].view(2, 3),
            "steps.weight": whole[1::3],
            "tied.weight": tied,
            "tied.other": tied,
            "repeated.weight": numbers(3, 1, start=7).expand(3, 2),
            "double.weight": numbers(3, start=-1).double() / 3,
            "half.weight": (numbers(4) / 7).half(),
            "empty.weight": torch.empty(0, 3),
            "norm.num_batches_tracked": torch.tensor(2**53 + 1),
        }
    )


class Part(nn.Module):
    """A module with everything that a state keeps or leaves out."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 2, bias=False)
        self.norm = nn.BatchNorm2d(2)
        self.again = self.norm
        self.scale = nn.Parameter(numbers(2, start=3))
        self.register_parameter("none", None)
        self.register_buffer("kept", numbers(2, start=5))
        self.register_buffer("unsaved", numbers(2), persistent=False)
        self.options = argparse.Namespace(width=2)


def module():
    """A whole network."""
    torch.manual_seed(0)
    return nn.Sequential(OrderedDict(part=Part(), head=nn.Linear(2, 2)))


TYPES = (
    *(torch.float32, torch.float64, torch.float16, torch.bfloat16),
    *(torch.float8_e4m3fn, torch.float8_e5m2, torch.float8_e4m3fnuz, torch.float8_e5m2fnuz, torch.float8_e8m0fnu),
    *(torch.int8, torch.int16, torch.int32, torch.int64, torch.uint8, torch.uint16, torch.uint32, torch.uint64, torch.bool),
)


def of_type(dtype):
    """Numbers that a type can say, and some that it rounds; of 8-bit floats all that there are."""
    name = str(dtype).removeprefix("torch.")
    if name.startswith("float8"):
        return torch.arange(256, dtype=torch.uint8).view(dtype)
    if dtype == torch.bool:
        return torch.tensor([True, False])
    if dtype.is_floating_point:
        return torch.tensor([0.0, -0.0, 1.5, -2.25, 0.1, 1e-5, float("inf")]).to(dtype)
    about = torch.iinfo(dtype)
    return torch.tensor([about.min, 0, 1, min(about.max, 2**63 - 1)], dtype=dtype)


def wrapped(state, prefix):
    """The state under other keys."""
    return OrderedDict((prefix + key, value) for key, value in state.items())


def trained(net):
    """An optimiser that has made a step."""
    optimizer = torch.optim.Adam(net.parameters())
    net(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    return optimizer.state_dict()


def small():
    """A state of one layer."""
    return OrderedDict(weight=numbers(2, 2), bias=numbers(2, start=4))


def read_cases():
    """Files that are read: a name, what is saved, how, and what is in it."""
    for form in torch_forms.FORMS:
        for protocol in torch_forms.PROTOCOLS:
            yield f"{form}_{protocol}", views(), dict(form=form, protocol=protocol), dict(state=views())
    state = small()
    nested = {
        "epoch": 3,
        "best": numpy.float64(0.5),
        "loss": torch.tensor(0.25),
        "args": argparse.Namespace(lr=0.1),
        "state_dict": state,
        "optimizer": trained(nn.Linear(2, 2)),
    }
    beside = [key for key in nested if key != "state_dict"]
    yield "nested", nested, {}, dict(state=state, under="state_dict", beside=beside)
    yield "nested_twice", {"model": {"net": state}}, {}, dict(state=state, under="model.net")
    beside = {"rng_state": torch.arange(8, dtype=torch.uint8), "model": state}
    yield "beside_tensors", beside, {}, dict(state=state, under="model", beside=["rng_state"])
    inside = dict(state, statistics={"mean": numbers(3)})
    yield "tensors_inside", inside, {}, dict(state=state, left_out=["statistics"])
    both = {"model": state, "ema": {"module": wrapped(state, "x.")}}
    yield "several", both, {}, dict(state=wrapped(state, "x."), key="ema", under="ema.module", beside=["model"])
    yield "data_parallel", wrapped(state, "module."), {}, dict(state=wrapped(state, "module."))
    yield "compiled", wrapped(state, "_orig_mod."), {}, dict(state=wrapped(state, "_orig_mod."))
    averaged = torch.optim.swa_utils.AveragedModel(nn.Linear(2, 2)).state_dict()
    yield "averaged", averaged, {}, dict(state=averaged)
    kept = dict(state, _extra_state={"calls": 3}, notes=["a", "b"])
    yield "left_out", kept, {}, dict(state=state, left_out=["_extra_state", "notes"])
    strange = dict(
        state,
        sparse=torch.eye(3).to_sparse(),
        complex=torch.ones(2, dtype=torch.complex64),
        quantised=torch.quantize_per_tensor(numbers(3), 0.1, 0, torch.qint8),
        meta=torch.empty(2, device="meta"),
        negative=torch._neg_view(numbers(2)),
    )
    yield "strange", strange, {}, dict(state=state, left_out=[key for key in strange if key not in state])
    types = {str(dtype).removeprefix("torch."): of_type(dtype) for dtype in TYPES}
    yield "types", types, {}, dict(state=types)
    net = module()
    for form, protocol in (("zip", 2), ("zip", 5), ("legacy", 2), ("legacy", 0)):
        about = dict(state=net.state_dict(), module="torch.nn.modules.container.Sequential")
        yield f"module_{form}_{protocol}", net, dict(form=form, protocol=protocol), about
    parameters = {"weight": nn.Parameter(numbers(2, 2)), "plain": numbers(2)}
    yield "parameters", parameters, dict(form="legacy"), dict(state=parameters)


class Call:
    """Pickles as a call."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def refused_cases():
    """Files that must be refused: a name and its bytes."""
    import os

    def saved(value, **options):
        content = io.BytesIO()
        torch.save(value, content, **options)
        return content.getvalue()

    state = small()
    yield "call", saved(dict(state, evil=Call(os.system, "false")))
    yield "call_legacy", saved(dict(state, evil=Call(os.system, "false")), _use_new_zipfile_serialization=False)
    yield "eval", saved(dict(state, evil=Call(eval, "1")))
    yield "getattr", saved(dict(state, evil=Call(getattr, state, "keys")))
    yield "nested_load", saved(dict(state, evil=Call(torch.load, "other.pth")))
    yield "two_states", saved({"model": state, "ema": state})
    yield "no_state", saved({"epoch": 3})
    yield "one_tensor", saved(state["weight"])
    # What TorchScript's archives have and others have not; real ones hold paths of the machine that made them.
    script = io.BytesIO()
    with zipfile.ZipFile(script, "w") as into:
        for name in ("data.pkl", "constants.pkl", "version"):
            into.writestr(f"script/{name}", pickle.dumps((), protocol=2))
    yield "script", script.getvalue()
    arrays = io.BytesIO()
    numpy.savez(arrays, weight=numpy.zeros(2))
    yield "arrays", arrays.getvalue()
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(saved(state))) as stored, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as into:
        for name in stored.namelist():
            into.writestr(name, stored.read(name))
    yield "compressed", packed.getvalue()
    yield "page", b"<!DOCTYPE html>\n<html><body>Not Found</body></html>\n"
    yield "pointer", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12345\n"
    yield "plain_pickle", pickle.dumps({"weight": [1.0, 2.0]}, protocol=4)


def seeds():
    """Files to fuzz from: a state of a small network, in every form and as people keep it."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 2, 2), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 3))
    state = net.state_dict()
    for form in torch_forms.FORMS:
        yield form, state, dict(form=form)
    yield "legacy_0", state, dict(form="legacy", protocol=0)
    yield "zip_5", state, dict(protocol=5)
    yield "nested", {"epoch": 1, "state_dict": wrapped(state, "module.")}, dict(form="legacy")
    yield "module", net, dict(form="legacy")
    yield "module_5", net, dict(protocol=5)
    yield "refused_two_states", {"model": state, "ema": state}, dict(form="legacy")
    yield "refused_call", {"weight": Call(eval, "1")}, dict(form="legacy")


def described(tensor):
    """Type, shape and values of a tensor, as JSON has them."""
    name = str(tensor.dtype).removeprefix("torch.")
    values = tensor.detach().double() if tensor.is_floating_point() else tensor
    # JSON knows no infinity.
    listed = [value if abs(value) < float("inf") else str(value) for value in values.flatten().tolist()]
    return [name, list(tensor.shape), listed]


def source(of):
    """The source code of a class that the legacy form saves with a module: this file's alone, and without its place."""
    if of.__module__ != "__main__":
        raise OSError("of PyTorch's own classes none is kept")
    return inspect.getsource(of).splitlines(keepends=True), 0, "checkpoints.py"


def main():
    torch.serialization.get_source_lines_and_file = source
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.iterdir():
        old.unlink()
    files = {}
    for name, value, how, about in read_cases():
        path = FOLDER / f"{name}.pth"
        torch_forms.save(value, path, **how)
        if "form" in how and "module" not in about:
            torch_forms.check(value, path, how["form"], how.get("protocol", 2))
        state = about.pop("state")
        files[path.name] = dict(about, tensors=[[key, *described(tensor)] for key, tensor in state.items()])
    for name, content in refused_cases():
        (FOLDER / f"refused_{name}.pth").write_bytes(content)
    SEEDS.mkdir(exist_ok=True)
    for name, value, how in seeds():
        torch_forms.save(value, SEEDS / f"{name}.pth", **how)
    about = {"torch": torch.__version__.split("+")[0], "numpy": numpy.__version__, "files": files}
    FILE.write_text(json.dumps(about, separators=(",", ":")).replace('},"', '},\n"') + "\n")


if __name__ == "__main__":
    main()
