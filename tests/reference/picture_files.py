"""Small pictures in every kind of file that is read, and what Pillow reads of each: picture_files/, and picture_files.json.

Run with the versions in requirements.txt: python tests/reference/picture_files.py
"""

import json
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

FOLDER = Path(__file__).parent / "picture_files"
HEIGHT, WIDTH = 6, 9


def colours():
    row, column = np.mgrid[0:HEIGHT, 0:WIDTH]
    planes = [row * 40 + column, 250 - column * 25, (row * column * 7) % 256]
    return np.stack(planes, axis=-1).astype(np.uint8)


def png_16(array):
    """Pillow writes no PNG of three channels of 16 bits."""

    def chunk(kind, content):
        body = kind + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    height, width, _ = array.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in array)
    head = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def main():
    FOLDER.mkdir(exist_ok=True)
    rgb = colours()
    picture = Image.fromarray(rgb)
    grey = picture.convert("L")
    palette = picture.quantize(16)
    alpha = picture.copy()
    alpha.putalpha(Image.fromarray(rgb[..., 0]))
    other = Image.fromarray(255 - rgb)

    def save(name, what, **options):
        what.save(FOLDER / name, **options)

    save("lossless.webp", picture, lossless=True, exact=True)
    save("lossy.webp", picture, quality=90)
    save("alpha.webp", alpha, lossless=True, exact=True)
    save("animated.webp", picture, save_all=True, append_images=[other], lossless=True, duration=100)
    save("palette.gif", palette)
    save("grey.gif", grey)
    save("animated.gif", palette, save_all=True, append_images=[other.quantize(16)], duration=100)
    save("colour.bmp", picture)
    save("palette.bmp", palette)
    save("grey.bmp", grey)
    save("bits.bmp", grey.convert("1"))
    save("raw.tif", picture, compression="raw")
    save("lzw.tif", picture, compression="tiff_lzw")
    save("deflate.tif", picture, compression="tiff_adobe_deflate")
    save("packbits.tif", picture, compression="packbits")
    save("grey.tif", grey)
    save("pages.tif", picture, save_all=True, append_images=[other])
    save("cmyk.tif", picture.convert("CMYK"))
    save("alpha.tif", alpha)
    save("palette.png", palette)
    save("alpha.png", alpha)
    save("bits.png", grey.convert("1"))
    save("cmyk.jpg", picture.convert("CMYK"), quality=95)
    save("progressive.jpg", picture, progressive=True, quality=95, subsampling=0)
    save("grey.jpg", grey, quality=95)
    transparent = palette.copy()
    transparent.info["transparency"] = bytes(range(0, 256, 16))
    save("palette_alpha.png", transparent)
    (FOLDER / "colour_16.png").write_bytes(png_16(rgb.astype(np.uint16) * 257))
    exif = Image.Exif()
    exif[0x0112] = 6
    save("upright.webp", picture, lossless=True, exact=True, exif=exif)

    read = {}
    for path in sorted(FOLDER.iterdir()):
        found = Image.open(path)
        if path.name == "upright.webp":
            from PIL import ImageOps

            found = ImageOps.exif_transpose(found)
        array = np.asarray(found.convert("RGB"))
        read[path.name] = {"shape": list(array.shape[:2]), "pixels": array.reshape(-1).tolist()}
    lines = [f'"{name}": {json.dumps(value)}' for name, value in read.items()]
    (FOLDER.parent / "picture_files.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


main()
