# SPDX-License-Identifier: Apache-2.0
"""Several interpreters and what stays between them in one arena: who lives when, and where.

The parts run one after the other, each on all its tiles. What runs whole has its inputs and outputs where its own plan has
them: others' tiles are written straight into its input, and read from its output. Where that leaves a gap, a single input or
output lies elsewhere, and is moved once, before or behind it.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from keras_unetmm.planner.lifetimes import aligned
from keras_unetmm.program.buffer import Buffer, Kind
from keras_unetmm.tiling.partition import CarriedMap, ends

_TRIES = 4000  # of placing a block

Block = tuple[Buffer, ...]  # buffers at a fixed distance from each other; their offsets count from the block's start
Placed = list[tuple[int, Buffer]]  # addresses, and what lies there


@dataclass(frozen=True)
class Layout:
    """Where everything lies.

    Attributes:
        bytes: int, of the arena.
        bound: int, bytes: what lives in the fullest phase; no layout needs less.
        addresses: dict from the owners of the buffers, parts' names and `CarriedMap`s, to bytes.
        moved: set of the owners of what is moved once.
    """

    bytes: int
    bound: int
    addresses: dict[Hashable, int]
    moved: frozenset[CarriedMap] = frozenset()


def lay_out(
    arenas: Mapping[str, int],
    whole: str | None,
    carried: Mapping[CarriedMap, int],
    offsets: Mapping[CarriedMap, int],
    in_place: Mapping[CarriedMap, CarriedMap],
) -> Layout:
    """Returns the smallest `Layout` found; of equal ones, that with the fewest maps that are moved.

    Args:
        arenas: dict from the parts' names to bytes of their arenas, in their order.
        whole: str, the part that runs whole; None if none does.
        carried: dict from `keras_unetmm.tiling.partition.CarriedMap` to bytes.
        offsets: dict from those that enter or leave the whole part to their offsets in its arena.
        in_place: dict from what is written over another map, as that is read, to the other.
    """
    best: list[Layout] = []
    for choices in product(*((False, True) if len(entries) == 1 else (False,) for entries in ends(offsets))):
        moved = frozenset(e for entries, chosen in zip(ends(offsets), choices, strict=True) if chosen for e in entries)
        blocks = _blocks(arenas, whole, carried, offsets, in_place, moved)
        found = _best_order(blocks, len(arenas))
        if not best or found.bytes < best[0].bytes:
            best = [replace(found, moved=moved)]
        if best[0].bytes == best[0].bound:
            break
    return best[0]


def _blocks(
    arenas: Mapping[str, int],
    whole: str | None,
    carried: Mapping[CarriedMap, int],
    offsets: Mapping[CarriedMap, int],
    in_place: Mapping[CarriedMap, CarriedMap],
    moved: frozenset[CarriedMap],
) -> list[Block]:
    """What is placed together, those that are kept longest first, for they are in nobody's way there."""
    pieces: dict[str | CarriedMap | None, list[Buffer]] = {
        name: [Buffer(name, Kind.WHOLE if name == whole else Kind.TILE, number, number, size, offset=0)]
        for number, (name, size) in enumerate(arenas.items())
    }
    kept: dict[CarriedMap, list[Buffer]] = {}
    for entry, size in carried.items():
        phases, offset = entry.phases, offsets[entry] if entry in offsets and entry not in moved else 0
        piece = Buffer(entry, Kind.WHOLE, phases[0], phases[-1], size, carried=True, offset=offset)
        if entry in in_place:
            root = entry
            while root in in_place:
                root = in_place[root]
            kept.setdefault(root, []).append(replace(piece, first=entry.first + 1))
        elif entry in moved:
            pieces[entry] = [piece]
        elif entry in offsets:
            pieces[whole].append(piece)
        else:
            kept.setdefault(entry, []).append(piece)
    blocks: dict[tuple, list[list[Buffer]]] = {}  # those that live equally long side by side
    for chain in kept.values():
        blocks.setdefault(tuple((piece.first, piece.last) for piece in chain), []).append(chain)
    joined: list[Block] = []
    for chains in blocks.values():
        at, block = 0, []
        for chain in chains:
            block += [replace(piece, offset=at) for piece in chain]
            at += aligned(chain[0].bytes)
        joined.append(tuple(block))
    joined.sort(key=lambda block: -max(len(piece.steps) for piece in block))
    first = [] if whole is None else [tuple(pieces.pop(whole))]
    return [*joined, *first, *map(tuple, pieces.values())]


def _best_order(blocks: Sequence[Block], phases: int) -> Layout:
    """The best `Layout` of a few blocks: orders of them, in each every block at its lowest free address.

    All orders are tried, or so many that it takes no more than a fraction of a second.
    """
    pieces = [piece for block in blocks for piece in block]
    bound = max(
        sum(aligned(piece.bytes) for piece in pieces if piece.first <= phase <= piece.last) for phase in range(phases)
    )
    lives = [frozenset[int]().union(*(piece.steps for piece in block)) for block in blocks]
    best: list[Layout] = []
    tries = 0

    def place(placed: Placed, left: list[int], before: int | None = None) -> None:
        nonlocal best, tries
        tries += 1
        size = max((aligned(address + piece.bytes) for address, piece in placed), default=0)
        if best and (size >= best[0].bytes or best[0].bytes == bound or tries > _TRIES):
            return
        if not left:
            best = [Layout(size, bound, {piece.owner: address for address, piece in placed})]
        for i in left:
            if before is None or i > before or lives[i] & lives[before]:  # else their order is all the same
                place(_placed(blocks[i], placed), [j for j in left if j != i], i)

    place([], list(range(len(blocks))))
    return best[0]


def _placed(block: Block, placed: Placed) -> Placed:
    """What is placed, and a block at its lowest free address."""
    base = _lowest(block, placed)
    return [*placed, *((base + piece.offset, piece) for piece in block)]


def _lowest(block: Block, placed: Placed) -> int:
    """The lowest address of a block at which none of its pieces lies over one that lives at the same time."""
    candidates = {0}
    for piece in block:
        candidates |= {aligned(address + other.bytes) - piece.offset for address, other in placed}
    for base in sorted(base for base in candidates if base >= 0):
        if not any(_meet(base + piece.offset, piece, *other) for piece in block for other in placed):
            return base
    raise AssertionError("behind everything is always room")


def _meet(address: int, piece: Buffer, other_address: int, other: Buffer) -> bool:
    return piece.lives_with(other) and address < other_address + other.bytes and other_address < address + piece.bytes
