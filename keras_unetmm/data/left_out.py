# SPDX-License-Identifier: Apache-2.0
"""Files that lie in a data set's folder and are not read: counted and named, so that none vanishes without a word."""

import contextlib
import logging
import os
import warnings
from pathlib import Path

COUNTS = logging.getLogger("keras_unetmm.data")  # of sets that are not whole, and taken as they are

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")  # of images that are read
OTHERS = (".gif", ".heic", ".heif", ".avif", ".jp2", ".jpe", ".jfif", ".ppm", ".pgm", ".npy", ".npz", ".nii", ".gz", ".mgz")


def warn_left_out(folder, paths, reason):
    """Warns with the number and the names of files that look like examples and are not read.

    Args:
        folder: str or path, where they lie.
        paths: of the files and links; those that are hidden, folders or no image or volume are not named.
        reason: str, why they are not read.
    """
    names = sorted(_named(path) for path in paths if _is_example(Path(path)))
    if not names:
        return
    shown = ", ".join(names[:10]) + (f", ... ({len(names) - 10} more)" if len(names) > 10 else "")
    count = "1 file" if len(names) == 1 else f"{len(names):,} files"
    warnings.warn(f"{folder}: {count} left out, for {reason}: {shown}.", stacklevel=3)


def _is_example(path):
    if path.name.startswith("."):
        return False
    if dangling(path):
        return True
    return path.suffix.lower() in (*SUFFIXES, *OTHERS) and path.is_file()


def _named(path):
    return f"{path.name} (a link to {os.readlink(path)}, which is not there)" if dangling(path) else Path(path).name


def dangling(path):
    """Whether a path is a link to what is not there."""
    return os.path.islink(path) and not os.path.exists(path)


@contextlib.contextmanager
def counts_said(say):
    """Says how many examples are read of each set that is not whole, while sets are read.

    Args:
        say: function of a str, or None to say nothing.
    """
    handler, level = logging.Handler(), COUNTS.level
    handler.emit = lambda record: say(record.getMessage())
    if say is not None:
        COUNTS.addHandler(handler)
        COUNTS.setLevel(logging.INFO)
    try:
        yield
    finally:
        COUNTS.removeHandler(handler)
        COUNTS.setLevel(level)
