"""Examples decoded once: reading a small patch of a large file need not decode it each time."""

import hashlib
import os
import threading
from pathlib import Path

import numpy as np

MEMORY = 2_000_000_000  # bytes that examples may take


class Decoded:
    """The examples of a data set as their reader gave them: the first ones in memory, or all as files.

    Args:
        dataset: `DataSet`.
        folder: str or path for arrays on disk, which are mapped into memory and can be shared by runs; None keeps the first
            `memory` bytes of examples in memory and reads the others anew each time.
        memory: int, bytes.
    """

    def __init__(self, dataset, folder=None, memory=MEMORY):
        self.dataset, self.left = dataset, memory
        self.held, self.lock = {}, threading.Lock()
        self.folder = None if folder is None else Path(folder)
        if self.folder is not None:
            self.folder.mkdir(parents=True, exist_ok=True)

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
        name = self.dataset.called(index)
        stamp = os.stat(name) if os.path.exists(name) else None
        stamp = stamp and (stamp.st_mtime_ns, stamp.st_size)
        key = hashlib.sha256(repr((self.dataset.name, name, stamp)).encode()).hexdigest()[:24]
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
