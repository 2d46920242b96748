"""The three forms in which PyTorch ever saved, in any protocol of pickle: `save(value, path, form, protocol)`.

Two of them `torch.save` still writes. The third, a tar archive, is of before 0.1.10: nothing writes it any more, and
`torch.load` reads it, from whose source it is written here. Of protocol 0 `torch.load` reads what has no persistent ids
alone, which no state is: it wants tuples, and the protocol has text there.
"""

import io
import pickle
import struct
import tarfile

import torch

FORMS = ("zip", "legacy", "tar")
PROTOCOLS = range(6)


def save(value, path, form="zip", protocol=2):
    """Saves a value; what `torch.load` can read of it is read again and compared by `check`."""
    if form == "tar":
        save_tar(value, path, protocol)
    else:
        torch.save(value, path, pickle_protocol=protocol, _use_new_zipfile_serialization=form == "zip")


def save_tar(value, path, protocol):
    """Storages, tensors and a pickle that refers to them by number, each a member."""
    tensors, storages = {}, {}

    class Pickler(pickle.Pickler):
        def persistent_id(self, value):
            if not isinstance(value, torch.Tensor):
                return None
            storage = value.untyped_storage()
            storages.setdefault(storage.data_ptr(), (len(storages) + 1000, value.dtype, storage))
            tensors.setdefault(id(value), (len(tensors) + 1, value))
            return str(tensors[id(value)][0])

    body = io.BytesIO()
    Pickler(body, protocol).dump(value)
    first = io.BytesIO()
    pickle.dump(len(storages), first, protocol)
    for number, dtype, storage in storages.values():
        size = torch.empty((), dtype=dtype).element_size()
        pickle.dump((number, "cpu", getattr(torch, STORAGES[dtype])), first, protocol)
        first.write(struct.pack("<q", storage.nbytes() // size))
        first.write(torch.empty(0, dtype=torch.uint8).set_(storage).numpy().tobytes())
    pickle.dump([], first, protocol)
    second = io.BytesIO()
    pickle.dump(len(tensors), second, protocol)
    for number, tensor in tensors.values():
        storage = storages[tensor.untyped_storage().data_ptr()][0]
        pickle.dump((number, storage, torch.FloatTensor), second, protocol)
        axes = tensor.dim()
        sizes = struct.pack(f"<{axes}q", *tensor.shape) + struct.pack(f"<{axes}q", *tensor.stride())
        second.write(struct.pack("<ii", axes, 0) + sizes + struct.pack("<q", tensor.storage_offset()))
    with tarfile.open(path, "w:", format=tarfile.PAX_FORMAT) as archive:
        for name, content in (("sys_info", b""), ("pickle", body), ("tensors", second), ("storages", first)):
            content = content if isinstance(content, bytes) else content.getvalue()
            about = tarfile.TarInfo(name)
            about.size = len(content)
            archive.addfile(about, io.BytesIO(content))


STORAGES = {
    torch.float32: "FloatStorage",
    torch.float64: "DoubleStorage",
    torch.float16: "HalfStorage",
    torch.int64: "LongStorage",
    torch.int32: "IntStorage",
}


def check(value, path, form, protocol):
    """What `torch.load` makes of the file is the state that was saved, wherever `torch.load` reads it."""
    if protocol == 0 and form != "tar":
        return
    again = torch.load(path, weights_only=False)
    assert list(again) == list(value), path
    for key, tensor in value.items():
        assert torch.equal(again[key], tensor), (path, key)
