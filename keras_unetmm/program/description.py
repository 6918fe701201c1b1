# SPDX-License-Identifier: Apache-2.0
"""Parts of a program as `program.json` says them."""

import hashlib
import json
from collections.abc import Mapping, Sequence

from keras_unetmm.program.buffer import Buffer
from keras_unetmm.program.step import MapFormat, Port, Step
from keras_unetmm.types import Json, JsonObject

FORMAT = 1


def digest(description: Mapping[str, Json]) -> str:
    """Returns the SHA-256 of a description, itself apart."""
    said = {key: value for key, value in description.items() if key != "sha256"}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def of_format(found: MapFormat) -> JsonObject:
    """Returns what is said of a map's values."""
    return {key: getattr(found, key) for key in ("type", "channels", "scale", "zero_point", "pixels")}


def of_step(step: Step) -> JsonObject:
    """Returns what is said of a step."""
    return {
        "file": step.file,
        "sha256": step.sha256,
        "offset": step.arena.offset,
        "head": step.arena.bytes,
        "tail": step.tail_bytes,
        "operators": step.operators,
        "flash_bytes": step.flash_bytes,
        "macs": step.macs,
        "runs": step.runs,
        "tile": list(step.tile),
        "grid": list(step.grid),
        "inputs": [_port(port) for port in step.inputs],
        "outputs": [_port(port) for port in step.outputs],
    }


def of_carried(buffer: Buffer, names: Sequence[str]) -> JsonObject:
    """Returns what is said of a carried map, given the names of all steps."""
    return {
        "name": buffer.owner,
        "bytes": buffer.bytes,
        "offset": buffer.offset,
        "from": names[buffer.first],
        "to": names[buffer.last],
        "shape": list(buffer.shape),
        "moved": buffer.moved,
    }


def _port(port: Port) -> JsonObject:
    said = {"map": port.map, **of_format(port.format)}
    if port.region is None:
        return said
    return {**said, "region": [list(axis) for axis in port.region], "shape": list(port.region.shape)}
