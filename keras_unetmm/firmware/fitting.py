# SPDX-License-Identifier: Apache-2.0
"""Whether a network fits into a board's memories and, if not, the command with which it does."""

from dataclasses import dataclass, replace

from keras_unetmm.engine.io_quantization import integer_io
from keras_unetmm.firmware.boards.boards import BOARDS
from keras_unetmm.firmware.place import GUARD, PlaceError, needs, placed
from keras_unetmm.firmware.write import candidates, resized, scheduled
from keras_unetmm.tflite_file.graph import load, read

_SHRINK = (0.75, 0.5, 0.375, 0.25)  # sizes that are tried, of the one that was asked for
_SEARCH = 1.0  # seconds of each of the planner's searches for them


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


def validate_weights(asked, weights):
    """Raises `PlaceError` if the weights fit nowhere, before a schedule is looked for, with the numbers and what fits.

    Args:
        asked: `Asked`.
        weights: int, bytes of the constants without the tables: the firmware takes at least as much.
    """
    _placement(asked, needs(0, 0, weights, 0), least=True)


def validate_memory(asked, schedule, networks, said):
    """Raises `PlaceError` if the memory of a `Schedule` does not fit, with the numbers and a command that fits."""
    fast, carried = map(int, schedule.layout.bytes)
    try:
        placed(asked.board, needs(fast, carried, 0, 0), asked.place)
    except PlaceError as error:
        said("looking for what fits")
        command = _that_fits(asked, error, networks)
        advice = f" This fits: {command}" if command else " No size or schedule that was tried fits: take a smaller network."
        raise PlaceError(f"{error}{advice}", error.part, error.room) from None


def validated_placement(asked, required):
    """Returns the `Placement` of everything, once all sizes are known.

    Raises:
        PlaceError: if something does not fit, with the numbers and a command that does, where there is one.
    """
    return _placement(asked, required, least=False)


def _placement(asked, required, least):
    try:
        return placed(asked.board, required, asked.place, least)
    except PlaceError as error:
        command = _other_flash(asked, required) if error.part == "weights" else None
        advice = f" This fits: {command}" if command else f" Take a narrower network, or {_larger(required)}."
        raise PlaceError(f"{error}{advice}", error.part, error.room) from None


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


def _larger(required):
    """The boards with room for everything, for people."""
    names = []
    for name, board in BOARDS.items():
        try:
            placed(board, required)
        except PlaceError:
            continue
        names += [name] if board.regions else []
    return f"a board that holds it: {', '.join(names)}" if names else "a board with more memory"


def _that_fits(asked, error, networks):
    """The command of the first of some ways that fits: by strips, with two memories, a smaller image."""
    content = integer_io(load(asked.content))
    for wanted in _alternatives(asked, error, content):
        try:
            sized = (
                networks if wanted.size == asked.wanted.size else candidates(resized(content, wanted.size), seconds=_SEARCH)
            )
            chosen, _ = scheduled(sized, wanted)
        except ValueError:  # too large by any of its names, or a size that the network cannot have
            continue
        required = needs(*map(int, chosen.layout.bytes), 0, 0)
        for place in _places(asked, wanted):
            try:
                found = placed(asked.board, required, place)
            except PlaceError:
                continue
            return _command(replace(asked, place=place), wanted, found)
    return None


def _alternatives(asked, error, content):
    """What is tried, as `Wanted`."""
    budget = (error.room - GUARD) // 16 * 16
    if error.part == "fast" and asked.wanted.memories == 1 and budget > 0:
        yield replace(asked.wanted, ram=budget)
    if sum(region.kind == "ram" for region in asked.board.regions) > 1 and not {"fast", "carried"} & {*asked.place}:
        yield replace(asked.wanted, memories=2, schedule="rows", ram=None)
    graph = read(content).main
    height, width = asked.wanted.size or graph.tensors[graph.inputs[0]].shape[1:3]
    for factor in _SHRINK:
        size = tuple(max(int(side * factor) // 16 * 16, 16) for side in (height, width))
        yield replace(asked.wanted, size=size, ram=None)


def _places(asked, wanted):
    """Where parts may lie: as asked for and, of two memories, the carried maps outside the chip."""
    yield asked.place
    if wanted.memories == 2 and "carried" not in asked.place:
        yield from ({**asked.place, "carried": region.name} for region in asked.board.regions if _is_slow(region))


def _is_slow(region):
    return region.external and region.kind == "ram"


def _command(asked, wanted, found):
    words = ["unetmm firmware", asked.source, "--board", asked.board.name]
    if wanted.size is not None:
        words += ["--size", f"{wanted.size[0]}x{wanted.size[1]}"]
    if asked.wanted.schedule != "auto":
        words += ["--schedule", wanted.schedule]
    if wanted.ram is not None:
        words += ["--ram", str(wanted.ram)]
    place = dict(asked.place)
    if wanted.memories == 2:
        place["carried"] = found.regions["carried"].name
    if place:
        words += ["--place", ",".join(f"{part}={name}" for part, name in place.items())]
    return " ".join([*words, "-o", str(asked.output)])
