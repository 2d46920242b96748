"""Turns measured cells into the tables that people read: medians, ratios, the geometric mean and the targets.

A cell is `{"net", "batch", "threads", "median_ms": {engine: milliseconds}}`; its ratio is the fastest peer's time over cnnc's.
"""

import math

from engines import INT8_PEERS, PEERS

# The least ratio at batch 1 and 2 threads; the least of any cell and of the geometric mean over all.
TARGETS = {
    "lenet": 1.0, "resnet18_d2l": 1.2, "vgg11_d2l": 1.5, "resnet18": 1.4, "resnet50": 1.1, "vgg16": 1.5,
    "mobilenet_v2": 1.05, "googlenet": 1.05, "densenet121": 1.05, "squeezenet1_1": 1.05}  # fmt: skip
LEAST_CELL, LEAST_MEAN = 0.95, 1.2
# Of int8 on the nets at batch 1 and two threads; elsewhere there is no target but the smallest.
LEAST_MEAN_INT8 = 1.15


def fastest(cell):
    """The fastest peer's name and its time; none when no peer ran."""
    times = {name: time for name, time in cell["median_ms"].items() if name != "cnnc"}
    name = min(times, key=times.get, default=None)
    return name, times.get(name)


def ratio(cell):
    """The fastest peer's time over cnnc's."""
    peer, ours = fastest(cell)[1], cell["median_ms"].get("cnnc")
    return peer / ours if peer and ours else None


def table(cells, precision="fp32"):
    """One markdown table for every batch and number of threads."""
    lines = []
    for batch, threads in sorted({(cell["batch"], cell["threads"]) for cell in cells}, key=lambda key: (key[0], -key[1])):
        rows = [cell for cell in cells if (cell["batch"], cell["threads"]) == (batch, threads)]
        peers = [peer for peer in [*PEERS, *INT8_PEERS] if any(peer in row["median_ms"] for row in rows)]
        lines += [f"| batch {batch}, {threads} thread{'s' * (threads > 1)}, ms | cnnc | {' | '.join(peers)} | ratio | target |"]
        lines += ["|---" * (len(peers) + 4) + "|"]
        for row in sorted(rows, key=lambda row: list(TARGETS).index(row["net"])):
            times = " | ".join(milliseconds(row["median_ms"].get(engine)) for engine in ["cnnc", *peers])
            lines += [f"| {row['net']} | {times} | {number(ratio(row))} | {verdict(row, precision)} |"]
        lines += [""]
    return "\n".join(lines)


def verdict(cell, precision="fp32"):
    """The target of a cell, and whether it is met."""
    headline = (cell["batch"], cell["threads"]) == (1, 2) and precision == "fp32"
    least = TARGETS[cell["net"]] if headline else LEAST_CELL
    reached = ratio(cell)
    return "" if reached is None else f"{least} {'met' if reached >= least else 'missed'}"


def totals(cells, precision="fp32"):
    """The geometric mean of all ratios and the smallest, against their targets."""
    ratios = {(cell["net"], cell["batch"], cell["threads"]): ratio(cell) for cell in cells}
    ratios = {key: value for key, value in ratios.items() if value}
    if not ratios:
        return ""
    mean = math.exp(sum(map(math.log, ratios.values())) / len(ratios))
    (net, batch, threads), least = min(ratios.items(), key=lambda item: item[1])
    return (
        f"{len(ratios)} cells, each the fastest peer's time over cnnc's. Geometric mean {mean:.3f} "
        f"(target {LEAST_MEAN if precision == 'fp32' else LEAST_MEAN_INT8}); "
        f"smallest {least:.3f} (target {LEAST_CELL}): {net}, batch {batch}, {threads} thread{'s' * (threads > 1)}.\n"
    )


def startup_table(rows):
    """Peak resident memory and the time from process start to the first answer, batch 1."""
    lines = ["| batch 1 | cnnc, MB | onnxruntime, MB | ratio | cnnc, ms to the first answer | onnxruntime, ms | ratio |"]
    lines += ["|---" * 7 + "|"]
    for net, (ours, theirs) in rows.items():
        memory = f"{ours['peak_mb']:.0f} | {theirs['peak_mb']:.0f} | {ours['peak_mb'] / theirs['peak_mb']:.2f}"
        time = f"{ours['ms']:.1f} | {theirs['ms']:.0f} | {ours['ms'] / theirs['ms']:.3f}"
        lines += [f"| {net} | {memory} | {time} |"]
    return "\n".join([*lines, "", "Targets: memory at most 1.1; LeNet and ResNet-18 to the first answer at most 0.1.", ""])


def milliseconds(time):
    """Three digits that say something."""
    return "" if time is None else f"{time:.3g}" if time < 100 else f"{time:.0f}"


def number(value):
    """A ratio."""
    return "" if value is None else f"{value:.2f}"
