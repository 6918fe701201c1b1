# SPDX-License-Identifier: Apache-2.0
"""Running a program: what a device's loop does, with the same files on the same interpreters."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from keras_unetmm.interpreters.runtime import RUNTIMES, Arena, run
from keras_unetmm.program.buffer import Buffer
from keras_unetmm.program.program import Program
from keras_unetmm.program.region import Region
from keras_unetmm.program.step import IMAGE, INSIDE, OUTPUT, MapFormat, Port
from keras_unetmm.program.store import load

_USED = 0x55  # what an interpreter leaves in its arena: to others, nothing


class Sliced(Protocol):
    """A map that is read and written in pieces: an array, a `numpy.memmap`, a data set of an HDF5 file."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> np.dtype: ...

    def __getitem__(self, places: Any, /) -> Any: ...

    def __setitem__(self, places: Any, values: Any, /) -> None: ...


@dataclass(frozen=True)
class TiledRun:
    """What `run_tiled` returns.

    Attributes:
        output: array `(H, W, C)` in the program's own type, or what was given as `out`.
        scale, zero_point: the output stands for `(output - zero_point) * scale`; a scale of None for indices.
        arenas: dict from the parts' names to the `keras_unetmm.interpreters.runtime.Arena` that TFLM measured, or to None.
    """

    output: Sliced
    scale: float | None
    zero_point: int
    arenas: dict[str, Arena | None]

    @property
    def values(self) -> np.ndarray:
        """The real numbers that the output stands for, float32."""
        output = np.asarray(self.output, "float32")
        return output if self.scale is None else (output - self.zero_point) * np.float32(self.scale)


def run_tiled(
    program: Program | str | os.PathLike[str],
    image: Sliced,
    runtime: str = "tflm",
    out: Sliced | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> TiledRun:
    """Runs a network tile by tile.

    The image is read, and the output written, a row of tiles at a time: either may be a `numpy.memmap` or anything else
    with a shape that can be sliced. What is kept in between is what `program.json` names as carried, at its place in one
    arena, which every part's interpreter overwrites where its own arena lies.

    Examples:
        >>> program = tflite.tile("model.tflite", (48, 32))
        >>> tflite.run_tiled(program, np.zeros((48, 32, 3), "int8"), "litert").output.shape
        (48, 32, 3)

    Args:
        program: folder that `unetmm tile` wrote, or a `Program`.
        image: array `(H, W, C)` of the program's size: floats in [0, 1], bytes (uint8), or the input's own type, which goes
            in as it is.
        runtime: `"tflm"`, `"litert"` or `"litert-reference"`, as for `keras_unetmm.tflite.run`.
        out: array `(H, W, C)` that the output is written to; by default a new one.
        progress: function of two ints, called with the number of runs done and that of all.

    Returns:
        A `TiledRun`.

    Raises:
        ValueError: for an unknown runtime, or an image or `out` that does not fit.
        ProgramError: if the folder holds no program or a damaged one.
        RunError: if a part cannot be run.
    """
    if runtime not in RUNTIMES:
        raise ValueError(f"runtime must be one of {', '.join(map(repr, RUNTIMES))}. Received: {runtime!r}.")
    program = program if isinstance(program, Program) else load(program)
    image = image if hasattr(image, "shape") else np.asarray(image)
    if tuple(image.shape) != (*program.size, program.input.channels):
        raise ValueError(
            f"image must have the shape {(*program.size, program.input.channels)} that the program is made for. Received: "
            f"{tuple(image.shape)}. Make a program for that size with unetmm tile --size."
        )
    shape, kind = program.output.shape(program.size), program.output.type
    out = np.empty(shape, kind) if out is None else out
    if tuple(out.shape) != shape or out.dtype != kind:
        raise ValueError(f"out must be of the shape {shape} and type {kind}. Received: {out.shape}, {out.dtype}.")
    return _Machine(program, image, out, runtime, progress).run()


class _Machine:
    """The state of a run: the arena, with what is carried in it, and how far it has come."""

    def __init__(
        self, program: Program, image: Sliced, out: Sliced, runtime: str, progress: Callable[[int, int], object] | None
    ) -> None:
        self.program, self.image, self.out, self.runtime = program, image, out, runtime
        self.progress = progress or (lambda done, total: None)
        self.total = sum(step.runs for step in program.steps)
        self.done = 0
        self.arena = np.zeros(program.ram_bytes, "uint8")
        self.arenas: dict[str, Arena | None] = {}

    def run(self) -> TiledRun:
        for number, step in enumerate(self.program.steps):
            self._whole(number) if step.whole else self._tiles(number)
        return TiledRun(self.out, self.program.output.scale, self.program.output.zero_point, self.arenas)

    def _whole(self, number: int) -> None:
        step = self.program.steps[number]
        made = self._invoke(number, [self._read(number, port)[None] for port in step.inputs])
        for port, value in zip(step.outputs, made, strict=True):
            for target in self._targets(number, port):
                target[...] = value[0]

    def _tiles(self, number: int) -> None:
        step = self.program.steps[number]
        for corners in step.corners:
            inputs = [np.stack([self._window(number, port, corner) for corner in corners]) for port in step.inputs]
            for port, made in zip(step.outputs, self._invoke(number, inputs), strict=True):
                for corner, tile in zip(corners, made, strict=True):
                    self._store(number, port, corner, tile)

    def _invoke(self, number: int, inputs: list[np.ndarray]) -> Sequence[np.ndarray]:
        step = self.program.steps[number]
        result = run(self.program.files[step.file], inputs, self.runtime)
        self._bytes(step.arena)[:] = _USED  # nothing that is kept may lie there
        self.arenas[step.name] = result.arena
        self.done += len(inputs[0])
        self.progress(self.done, self.total)
        return result.outputs

    def _bytes(self, buffer: Buffer) -> np.ndarray:
        """The bytes of the arena that a buffer takes."""
        return self.arena[buffer.offset : buffer.end]

    def _map(self, buffer: Buffer, found: MapFormat) -> np.ndarray:
        """A carried map, as it lies in the arena."""
        return self._bytes(buffer).view(found.type).reshape(buffer.shape)

    def _read(self, number: int, port: Port) -> np.ndarray:
        return self._map(self.program.reads(number, port.map), port.format)

    def _targets(self, number: int, port: Port) -> Iterator[Sliced]:
        """Where a step writes what it makes: the output, or the places of a carried map."""
        if port.map == OUTPUT:
            yield self.out
        for buffer in self.program.writes(number, port.map):
            yield self._map(buffer, port.format)

    def _window(self, number: int, port: Port, corner: tuple[int, int]) -> np.ndarray:
        """What a part reads for the tile at a corner: the image goes on beyond its border, or is zero; maps are zero."""
        region, found = port.placed(corner), port.format
        if port.map == IMAGE:
            window = _quantised(_with_border(self.image, region), found)
            if self.program.border == "same":
                rows, columns = _inside(region, self.image.shape)
                window[~(rows[:, None] & columns)] = found.zero_point
            return window
        rows, columns = _inside(region, found.shape(self.program.padded_size))
        if port.map == INSIDE:
            return (rows[:, None] & columns).astype("int8")[..., None]
        shape = region.shape if found.channels is None else (*region.shape, found.channels)
        window = np.full(shape, found.zero_point, found.type)
        window[np.ix_(rows, columns)] = self._read(number, port)[tuple(slice(max(low, 0), high) for low, high in region)]
        return window

    def _store(self, number: int, port: Port, corner: tuple[int, int], tile: np.ndarray) -> None:
        """Writes what a part made of a tile, but for what lies beyond the map."""
        for target in self._targets(number, port):
            (top, bottom), (left, right) = port.placed(corner)
            bottom, right = min(bottom, target.shape[0]), min(right, target.shape[1])
            if top < bottom and left < right:
                target[top:bottom, left:right] = tile[: bottom - top, : right - left]


def _inside(region: Region, shape: tuple[int, ...]) -> list[np.ndarray]:
    """Which rows and which columns of a region lie within a map of a shape, two arrays of booleans."""
    return [(np.arange(*axis) >= 0) & (np.arange(*axis) < length) for axis, length in zip(region, shape[:2], strict=True)]


def _with_border(image: Sliced, region: Region) -> np.ndarray:
    """A region of the image, whose border goes on for ever; no more is read than there is."""
    places = [np.clip(np.arange(*axis), 0, length - 1) for axis, length in zip(region, image.shape, strict=False)]
    piece = np.asarray(image[tuple(slice(place[0], place[-1] + 1) for place in places)])
    return piece[np.ix_(*(place - place[0] for place in places))]


def _quantised(piece: np.ndarray, found: MapFormat) -> np.ndarray:
    """A piece of the image in the input's own type."""
    own = np.dtype(found.type)
    if piece.dtype == own:
        return piece
    if piece.dtype == np.uint8:
        piece = piece / 255
    if piece.dtype.kind != "f" or not np.isfinite(piece).all():
        raise ValueError(f"image must hold finite floats in [0, 1], uint8 or {own}. Received: {piece.dtype}.")
    if own.kind == "f":
        return piece.astype(own)
    if found.scale is None:
        raise ValueError(
            f"image must be of the program's own type {own}, for its input has no scale. Received: {piece.dtype}."
        )
    limits = np.iinfo(own)
    return np.clip(np.round(piece / found.scale) + found.zero_point, limits.min, limits.max).astype(own)
