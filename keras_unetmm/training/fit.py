# SPDX-License-Identifier: Apache-2.0
"""Which network of a task fits a device: memory of the engine by its schedule, before anything is trained or converted."""

import re
from dataclasses import dataclass

from keras_unetmm.engine import estimate
from keras_unetmm.engine.lower import lower
from keras_unetmm.firmware.write import resized
from keras_unetmm.operators.registry import macs
from keras_unetmm.planner.fits import parsed_bytes
from keras_unetmm.runtime.tables import tables
from keras_unetmm.tflite_file.graph import read
from keras_unetmm.training.rows import MULTIPLE, ROWS, Row
from keras_unetmm.training.skeletons import SIZE, cuts_of, skeleton


@dataclass(frozen=True)
class Budget:
    """What a device has: bytes of memory for the network, and the size of its images.

    Args:
        ram: int, bytes.
        size: `(height, width)` in pixels.
    """

    ram: int
    size: tuple


@dataclass(frozen=True)
class Footprint:
    """What a row takes on the engine.

    Args:
        row: `Row`.
        macs: int, multiply-accumulates of an image.
        ram: int, bytes of memory, of a schedule by rows, cut where that was best for other sizes of image.
    """

    row: Row
    macs: int
    ram: int


def parsed_budget(text):
    """Reads `256K@128x128`.

    Raises:
        ValueError: for another form, or a size that the networks do not take.
    """
    match = re.fullmatch(r"([^@]+)@(\d+)x(\d+)", text)
    if match is None:
        raise ValueError(f"--fit must be BYTES@HEIGHTxWIDTH, such as 256K@128x128. Received: {text!r}.")
    try:
        ram = parsed_bytes(match[1])
    except ValueError as error:
        raise ValueError(f"--fit cannot be read: {error}") from None
    size = int(match[2]), int(match[3])
    if min(size) < MULTIPLE or any(side % MULTIPLE for side in size):
        nearest = "x".join(str(max(MULTIPLE, round(side / MULTIPLE) * MULTIPLE)) for side in size)
        raise ValueError(
            f"--fit must have a height and width that {MULTIPLE} divides, for the networks halve their maps four times. "
            f"Received: {size[0]}x{size[1]}. {nearest} is the nearest."
        )
    return Budget(ram, size)


def footprint(row, size, channels, classes=1):
    """Returns the `Footprint` of a row.

    Args:
        row: `Row`.
        size: `(height, width)` in pixels.
        channels: int, of the image.
        classes: int, labels of the prediction.
    """
    graph = _sized(skeleton(row, channels, classes), size)
    return Footprint(row, macs(graph), estimate.bytes_by_rows(lower(graph, tables), cuts_of(row)))


def footprints(task, size, channels, classes=1, progress=lambda row: None):
    """Returns the footprints of all rows of a task, the one with most multiply-accumulates first."""
    found = []
    for row in ROWS[task]:
        progress(row.name)
        found.append(footprint(row, size, channels, classes))
    return sorted(found, key=lambda each: -each.macs)


def chosen(found, ram):
    """Returns the footprint with the most multiply-accumulates of those that fit.

    Raises:
        ValueError: if none does; the message says what the smallest takes.
    """
    fitting = [each for each in found if each.ram <= ram]
    if not fitting:
        least = min(found, key=lambda each: each.ram)
        raise ValueError(
            f"--fit must leave room for one of the networks. Received: {ram:,} bytes; the smallest, {least.row.name}, takes "
            f"{least.ram:,}. Give it as much, or take smaller images."
        )
    return max(fitting, key=lambda each: each.macs)


def best_cuts(content, size):
    """Returns the places in the order of operators where the engine's whole search cuts a file for images of a size."""
    return estimate.best_cuts(lower(_sized(content, size), tables))


def _sized(content, size):
    return read(content if tuple(size) == SIZE else resized(content, tuple(size))).main
