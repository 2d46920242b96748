"""The numbers of the fixtures: every input and every parameter, as a pure function of its name and shape.

Python (the reference) and Rust (the thing tested) both compute them, so that no fixture has to carry weights.
What comes in is a tensor's name (its key in the `state_dict`) and shape; what goes out is its float32 values.
Run as a program, this file checks itself against the vectors below.

Random words
    Philox4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", 2011). Element i of
    a tensor (row-major) takes word `i % 4` of the block `i // 4`:
        key     = (seed low 32 bits, seed high 32 bits), seed 0 for all fixtures
        counter = (block low 32, block high 32, h low 32, h high 32), h = FNV-1a 64-bit of the name in UTF-8
    FNV-1a: start 0xcbf29ce484222325, for each byte `h = (h ^ byte) * 0x100000001b3 mod 2^64`.

Values, in float64, each operation rounded on its own (no fused multiply-add), the result rounded to float32
    u = (word >> 8) * 2^-24, in [0, 1)
    v = 2 * u - 1, in [-1, 1)
    the first rule that applies:
        the name is `input`                        v
        it ends with `running_var`                 1 + 0.5 * v
        it ends with `running_mean`                0.1 * v
        it ends with `num_batches_tracked`         0
        two dimensions or more                     v * sqrt(6 / fan_in), fan_in = product(shape[1:])
        its last component (after `.`) is `weight` 1 + 0.1 * v
        anything else                              0.1 * v
    Some networks (`nets.py` says which and why) come with a list of (suffix, factor): the value of a tensor whose
    name ends with the suffix is multiplied by the factor in float64, before the rounding to float32.
    The float32 value is the truth on both sides; a float64 model uses it widened.

Test vectors, Philox4x32-10 (counter, key -> words), as published with the paper in Random123's `kat_vectors`
    00000000 00000000 00000000 00000000, 00000000 00000000 -> 6627e8d5 e169c58d bc57ac4c 9b00dbd8
    ffffffff ffffffff ffffffff ffffffff, ffffffff ffffffff -> 408f276d 41c83b0e a20bc7c6 6d5451fd
    243f6a88 85a308d3 13198a2e 03707344, a4093822 299f31d0 -> d16cfe09 94fdcceb 5001e420 24126ea1

Test vectors, values
    fnv1a(0.weight) = 0x7da8902accdf89ef
    0.weight [2, 4]: 0.6082406, -0.954752, 0.25082105, 0.623658, -0.20240289, -0.26655528, -0.6005119, -0.33314514
    0.weight [8]: 1.0496626, 0.9220448, 1.0204794, 1.0509214, 0.9834739, 0.97823584, 0.9509684, 0.9727988
    0.bias [8]: -0.05400338, 0.09849282, 0.010101521, 0.04614694, 0.025746953, 0.08326341, 0.033279885, 0.04689008
    0.running_var [4]: 1.0349431, 1.2456415, 0.63974476, 0.7363274
    input [8]: -0.6005682, 0.8429111, -0.48626757, 0.85695183, 0.23033988, -0.2525519, -0.7364023, 0.3233391
"""

import math
import textwrap

import numpy

FNV_OFFSET, FNV_PRIME = 0xCBF29CE484222325, 0x100000001B3
MULTIPLIERS = (numpy.uint64(0xD2511F53), numpy.uint64(0xCD9E8D57))
WEYL = (0x9E3779B9, 0xBB67AE85)
LOW, SHIFT = numpy.uint64(0xFFFFFFFF), numpy.uint64(32)
BLOCKS_AT_ONCE = 1 << 20  # bounds the memory of one step to about 100 MB


def fnv1a(name):
    """The 64-bit FNV-1a hash of a name in UTF-8."""
    value = FNV_OFFSET
    for byte in name.encode("utf-8"):
        value = (value ^ byte) * FNV_PRIME & 0xFFFFFFFFFFFFFFFF
    return value


def philox(counter, key):
    """Philox4x32-10: four arrays of 32-bit counters and a pair of ints give an array [blocks, 4] of 32-bit words."""
    x0, x1, x2, x3 = (numpy.asarray(word, dtype=numpy.uint64) for word in counter)
    for turn in range(10):
        k0, k1 = (numpy.uint64((k + turn * step) & 0xFFFFFFFF) for k, step in zip(key, WEYL))
        product0, product1 = x0 * MULTIPLIERS[0], x2 * MULTIPLIERS[1]
        x0, x1, x2, x3 = ((product1 >> SHIFT) ^ x1 ^ k0, product1 & LOW, (product0 >> SHIFT) ^ x3 ^ k1, product0 & LOW)
    return numpy.stack(numpy.broadcast_arrays(x0, x1, x2, x3), axis=-1)


def symmetric(name, count, seed=0):
    """The first `count` values v of a name, float64 in [-1, 1), a run of blocks at a time."""
    hashed, key = fnv1a(name), (seed & 0xFFFFFFFF, seed >> 32)
    values = numpy.empty(count)
    for first in range(0, count, 4 * BLOCKS_AT_ONCE):
        last = min(first + 4 * BLOCKS_AT_ONCE, count)
        block = numpy.arange(first // 4, -(-last // 4), dtype=numpy.uint64)
        words = philox((block & LOW, block >> SHIFT, hashed & 0xFFFFFFFF, hashed >> 32), key)
        uniform = (words.reshape(-1)[: last - first] >> numpy.uint64(8)) * 2.0**-24
        values[first:last] = 2 * uniform - 1
    return values


def tensor(name, shape, factors=()):
    """The float32 values of a tensor; `factors` is the list of (suffix, factor) described above."""
    shape = tuple(shape)
    v = symmetric(name, math.prod(shape))
    if name == "input":
        values = v
    elif name.endswith("running_var"):
        values = 1 + 0.5 * v
    elif name.endswith("running_mean"):
        values = 0.1 * v
    elif name.endswith("num_batches_tracked"):
        values = 0 * v
    elif len(shape) >= 2:
        values = v * math.sqrt(6 / math.prod(shape[1:]))
    elif name.rsplit(".", 1)[-1] == "weight":
        values = 1 + 0.1 * v
    else:
        values = 0.1 * v
    for suffix, factor in factors:
        if name.endswith(suffix):
            values = values * factor
    return values.astype(numpy.float32).reshape(shape)


VECTORS = (("0.weight", (2, 4)), ("0.weight", (8,)), ("0.bias", (8,)), ("0.running_var", (4,)), ("input", (8,)))


def vector_lines():
    """The lines of the test vectors above, computed."""
    yield f"fnv1a(0.weight) = {fnv1a('0.weight'):#018x}"
    for name, shape in VECTORS:
        values = ", ".join(str(value) for value in tensor(name, shape).reshape(-1))
        for line in textwrap.wrap(f"{name} {list(shape)}: {values}", width=110, subsequent_indent="    "):
            yield line


def check():
    """Compares with the vectors of the generator and of the values."""
    ones = 0xFFFFFFFF
    pi = (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344)
    for counter, key, expected in (
        ((0, 0, 0, 0), (0, 0), "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ((ones,) * 4, (ones, ones), "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        (pi, (0xA4093822, 0x299F31D0), "d16cfe09 94fdcceb 5001e420 24126ea1"),
    ):
        words = " ".join(f"{word:08x}" for word in philox(counter, key))
        assert words == expected, f"philox{counter, key} gave {words}, not {expected}"
    for line in vector_lines():
        assert line in __doc__, f"the docstring lacks: {line}"


if __name__ == "__main__":
    check()
    print("the generator and the formula give their test vectors")
