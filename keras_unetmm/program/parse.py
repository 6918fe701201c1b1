# SPDX-License-Identifier: Apache-2.0
"""A program from what its `program.json` says, read through the schema."""

from keras_unetmm.program.buffer import Buffer, Kind
from keras_unetmm.program.program import Program
from keras_unetmm.program.region import Region
from keras_unetmm.program.schema import validate_keys
from keras_unetmm.program.step import MapFormat, Port, Step
from keras_unetmm.program.validate import validate_program
from keras_unetmm.types import Json, JsonObject


def parsed(said: Json, files: dict[str, bytes] | None = None) -> Program:
    """Returns the `Program` of a description that anybody may have written.

    Args:
        said: what its JSON holds.
        files: dict from file names to bytes.

    Raises:
        ValueError: that names the first key that is missing, unknown, out of its range, or at odds with the others.
    """
    validate_keys(said)
    names = list(said["parts"])
    program = Program(
        files=files or {},
        steps=tuple(_step_of(i, name, part) for i, (name, part) in enumerate(said["parts"].items())),
        carried=tuple(_carried_of(entry, names) for entry in said["carried"]),
        input=MapFormat(**said["input"]),
        output=MapFormat(**said["output"]),
        size=_pair(said["size"]),
        padded_size=_pair(said["padded_size"]),
        recomputed=tuple(said["recomputed"]),
        **{
            key: said[key]
            for key in ("ram_bytes", "ram_bound", "levels", "bottleneck", "skips", "border", "halo", "kernels")
        },
        **{key: said[key] for key in ("untiled_macs", "network", "version")},
    )
    validate_program(program)
    _validate_equal(said, program.description, "")
    return program


def _validate_equal(said: Json, follows: Json, where: str) -> None:
    """Raises a `ValueError` for a figure that follows from others and is not what they give."""
    if isinstance(said, dict) and where != "network":
        for key in said:
            if key != "sha256" or where:
                _validate_equal(said[key], follows[key], f"{where}.{key}" if where else key)
    elif isinstance(said, list) and len(said) == len(follows):
        for i, (one, other) in enumerate(zip(said, follows, strict=True)):
            _validate_equal(one, other, f"{where}[{i}]")
    elif said != follows:
        raise ValueError(f"{where} must be {str(follows)[:100]}, by what else is said. Received: {str(said)[:100]}")


def _pair(values: list[int]) -> tuple[int, int]:
    first, second = values
    return first, second


def _step_of(number: int, name: str, part: JsonObject) -> Step:
    inputs, outputs = (tuple(map(_port_of, part[side])) for side in ("inputs", "outputs"))
    kind = Kind.WHOLE if all(port.region is None for port in (*inputs, *outputs)) else Kind.TILE
    return Step(
        name=name,
        sha256=part["sha256"],
        arena=Buffer(name, kind, number, number, part["head"], offset=part["offset"]),
        tail_bytes=part["tail"],
        **{key: part[key] for key in ("operators", "flash_bytes", "macs")},
        tile=_pair(part["tile"]),
        grid=_pair(part["grid"]),
        inputs=inputs,
        outputs=outputs,
    )


def _port_of(said: JsonObject) -> Port:
    found = MapFormat(**{key: said[key] for key in ("type", "channels", "scale", "zero_point", "pixels")})
    return Port(said["map"], found, Region(*map(_pair, said["region"])) if "region" in said else None)


def _carried_of(entry: JsonObject, names: list[str]) -> Buffer:
    for end in ("from", "to"):
        if entry[end] not in names:
            raise ValueError(f"carried {entry['name']!r} goes {end} {entry[end]}, a part that there is not")
    return Buffer(
        owner=entry["name"],
        kind=Kind.WHOLE,
        first=names.index(entry["from"]),
        last=names.index(entry["to"]),
        bytes=entry["bytes"],
        carried=True,
        offset=entry["offset"],
        shape=tuple(entry["shape"]),
        moved=entry["moved"],
    )
