"""Whether a network fits into a board's memories and, if not, the command with which it does."""

from dataclasses import dataclass, replace

from keras_unetmm.engine.io_quantization import integer_io
from keras_unetmm.firmware.place import GUARD, PlaceError, needs, placed
from keras_unetmm.firmware.write import candidates, resized, scheduled
from keras_unetmm.tflite_file.graph import load, read

_SHRINK = (0.75, 0.5, 0.375, 0.25)  # sizes that are tried, of the one that was asked for


@dataclass(frozen=True)
class Asked:
    """What a user asked for.

    Attributes:
        content, output: as for `keras_unetmm.firmware.write.write`.
        board: `Board`.
        wanted: `Wanted`.
        place: dict from parts to names of memories.
        source: str, what the command line calls the network.
    """

    content: object
    output: object
    board: object
    wanted: object
    place: dict
    source: str


def validate_memory(asked, schedule, said):
    """Raises `PlaceError` if the memory of a `Schedule` does not fit, with the numbers and a command that fits."""
    fast, carried = map(int, schedule.layout.bytes)
    try:
        placed(asked.board, needs(fast, carried, 0, 0), asked.place)
    except PlaceError as error:
        said("looking for what fits")
        command = _that_fits(asked, error)
        ways = f" This fits: {command}" if command else " No size or schedule that was tried fits: take a smaller network."
        raise PlaceError(f"{error}{ways}", error.part, error.room) from None


def validated_placement(asked, required):
    """Returns the `Placement` of everything, once all sizes are known.

    Raises:
        PlaceError: if something does not fit, with the numbers and a command that does, where there is one.
    """
    try:
        return placed(asked.board, required, asked.place)
    except PlaceError as error:
        command = _other_flash(asked, required)
        ways = f" This fits: {command}" if command else " Take a narrower network, or a board with more memory."
        raise PlaceError(f"{error}{ways}", error.part, error.room) from None


def _other_flash(asked, required):
    """The command that puts the weights elsewhere, or None."""
    for region in asked.board.regions:
        place = {**asked.place, "weights": region.name}
        if region.kind == "flash":
            try:
                found = placed(asked.board, required, place)
            except PlaceError:
                continue
            return _command(replace(asked, place=place), asked.wanted, found)
    return None


def _that_fits(asked, error):
    """The command of the first of some ways that fits: by strips, with two memories, a smaller image."""
    content = integer_io(load(asked.content))
    budget = (error.room - GUARD) // 16 * 16
    ways = [replace(asked.wanted, ram=budget)] if error.part == "fast" and asked.wanted.memories == 1 else []
    if sum(region.kind == "ram" for region in asked.board.regions) > 1 and not asked.place:
        ways.append(replace(asked.wanted, memories=2, schedule="rows", ram=None))
    graph = read(content).main
    height, width = asked.wanted.size or graph.tensors[graph.inputs[0]].shape[1:3]
    for factor in _SHRINK:
        size = tuple(max(int(side * factor) // 16 * 16, 16) for side in (height, width))
        ways.append(replace(asked.wanted, size=size, ram=None))
    for way in ways:
        found = _tried(content, asked, way)
        if found is not None:
            return _command(asked, way, found)
    return None


def _tried(content, asked, way):
    """The `Placement` of a way, or None if it does not fit."""
    try:
        sized = content if way.size is None else resized(content, way.size)
        chosen, _ = scheduled(candidates(sized), way)
        fast, carried = map(int, chosen.layout.bytes)
        return placed(asked.board, needs(fast, carried, 0, 0), asked.place)
    except ValueError:  # too large by any of its names, or a size that the network cannot have
        return None


def _command(asked, way, found):
    words = ["unetmm firmware", asked.source, "--board", asked.board.name]
    if way.size is not None:
        words += ["--size", f"{way.size[0]}x{way.size[1]}"]
    if asked.wanted.schedule != "auto":
        words += ["--schedule", asked.wanted.schedule]
    if way.ram is not None:
        words += ["--ram", str(way.ram)]
    if asked.place:
        words += ["--place", ",".join(f"{part}={name}" for part, name in asked.place.items())]
    elif way.memories == 2:
        words += ["--place", f"carried={found.regions['carried'].name}"]
    return " ".join([*words, "-o", str(asked.output)])
