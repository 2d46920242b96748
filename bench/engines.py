"""The engines that are compared, each in processes of its own, behind three methods: `measure`, `answer` and `stop`.

A peer's process stays, loaded and idle, between its turns; `cnnc` is started for every turn, as its users start it.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
WORK = ROOT / "target" / "bench"
PYTHON_PEERS = ["onnxruntime", "openvino", "torch", "torch.compile"]
PEERS = [*PYTHON_PEERS, "tract"]
INT8_PEERS = ["onnxruntime-int8", "openvino-int8"]
SPECS = {"lenet": "lenet", "resnet18_d2l": "resnet18", "vgg11_d2l": "vgg"}


def spec(net):
    """The file of a net."""
    return ROOT / "models" / f"{SPECS.get(net, 'torchvision/' + net)}.cnn"


def directory(net):
    """Where `nets.py` puts what belongs to a net."""
    return WORK / "nets" / net


def export(net):
    """Makes the files of a net, once."""
    if not (directory(net) / "net.onnx").exists():
        print(f"exporting {net}", file=sys.stderr)
        subprocess.run([sys.executable, "-W", "ignore", HERE / "nets.py", net, WORK / "nets"], check=True)


def peer_command(peer, net, batch, threads):
    """How a peer's process is started."""
    if peer != "tract":
        return [sys.executable, "-W", "ignore", HERE / "runner.py", peer, directory(net), str(batch), str(threads)]
    files = directory(net)
    shape = ",".join(map(str, numpy.load(files / f"input{batch}.npy", mmap_mode="r").shape))
    return [WORK / "tract/release/tract-runner", files / "net.onnx", shape, str(threads), files / f"input{batch}.f32"]


def environment(threads):
    """OpenMP's threads are set before a process starts; what torch.compile compiles is kept from run to run."""
    settings = {"OMP_NUM_THREADS": str(threads), "TORCHINDUCTOR_CACHE_DIR": str(WORK / "inductor")}
    return os.environ | settings | {"TORCHINDUCTOR_FX_GRAPH_CACHE": "1"}


class Peer:
    """A peer's process, which loads a net and then waits for its turns; `RuntimeError` when it cannot."""

    def __init__(self, command, threads):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen(command, env=environment(threads), **pipes)
        self.read()

    def read(self):
        """The next line of the process."""
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(self.process.communicate()[1].strip()[-300:])
        return line.strip()

    def ask(self, command):
        """Sends a command and returns the line that answers it."""
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return self.read()

    def measure(self, seconds):
        """The median time of a run in milliseconds, over so many seconds."""
        return float(self.ask(f"measure {seconds}"))

    def answer(self):
        """The answer to the net's input, as a flat array."""
        path = WORK / f"answer{self.process.pid}.f32"
        self.ask(f"answer {path}")
        values = numpy.fromfile(path, dtype=numpy.float32)
        path.unlink()
        return values

    def stop(self):
        """Ends the process."""
        self.process.communicate()


class Cnnc:
    """cnnc by its command line; `binary` is the executable."""

    def __init__(self, binary, net, batch, threads, train=False, precision="fp32"):
        self.binary, self.net, self.batch, self.threads = binary, net, batch, threads
        self.train = ["--train"] if train else []
        self.precision = ["--precision", precision]

    def run(self, *arguments):
        """What a command prints."""
        done = subprocess.run([self.binary, *map(str, arguments)], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr.strip()[-300:])
        return done.stdout

    def measure(self, seconds):
        """The median time of a run in milliseconds, over so many seconds."""
        options = ["--batch", self.batch, "--threads", self.threads, "--seconds", seconds, "--format", "json"]
        return json.loads(self.run("bench", spec(self.net), *options, *self.train, *self.precision))["median_ms"]

    def run_arguments(self, output):
        """Arguments that answer the net's input of batch 1 with the weights that the peers have."""
        files = directory(self.net)
        options = ["--weights", files / "weights.safetensors", "--input", files / "input1.npy", "--output", output]
        return ["run", spec(self.net), *options, "--threads", self.threads]

    def answer(self):
        """The answer to the net's input of batch 1, as a flat array."""
        path = WORK / "answer_cnnc.npy"
        self.run(*self.run_arguments(path))
        values = numpy.load(path).ravel()
        path.unlink()
        return values

    def stop(self):
        """Nothing stays between turns."""
