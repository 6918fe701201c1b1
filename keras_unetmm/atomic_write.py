# SPDX-License-Identifier: Apache-2.0
"""Files and folders that are whole or not there."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def atomic_write(path: Path) -> Iterator[str]:
    """Yields a temporary path beside `path` that replaces it, once on the disk, when all went well: never half a file."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
    os.close(handle)
    try:
        yield temporary
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)


def validate_place(folder: Path, error: type[ValueError] = ValueError) -> None:
    """Raises the error unless a folder can be at a path: its parent is there, and itself is neither a link nor a file."""
    if not folder.absolute().parent.is_dir():
        raise error(f"{folder} must lie in a folder that exists. Received: {folder.parent}, which does not. Make it first.")
    if folder.is_symlink():
        raise error(f"{folder} must be a folder. Received: a link. Name the folder itself.")
    if folder.exists() and not folder.is_dir():
        raise error(f"{folder} must be a folder. Received: a file. Choose another name.")


@contextlib.contextmanager
def atomic_folder(folder: Path) -> Iterator[Path]:
    """Yields a new folder beside `folder` that replaces it when all went well: at no time a mixture, nor half of one.

    Args:
        folder: absolute; its parent exists.
    """
    fresh = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
    old = fresh.with_name(f"{fresh.name}-old")
    try:
        fresh.chmod(0o755)
        yield fresh
        try:
            if folder.exists():
                os.replace(folder, old)
            os.replace(fresh, folder)
        except BaseException:  # control-C too
            if old.exists():
                os.replace(old, folder)
            raise
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
