"""Compares cnnc with its peers on this machine: python compare.py [--nets a,b] [--batch 1,8] [--threads 1,2] ...

Every engine loads a net once; then they take turns, a short measurement each, so that whatever the machine does in the meantime
happens to all of them. A cell is the median of an engine's rounds. `compare.sh` makes what this needs and starts it.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy

import engines
import report

IDLE_SHARE = 0.05
TOLERANCE = 1e-4


def main():
    """Measures what was asked for, prints the tables, keeps the figures."""
    options = arguments()
    results = load(options.json)
    for net in options.nets:
        engines.export(net)
        for batch in options.batch:
            for threads in options.threads:
                wait_for_quiet(options.force)
                cell = measure_cell(options, net, batch, threads)
                same = ["net", "batch", "threads"]
                results["cells"] = [old for old in results["cells"] if any(old[key] != cell[key] for key in same)]
                results["cells"].append(cell)
                save(options.json, results)
        if options.startup:
            wait_for_quiet(options.force)
            results["startup"][net] = startup(options, net)
            save(options.json, results)
    print(report.table(results["cells"], options.precision))
    print(report.totals(results["cells"], options.precision))
    if results["startup"]:
        print(report.startup_table(results["startup"]))


def arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description="Compares cnnc with its peers on this machine.")
    names = lambda text: text.split(",")  # noqa: E731
    numbers = lambda text: [int(part) for part in text.split(",") if part]  # noqa: E731
    parser.add_argument("--nets", type=names, default=list(report.TARGETS))
    parser.add_argument("--batch", type=numbers, default=[1, 8], help="1,8")
    parser.add_argument("--threads", type=numbers, default=[2, 1], help="2,1")
    parser.add_argument("--precision", choices=["fp32", "int8"], default="fp32", help="int8: the peers by their own quantisers")
    parser.add_argument("--peers", type=names, help=",".join([*engines.PEERS, *engines.INT8_PEERS]))
    parser.add_argument("--rounds", type=int, default=5, help="turns of each engine")
    parser.add_argument("--seconds", type=float, default=0.5, help="length of a turn")
    parser.add_argument("--startup", action="store_true", help="also peak memory and the time to the first answer")
    parser.add_argument("--json", type=Path, help="keep the figures here; cells that are there already stay in the tables")
    parser.add_argument("--cnnc", type=Path, default=engines.ROOT / "target/release/cnnc", help="the executable")
    parser.add_argument("--force", action="store_true", help="measure although the machine is busy")
    options = parser.parse_args()
    options.peers = options.peers or (engines.PEERS if options.precision == "fp32" else engines.INT8_PEERS)
    for name, given, known in [("net", options.nets, list(report.TARGETS)), ("peer", options.peers, [*engines.PEERS, *engines.INT8_PEERS])]:
        if unknown := [one for one in given if one not in known]:
            parser.error(f"no {name} is called {unknown[0]}; there are {', '.join(known)}")
    return options


def measure_cell(options, net, batch, threads):
    """The median of every engine on one net, taken in turns; on batch 1 their answers are compared first."""
    running = {"cnnc": engines.Cnnc(options.cnnc, net, batch, threads, precision=options.precision)}
    errors = {}
    for name in options.peers:
        try:
            running[name] = engines.Peer(engines.peer_command(name, net, batch, threads), threads)
            running[name].measure(0)
        except (RuntimeError, OSError) as error:
            running.pop(name, None)
            print(f"{name} fails on {net}: {error}", file=sys.stderr)
    if batch == 1 and options.precision == "fp32":
        errors = check_answers(running, net)
    times, medians = turns(running, options.rounds, options.seconds)
    line = "  ".join(f"{name} {report.milliseconds(value)}" for name, value in medians.items())
    cell = {"net": net, "batch": batch, "threads": threads, "median_ms": medians, "rounds_ms": times, "errors": errors}
    print(f"{net} batch {batch} threads {threads}: {line}  ratio {report.number(report.ratio(cell))}", file=sys.stderr)
    return cell


def turns(running, rounds, seconds):
    """What every engine took in each of its turns, and the median of these; the engines end."""
    times = {name: [] for name in running}
    for _ in range(rounds):
        for name, engine in running.items():
            time.sleep(0.05)
            times[name].append(engine.measure(seconds))
    for engine in running.values():
        engine.stop()
    return times, {name: statistics.median(values) for name, values in times.items()}


def check_answers(running, net):
    """The relative error of every engine against PyTorch in float64, the largest difference over the largest value."""
    exact = numpy.load(engines.directory(net) / "answer.npy").ravel()
    errors = {}
    for name, engine in running.items():
        errors[name] = float(abs(engine.answer() - exact).max() / abs(exact).max())
        if not errors[name] <= TOLERANCE:
            print(f"{name} is off on {net}: {errors[name]:.1e} against float64", file=sys.stderr)
    return errors


def startup(options, net):
    """Peak memory and time to the first answer, cnnc's and onnxruntime's, each the median of a few processes."""
    output = engines.WORK / "startup"
    threads = max(options.threads)
    ours = [options.cnnc, *engines.Cnnc(options.cnnc, net, 1, threads).run_arguments(f"{output}.npy")]
    theirs = engines.peer_command("onnxruntime", net, 1, threads)
    return [processes(command, f"answer {output}.f32\n", threads) for command in (ours, theirs)]


def processes(command, text, threads, count=5):
    """Medians over `count` processes after one that fills the page cache."""
    environment = engines.environment(threads) | {"TIME": "%M"}
    peaks, times = [], []
    for _ in range(count + 1):
        before = time.perf_counter()
        command = [str(part) for part in command]
        done = subprocess.run(["/usr/bin/time", "--", *command], input=text, capture_output=True, text=True, env=environment)
        times.append((time.perf_counter() - before) * 1e3)
        if done.returncode:
            raise SystemExit(done.stderr)
        peaks.append(int(done.stderr.split()[-1]) * 1024 / 1e6)
    return {"peak_mb": statistics.median(peaks[1:]), "ms": statistics.median(times[1:])}


def wait_for_quiet(force):
    """Refuses to measure while other processes take more than a twentieth of the machine."""
    busy = 1.0
    for _ in range(5):
        before = cpu_times()
        time.sleep(0.5)
        used, total = (after - old for after, old in zip(cpu_times(), before, strict=True))
        busy = used / max(total, 1)
        if busy <= IDLE_SHARE or force:
            return
    raise SystemExit(f"the machine is busy ({busy:.0%} of its cores): stop what runs, or measure all the same with --force")


def cpu_times():
    """Ticks that the cores worked, and all ticks, since the machine started."""
    fields = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return sum(fields) - fields[3] - fields[4], sum(fields)


def load(path):
    """The figures of earlier runs."""
    return json.loads(path.read_text()) if path and path.exists() else {"cells": [], "startup": {}}


def save(path, results):
    """Keeps the figures."""
    if path:
        path.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
