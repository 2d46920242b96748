"""Compares training steps with PyTorch's on this machine: python train.py [--nets lenet:128,resnet18_d2l:128] [--threads 2] ...

A step is forward, cross-entropy, backward and the update of plain SGD, on one batch that stays in memory. Engines take turns, as in
`compare.py`; it needs a Python with PyTorch, and cnnc's executable.
"""

import argparse
import sys
from pathlib import Path

import compare
import engines

PEERS = ["torch", "torch.compile"]


def main():
    """Measures what was asked for, and prints a line a net."""
    parser = argparse.ArgumentParser(description="Compares training steps with PyTorch's on this machine.")
    parser.add_argument("--nets", default="lenet:128,resnet18_d2l:128", help="net:batch,...")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--peers", default=",".join(PEERS), help=",".join(PEERS))
    parser.add_argument("--rounds", type=int, default=5, help="turns of each engine")
    parser.add_argument("--seconds", type=float, default=2.0, help="length of a turn")
    parser.add_argument("--cnnc", type=Path, default=engines.ROOT / "target/release/cnnc", help="the executable")
    parser.add_argument("--force", action="store_true", help="measure although the machine is busy")
    options = parser.parse_args()
    for net, batch in (part.split(":") for part in options.nets.split(",")):
        compare.wait_for_quiet(options.force)
        print(compared(options, net, batch), flush=True)


def compared(options, net, batch):
    """The medians of all engines on one net, and cnnc's time over the faster peer's."""
    threads = options.threads
    running = {"cnnc": engines.Cnnc(options.cnnc, net, batch, threads, train=True)}
    for peer in options.peers.split(","):
        command = [sys.executable, "-W", "ignore", engines.HERE / "train_runner.py", peer, net, batch, str(threads)]
        running[peer] = engines.Peer(command, threads)
        running[peer].measure(0)
    medians = compare.turns(running, options.rounds, options.seconds)[1]
    fastest = min(time for name, time in medians.items() if name != "cnnc")
    times = "  ".join(f"{name} {time:.4g} ms" for name, time in medians.items())
    return f"{net} batch {batch} threads {threads}: {times}  share {medians['cnnc'] / fastest:.2f}"


if __name__ == "__main__":
    main()
