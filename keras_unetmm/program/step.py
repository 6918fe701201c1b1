# SPDX-License-Identifier: Apache-2.0
"""A step of a program: one file that runs on all tiles, or once on whole maps."""

import math
from dataclasses import dataclass

from keras_unetmm.program.buffer import Buffer, Kind
from keras_unetmm.program.region import Region

NAMES = ("head", "body_head", "body", "body_tail", "tail")  # in the order in which they run
IMAGE, INSIDE, OUTPUT = "image", "inside", "output"  # what a step reads or makes that is no carried map


@dataclass(frozen=True)
class MapFormat:
    """How a map's values are stored.

    Attributes:
        type: str, of its elements, as numpy names it.
        channels: int; None for a map without an axis of channels.
        scale, zero_point: a value stands for `(value - zero_point) * scale`; a scale of None for indices and floats.
        pixels: float, pixels of the image from one of its places to the next.
    """

    type: str
    channels: int | None
    scale: float | None
    zero_point: int
    pixels: float

    def shape(self, size: tuple[int, ...]) -> tuple[int, ...]:
        """Returns the shape of the whole map for an image of `(height, width)` pixels."""
        places = tuple(int(length / self.pixels) for length in size)
        return places if self.channels is None else (*places, self.channels)


@dataclass(frozen=True)
class Port:
    """What a step reads or makes.

    Attributes:
        map: str, the name of a carried map; `"image"`; `"output"`; or `"inside"`, ones inside the image and zeros outside.
        format: `MapFormat`.
        region: `Region`, from the corner of a tile; None for a step that runs on whole maps.
    """

    map: str
    format: MapFormat
    region: Region | None = None

    def placed(self, corner: tuple[int, ...]) -> Region:
        """Returns its region, in places of the whole map, for the tile at a corner in pixels."""
        if self.region is None:
            raise ValueError(f"{self.map} must be read or made tile by tile. Received: a map that is whole.")
        row, column = (int(at / self.format.pixels) for at in corner)
        return self.region.at(row, column)


@dataclass(frozen=True)
class Step:
    """A file, and how it runs.

    Attributes:
        name: str, one of `NAMES`.
        sha256: str, of its file.
        arena: `Buffer`, where its interpreter's arena lies, of kind `TILE`, or `WHOLE` if it runs once.
        tail_bytes: int, what its interpreter takes beside the arena's head, measured; estimated where TFLM is not installed.
        operators, flash_bytes: int, of its file.
        macs: int, multiply-accumulates of one run.
        tile: `(height, width)` in pixels of the image.
        grid: `(rows, columns)` of tiles.
        inputs, outputs: tuples of `Port`.
    """

    name: str
    sha256: str
    arena: Buffer
    tail_bytes: int
    operators: int
    flash_bytes: int
    macs: int
    tile: tuple[int, int]
    grid: tuple[int, int]
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]

    @property
    def file(self) -> str:
        """The name of its file."""
        return f"{self.name}.tflite"

    @property
    def runs(self) -> int:
        """How often it runs."""
        return math.prod(self.grid)

    @property
    def whole(self) -> bool:
        """Whether it runs once, on whole maps."""
        return self.arena.kind is Kind.WHOLE

    @property
    def corners(self) -> list[list[tuple[int, int]]]:
        """The corners of its tiles in pixels, a list for each row of tiles."""
        (rows, columns), (height, width) = self.grid, self.tile
        return [[(row * height, column * width) for column in range(columns)] for row in range(rows)]
