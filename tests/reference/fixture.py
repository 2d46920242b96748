"""Writes safetensors files whose bytes depend on their contents alone.

What comes in is tensors by name and a dictionary of text; what goes out is a file that a second run of the same
script leaves unchanged. The safetensors package writes the metadata in an order that varies from run to run.
"""

import json

import numpy

DTYPES = {"float32": "F32", "float64": "F64"}


def save(path, tensors, metadata):
    """Writes `tensors` (name -> numpy array, little-endian) in the order given, and `metadata` (text -> text)."""
    header, end = {"__metadata__": metadata}, 0
    for name, array in tensors.items():
        start, end = end, end + array.nbytes
        header[name] = {"dtype": DTYPES[str(array.dtype)], "shape": list(array.shape), "data_offsets": [start, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for array in tensors.values():
            file.write(numpy.ascontiguousarray(array).tobytes())
