# SPDX-License-Identifier: Apache-2.0
"""The schema of `program.json`: every key, and within which bounds each number and name must lie."""

from keras_unetmm.kernels.libraries import LIBRARIES
from keras_unetmm.program.step import NAMES
from keras_unetmm.tflite_file import json_text as rules
from keras_unetmm.tflite_file.metadata import DESCRIPTION
from keras_unetmm.types import Json

_SIDE = 2**16  # pixels of an image's side
_BYTES = 2**29  # of the arena, of a file
COARSEST, _FINEST = 2**12, 2**-6  # pixels that a place of a map stands for
_CHANNELS = 2**16
_MACS = 2**53
_TYPES = ("int8", "uint8", "int16", "int32", "int64", "float32", "bool")

_bytes, _macs, _sha256 = rules.whole(0, _BYTES), rules.whole(0, _MACS), rules.text(64)
_map = {
    "type": rules.one_of(*_TYPES),
    "channels": rules.maybe(rules.whole(1, _CHANNELS)),
    "scale": rules.maybe(rules.number(1e-30, 1e30)),
    "zero_point": rules.whole(-(2**15), 2**15),
    "pixels": rules.number(_FINEST, COARSEST),
}
_sides = rules.listed(rules.whole(1, 2 * _SIDE), 2, 2)
_region = rules.listed(rules.listed(rules.whole(-2 * _SIDE, 2 * _SIDE), 2, 2), 2, 2)
_whole_port = rules.record(map=rules.text(), **_map)
_tiled_port = rules.record(map=rules.text(), **_map, region=_region, shape=_sides)


def _port(value: Json, where: str) -> None:
    (_tiled_port if isinstance(value, dict) and "region" in value else _whole_port)(value, where)


_part = rules.record(
    file=rules.one_of(*(f"{name}.tflite" for name in NAMES)),
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
    inputs=rules.listed(_port, 1),
    outputs=rules.listed(_port, 1),
)
_carried = rules.record(
    name=rules.text(),
    bytes=_bytes,
    offset=_bytes,
    shape=rules.listed(rules.whole(1, 2 * _SIDE), 2, 3),
    moved=rules.one_of(False, True),
    **{"from": rules.one_of(*NAMES), "to": rules.one_of(*NAMES)},
)


def _parts(value: Json, where: str) -> None:
    named = isinstance(value, dict) and list(value) == [name for name in NAMES if name in value]
    if not named or not {"head", "body", "tail"} <= {*value, "body"}:
        raise ValueError(f"{where} must be some of {', '.join(NAMES)} in this order, head and tail among them")
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
    untiled_macs=rules.whole(1, _MACS),
    macs_ratio=rules.number(0, 1e9),
    order=rules.listed(rules.text(), 1, len(NAMES)),
    input=rules.record(**_map),
    output=rules.record(**_map),
    network=rules.maybe(DESCRIPTION),
    parts=_parts,
    carried=rules.listed(_carried),
    recomputed=rules.listed(rules.text()),
    sha256=rules.text(64),
)


def validate_keys(said: Json) -> None:
    """Raises a `ValueError` that names the first key of a description that is missing, unknown, or out of its range."""
    _PROGRAM(said, "")
