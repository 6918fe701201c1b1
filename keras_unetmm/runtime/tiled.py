"""Running a program: what a device's loop does, with the same files on the same interpreters."""

from dataclasses import dataclass

import numpy as np

from keras_unetmm.interpreters.runtime import RUNTIMES, run
from keras_unetmm.program.program import Program
from keras_unetmm.program.store import load

_USED = 0x55  # what an interpreter leaves in its arena: to others, nothing


@dataclass(frozen=True)
class TiledRun:
    """What `run_tiled` returns.

    Attributes:
        output: array `(H, W, C)` in the program's own type, or what was given as `out`.
        scale, zero_point: the output stands for `(output - zero_point) * scale`; a scale of None for indices.
        arenas: dict from the parts' names to the `keras_unetmm.interpreters.runtime.Arena` that TFLM measured, or to None.
    """

    output: object
    scale: float | None
    zero_point: int
    arenas: dict

    @property
    def values(self):
        """The real numbers that the output stands for, float32."""
        output = np.asarray(self.output, "float32")
        return output if self.scale is None else (output - self.zero_point) * np.float32(self.scale)


def run_tiled(program, image, runtime="tflm", out=None, progress=None):
    """Runs a network tile by tile.

    The image is read, and the output written, a row of tiles at a time: either may be a `numpy.memmap` or anything else
    with a shape that can be sliced. What is kept in between is what `program.json` names as carried, at its place in one
    arena, which every part's interpreter overwrites where its own arena lies.

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
    said = program.description
    image = image if hasattr(image, "shape") else np.asarray(image)
    height, width = said["size"]
    source, target = said["input"], said["output"]
    if tuple(image.shape) != (height, width, source["channels"]):
        raise ValueError(
            f"image must have the shape {(height, width, source['channels'])} that the program is made for. Received: "
            f"{tuple(image.shape)}. Make a program for that size with unetmm tile --size."
        )
    shape = (*(int(length / target["pixels"]) for length in (height, width)), *_channels(target))
    out = np.empty(shape, target["type"]) if out is None else out
    if tuple(out.shape) != shape or out.dtype != target["type"]:
        raise ValueError(f"out must be of the shape {shape} and type {target['type']}. Received: {out.shape}, {out.dtype}.")
    return _Machine(program, image, out, runtime, progress).run()


class _Machine:
    """The state of a run: the arena, with what is carried in it, and how far it has come."""

    def __init__(self, program, image, out, runtime, progress):
        self.program, self.said = program, program.description
        self.image, self.out, self.runtime = image, out, runtime
        self.progress = progress or (lambda done, total: None)
        self.parts = self.said["parts"]
        self.total = sum(part["runs"] for part in self.parts.values())
        self.done = 0
        self.arena = np.zeros(self.said["ram_bytes"], "uint8")
        self.arenas = {}

    def run(self):
        for name, part in self.parts.items():
            tiled = all("region" in end for end in part["inputs"])
            self._tiles(name) if tiled else self._whole(name)
        output = self.said["output"]
        return TiledRun(self.out, output["scale"], output["zero_point"], self.arenas)

    def _whole(self, name):
        part = self.parts[name]
        outputs = self._invoke(name, [self._read(name, end)[None] for end in part["inputs"]])
        for end, made in zip(part["outputs"], outputs, strict=True):
            for target in self._written(name, end):
                target[...] = made[0]

    def _tiles(self, name):
        part = self.parts[name]
        rows, columns = part["grid"]
        for row in range(rows):
            corners = [(row * part["tile"][0], column * part["tile"][1]) for column in range(columns)]
            inputs = [np.stack([self._window(name, end, corner) for corner in corners]) for end in part["inputs"]]
            for end, made in zip(part["outputs"], self._invoke(name, inputs), strict=True):
                for corner, tile in zip(corners, made, strict=True):
                    self._store(name, end, corner, tile)

    def _invoke(self, name, inputs):
        part = self.parts[name]
        result = run(self.program.files[part["file"]], inputs, self.runtime)
        self.arena[part["offset"] : part["offset"] + part["head"]] = _USED  # nothing that is kept may lie there
        self.arenas[name] = result.arena
        self.done += len(inputs[0])
        self.progress(self.done, self.total)
        return result.outputs

    def _read(self, name, end):
        """A carried map, as it lies in the arena for a part that reads it: the copy that goes to it, if there are two."""
        names = list(self.parts)
        held = [entry for entry in self.said["carried"] if entry["name"] == end["map"]]
        later = [entry for entry in held if names.index(entry["to"]) >= names.index(name)]
        return self._place(min(later, key=lambda entry: names.index(entry["to"])), end)

    def _written(self, name, end):
        """The places in the arena of a carried map that a part makes."""
        held = [entry for entry in self.said["carried"] if entry["name"] == end["map"] and entry["from"] == name]
        return [self._place(entry, end) for entry in held]

    def _place(self, entry, end):
        piece = self.arena[entry["offset"] : entry["offset"] + entry["bytes"]]
        return piece.view(end["type"]).reshape(entry["shape"])

    def _window(self, name, end, corner):
        """What a part reads for the tile at a corner: the image goes on beyond its border, or is zero; maps are zero."""
        region = _placed(end, corner)
        if end["map"] == "image":
            window = _bytes(_with_border(self.image, region), end)
            if self.said["border"] == "same":
                there = [(np.arange(*a) >= 0) & (np.arange(*a) < n) for a, n in zip(region, self.image.shape, strict=False)]
                window[~(there[0][:, None] & there[1])] = end["zero_point"]
            return window
        size = [int(length / end["pixels"]) for length in self.said["padded_size"]]
        inside = [(np.arange(*axis) >= 0) & (np.arange(*axis) < length) for axis, length in zip(region, size, strict=True)]
        if end["map"] == "inside":
            return (inside[0][:, None] & inside[1]).astype("int8")[..., None]
        window = np.full((*end["shape"], *_channels(end)), end["zero_point"], end["type"])
        cut = tuple(slice(max(low, 0), high) for low, high in region)
        window[np.ix_(*inside)] = self._read(name, end)[cut]
        return window

    def _store(self, name, end, corner, tile):
        """Writes what a part made of a tile, but for what lies beyond the map."""
        for target in [self.out] if end["map"] == "output" else self._written(name, end):
            (top, bottom), (left, right) = _placed(end, corner)
            bottom, right = min(bottom, target.shape[0]), min(right, target.shape[1])
            if top < bottom and left < right:
                target[top:bottom, left:right] = tile[: bottom - top, : right - left]


def _channels(end):
    return () if end["channels"] is None else (end["channels"],)


def _placed(end, corner):
    """The region of an input or output, in places of the whole map."""
    first = [int(at / end["pixels"]) for at in corner]
    return [(low + at, high + at) for (low, high), at in zip(end["region"], first, strict=True)]


def _with_border(image, region):
    """A region of the image, whose border goes on for ever; no more is read than there is."""
    places = [np.clip(np.arange(*axis), 0, length - 1) for axis, length in zip(region, image.shape, strict=False)]
    piece = np.asarray(image[tuple(slice(place[0], place[-1] + 1) for place in places)])
    return piece[np.ix_(*(place - place[0] for place in places))]


def _bytes(piece, end):
    """A piece of the image in the input's own type."""
    own = np.dtype(end["type"])
    if piece.dtype == own:
        return piece
    if piece.dtype == np.uint8:
        piece = piece / 255
    if piece.dtype.kind != "f" or not np.isfinite(piece).all():
        raise ValueError(f"image must hold finite floats in [0, 1], uint8 or {own}. Received: {piece.dtype}.")
    if own.kind == "f":
        return piece.astype(own)
    limits = np.iinfo(own)
    return np.clip(np.round(piece / end["scale"]) + end["zero_point"], limits.min, limits.max).astype(own)
