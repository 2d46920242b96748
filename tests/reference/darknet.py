"""Makes `darknet/`: what Darknet answers for each `darknet/*.cfg`.

What goes out is, beside each cfg, `.weights`, as Darknet saves them, and `.safetensors`: `input`, and of each layer whose
number stands in `OUTPUTS` what it answered, in the cfg's order. Of a head that is the layer before it, whose map it decodes.

    git clone https://github.com/pjreddie/darknet && cd darknet
    git checkout f6afaabcdf85f77e7aff2ec55c020c0e297c77f9 && make
    python tests/reference/darknet.py PATH_OF_DARKNET

`--alexeyab` makes `alexeyab.*` instead, with AlexeyAB's Darknet (commit
59596d7880f6504768df41d6daa586f5cb2b932f, `make LIBSO=1`).
With `--shapes CNNC CFG...` it writes nothing, and compares sizes of outputs and operations of other cfgs with `cnnc import`.
"""

import argparse
import json
import pathlib
import re
import struct
import subprocess
import sys
import tempfile

FOLDER = pathlib.Path(__file__).resolve().parent / "darknet"

# Layers that go out, by cfg, and the sizes of the input.
OUTPUTS = {"alexeyab": [6], "blocks": [12], "classifier": [7], "detector": [8, 15], "enlarging": [8]}


def compiled(darknet, folder, alexeyab):
    """The path of `darknet.c`, compiled with Darknet."""
    program = folder / "darknet"
    library = [f"{darknet}/libdarknet.a"]
    if alexeyab:
        library = ["-DALEXEYAB", f"{darknet}/libdarknet.so", f"-Wl,-rpath,{darknet}"]
    source = pathlib.Path(__file__).with_suffix(".c")
    paths = [f"-I{darknet}/include", f"-I{darknet}/src", str(source), *library]
    subprocess.run(["gcc", "-O2", *paths, "-lm", "-pthread", "-o", program], check=True)
    return program


def shapes(program, cfg, folder="."):
    """Channels, height, width and numbers of each layer; a tree of classes is looked up from the folder."""
    command = [program, cfg.resolve(), "shapes"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True, cwd=folder).stdout
    # Others are what the program says in passing.
    lines = re.findall(r"^\d+((?: \d+){4})$", lines, re.MULTILINE)
    return [[int(number) for number in line.split()] for line in lines]


def sizes(shape):
    """A layer's sizes: numbers in a row where it is no picture."""
    *picture, numbers = shape
    return picture if all(picture) and picture[1:] != [1, 1] else [numbers]


def safetensors(tensors):
    """A file of them, by name: sizes and bytes."""
    header, start = {}, 0
    for name, (shape, values) in tensors.items():
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [start, start + len(values)]}
        start += len(values)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(values for _, values in tensors.values())


def key(text, name):
    """A number of the first section."""
    return int(re.search(rf"^{name}=(\d+)", text, re.MULTILINE).group(1))


def make(program, name):
    """The files beside a cfg."""
    cfg = FOLDER / f"{name}.cfg"
    text = cfg.read_text()
    with tempfile.TemporaryDirectory() as made:
        made = pathlib.Path(made)
        subprocess.run([program, cfg, "answers", made], check=True, capture_output=True)
        (FOLDER / f"{name}.weights").write_bytes((made / "net.weights").read_bytes())
        shape = [1, *(key(text, size) for size in ("channels", "height", "width"))]
        tensors = {"input": (shape, (made / "input").read_bytes())}
        every = shapes(program, cfg)
        for place, layer in enumerate(OUTPUTS[name]):
            values = (made / f"output{layer}").read_bytes()
            tensors[f"output{place}"] = ([1, *sizes(every[layer])], values)
        (FOLDER / f"{name}.safetensors").write_bytes(safetensors(tensors))


def heads(text):
    """Numbers of the layers that are heads, and of the last that is no cost."""
    names = re.findall(r"^\s*\[(\w+)\]", text, re.MULTILINE)[1:]
    found = [number for number, name in enumerate(names) if name in ("yolo", "region", "detection")]
    last = max(number for number, name in enumerate(names) if name != "cost")
    return names, found if last in found else [*found, last]


def compare(program, darknet, cnnc, cfg):
    """What Darknet and cnnc say of a cfg, in a line."""
    with tempfile.TemporaryDirectory() as made:
        ours = subprocess.run([cnnc, "import", cfg, "-o", f"{made}/net.cnn"], capture_output=True, text=True)
    if ours.returncode:
        return f"{cfg.name}: refused: {ours.stderr.strip().splitlines()[1].strip()}"
    every = shapes(program, cfg, darknet)
    names, out = heads(cfg.read_text())
    wanted = []
    for number in out:
        before = names[number] in ("yolo", "region", "detection")
        wanted.append(every[number - 1 if before else number][3])
    stated = re.findall(r"^  output    \[N, ([\d, ]+)\]", ours.stdout, re.MULTILINE)
    found = []
    for one in stated:
        product = 1
        for size in one.split(", "):
            product *= int(size)
        found.append(product)
    command = [f"{darknet}/darknet", "ops", cfg.resolve()]
    told = subprocess.run(command, check=True, capture_output=True, text=True, cwd=darknet).stdout
    operations = int(re.search(r"Floating Point Operations: (\d+)", told).group(1))
    macs = int(re.search(r"([\d,]+) MACs", ours.stdout).group(1).replace(",", ""))
    same = "same" if (found, 2 * macs) == (wanted, operations) else "DIFFERENT"
    return f"{cfg.name}: {same}: outputs {found} and {wanted}, operations {2 * macs} and {operations}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("darknet", type=pathlib.Path)
    parser.add_argument("--alexeyab", action="store_true")
    parser.add_argument("--shapes", nargs="+", metavar=("CNNC", "CFG"))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        program = compiled(arguments.darknet.resolve(), pathlib.Path(folder), arguments.alexeyab)
        if arguments.shapes:
            cnnc, *cfgs = arguments.shapes
            lines = [compare(program, arguments.darknet.resolve(), cnnc, pathlib.Path(cfg)) for cfg in cfgs]
            print("\n".join(lines))
            sys.exit(any("DIFFERENT" in line for line in lines))
        for name in OUTPUTS:
            if (name == "alexeyab") == arguments.alexeyab:
                make(program, name)


if __name__ == "__main__":
    main()
