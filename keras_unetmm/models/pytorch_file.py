# SPDX-License-Identifier: Apache-2.0
"""Reading the weights of a PyTorch checkpoint without PyTorch, and without running what the file says.

Such a file is a ZIP archive: one pickle that names tensors by storage, offset, shape and strides, and a file of bytes for
each storage (the format that `torch.save` writes since PyTorch 1.6). The pickle is read with a table of what may stand in
it: plain containers, tensors and their types. Anything else is refused, so that a file of a stranger runs no code.
"""

import io
import math
import pickle
import zipfile
import zlib
from collections import OrderedDict

import numpy as np

from keras_unetmm.types import PathLike

_TYPES = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
}


def read_pytorch(path: PathLike) -> dict[str, np.ndarray]:
    """Returns the tensors of a checkpoint, `{name: array}`, from under `"params"`, `"state_dict"` and the like, too.

    Args:
        path: str or path of a file that `torch.save` wrote: a `state_dict`, or a dict that holds one.

    Raises:
        ValueError: for a file that is no such archive, is damaged, holds other objects than tensors in containers, or
            several dicts of tensors.

    Examples:
        >>> sorted(models.read_pytorch("NAFNet-SIDD-width32.pth"))[:1]  # doctest: +SKIP
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.endswith("data.pkl")]
            if len(names) != 1:
                raise pickle.UnpicklingError(f"it has {len(names)} files data.pkl")
            folder = names[0].removesuffix("data.pkl")
            found = _Reader(io.BytesIO(archive.read(names[0])), archive, folder).load()
    except zipfile.BadZipFile as error:
        raise _refused(path, f"another kind of file ({error})") from error
    except (*_UNREADABLE, *_DAMAGED) as error:
        raise _refused(path, f"one that cannot be read: {error}") from error
    return _tensors(path, found)


_UNREADABLE = (pickle.UnpicklingError, zipfile.LargeZipFile, zlib.error, NotImplementedError)
_DAMAGED = (KeyError, EOFError, AttributeError, IndexError, TypeError, ValueError, OverflowError, MemoryError)


class _Reader(pickle.Unpickler):
    """Unpickles containers and tensors, and nothing else."""

    def __init__(self, file, archive, folder):
        super().__init__(file)
        self.archive, self.folder = archive, folder

    def find_class(self, module, name):
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return lambda tensor, *_: tensor
        if module == "torch" and name in _TYPES:
            return _TYPES[name]
        raise pickle.UnpicklingError(f"it names {module}.{name}, which is no tensor")

    def persistent_load(self, key):
        _, kind, name, _, count = key
        return np.frombuffer(self.archive.read(f"{self.folder}data/{name}"), kind, count)


def _tensor(storage, offset, shape, strides, *_):
    """The array of a tensor, copied."""
    reach = offset + sum((size - 1) * step for size, step in zip(shape, strides, strict=True)) if math.prod(shape) else 0
    if min((offset, *shape, *strides), default=0) < 0 or reach >= max(len(storage), 1):
        raise pickle.UnpicklingError(f"a tensor of {shape} reaches beyond its {len(storage)} values")
    view = np.lib.stride_tricks.as_strided(storage[offset:], shape, [step * storage.itemsize for step in strides])
    return view.copy()


def _tensors(path, found):
    """The dict of tensors, which may lie in another dict."""
    if isinstance(found, dict) and found and all(isinstance(value, np.ndarray) for value in found.values()):
        return dict(found)
    inner = [value for value in found.values() if isinstance(value, dict) and value] if isinstance(found, dict) else []
    inner = [value for value in inner if all(isinstance(each, np.ndarray) for each in value.values())]
    if len(inner) != 1:
        raise _refused(path, f"one with {len(inner)} dicts of tensors")
    return dict(inner[0])


def _refused(path, received):
    return ValueError(
        f"{path} must be a checkpoint as torch.save writes it since PyTorch 1.6, with a state_dict in it. "
        f"Received: {received}. With PyTorch, torch.save(torch.load(FILE, map_location='cpu'), NEW) writes one."
    )
