"""Where everything of a schedule lies: rings, carried maps, sums, scratch and the driver's own state."""

from dataclasses import dataclass

from keras_unetmm.engine.kernels.kernel import Window
from keras_unetmm.tflite.arena import place
from keras_unetmm.tflite.bound import lower_bound
from keras_unetmm.tflite.lifetimes import Buffer, Timeline, aligned
from keras_unetmm.tflite.memory import Memory, Pair

STATE, ENTRY, POSITION = 12, 8, 4  # bytes, of the driver's structs in c/unetmm_driver.c
ARENA, CARRIED = 0, 1


@dataclass(frozen=True)
class Piece:
    """Some bytes that are needed from one pass to another.

    Attributes:
        kind: str, `"ring"`, `"carried"`, `"sums"`, `"scratch"`, `"gather"` or `"state"`.
        key: the map, `(pass, operator)` or pass that it belongs to.
        first, last: int, passes, both included.
        bytes: int.
        memory: `ARENA` or `CARRIED`.
    """

    kind: str
    key: object
    first: int
    last: int
    bytes: int
    memory: int = ARENA


@dataclass(frozen=True)
class Layout:
    """Where the pieces lie.

    Attributes:
        offsets: dict from `(kind, key)` to bytes from the start of its memory.
        memories: dict from `(kind, key)` to `ARENA` or `CARRIED`.
        bytes: tuple of int, of both memories.
        bound: tuple of int: no placement of these pieces needs less.
        pieces: tuple of `Piece`.
    """

    offsets: dict
    memories: dict
    bytes: tuple
    bound: tuple
    pieces: tuple

    @property
    def total(self):
        """Bytes of both memories."""
        return sum(self.bytes)


def lives(network, passes):
    """Returns a dict from a map that is carried to the passes, `(first, last)`, from which to which it is kept."""
    found = {}
    for p, made in enumerate(passes):
        for m in made.carried:
            found[m] = [p, p]
        for walk in made.walks:
            for edge in walk.edges:
                if edge.maker is None:
                    found[edge.store][1] = p
    return {m: tuple(life) for m, life in found.items()}


def pairs(passes, lived):
    """Returns for every pass the maps that are read there for the last time with the carried maps that are made there."""
    return [
        [
            (source, target)
            for target in made.carried
            for source in {edge.store for walk in made.walks for edge in walk.edges if edge.maker is None}
            if lived[source][1] == p
        ]
        for p, made in enumerate(passes)
    ]


def layout(network, passes, memories=1, seconds=1.0):
    """Returns the `Layout` of passes that were simulated.

    Args:
        network: `Network`.
        passes: list of `Pass`.
        memories: 1, or 2: carried maps then lie in a memory of their own.
        seconds: float, CPU time for the search of a placement.
    """
    pieces = _pieces(network, passes, memories)
    offsets, where, totals, bounds = {}, {}, [0, 0], [0, 0]
    distances = {pair: least for made in passes for pair, least in made.trace.distance.items()}
    for memory in (ARENA, CARRIED):
        chosen = [piece for piece in pieces if piece.memory == memory]
        if not chosen:
            continue
        problem = _problem(chosen, distances, len(passes))
        bounds[memory] = lower_bound(problem)
        placement = place(problem, bounds[memory], seconds)
        totals[memory] = placement.head
        for piece, address in zip(chosen, placement.addresses, strict=True):
            offsets[piece.kind, piece.key] = address
            where[piece.kind, piece.key] = memory
    return Layout(offsets, where, tuple(totals), tuple(bounds), tuple(pieces))


def _problem(pieces, distances, passes):
    buffers = tuple(Buffer(i, piece.first + 1, piece.last + 1, aligned(piece.bytes)) for i, piece in enumerate(pieces))
    of = {piece.key: i for i, piece in enumerate(pieces) if piece.kind == "carried"}
    over = []
    for (source, target), least in distances.items():
        a, b = of.get(source), of.get(target)
        if a is not None and b is not None and buffers[a].last == buffers[b].first:
            over.append(Pair(a, b, buffers[b].first, aligned(least), None))
    steps = tuple((0, p, p) for p in range(passes))
    return Memory(Timeline(buffers, steps), tuple(over))


def _pieces(network, passes, memories):
    lived = lives(network, passes)
    apart = CARRIED if memories == 2 else ARENA
    most = max(len(made.operators) for made in passes)
    depth = max(made.trace.depth for made in passes)
    pieces = [Piece("state", None, 0, len(passes) - 1, STATE + POSITION * most + ENTRY * depth)]
    for m, (first, last) in lived.items():
        pieces.append(Piece("carried", m, first, last, network.maps[m].pixels * network.maps[m].bytes, apart))
    for p, made in enumerate(passes):
        for m, capacity in made.trace.capacity.items():
            if m not in made.carried:
                pieces.append(Piece("ring", (p, m), p, p, capacity * network.maps[m].bytes))
        scratch = 0
        for n, i in enumerate(made.operators):
            kernel = network.operators[i].kernel
            if kernel is not None and kernel.state:
                pieces.append(Piece("sums", (p, n), p, p, kernel.state))
            if kernel is not None:
                scratch = max(scratch, kernel.scratch(made.walks[n].block))
        if scratch:
            pieces.append(Piece("scratch", p, p, p, scratch))
        gather = max((_gathered(network, made, walk) for walk in made.walks), default=0)
        if gather:
            pieces.append(Piece("gather", p, p, p, gather))
    return pieces


def _gathered(network, made, walk):
    """Bytes of the largest window that may wrap around its ring."""
    edge = next(iter(walk.edges), None)
    if edge is None or not isinstance(edge.access, Window) or edge.maker is None or edge.store in made.carried:
        return 0
    widths = {wide for _, wide in made.walks[edge.maker].columns}
    capacity, axis = made.trace.capacity[edge.store], edge.access.columns
    places = max(axis.high(p) - axis.low(p) + 1 for p in range(axis.over))
    if places == 1 or all(capacity % wide == 0 for wide in widths):
        return 0
    return edge.access.taps * places * network.maps[edge.store].bytes
