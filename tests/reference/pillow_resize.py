"""Makes `pillow_resize.json`: what Pillow makes of planes of bytes at other sizes, which is what torchvision resizes pictures by.

A line for each case: `size` and `to` (height, width), `interpolation`, and `bytes` in hexadecimal digits, row by row. The version
of Pillow is beside them. Proportions are kept, as pictures are resized by their shorter side: where rows get much fewer than columns,
Pillow 13 goes over rows first, and torchvision's own code for bytes over columns as ever.

    python tests/reference/pillow_resize.py
"""

import json
import pathlib

import PIL
from PIL import Image

FILE = pathlib.Path(__file__).parent / "pillow_resize.json"
SIZES = [(23, 17), (16, 16), (17, 24), (2, 2)]
SHORTER = [1, 3, 11, 29]
WAYS = {"bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC}


def picture(height, width):
    """A plane with all kinds of edges."""
    pixels = bytes((y * y * 7 + x * x * 13 + y * x * 5 + y * 31) % 256 for y in range(height) for x in range(width))
    return Image.frombytes("L", (width, height), pixels)


def cases():
    for size in SIZES:
        for side in SHORTER:
            to = [side * length // min(size) for length in size]
            for name, way in WAYS.items():
                resized = picture(*size).resize((to[1], to[0]), way)
                yield {"size": size, "to": to, "interpolation": name, "bytes": resized.tobytes().hex()}


if __name__ == "__main__":
    lines = ",\n".join(json.dumps(case) for case in cases())
    FILE.write_text(f'{{"pillow": "{PIL.__version__}", "cases": [\n{lines}\n]}}\n')
