# SPDX-License-Identifier: Apache-2.0
"""Areas in files of annotations, as pixels: polygons, and run-length codes of COCO, CVAT and Label Studio."""

import re
from dataclasses import dataclass

import numpy as np

from keras_unetmm.data.layout import extra

CHANNELS = 4  # of Label Studio's strokes, the last one says where they are
COVERED = 128  # from which value of it on


@dataclass(frozen=True)
class Runs:
    """A run-length code.

    Args:
        order: `"columns"`, as COCO has it: lengths of runs down the columns, the first one of pixels outside; or a str in
            COCO's own code. `"rows"`, as CVAT has it: along the rows. `"brush"`, as Label Studio has it: bytes.
        counts: tuple of int, or str.
        size: `(height, width)` of what is coded, or None for that of the image.
        corner: `(top, left)` of it in the image.
    """

    order: str
    counts: tuple | str
    size: tuple | None
    corner: tuple = (0, 0)


def covered(shape, size):
    """Where an area lies.

    Args:
        shape: `Runs`, or points of a polygon, float array `(N, 2)` of x and y, pixel corners being whole numbers.
        size: `(height, width)` of the image.

    Returns:
        bool array `(height, width)`.

    Raises:
        ValueError: for a run-length code that is damaged, or of another size.
    """
    if not isinstance(shape, Runs):
        return inside(shape, size)
    own = tuple(size) if shape.size is None else tuple(shape.size)
    (top, left), fits = shape.corner, own == tuple(size)
    if shape.order == "rows":
        fits = top >= 0 and left >= 0 and top + own[0] <= size[0] and left + own[1] <= size[1]
    if not fits:
        raise ValueError(f"a run-length code of {own[0]}x{own[1]} pixels is none of an image of {size[0]}x{size[1]}")
    decode = {"columns": _columns, "rows": _rows, "brush": _brush}[shape.order]
    mask = np.zeros(size, bool)
    mask[top : top + own[0], left : left + own[1]] = decode(shape.counts, own)
    return mask


def inside(points, size):
    """Where the centres of pixels lie inside a polygon, by the rule of even and odd; arguments are those of `covered`."""
    height, width = size
    x, y = np.asarray(points, "float64").T
    next_x, next_y = np.roll(x, -1), np.roll(y, -1)
    rows = np.arange(max(0, int(np.floor(y.min()))), min(height, int(np.ceil(y.max()))))
    middles = rows[:, None] + 0.5
    row, edge = np.nonzero((y <= middles) != (next_y <= middles))
    at = x[edge] + (middles[row, 0] - y[edge]) * (next_x - x)[edge] / (next_y - y)[edge]
    crossed = np.zeros((height, width + 1), "int32")
    np.add.at(crossed, (rows[row], np.clip(np.ceil(at - 0.5), 0, width).astype("int64")), 1)
    return np.cumsum(crossed, axis=1)[:, :width] % 2 == 1


def _flat(counts, size):
    if not all(isinstance(count, int) and count >= 0 for count in counts):
        raise ValueError("a run-length code must be made of lengths, whole numbers")
    if sum(counts) != size[0] * size[1]:
        raise ValueError(f"a run-length code must be of {size[0]}x{size[1]} pixels; it has {sum(counts):,}")
    return np.repeat(np.arange(len(counts)) % 2 == 1, counts)


def _columns(counts, size):
    if isinstance(counts, str):
        return extra("pycocotools.mask").decode({"size": list(size), "counts": counts.encode()}).astype(bool)
    return _flat(counts, size).reshape(size[::-1]).T


def _rows(counts, size):
    return _flat(counts, size).reshape(size)


def _brush(counts, size):
    """Decodes a stroke of Label Studio: a stream of bits that holds an image of four channels.

    32 bits say how many values there are, 5 bits how wide a value is, four times 4 bits how wide lengths are, each less one.
    Then for each run: a bit, set where one value is repeated; 2 bits, which of the four widths its length has; the length
    less one; and one value, or as many as the length says.
    """
    stream, at = "".join(f"{byte:08b}" for byte in counts), 0

    def number(bits):
        nonlocal at
        at += bits
        if at > len(stream):
            raise ValueError("a brush stroke ends too early")
        return int(stream[at - bits : at], 2)

    count = number(32)
    if count != size[0] * size[1] * CHANNELS:
        raise ValueError(f"a brush stroke must be of {size[0]}x{size[1]} pixels; it has {count / CHANNELS:,g}")
    wide = number(5) + 1
    widths = [number(4) + 1 for _ in range(4)]
    values, done = np.zeros(count, "uint32"), 0
    while done < count:
        repeated, end = number(1), number(2)
        end = done + number(widths[end]) + 1
        if end > count:
            raise ValueError("a brush stroke has more pixels than its image")
        values[done:end] = number(wide) if repeated else [number(wide) for _ in range(end - done)]
        done = end
    return values.reshape(*size, CHANNELS)[..., -1] >= COVERED


def row_runs(text):
    """The lengths in `"3, 5, 7"`."""
    return tuple(int(part) for part in re.split(r"[,\s]+", text.strip()))
