# SPDX-License-Identifier: Apache-2.0
"""Kernels as walks through memory: the least distance at which none writes over what it still has to read."""

import math
from dataclasses import dataclass

import numpy as np

from keras_unetmm.tflite_file.graph import Tensor

MOST_PLACES = 2**20  # along an axis: larger maps are not looked at, so that a few bytes of file cannot ask for memory
_MOST_STEPS = 2**24  # of a walk over a whole map: the verifier proves no overlap that takes more
_ALIGNMENT = 16  # bytes, of addresses


@dataclass(frozen=True)
class Walk:
    """Bytes from the start of a map for a walk over its rows and columns: at (i, j) `rows[i] + columns[j]`."""

    rows: np.ndarray
    columns: np.ndarray


def least_distance(writes_end: Walk, reads: Walk) -> int:
    """Returns the least D at which no chunk is written over one that is read with it or later.

    Chunk (i, j) must end before the earliest byte that is read from there on: by what is left of its row, or by a row below.

    Args:
        writes_end: bytes of the output up to the end of each chunk that is written.
        reads: the first byte of the input that is read for it.
    """
    along = _from_here_on(reads.columns)
    below = np.append(_from_here_on(reads.rows)[1:], np.inf) + reads.columns.min()
    in_row = writes_end.rows - reads.rows + (writes_end.columns - along).max()
    across = writes_end.rows + writes_end.columns.max() - below
    return max(0, int(in_row.max()), int(max(across.max(), 0)))


def _from_here_on(values):
    """The least of each value and all behind it."""
    return np.minimum.accumulate(values[::-1])[::-1]


def can_be_proven(source: Tensor, output: Tensor, *groups: int) -> bool:
    """Returns whether a verifier that walks through both maps takes few enough steps.

    Args:
        source, output: the two maps.
        groups: bytes that are read or written at a time: a step is what divides them all, and all addresses.
    """
    steps = max(source.arena_bytes, output.arena_bytes) // math.gcd(_ALIGNMENT, *groups)
    return steps <= _MOST_STEPS


def pixels_can_be_proven(source: Tensor, output: Tensor) -> bool:
    """Returns the same for kernels that go through two maps of four axes pixel by pixel."""
    a, b = source, output
    fewest = min(a.shape[3], b.shape[3]) * a.element_bytes
    return can_be_proven(a, b, fewest, a.shape[3] * a.element_bytes, b.shape[3] * b.element_bytes)
