# SPDX-License-Identifier: Apache-2.0
"""Examples decoded once: reading a small patch of a large file need not decode it each time."""

import functools
import hashlib
import os
import threading
from pathlib import Path

import numpy as np

from keras_unetmm.data.dataset import DataSet

MEMORY = 2_000_000_000  # bytes that examples may take


class Decoded:
    """The examples of a data set as their reader gave them: the first ones in memory, or all as files.

    Args:
        dataset: `DataSet`.
        folder: str or path for arrays on disk, which are mapped into memory and can be shared by runs; None keeps the first
            `memory` bytes of examples in memory and reads the others again each time.
        memory: int, bytes.
    """

    def __init__(self, dataset, folder=None, memory=MEMORY):
        self.dataset, self.left = dataset, memory
        self.held, self.lock = {}, threading.Lock()
        self.how = _how(dataset.read)
        self.folder = None if folder is None else Path(folder)
        if self.folder is not None:
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise ValueError(f"cache {folder} cannot be made: {error.strerror}. Choose another folder.") from error

    def __getitem__(self, index):
        if self.folder is not None:
            return self._mapped(index)
        if index in self.held:
            return self.held[index]
        image, target = self.dataset[index]
        needs = np.asarray(image).nbytes + (0 if target is image else np.asarray(target).nbytes)
        with self.lock:
            if index not in self.held and needs <= self.left:
                self.left -= needs
                self.held[index] = image, target
        return image, target

    def _mapped(self, index):
        example = self.dataset.examples[index]
        key = hashlib.sha256(repr((self.dataset.name, self.how, [*map(_stamp, example)])).encode()).hexdigest()[:24]
        first, second = (self.folder / f"{key}_{part}.npy" for part in ("image", "target"))
        if not first.exists():
            image, target = self.dataset[index]
            if target is not image:
                self._write(second, target)
            self._write(first, image)  # last: it says that the example is whole
        image = np.load(first, mmap_mode="r")
        if not second.exists():
            return image, image
        return image, np.load(second, mmap_mode="r")

    def _write(self, path, array):
        temporary = path.with_name(f".{path.stem}-{os.getpid()}-{threading.get_ident()}.npy")
        try:
            np.save(temporary, array)
            os.replace(temporary, path)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise ValueError(f"{path} cannot be written: {error.strerror}. Free space or choose another cache.") from error


def _stamp(part):
    """What tells one file from another, and from itself before it was changed; other entries of an example as they are."""
    path = Path(part) if isinstance(part, str | os.PathLike) else None
    if path is None or not path.is_file():
        return repr(part)
    status = path.stat()
    return str(path.resolve()), status.st_mtime_ns, status.st_size


def _how(read):
    """What tells one way of reading from another: a function's name and everything that it was given."""
    if isinstance(read, DataSet):
        return read.name, _how(read.read)
    if isinstance(read, functools.partial):
        return _how(read.func), [*map(_how, read.args)], {name: _how(value) for name, value in read.keywords.items()}
    if callable(read) and hasattr(read, "__qualname__"):
        cells = getattr(read, "__closure__", None) or ()
        return read.__module__, read.__qualname__, [_how(cell.cell_contents) for cell in cells]
    return repr(read)
