"""What torchvision makes of two small pictures by each transform, given its numbers: transforms.json.

Run with the versions in requirements.txt: python tests/reference/transforms.py
"""

import json
from pathlib import Path

import torch
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as F
from torchvision.transforms.functional import _get_perspective_coeffs
from torchvision.transforms.v2._utils import _setup_fill_arg


def picture(channels, height, width):
    """Bytes by a formula, which the test has too."""
    place = torch.arange(channels * height * width)
    return ((place * place * 31 + place * 17) % 251 + (place % 5)).to(torch.uint8).view(channels, height, width)


PICTURES = {"colour": picture(3, 9, 12), "grey": picture(1, 7, 7)}
SAMPLING = {False: v2.InterpolationMode.NEAREST, True: v2.InterpolationMode.BILINEAR}

cases = []


def case(name, numbers, made, of="colour"):
    shape = list(made.shape)
    pixels = bytes(made.flatten().tolist()).hex()
    cases.append({"name": name, "of": of, "numbers": numbers, "shape": shape, "pixels": pixels})


def both(name, numbers, function):
    for of, image in PICTURES.items():
        case(name, numbers, function(image), of)


for factor in [0.0, 0.37, 1.6]:
    both("brightness", [factor], lambda image: F.adjust_brightness(image, factor))
    both("contrast", [factor], lambda image: F.adjust_contrast(image, factor))
    both("saturation", [factor], lambda image: F.adjust_saturation(image, factor))
    both("sharpness", [factor], lambda image: F.adjust_sharpness(image, factor))
for shift in [-0.5, -0.13, 0.0, 0.21]:
    both("hue", [shift], lambda image: F.adjust_hue(image, shift))
case("grayscale", [], F.rgb_to_grayscale(PICTURES["colour"], 3))
for bits in [0, 1, 4, 8]:
    both("posterize", [bits], lambda image: F.posterize(image, bits))
for threshold in [0.0, 100.5, 255.0]:
    both("solarize", [threshold], lambda image: F.solarize(image, threshold))
both("invert", [], F.invert)
both("autocontrast", [], F.autocontrast)
both("equalize", [], F.equalize)
for size, sigma in [(3, 0.5), (5, 1.3), (9, 2.0)]:
    both("blur", [size, sigma], lambda image: F.gaussian_blur(image, [size, size], [sigma, sigma]))
for bilinear in [False, True]:
    for angle in [0.0, 12.5, 90.0, 180.0, 270.0, 301.0, -45.0]:
        both("rotate", [angle, bilinear, 7], lambda image: F.rotate(image, angle, SAMPLING[bilinear], fill=[7.0]))
    for angle, translate, scale, shear in [
        (10.0, [2, -1], 1.0, [0.0, 0.0]),
        (-33.0, [0, 3], 0.8, [10.0, 0.0]),
        (5.0, [-4, 0], 1.3, [-20.0, 15.0]),
    ]:
        numbers = [angle, *translate, scale, *shear, bilinear, 0]
        sampling = SAMPLING[bilinear]
        both("affine", numbers, lambda image: F.affine(image, angle, translate, scale, shear, sampling, fill=[0.0]))
    for moved in [[1, 2, 10, 0, 11, 7, 0, 8], [4, 3, 9, 2, 8, 6, 3, 5]]:
        ends = [moved[place : place + 2] for place in range(0, 8, 2)]
        starts = [[0, 0], [11, 0], [11, 8], [0, 8]]
        made = F.perspective(
            PICTURES["colour"], None, None, SAMPLING[bilinear], [9.0], _get_perspective_coeffs(starts, ends)
        )
        case("perspective", [*moved, bilinear, 9], made)
for top, left, height, width, size in [(1, 2, 6, 8, [8, 8]), (0, 0, 9, 12, [20, 7]), (5, 5, 3, 4, [6, 6])]:
    made = F.resized_crop(PICTURES["colour"], top, left, height, width, size, antialias=True)
    case("resized_crop", [top, left, height, width, *size], made)
case("horizontal_flip", [], F.horizontal_flip(PICTURES["colour"]))
case("vertical_flip", [], F.vertical_flip(PICTURES["colour"]))

policies = {"rand": (v2.RandAugment(), 31), "trivial": (v2.TrivialAugmentWide(), 31), "auto": (v2.AutoAugment(), 10)}
for policy, (transform, bins) in policies.items():
    for operation, (magnitudes, signed) in transform._AUGMENTATION_SPACE.items():
        for step in [0, bins // 3, bins - 1]:
            found = magnitudes(bins, 9, 12)
            magnitude = 0.0 if found is None else float(found[step])
            for sign in [1, -1] if signed and step > 0 else [1]:
                made = transform._apply_image_or_video_transform(
                    PICTURES["colour"], operation, sign * magnitude, v2.InterpolationMode.NEAREST, _setup_fill_arg(None)
                )
                if step == bins - 1:
                    case("operation", [policy, operation, step, bins, sign, magnitude], made)
                else:
                    case("magnitude", [policy, operation, step, bins, sign, magnitude], torch.zeros(0, dtype=torch.uint8))

path = Path(__file__).parent / "transforms.json"
path.write_text("[\n" + ",\n".join(json.dumps(one) for one in cases) + "\n]\n")
print(len(cases), path.stat().st_size)
