"""One command for the day a GPU is there: python gpu.py [--cnnc FILE] [--device cuda] [--quick] [--json FILE] ...

What comes in is the built executable and the PyTorch of this Python. First `cnnc doctor` has to find every kernel right, then
answers are held against PyTorch's in float64, then trainings against the CPU's, and only then is anything timed: cnnc by
generated kernels alone and with cuBLASLt and cuDNN among what `--tune` measured, against PyTorch as it comes and torch.compile
(max-autotune, CUDA graphs, channels last), in the same precision, inputs on the GPU, in turns. Out come tables and, with --json, all figures. Ends with 1 when something is wrong. `--device cpu` stands in where
there is no GPU, so that this script itself can be tried.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy
import torch

import gpu_nets as nets

# What a whole network may be off, by precision: a share of the largest value.
TOLERANCE = {"fp32": 1e-4, "tf32": 5e-3, "fp16": 1e-2, "bf16": 3e-2}
INFERENCE = ["lenet", "resnet18", "resnet50", "vgg16"]
TRAINING = {"lenet": 128, "resnet18_d2l": 32}
# How far accuracies of the CPU and the GPU may be apart: on few pictures one more or less counts.
APART = 0.03
# What is timed, in the table's order: cnnc by generated kernels alone, and with the libraries.
ENGINES = ["cnnc alone", "cnnc", "torch", "torch.compile"]
START = time.perf_counter()
RECIPE = """model: {{file: {spec}, name: {name}}}
data: {{format: idx, path: {data}}}
init: {{"Conv2d, Linear": xavier_uniform}}
optimizer: {{name: sgd, lr: {rate}}}
batch_size: {batch}
epochs: {epochs}
seed: 0
output: {output}
"""


def main():
    """Everything in order; what is wrong stops what depends on it."""
    options = arguments()
    result = {"device": device_name(options), "torch": torch.__version__, "when": time.strftime("%Y-%m-%d %H:%M")}
    with tempfile.TemporaryDirectory() as folder:
        options.folder = Path(folder)
        result["doctor"] = doctor(options)
        result["answers"] = [answer(options, net, precision) for net in options.nets for precision in options.precisions]
        result["trainings"] = [training(options, *one) for one in trainings(options)]
        right = all(one["right"] for part in ("doctor", "answers", "trainings") for one in result[part])
        if right and not options.no_figures:
            result["figures"] = measured(options)
            print(table(result["figures"]))
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")
    print("all is right" if right else "NOT all is right: nothing was timed")
    return 0 if right else 1


def arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description="Holds cnnc on a GPU against the CPU and PyTorch.")
    names = lambda text: text.split(",")  # noqa: E731
    parser.add_argument("--cnnc", type=Path, default=nets.ROOT / "target/release/cnnc", help="the executable")
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--nets", type=names, default=INFERENCE)
    parser.add_argument("--precisions", type=names, default=list(TOLERANCE))
    parser.add_argument("--batch", type=lambda text: [int(part) for part in text.split(",")], default=[1, 128])
    parser.add_argument("--data", type=Path, default=nets.ROOT / "models/fashion_mnist_small", help="pictures to train on")
    parser.add_argument("--epochs", type=int, default=10, help="of the trainings")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each engine")
    parser.add_argument("--seconds", type=float, default=0.5, help="length of a turn")
    parser.add_argument("--minutes", type=float, default=18, help="no cell is begun after so many; the most wanted come first")
    parser.add_argument("--no-compile", action="store_true", help="without torch.compile")
    parser.add_argument("--no-figures", action="store_true", help="only what has to be right")
    parser.add_argument("--json", type=Path, help="write all figures here")
    return parser.parse_args()


def device_name(options):
    """The GPU's name as PyTorch has it."""
    return torch.cuda.get_device_name() if options.device == "cuda" else "cpu"


def cnnc(options, *arguments, cache="alone"):
    """Runs cnnc from the repository's root, with a cache of its own; its standard output and whether it did well."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(options.folder / cache)}
    call = [options.cnnc, *map(str, arguments)]
    done = subprocess.run(call, capture_output=True, text=True, cwd=nets.ROOT, env=environment)
    if done.returncode:
        print(done.stderr, file=sys.stderr)
    return done.stdout, done.returncode == 0


def on(options, precision):
    """The arguments that choose device and precision."""
    return ["--device", options.device] + (["--precision", precision] if options.device == "cuda" else [])


def doctor(options):
    """Every kernel by every precision."""
    found = []
    for precision in options.precisions if options.device == "cuda" else ["fp32"]:
        text, right = cnnc(options, "doctor", *on(options, precision), "--format", "json")
        found.append({"precision": precision, "right": right, "report": json.loads(text) if text else None})
        print(f"doctor {precision}: {'right' if right else 'WRONG'}")
    return found


def prepared(options, net):
    """The module in float64, the files of its weights and of an input, both made once."""
    module = nets.build(net)
    weights, x = options.folder / f"{net}.safetensors", options.folder / f"{net}.npy"
    if not weights.exists():
        nets.save(module.state_dict(), weights)
        numpy.save(x, torch.randn(2, *nets.shape(net)).numpy())
    return module.double(), weights, x


def answer(options, net, precision):
    """A network's answer against PyTorch's in float64."""
    module, weights, x = prepared(options, net)
    output = options.folder / "answer.npy"
    output.unlink(missing_ok=True)
    files = ["--weights", weights, "--input", x, "--output", output]
    _, right = cnnc(options, "run", *nets.SPECS[net], *on(options, precision), *files)
    found = {"net": net, "precision": precision, "right": False}
    if right:
        with torch.no_grad():
            exact = module(torch.from_numpy(numpy.load(x)).double()).numpy()
        given = numpy.load(output).astype(float)
        found["error"] = float(abs(given - exact).max() / abs(exact).max())
        same = bool((given.argmax(1) == exact.argmax(1)).all())
        found["right"] = same and found["error"] <= TOLERANCE[precision]
    print(f"answer of {net} {precision}: {found.get('error', float('nan')):.1e} {'right' if found['right'] else 'WRONG'}")
    return found


def trainings(options):
    """Name, spec, model, learning rate, batch, and epochs."""
    yield "lenet", "models/lenet.cnn", "ModernLeNet", 0.1, 32, options.epochs
    yield "resnet18_d2l", "models/resnet18.cnn", "ResNet18", 0.01, 32, max(1, options.epochs // 5)


def training(options, name, spec, model, rate, batch, epochs):
    """The accuracy that a recipe reaches on the GPU, and on the CPU."""
    reached, seconds = {}, {}
    for device in ("cpu", options.device):
        output = options.folder / f"{name}-{device}"
        values = {"spec": nets.ROOT / spec, "name": model, "data": options.data, "rate": rate}
        recipe = options.folder / f"{name}-{device}.yaml"
        recipe.write_text(RECIPE.format(batch=batch, epochs=epochs, output=output, **values))
        _, right = cnnc(options, "train", recipe, "--device", device, "--force")
        log = output / "log.jsonl"
        lines = [json.loads(line) for line in log.read_text().splitlines()] if right and log.exists() else []
        reached[device] = lines[-1]["val_accuracy"] if lines else None
        seconds[device] = sum(line["seconds"] for line in lines)
    there = None not in reached.values()
    right = there and abs(reached["cpu"] - reached[options.device]) <= APART
    print(f"training of {name}: accuracy {reached}, seconds {seconds} {'right' if right else 'WRONG'}")
    return {"net": name, "accuracy": reached, "seconds": seconds, "right": right}


def cells(options):
    """What is timed, the most wanted first: network, batch, precision, whether a training step."""
    for precision in sorted(options.precisions, key=["tf32", "fp16", "fp32", "bf16"].index):
        for batch in options.batch:
            yield from ((net, batch, precision, False) for net in options.nets)
        if precision in ("tf32", "fp32"):
            yield from ((net, batch, precision, True) for net, batch in TRAINING.items())


def measured(options):
    """The figures of all cells that there is time for."""
    found = []
    for cell in cells(options):
        if time.perf_counter() - START > 60 * options.minutes:
            print(f"no time left for {cell} and what comes after it")
            break
        found.append(figures(options, *cell))
    return found


def figures(options, net, batch, precision, train):
    """The medians of all engines in turns, and the floors of cnnc's plan."""
    engines = {"torch": torch_engine(options, net, batch, precision, train, compiled=False)}
    if not options.no_compile:
        engines["torch.compile"] = torch_engine(options, net, batch, precision, train, compiled=True)
    ours = caches(options)
    times = {name: [] for name in [*ours, *engines]}
    for cache, more in ours.values():
        bench(options, net, batch, precision, train, ["--tune", *more], cache)
        if cache == "alone":
            # What was compiled for the generated kernels need not be compiled again.
            shutil.copytree(options.folder / cache, options.folder / "libraries", dirs_exist_ok=True)
    for _ in range(options.rounds):
        for name, (cache, more) in ours.items():
            times[name].append(bench(options, net, batch, precision, train, more, cache)["median_ms"])
        for name, run in engines.items():
            times[name].append(timed(options, run))
    cache, more = ours["cnnc"]
    floors = floor(bench(options, net, batch, precision, train, ["--profile", *more], cache))
    medians = {name: statistics.median(values) for name, values in times.items()}
    cell = {"net": net, "batch": batch, "precision": precision, "train": train, "ms": medians, "rounds_ms": times, **floors}
    print("\t".join(map(str, row(cell))), flush=True)
    return cell


def caches(options):
    """What cnnc is timed as: where it keeps what it measured, and its arguments."""
    if options.device != "cuda":
        return {"cnnc": ("alone", [])}
    return {"cnnc alone": ("alone", ["--no-libraries"]), "cnnc": ("libraries", [])}


def bench(options, net, batch, precision, train, more, cache):
    """What `cnnc bench` says."""
    mode = ["--train"] if train else []
    size = ["--batch", batch, "--seconds", options.seconds, "--format", "json"]
    text, right = cnnc(options, "bench", *nets.SPECS[net], *on(options, precision), *mode, *size, *more, cache=cache)
    if not right:
        raise SystemExit(f"cnnc bench fails on {net}, batch {batch}, {precision}")
    return json.loads(text)


def floor(report):
    """Milliseconds that the larger of arithmetic and bytes takes at the peaks, over all steps."""
    steps = report.get("steps", [])
    return {
        "floor_ms": sum(step["ms"] * step["share_of_floor"] for step in steps),
        "multiply_adds": sum(step["multiply_adds"] for step in steps),
        "bytes": sum(step["bytes"] for step in steps),
    }


def torch_engine(options, net, batch, precision, train, compiled):
    """A call that does one inference, or one training step, in PyTorch."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision == "tf32"
    torch.backends.cudnn.benchmark = True
    kind = {"fp16": torch.float16, "bf16": torch.bfloat16}.get(precision, torch.float32)
    module = nets.build(net).to(options.device, kind, memory_format=torch.channels_last)
    x = torch.randn(batch, *nets.shape(net), device=options.device, dtype=kind).to(memory_format=torch.channels_last)
    call = torch.compile(module, mode="max-autotune") if compiled else module
    if not train:
        return lambda: inferred(call, x)
    module.train()
    labels = torch.zeros(batch, dtype=torch.long, device=options.device)
    optimiser = torch.optim.SGD(module.parameters(), lr=1e-6)
    return lambda: stepped(call, optimiser, x, labels)


def inferred(call, x):
    """One inference."""
    with torch.inference_mode():
        return call(x)


def stepped(call, optimiser, x, labels):
    """One training step."""
    optimiser.zero_grad()
    torch.nn.functional.cross_entropy(call(x), labels).backward()
    optimiser.step()


def timed(options, run):
    """The median milliseconds of a run, each waited for."""
    wait = torch.cuda.synchronize if options.device == "cuda" else (lambda: None)
    for _ in range(3):
        run()
    times, start = [], time.perf_counter()
    while time.perf_counter() - start < options.seconds or len(times) < 5:
        wait()
        before = time.perf_counter()
        run()
        wait()
        times.append((time.perf_counter() - before) * 1e3)
    return statistics.median(times)


def row(cell):
    """A line of the table: times, the fastest peer's over cnnc's, and the floor."""
    ms = cell["ms"]
    fastest = min(value for name, value in ms.items() if name in ("torch", "torch.compile"))
    times = [f"{ms[name]:.4g}" if name in ms else "" for name in ENGINES]
    ratios = [f"{fastest / ms[name]:.2f}" if name in ms else "" for name in ENGINES[:2]]
    what = cell["net"] + (" training" if cell["train"] else "")
    return [what, cell["batch"], cell["precision"], *times, *ratios, f"{cell['floor_ms']:.4g}"]


def table(found):
    """All cells, as Markdown."""
    head = ["net", "batch", "precision", *(f"{name} ms" for name in ENGINES), "ratio alone", "ratio", "floor ms"]
    lines = [head, ["---"] * len(head), *(row(cell) for cell in found)]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


if __name__ == "__main__":
    sys.exit(main())
