# SPDX-License-Identifier: Apache-2.0
"""Where the parts of a firmware lie in a board's memories."""

from dataclasses import dataclass

from keras_unetmm.firmware.boards.board import PARTS, BoardError

GUARD = 2 * 64  # bytes around each memory of the network, which the self-test looks at
STACK = 8192  # bytes that are kept for the stack
DATA = 4096  # bytes of the protocol's buffers and of the C library's data, at most
CODE = 4096  # bytes of the start-up code and the protocol, at most, beside the engine's
PLACED = ("fast", "carried", "weights")


class PlaceError(BoardError):
    """Something does not fit into a board's memories.

    Attributes:
        part: str, what does not.
        room: int, the bytes that are free for it.
    """

    def __init__(self, said, part, room):
        super().__init__(said)
        self.part, self.room = part, room


@dataclass(frozen=True)
class Placement:
    """Where everything lies.

    Attributes:
        regions: dict from each of `PARTS` to a `keras_unetmm.firmware.boards.board.Region`.
        needs: dict from each part to its bytes.
    """

    regions: dict
    needs: dict


def parsed(text, board):
    """Returns a dict from parts to the names of memories, from what `--place` takes: `fast=DTCM,carried=SDRAM`.

    Raises:
        BoardError: if it is not of that form, or names a part or memory that is not there.
    """
    if not text:
        return {}
    wanted = {}
    for piece in text.split(","):
        part, equals, name = (word.strip() for word in piece.partition("="))
        if not equals or part not in PLACED or part in wanted:
            raise BoardError(
                f"--place must be PART=MEMORY with commas between, each part once: {', '.join(PLACED)}. Received: {piece!r}."
            )
        region = board.region(name)
        if part != "weights" and region.kind != "ram":
            raise BoardError(
                f"--place {part} must be a memory that can be written. Received: {region.name}, which is flash."
            )
        wanted[part] = region.name
    return wanted


def placed(board, needs, wanted=None, least=False):
    """Returns the `Placement` of a firmware's parts: each in the first memory that has room, what is wanted first.

    Args:
        board: `Board`.
        needs: dict from each of `PARTS` to bytes.
        wanted: dict from parts to names of memories.
        least: bool, whether the parts may take more than that, which the message then says.

    Raises:
        PlaceError: if one fits nowhere, with the numbers.
    """
    wanted = wanted or {}
    free = {region.name: region.bytes for region in board.regions}
    regions = {}
    for part in sorted(PARTS, key=lambda part: (part not in ("data", "code"), part not in wanted, PARTS.index(part))):
        names = (wanted[part],) if part in wanted else board.places[part]
        fits = [name for name in names if needs[part] <= free[name]]
        if board.regions and not fits:
            raise _too_large(board, part, needs[part], {name: free[name] for name in names}, least)
        if fits:
            free[fits[0]] -= needs[part]
            regions[part] = board.region(fits[0])
    return Placement(regions, dict(needs))


def needs(fast, carried, weights, code):
    """Returns the dict of bytes that `placed` takes, of a network's figures."""
    return {
        "code": code + CODE,
        "weights": weights,
        "data": DATA + STACK,
        "fast": fast + GUARD,
        "carried": carried + GUARD if carried else 0,
    }


_SAID = {
    "code": "the code",
    "weights": "the weights",
    "data": "stack and buffers",
    "fast": "the network's memory",
    "carried": "the carried maps",
}


def _too_large(board, part, bytes_, free, least):
    best = max(free, key=free.get)
    room = free[best]
    others = "" if len(free) == 1 else f" ({', '.join(f'{name}: {size:,}' for name, size in free.items())})"
    return PlaceError(
        f"the network does not fit on {board.name}: {_SAID[part]} must take at most {room:,} bytes, what is free of {best}"
        f"{others}. Received: {'at least ' if least else ''}{bytes_:,} bytes, {bytes_ - room:,} too many.",
        part,
        room,
    )
