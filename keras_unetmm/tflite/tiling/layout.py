"""Three interpreters and what stays between them in one arena: who lives when, and where.

The head runs on all tiles, then the body once, then the tail on all tiles. The body's inputs and outputs are carried where
its own plan has them: the head's tiles are written straight into its input, the tail's are read from its output. Where that
leaves a gap, a single input or output lies elsewhere, and is moved once, before or behind the body.
"""

from dataclasses import dataclass
from itertools import permutations, product

from keras_unetmm.tflite.lifetimes import aligned

HEAD, BODY, TAIL = range(3)  # the phases
PHASES = ("head", "body", "tail")


@dataclass(frozen=True)
class Piece:
    """Bytes that lie at a fixed distance from others of the same block.

    Attributes:
        name: str.
        offset: int, bytes from the block's start.
        bytes: int.
        phases: set of the phases in which it lives.
    """

    name: str
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
    """

    bytes: int
    bound: int
    addresses: dict


def lay_out(head, tail, body, entering, leaving, skips):
    """Returns the smallest `Layout` found; of equal ones, that with the fewest maps that are moved.

    Args:
        head, tail, body: int, bytes of their arenas.
        entering, leaving: dicts from the names of the body's inputs and outputs to `(offset in its arena, bytes)`.
        skips: dict from the names of what the head leaves for the tail to bytes.
    """
    best = None
    for moved_in, moved_out in product(*((False, True) if len(ends) == 1 else (False,) for ends in (entering, leaving))):
        blocks = [(Piece("head", 0, head, frozenset({HEAD})),), (Piece("tail", 0, tail, frozenset({TAIL})),)]
        whole = [Piece("body", 0, body, frozenset({BODY}))]
        for ends, moved, phase in ((entering, moved_in, HEAD), (leaving, moved_out, TAIL)):
            pieces = [Piece(name, 0 if moved else at, size, frozenset({phase})) for name, (at, size) in ends.items()]
            if moved:
                blocks.append(tuple(pieces))
            else:
                whole += pieces
        blocks.append(tuple(whole))
        kept, offset = [], 0
        for name, size in skips.items():
            kept.append(Piece(name, offset, size, frozenset({HEAD, BODY, TAIL})))
            offset += aligned(size)
        if kept:
            blocks.append(tuple(kept))
        found = _best_order(blocks)
        best = found if best is None or found.bytes < best.bytes else best
        if best.bytes == best.bound:
            break
    return best


def _best_order(blocks):
    """The best `Layout` of a few blocks, tuples of `Piece`s: each order, every block at its lowest free address."""
    bound = max(
        sum(aligned(p.bytes) for block in blocks for p in block if phase in p.phases) for phase in (HEAD, BODY, TAIL)
    )
    best = None
    for order in permutations(blocks):
        placed = []
        for block in order:
            base = _lowest(block, placed)
            placed += [(base + piece.offset, piece) for piece in block]
        size = max(aligned(address + piece.bytes) for address, piece in placed)
        if best is None or size < best.bytes:
            best = Layout(size, bound, {piece.name: address for address, piece in placed})
        if best.bytes == bound:
            break
    return best


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
