# SPDX-License-Identifier: Apache-2.0
"""Finding a data set on disk, and saying exactly what of it is missing."""

import fnmatch
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, Protocol

import numpy as np

from keras_unetmm.data.dataset import DataSet
from keras_unetmm.data.left_out import COUNTS, dangling, warn_left_out
from keras_unetmm.types import PathLike


class MissingDataError(ValueError):
    """A data set that is not there, or not whole."""


class MissingLibraryError(ValueError):
    """A library that is not installed, and that only the reading of some files needs."""


P = ParamSpec("P")
Tiny = Callable[[PathLike, np.random.Generator], None]  # writes tiny data into a folder


class Reader(Protocol[P]):
    """A function of the folder of all data sets, and of what else it takes, that reads one of them."""

    tiny: Tiny

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> DataSet: ...


def reader(tiny: Tiny) -> Callable[[Callable[P, DataSet]], Reader[P]]:
    """Marks a function `(folder, ...) -> DataSet` as a reader, and names the function that makes tiny data for it.

    Args:
        tiny: function of a folder (`--data`) and a `numpy.random.Generator` that writes a few tiny examples, laid out as
            the data set is: `--smoke` and the tests read them by the same code.

    Examples:
        >>> read = data.reader(tiny=data.set5.tiny)(lambda folder, partial=False: data.set5(folder, partial=partial))
        >>> read.tiny("tiny", np.random.default_rng(0))
        >>> len(read("tiny", partial=True)) > 0
        True
    """

    def mark(function):
        function.tiny = tiny
        return function

    return mark


def home(folder, name, layout, source):
    """Returns `folder/name`, where a data set lies.

    Args:
        folder: the folder of all data sets (`--data`).
        name: str, of the data set's own folder in it.
        layout: str, what lies there, for the message.
        source: str, where people get it.

    Raises:
        MissingDataError: if it is not there.
    """
    path = Path(folder) / name
    if not path.is_dir():
        raise MissingDataError(
            f"{path} must hold {layout}. Received: no such folder. Get the data from {source}, or pass the folder "
            f"that holds {name} as --data."
        )
    return path


def files(folder, pattern, what, beside=()):
    """Returns the files of a folder that match a pattern, sorted by name; suffixes match in capitals, too.

    Warns with the names of images and volumes in the same folders that do not match, and of links to nothing.

    Args:
        folder: str or path.
        pattern: str, such as `"*.jpg"` or `"*/blur/*.png"`.
        what: str, for the message.
        beside: tuple of patterns of names, of files that belong there and are read otherwise, or on purpose not.

    Raises:
        MissingDataError: if there is none.
    """
    *below, name = pattern.split("/")
    folders = sorted(Path(folder).glob("/".join(below))) if below else [Path(folder)]
    found, others = [], []
    for parent in folders:
        for path in sorted(parent.iterdir()) if parent.is_dir() else ():
            matches = _matches(path.name, name) and not path.name.startswith(".")
            if matches and path.is_file():
                found.append(path)
            elif matches or not any(_matches(path.name, other) for other in beside):
                others.append(path)
    warn_left_out(folder, others, f"only {pattern} is read")
    if not found:
        raise MissingDataError(f"{folder} must hold {what} ({pattern}). Received: none. Is the data set unpacked?")
    return sorted(found)


def _matches(name, pattern):
    """Whether a name matches a pattern, its suffix in capitals or not."""
    stem, dot, suffix = pattern.rpartition(".")
    name_stem, _, name_suffix = name.rpartition(".")
    if not dot:
        return fnmatch.fnmatchcase(name, pattern)
    return fnmatch.fnmatchcase(name_stem, stem) and fnmatch.fnmatchcase(name_suffix.lower(), suffix.lower())


def partner(path, other):
    """Returns the file that belongs to another.

    Raises:
        MissingDataError: if it is not there.
    """
    if dangling(other):
        raise MissingDataError(
            f"{path} must have its partner {other}. Received: a link to {other.readlink()}, which is not there. "
            "Mend the link."
        )
    if not other.is_file():
        raise MissingDataError(f"{path} must have its partner {other}. Received: no such file. Download it again.")
    return other


def whole(name, examples, count, partial):
    """Returns the examples if there are as many as the published data set has.

    Raises:
        MissingDataError: if not, unless `partial`.
    """
    if len(examples) != count and not partial:
        raise MissingDataError(
            f"{name} must have {count:,} examples, as published. Received: {len(examples):,}. Finish the download, or take "
            "what is there (--partial; partial=True of the reader)."
        )
    if len(examples) != count:
        COUNTS.info(f"{name}: {len(examples):,} of {count:,} examples read")
    return examples


def one_of(argument, value, known):
    """Returns an argument of a reader that must have one of its known values.

    Raises:
        ValueError: if it has another.
    """
    if value not in known:
        raise ValueError(f"{argument} must be one of {', '.join(map(repr, known))}. Received: {value!r}.")
    return value


def every_fifth(items, split):
    """Divides sorted items where no split is published: every fifth is `"test"`, the others are `"train"`."""
    test = one_of("split", split, ("train", "test")) == "test"
    return [item for i, item in enumerate(items) if (i % 5 == 4) == test]


def extra(module, package=None):
    """Imports a library that only the reading of some data sets needs.

    Args:
        module: str, the module.
        package: str, what has to be installed, where it is called otherwise.

    Raises:
        MissingLibraryError: a `ValueError`, if it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingLibraryError(
            f"{package or module} must be installed to read this data set. Received: {error}. "
            "Run pip install keras-unetmm[data]."
        ) from error
