"""Makes `random_nets/nets.safetensors`: what PyTorch answers, in float64, of 200 networks that nobody wrote.

A network is two to seven items, each a layer call of `window_cases.py` or `other_cases.py` or a join whose branches are
such calls, drawn until one fits what came before. One is taken only if float32 answers nearly as float64 does, so that a
difference means a mistake. Tensor "i" holds every `step`-th number of answer i; the metadata, JSON: `cases`, a list of
`{"spec", "input", "output", "step"}`. Inputs and parameters are the formula's, as in `layers.py`.
    pip install -r tests/reference/requirements.txt
    python tests/reference/random_nets.py
"""

import itertools
import json
import pathlib
import random
import warnings

import torch
import torchvision

import fixture
import formula
import other_cases
import spec
import window_cases

COUNT, SEED = 200, 20261130
INPUTS = [(2, 4, 9, 8), (1, 3, 12, 12), (2, 16, 7, 7), (3, 6, 1, 5), (2, 5, 8), (2, 4, 20), (3, 10), (1, 33), (2, 3, 4, 6, 5)]
ELEMENTS = 20_000  # of a value, at most
KEPT = 24  # numbers of an answer
JOINS = ["sum", "product", "concat", "difference", "maximum", "minimum", "stack"]


def calls():
    """Every layer call of the layers' cases, each once, by its text: the call, and the ranks that it stands on there."""
    found = {}
    for shape, *items in itertools.chain(*window_cases.CASES.values(), *other_cases.CASES.values()):
        torch.set_default_dtype(torch.float64)
        for number, item in enumerate(items):
            if isinstance(item, spec.Layer) and not item.label and item.name != "Parameter":
                rank = answer(shape, items[:number], torch.float64).dim()
                found.setdefault(spec.text(item), (item, set()))[1].add(rank)
    return found


def answer(shape, items, kind):
    """The answer of items in a floating type, or nothing where PyTorch refuses them."""
    torch.set_default_dtype(kind)
    x = torch.from_numpy(formula.tensor("input", shape)).to(kind)
    try:
        return spec.run(items, x)
    except (RuntimeError, ValueError, IndexError, TypeError, AssertionError):
        return None


def difference(a, b):
    """By the measure of the tests, max|a - b| / max|b|."""
    return ((a - b).abs().max() / b.abs().max().clamp(min=1e-30)).item()


def is_sound(shape, items):
    """Whether the items fit, and float32 computes them nearly as float64."""
    exact = answer(shape, items, torch.float64)
    if exact is None or not 0 < exact.numel() <= ELEMENTS or not exact.isfinite().all():
        return False
    if not 1e-3 < exact.abs().max() < 1e4:
        return False
    single = answer(shape, items, torch.float32)
    return single is not None and difference(single.double(), exact) < 1.5e-6


def run_on_its_ranks(pool, items, value):
    """What items give for a value, each on a number of axes that it is for; nothing where one is not."""
    for item in items:
        if isinstance(item, spec.Layer) and value.dim() not in pool[spec.text(item)][1]:
            return None
        before = value
        try:
            value = spec.run([item], value)
        except (RuntimeError, ValueError, IndexError, TypeError, AssertionError):
            return None
        # PyTorch leaves an axis that is longer as it is; a spec refuses to squeeze it.
        if isinstance(item, spec.Layer) and item.name == "Squeeze":
            axes = item.args[0] if isinstance(item.args[0], tuple) else (item.args[0],)
            if value.dim() != before.dim() - len(axes):
                return None
    return value


def drawn(draws, pool, value):
    """An item for what came before: a layer, or in one of four a join; nothing where it does not fit."""
    listed = [item for item, _ in pool.values()]
    if draws.random() < 0.75:
        item = draws.choice(listed)
        return None if run_on_its_ranks(pool, [item], value) is None else item
    branches = [draws.choices(listed, k=draws.randrange(0, 3)) for _ in range(draws.randrange(2, 4))]
    kind = draws.choice(JOINS)
    values = [run_on_its_ranks(pool, items, value) for items in branches]
    if any(each is None for each in values):
        return None
    shapes = [tuple(each.shape) for each in values]
    if kind == "concat":
        shapes = [shape[:1] + shape[2:] for shape in shapes]
    # Sizes that are repeated are no matter of chance in a spec.
    return spec.join(kind, *(spec.branch(*items) for items in branches)) if len(set(shapes)) == 1 else None


def network(draws, pool):
    """An input's shape and the items of a network."""
    shape, items = draws.choice(INPUTS), []
    for _ in range(draws.randrange(2, 8)):
        for _ in range(40):
            torch.set_default_dtype(torch.float64)
            value = answer(shape, items, torch.float64)
            item = drawn(draws, pool, value)
            if item is not None and is_sound(shape, [*items, item]):
                items.append(item)
                break
    return shape, items


def main():
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    draws, pool = random.Random(SEED), calls()
    tensors, listed, names = {}, [], set()
    while len(listed) < COUNT:
        shape, items = network(draws, pool)
        if len(items) < 2:
            continue
        torch.set_default_dtype(torch.float64)
        exact = answer(shape, items, torch.float64)
        step = -(-exact.numel() // KEPT)
        text = "; ".join(map(spec.text, items))
        tensors[str(len(listed))] = exact.contiguous().reshape(-1)[::step].numpy().copy()
        listed.append({"spec": text, "input": list(shape), "output": list(exact.shape), "step": step})
        names.update(item.name for item, _ in pool.values() if item.name in text)
    metadata = {"torch": torch.__version__, "torchvision": torchvision.__version__, "cases": json.dumps(listed)}
    fixture.save(pathlib.Path(__file__).parent / "random_nets" / "nets.safetensors", tensors, metadata)
    print(f"{COUNT} networks of {len(names)} kinds of layers; not drawn: {sorted({item.name for item, _ in pool.values()} - names)}")


if __name__ == "__main__":
    main()
