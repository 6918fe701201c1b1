# SPDX-License-Identifier: Apache-2.0
"""What every reader returns: the examples of a data set, each read from disk when it is asked for."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

TARGETS = ("image", "mask", "matte", "class")


@dataclass(frozen=True)
class DataSet:
    """Examples in a fixed order, none of them in memory.

    Args:
        name: str, such as `"isic2018 train 128x128"`: it says everything that changes what `read` gives.
        examples: tuple of tuples, what `read` takes; the first entry is the path or name that messages give.
        read: function of an example that returns `(image, target)` as arrays, as they are on disk: bytes, 16-bit or floats.
            An image is `(H, W, C)`, a volume `(D, H, W, C)`. Where `degrade` makes the image, both are the clean one.
        target: what the target is: `"image"` (as the image), `"mask"` (integers `(H, W)` or `(D, H, W)`), `"matte"` (bytes
            `(H, W, 2)`: alpha, and 255 where the trimap is unknown) or `"class"` (an integer).
        classes: int, how many labels a mask or class can have, the background among them; 1 and 2 are both two labels.
        ignore: int, the label of a mask that counts nowhere, or None.
        names: tuple of str, what each label is called, or empty.

    Examples:
        >>> photographs = data.DataSet("two", (("a",), ("b",)), read=lambda example: (np.zeros((8, 8, 3)),) * 2)
        >>> len(photographs), photographs.stem(0)
        (2, 'a')
    """

    name: str
    examples: tuple
    read: Callable
    target: str = "image"
    classes: int | None = None
    ignore: int | None = None
    names: tuple = ()

    def __post_init__(self):
        if self.target not in TARGETS:
            raise ValueError(f"target must be one of {', '.join(map(repr, TARGETS))}. Received: {self.target!r}.")
        if not self.examples:
            raise ValueError(f"{self.name} must hold at least one example. Received: none.")

    def __len__(self):
        return len(self.examples)

    def __getitem__(self, index):
        return self.read(self.examples[index])

    def called(self, index: int) -> str:
        """The path or name of an example, for messages."""
        return str(self.examples[index][0])

    def stem(self, index: int) -> str:
        """A short name of an example, for tables and files."""
        return Path(self.called(index)).name.split(".")[0]


def joined(name: str, *parts: DataSet) -> DataSet:
    """One data set of several that hold the same kind of target.

    Examples:
        >>> one = data.DataSet("one", (("a",),), read=lambda example: (np.zeros((8, 8, 3)),) * 2)
        >>> len(data.joined("both", one, one))
        2
    """
    if len({(part.target, part.classes, part.ignore) for part in parts}) != 1:
        raise ValueError(f"{name} joins data sets of one kind of target. Received: {[part.name for part in parts]}.")
    examples = tuple((part.called(i), part, i) for part in parts for i in range(len(part)))
    first = parts[0]
    kind = first.target, first.classes, first.ignore, first.names
    return DataSet(name, examples, lambda example: example[1][example[2]], *kind)
