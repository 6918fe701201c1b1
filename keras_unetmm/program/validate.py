"""What `program.json` must say before a file that it names is opened, or a byte taken that it asks for."""

import math

import numpy as np

from keras_unetmm.kernels.libraries import LIBRARIES
from keras_unetmm.tflite_file import json_text as rules
from keras_unetmm.tflite_file.metadata import DESCRIPTION

PARTS = ("head", "body_head", "body", "body_tail", "tail")  # in the order in which they run
_SIDE = 2**16  # pixels of an image's side
_BYTES = 2**29  # of the arena, of a file
_COARSEST, _FINEST = 2**12, 2**-6  # pixels that a place of a map stands for
_CHANNELS = 2**16
_MACS = 2**53
_TYPES = ("int8", "uint8", "int16", "int32", "int64", "float32", "bool")
_ENDS = ("image", "inside", "output")  # the ends of parts that are no carried maps

_bytes, _macs, _sha256 = rules.whole(0, _BYTES), rules.whole(0, _MACS), rules.text(64)
_map = {
    "type": rules.one_of(*_TYPES),
    "channels": rules.maybe(rules.whole(1, _CHANNELS)),
    "scale": rules.maybe(rules.number(1e-30, 1e30)),
    "zero_point": rules.whole(-(2**15), 2**15),
    "pixels": rules.number(_FINEST, _COARSEST),
}
_sides = rules.listed(rules.whole(1, 2 * _SIDE), 2, 2)
_region = rules.listed(rules.listed(rules.whole(-2 * _SIDE, 2 * _SIDE), 2, 2), 2, 2)
_whole_end = rules.record(map=rules.text(), **_map)
_tiled_end = rules.record(map=rules.text(), **_map, region=_region, shape=_sides)


def _end(value, where):
    (_tiled_end if isinstance(value, dict) and "region" in value else _whole_end)(value, where)


_part = rules.record(
    file=rules.one_of(*(f"{name}.tflite" for name in PARTS)),
    sha256=_sha256,
    offset=_bytes,
    head=_bytes,
    tail=_bytes,
    operators=rules.whole(1, 10**6),
    flash_bytes=_bytes,
    macs=_macs,
    runs=rules.whole(1, _SIDE**2),
    tile=_sides,
    grid=_sides,
    inputs=rules.listed(_end, 1),
    outputs=rules.listed(_end, 1),
)
_carried = rules.record(
    name=rules.text(),
    bytes=_bytes,
    offset=_bytes,
    shape=rules.listed(rules.whole(1, 2 * _SIDE), 2, 3),
    moved=rules.one_of(False, True),
    **{"from": rules.one_of(*PARTS), "to": rules.one_of(*PARTS)},
)


def _parts(value, where):
    named = isinstance(value, dict) and list(value) == [name for name in PARTS if name in value]
    if not named or not {"head", "body", "tail"} <= {*value, "body"}:
        raise ValueError(f"{where} must be some of {', '.join(PARTS)} in this order, head and tail among them")
    for name, part in value.items():
        _part(part, f"{where}.{name}")


_PROGRAM = rules.record(
    format=rules.whole(1, 10**6),
    version=rules.text(),
    size=rules.listed(rules.whole(1, _SIDE), 2, 2),
    padded_size=_sides,
    levels=rules.whole(1, 16),
    bottleneck=rules.one_of("whole", "tiled"),
    tile=_sides,
    skips=rules.one_of("keep", "recompute", "mixed"),
    halo=rules.whole(0, 2 * _SIDE),
    kernels=rules.one_of(*LIBRARIES),
    border=rules.one_of("once", "same"),
    ram_bytes=rules.whole(1, _BYTES),
    ram_bound=_bytes,
    ram_bytes_with_tails=rules.whole(1, 2 * _BYTES),
    flash_bytes=rules.whole(1, 8 * _BYTES),
    macs=_macs,
    untiled_macs=_macs,
    macs_ratio=rules.number(0, 1e9),
    order=rules.listed(rules.text(), 1, len(PARTS)),
    input=rules.record(**_map),
    output=rules.record(**_map),
    network=rules.maybe(DESCRIPTION),
    parts=_parts,
    carried=rules.listed(_carried),
    recomputed=rules.listed(rules.text()),
    sha256=rules.text(64),
)


def validate_description(said):
    """Raises a `ValueError` that names the first key of a description that is missing, unknown, or out of its range.

    What the runtime does with it then stays within the arena, the image and the files that it names.
    """
    _PROGRAM(said, "")
    for length, padded in zip(said["size"], said["padded_size"], strict=True):
        if not length <= padded < length + _COARSEST:
            raise ValueError(f"padded_size must be the size, padded. Received: {said['padded_size']} for {said['size']}")
    names = list(said["parts"])
    for entry in said["carried"]:
        _validate_carried(entry, said, names)
    for name, part in said["parts"].items():
        _validate_part(name, part, said, names)


def _validate_carried(entry, said, names):
    where = f"carried {entry['name']!r}"
    if entry["from"] not in names or entry["to"] not in names:
        raise ValueError(f"{where} goes from or to a part that there is not")
    if names.index(entry["from"]) >= names.index(entry["to"]):
        raise ValueError(f"{where} goes to a part that runs before it is made")
    if entry["offset"] + entry["bytes"] > said["ram_bytes"]:
        raise ValueError(f"{where} ends behind the arena of {said['ram_bytes']:,} bytes")


def _validate_part(name, part, said, names):
    if part["file"] != f"{name}.tflite":
        raise ValueError(f"parts.{name}.file must be {name}.tflite. Received: {part['file']}")
    if part["offset"] + part["head"] > said["ram_bytes"]:
        raise ValueError(f"parts.{name} ends behind the arena of {said['ram_bytes']:,} bytes")
    grid = [-(-length // side) for length, side in zip(said["padded_size"], part["tile"], strict=True)]
    if part["grid"] != grid or part["runs"] != math.prod(grid):
        raise ValueError(f"parts.{name}.grid must be {grid}, run {math.prod(grid)} times. Received: {part['grid']}")
    ends = [*part["inputs"], *part["outputs"]]
    tiled = {"region" in end for end in ends}
    if len(tiled) > 1 or (tiled == {False} and part["runs"] != 1):
        raise ValueError(f"parts.{name} must run on tiles, or once")
    for side, reads in (("inputs", True), ("outputs", False)):
        for end in part[side]:
            _validate_end(f"parts.{name}.{side}, {end['map']!r},", name, end, said, names, reads)


def _validate_end(where, name, end, said, names, reads):
    if "region" in end:
        sides = [high - low for low, high in end["region"]]
        if sides != end["shape"]:
            raise ValueError(f"{where} has the region {end['region']}, and the shape {end['shape']}")
    if end["map"] in _ENDS:
        if (end["map"] == "output") == reads:
            raise ValueError(f"{where} is read where it is made, or made where it is read")
        if "region" not in end or (end["map"] != "inside" and any(end[key] != value for key, value in _whole(end, said))):
            raise ValueError(f"{where} must be that of the program, tile by tile")
        return
    order = names.index(name)
    held = [entry for entry in said["carried"] if entry["name"] == end["map"]]
    held = [e for e in held if (names.index(e["to"]) >= order if reads else e["from"] == name)]
    if not held:
        raise ValueError(f"{where} is no map that is carried {'to' if reads else 'from'} there")
    places = [int(length / end["pixels"]) for length in said["padded_size"]]
    shape = places + ([] if end["channels"] is None else [end["channels"]])
    size = math.prod(shape) * np.dtype(end["type"]).itemsize
    if any(entry["shape"] != shape or entry["bytes"] != size for entry in held):
        raise ValueError(f"{where} must be carried as {shape}, {size:,} bytes")


def _whole(end, said):
    return {"image": said["input"], "output": said["output"]}[end["map"]].items()
