"""Where everything of a schedule lies: rings, carried maps, sums, scratch and the driver's stack."""

from dataclasses import dataclass

from keras_unetmm.engine.kernels.kernel import Window
from keras_unetmm.engine.placement import Problem, place, tries
from keras_unetmm.planner import arena
from keras_unetmm.planner.lifetimes import Buffer, Timeline
from keras_unetmm.planner.placement_problem import Pair, PlacementProblem

ALIGNMENT = 16  # bytes, of every piece
ENTRY, POSITION = 8, 4  # bytes, of the driver's structs in c/unetmm_driver.c
CALL = 36  # bytes of `unetmm_call` on a core of 32 bits; the caller's, beside the memory
ARENA, CARRIED = 0, 1
_ROUND = 64  # placements that one round of the planner's search takes as long as
_LARGE, _ROUNDS = 1000, 12  # pieces from which on so many rounds are needed to come near the bound
_PATIENCE = 0.1  # seconds from which on the planner's search is tried, too
GATHER = 1024  # bytes up to which windows of several pixels are put together at once


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
        bound: tuple of int, bytes of both memories that hold something at once, at most; no placement needs less.
        pieces: tuple of `Piece`.
        needs: tuple of int, for every pass the bytes of the arena that hold something at once in it, at most.
    """

    offsets: dict
    memories: dict
    bytes: tuple
    bound: tuple
    pieces: tuple
    needs: tuple

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
        network: `EngineNetwork`.
        passes: list of `Pass`.
        memories: 1, or 2: carried maps then lie in a memory of their own.
        seconds: float, about how long the search of a placement may take.
    """
    pieces = _pieces(network, passes, memories)
    offsets, where, totals, bounds, needs = {}, {}, [0, 0], [0, 0], ()
    distances = {pair: least for made in passes for pair, least in made.trace.distance.items()}
    for memory in (ARENA, CARRIED):
        chosen = [piece for piece in pieces if piece.memory == memory]
        if not chosen:
            continue
        problem = _problem(passes, chosen, distances)
        here = _needs(problem, chosen, len(passes))
        bounds[memory] = max(here)
        needs = here if memory == ARENA else needs
        addresses, totals[memory] = _placed(problem, chosen, bounds[memory], seconds, len(passes))
        for i, piece in enumerate(chosen):
            offsets[piece.kind, piece.key] = addresses[i]
            where[piece.kind, piece.key] = memory
    return Layout(offsets, where, tuple(totals), tuple(bounds), tuple(pieces), needs)


def _placed(problem, pieces, bound, seconds, passes):
    """The better of two searches; the planner's knows time as a line, so that rings of one pass cannot share there."""
    addresses, total = place(problem, bound, seconds)
    if total > bound and seconds >= _PATIENCE:
        buffers = tuple(
            Buffer(i, p.first + 1, p.last + 1, size) for i, (p, size) in enumerate(zip(pieces, problem.sizes, strict=True))
        )
        over = tuple(Pair(a, b, buffers[b].first, least, None) for (a, b), least in problem.least.items())
        line = PlacementProblem(Timeline(buffers, tuple((0, p, p) for p in range(passes))), over)
        least = _ROUNDS if len(pieces) > _LARGE else 1
        found = arena.place(line, bound, None, rounds=max(least, tries(problem, seconds) // _ROUND + 1))
        if found.head < total:
            return dict(enumerate(found.addresses)), found.head
    return addresses, total


def aligned(size):
    """Returns bytes rounded up to the alignment."""
    return -(-size // ALIGNMENT) * ALIGNMENT


def _problem(passes, pieces, distances):
    together, active = [set() for _ in pieces], []
    for i in sorted(range(len(pieces)), key=lambda i: pieces[i].first):
        active = [j for j in active if pieces[j].last >= pieces[i].first]
        for j in active:
            if _meet(passes, pieces[i], pieces[j]):
                together[i].add(j)
                together[j].add(i)
        active.append(i)
    of = {piece.key: i for i, piece in enumerate(pieces) if piece.kind == "carried"}
    least = {
        (of[source], of[target]): aligned(distance)
        for (source, target), distance in distances.items()
        if source in of and target in of and pieces[of[source]].last == pieces[of[target]].first
    }
    return Problem([aligned(piece.bytes) for piece in pieces], together, least)


def _meet(passes, a, b):
    """Whether two pieces hold something at the same time."""
    if a.first > b.last or b.first > a.last:
        return False
    if a.kind == b.kind == "ring":
        return b.key[1] in passes[a.first].trace.together[a.key[1]]
    return True


def _needs(problem, pieces, passes):
    """For every pass the most bytes that hold something at once, of pieces that all meet each other; overlaps deducted."""
    rings, most = [[] for _ in range(passes)], [0] * passes
    for i, piece in enumerate(pieces):
        if piece.kind == "ring":
            rings[piece.first].append(i)
        else:
            for p in range(piece.first, piece.last + 1):
                most[p] += problem.sizes[i]
    for a, b in problem.least:  # both are alive in the pass that reads the one and makes the other
        most[pieces[b].first] -= _spared(problem, a, b)
    return tuple(others + _clique(problem, here) for others, here in zip(most, rings, strict=True))


def _spared(problem, a, b):
    """Bytes that an output b over its input a can share with it."""
    one, other = problem.sizes[a], problem.sizes[b]
    return max(0, min(one, other, one + other - max(problem.least[a, b] + one, other)))


def _clique(problem, rings):
    """Bytes of a group of rings of which each meets each: the heaviest that a greedy search finds."""
    best = 0
    for start in sorted(rings, key=lambda i: -problem.sizes[i])[:8]:
        group, total = [start], problem.sizes[start]
        for i in sorted(rings, key=lambda i: -problem.sizes[i]):
            if i != start and all(i in problem.together[j] for j in group):
                group.append(i)
                total += problem.sizes[i]
        best = max(best, total)
    return best


def _pieces(network, passes, memories):
    lived = lives(network, passes)
    apart = CARRIED if memories == 2 else ARENA
    most = max(len(made.operators) for made in passes)
    depth = max(made.trace.depth for made in passes) - 1  # the bottom of the stack is in the call
    state = POSITION * most + ENTRY * depth if most > 1 else 0  # one operator's position is in the call, too
    pieces = [Piece("state", None, 0, len(passes) - 1, state)] if state else []
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
                first, last = (0, len(passes) - 1) if kernel.kept else (p, p)
                pieces.append(Piece("sums", (p, n), first, last, kernel.state))
            if kernel is not None:
                scratch = max(scratch, kernel.scratch(made.walks[n].block))
        if scratch:
            pieces.append(Piece("scratch", p, p, p, scratch))
        gather = max(gathered(network, made, n)[1] for n in range(len(made.walks)))
        if gather:
            pieces.append(Piece("gather", p, p, p, gather))
    return pieces


def gathered(network, made, n):
    """Pixels at once whose window is put together in a copy, and the bytes of that; 0 where no window needs it."""
    walk, op = made.walks[n], network.operators[made.operators[n]]
    edge = next(iter(walk.edges), None)
    if edge is None or not isinstance(edge.access, Window):
        return 0, 0
    axis, view = edge.access.columns, network.maps[op.inputs[0][0]]
    places = max(axis.high(p) - axis.low(p) + 1 for p in range(axis.over))
    if not view.shuffled:
        if places == 1 or edge.maker is None or edge.store in made.carried:
            return 0, 0
        if all(made.trace.capacity[edge.store] % wide == 0 for _, wide in made.walks[edge.maker].columns):
            return 0, 0
    if not view.shuffled:
        return 1, _wrapping(made, edge, places) * places * view.step
    pixels, size = 1, edge.access.taps * places * view.step
    while pixels < walk.block:
        wider = edge.access.taps * (places + -(-pixels * axis.step // axis.over)) * view.step
        if wider > max(size, GATHER):
            break
        pixels, size = pixels + 1, wider
    return pixels, size


def _wrapping(made, edge, places):
    """The most rows of one window that wrap around their ring at once: rows that lie a turn of the ring apart."""
    taps, capacity = edge.access.taps, made.trace.capacity[edge.store]
    most = 1
    for _, wide in made.walks[edge.maker].columns:
        apart = [(tap * edge.access.dilation * wide) % capacity for tap in range(taps)]
        for one in apart:
            near = sum(min((other - one) % capacity, (one - other) % capacity) < places for other in apart)
            most = max(most, near)
    return most
