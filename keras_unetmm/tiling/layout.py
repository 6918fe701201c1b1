"""Several interpreters and what stays between them in one arena: who lives when, and where.

The parts run one after the other, each on all its tiles. What runs whole has its inputs and outputs where its own plan has
them: others' tiles are written straight into its input, and read from its output. Where that leaves a gap, a single input or
output lies elsewhere, and is moved once, before or behind it.
"""

from dataclasses import dataclass, replace
from itertools import product

from keras_unetmm.planner.lifetimes import aligned
from keras_unetmm.tiling.partition import ends

_TRIES = 4000  # of placing a block


@dataclass(frozen=True)
class Piece:
    """Bytes that lie at a fixed distance from others of the same block.

    Attributes:
        name: of a part, or a `CarriedMap`.
        offset: int, bytes from the block's start.
        bytes: int.
        phases: set of the phases in which it lives.
    """

    name: object
    offset: int
    bytes: int
    phases: frozenset


@dataclass(frozen=True)
class Layout:
    """Where everything lies.

    Attributes:
        bytes: int, of the arena.
        bound: int, bytes: what lives in the fullest phase; no layout needs less.
        addresses: dict from the pieces' names to bytes.
        moved: set of the names of what is moved once.
    """

    bytes: int
    bound: int
    addresses: dict
    moved: frozenset = frozenset()


def lay_out(arenas, whole, carried, offsets, in_place):
    """Returns the smallest `Layout` found; of equal ones, that with the fewest maps that are moved.

    Args:
        arenas: dict from the parts' names to bytes of their arenas, in their order.
        whole: str, the part that runs whole; None if none does.
        carried: dict from `keras_unetmm.tiling.partition.CarriedMap` to bytes.
        offsets: dict from those that enter or leave the whole part to their offsets in its arena.
        in_place: dict from what is written over another map, as that is read, to the other.
    """
    best = None
    for choices in product(*((False, True) if len(entries) == 1 else (False,) for entries in ends(offsets))):
        moved = frozenset(
            entry for entries, chosen in zip(ends(offsets), choices, strict=True) if chosen for entry in entries
        )
        blocks = _blocks(arenas, whole, carried, offsets, in_place, moved)
        found = _best_order(blocks, len(arenas))
        if best is None or found.bytes < best.bytes:
            best = replace(found, moved=moved)
        if best.bytes == best.bound:
            break
    return best


def _blocks(arenas, whole, carried, offsets, in_place, moved):
    """What is placed together: tuples of `Piece`s, those that are kept longest first, for they are in nobody's way there."""
    pieces = {name: [Piece(name, 0, size, frozenset({number}))] for number, (name, size) in enumerate(arenas.items())}
    kept = {}
    for entry, size in carried.items():
        piece = Piece(entry, offsets[entry] if entry in offsets and entry not in moved else 0, size, entry.phases)
        if entry in in_place:
            root = entry
            while root in in_place:
                root = in_place[root]
            kept.setdefault(root, []).append(replace(piece, phases=entry.phases - {entry.first}))
        elif entry in moved:
            pieces[entry] = [piece]
        elif entry in offsets:
            pieces[whole].append(piece)
        else:
            kept.setdefault(entry, []).append(piece)
    blocks = {}  # those that live equally long side by side
    for chain in kept.values():
        blocks.setdefault(tuple(piece.phases for piece in chain), []).append(chain)
    joined = []
    for chains in blocks.values():
        offset, block = 0, []
        for chain in chains:
            block += [replace(piece, offset=offset) for piece in chain]
            offset += aligned(chain[0].bytes)
        joined.append(tuple(block))
    joined.sort(key=lambda block: -max(len(piece.phases) for piece in block))
    first = [] if whole is None else [tuple(pieces.pop(whole))]
    return [*joined, *first, *map(tuple, pieces.values())]


def _best_order(blocks, phases):
    """The best `Layout` of a few blocks, tuples of `Piece`s: orders, in each every block at its lowest free address.

    All orders are tried, or so many that it takes no more than a fraction of a second.
    """
    pieces = [piece for block in blocks for piece in block]
    bound = max(sum(aligned(piece.bytes) for piece in pieces if phase in piece.phases) for phase in range(phases))
    lives = [frozenset().union(*(piece.phases for piece in block)) for block in blocks]
    best, tries = None, 0

    def place(placed, left, before=None):
        nonlocal best, tries
        tries += 1
        size = max((aligned(address + piece.bytes) for address, piece in placed), default=0)
        if best is not None and (size >= best.bytes or best.bytes == bound or tries > _TRIES):
            return
        if not left:
            best = Layout(size, bound, {piece.name: address for address, piece in placed})
        for i in left:
            if before is None or i > before or lives[i] & lives[before]:  # else their order is all the same
                place(_placed(blocks[i], placed), [j for j in left if j != i], i)

    place([], range(len(blocks)))
    return best


def _placed(block, placed):
    """What is placed, and a block at its lowest free address."""
    base = _lowest(block, placed)
    return [*placed, *((base + piece.offset, piece) for piece in block)]


def _lowest(block, placed):
    """The lowest address of a block at which none of its pieces lies over one that lives at the same time."""
    candidates = {0}
    for piece in block:
        candidates |= {aligned(address + other.bytes) - piece.offset for address, other in placed}
    for base in sorted(base for base in candidates if base >= 0):
        if not any(_meet(base + piece.offset, piece, *other) for piece in block for other in placed):
            return base
    raise AssertionError("behind everything is always room")


def _meet(address, piece, other_address, other):
    together = piece.phases & other.phases
    return bool(together) and address < other_address + other.bytes and other_address < address + piece.bytes
