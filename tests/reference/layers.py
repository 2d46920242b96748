"""Makes `layers/<name>.safetensors`: what PyTorch answers, layer by layer, in float64.

What comes in is the cases of `window_cases.py` and `other_cases.py`; what goes out is a file for each kind of layer.
Tensor "i" is the answer of case i. The metadata holds `torch`, `torchvision` (versions) and `cases`, a JSON list of
`{"spec": text of the cnn language, "input": shape}`. The input is the formula's tensor `input`; parameters are the
formula's, under the keys they have in a model whose body is the spec (the first layer's weight is `0.weight`).
    pip install -r tests/reference/requirements.txt
    python tests/reference/layers.py
"""

import json
import pathlib

import torch
import torchvision

import fixture
import formula
import other_cases
import spec
import window_cases

FOLDER = pathlib.Path(__file__).parent / "layers"


def answer(shape, items):
    """A case's answer as a float64 array."""
    x = torch.from_numpy(formula.tensor("input", shape)).double()
    y = spec.run(items, x)
    assert y.dtype == torch.float64 and y.numel() > 0 and y.isfinite().all(), [spec.text(item) for item in items]
    return y.contiguous().numpy()


def main():
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    for name, cases in {**window_cases.CASES, **other_cases.CASES}.items():
        tensors = {str(index): answer(shape, items) for index, (shape, *items) in enumerate(cases)}
        listed = [{"spec": "; ".join(map(spec.text, items)), "input": list(shape)} for shape, *items in cases]
        assert len({json.dumps(case) for case in listed}) == len(listed), f"{name} holds a case twice"
        metadata = {
            "torch": torch.__version__,
            "torchvision": torchvision.__version__,
            "cases": json.dumps(listed),
        }
        fixture.save(FOLDER / f"{name}.safetensors", tensors, metadata)
        print(f"{name}: {len(cases)} cases")


if __name__ == "__main__":
    main()
