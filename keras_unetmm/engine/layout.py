# SPDX-License-Identifier: Apache-2.0
"""Where everything of a schedule lies: rings, carried maps, sums, scratch and the driver's stack."""

from dataclasses import dataclass, replace
from functools import cached_property

from keras_unetmm.engine.kernels.kernel import Window
from keras_unetmm.engine.placement import Problem, place, tries
from keras_unetmm.planner import arena, lifetimes
from keras_unetmm.planner.placement_problem import Pair, PlacementProblem
from keras_unetmm.program.buffer import Buffer, Kind

ALIGNMENT = 16  # bytes, of every buffer
ENTRY, POSITION = 8, 4  # bytes, of the driver's structs in c/unetmm_driver.c
CALL = 36  # bytes of `unetmm_call` on a core of 32 bits; the caller's, beside the memory
ARENA, CARRIED = 0, 1
_ROUND = 64  # placements that one round of the planner's search takes as long as
_LARGE, _ROUNDS = 1000, 12  # buffers from which on so many rounds are needed to come near the bound
_PATIENCE = 0.1  # seconds from which on the planner's search is tried, too
GATHER = 1024  # bytes up to which windows of several pixels are put together at once


KINDS = {"ring": Kind.ROWS, "carried": Kind.WHOLE}  # of map, by use; other uses hold none


@dataclass(frozen=True)
class EngineBuffer(Buffer):
    """A buffer of the program that a schedule is; its steps are the passes, its owner a map, `(pass, operator)` or a pass.

    Attributes:
        use: str, `"ring"`, `"carried"`, `"sums"`, `"scratch"`, `"gather"` or `"state"`.
        memory: `ARENA` or `CARRIED`.
    """

    use: str = "state"
    memory: int = ARENA


def engine_buffer(use: str, owner: object, first: int, last: int, size: int, memory: int = ARENA) -> EngineBuffer:
    """Returns the `EngineBuffer` of a use, for passes from `first` to `last`."""
    return EngineBuffer(owner, KINDS.get(use), first, last, size, use == "carried", use=use, memory=memory)


@dataclass(frozen=True)
class Layout:
    """Where the buffers lie.

    Attributes:
        buffers: tuple of `EngineBuffer`, with their offsets.
        bytes: tuple of int, of both memories.
        bound: tuple of int, bytes of both memories that hold something at once, at most; no placement needs less.
        needs: tuple of int, for every pass the bytes of the arena that hold something at once in it, at most.
    """

    buffers: tuple
    bytes: tuple
    bound: tuple
    needs: tuple

    @cached_property
    def offsets(self):
        """A dict from `(use, owner)` to bytes from the start of its memory."""
        return {(buffer.use, buffer.owner): buffer.offset for buffer in self.buffers}

    @cached_property
    def memories(self):
        """A dict from `(use, owner)` to `ARENA` or `CARRIED`."""
        return {(buffer.use, buffer.owner): buffer.memory for buffer in self.buffers}

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
    buffers = _buffers(network, passes, memories)
    offsets, totals, bounds, needs = {}, [0, 0], [0, 0], ()
    distances = {pair: least for made in passes for pair, least in made.trace.distance.items()}
    for memory in (ARENA, CARRIED):
        chosen = [buffer for buffer in buffers if buffer.memory == memory]
        if not chosen:
            continue
        problem = _problem(passes, chosen, distances)
        here = _needs(problem, chosen, len(passes))
        bounds[memory] = max(here)
        needs = here if memory == ARENA else needs
        addresses, totals[memory] = _placed(problem, chosen, bounds[memory], seconds, len(passes))
        offsets |= {(buffer.use, buffer.owner): addresses[i] for i, buffer in enumerate(chosen)}
    placed = tuple(replace(buffer, offset=offsets[buffer.use, buffer.owner]) for buffer in buffers)
    return Layout(placed, tuple(totals), tuple(bounds), needs)


def _placed(problem, buffers, bound, seconds, passes):
    """The better of two searches; the planner's knows time as a line, so that rings of one pass cannot share there."""
    addresses, total = place(problem, bound, seconds)
    if total > bound and seconds >= _PATIENCE:
        buffers = tuple(
            lifetimes.Buffer(i, p.first + 1, p.last + 1, size)
            for i, (p, size) in enumerate(zip(buffers, problem.sizes, strict=True))
        )
        over = tuple(Pair(a, b, buffers[b].first, least, None) for (a, b), least in problem.least.items())
        line = PlacementProblem(lifetimes.Timeline(buffers, tuple((0, p, p) for p in range(passes))), over)
        least = _ROUNDS if len(buffers) > _LARGE else 1
        found = arena.place(line, bound, None, rounds=max(least, tries(problem, seconds) // _ROUND + 1))
        if found.head < total:
            return dict(enumerate(found.addresses)), found.head
    return addresses, total


def aligned(size):
    """Returns bytes rounded up to the alignment."""
    return -(-size // ALIGNMENT) * ALIGNMENT


def _problem(passes, buffers, distances):
    together, active = [set() for _ in buffers], []
    for i in sorted(range(len(buffers)), key=lambda i: buffers[i].first):
        active = [j for j in active if buffers[j].last >= buffers[i].first]
        for j in active:
            if _meet(passes, buffers[i], buffers[j]):
                together[i].add(j)
                together[j].add(i)
        active.append(i)
    of = {buffer.owner: i for i, buffer in enumerate(buffers) if buffer.use == "carried"}
    least = {
        (of[source], of[target]): aligned(distance)
        for (source, target), distance in distances.items()
        if source in of and target in of and buffers[of[source]].last == buffers[of[target]].first
    }
    return Problem([aligned(buffer.bytes) for buffer in buffers], together, least)


def _meet(passes, a, b):
    """Whether two buffers hold something at the same time."""
    if not a.lives_with(b):
        return False
    if a.use == b.use == "ring":
        return b.owner[1] in passes[a.first].trace.together[a.owner[1]]
    return True


def _needs(problem, buffers, passes):
    """For every pass the most bytes that hold something at once, of buffers that all meet each other; overlaps deducted."""
    rings, most = [[] for _ in range(passes)], [0] * passes
    for i, buffer in enumerate(buffers):
        if buffer.use == "ring":
            rings[buffer.first].append(i)
        else:
            for p in range(buffer.first, buffer.last + 1):
                most[p] += problem.sizes[i]
    for a, b in problem.least:  # both are alive in the pass that reads the one and makes the other
        most[buffers[b].first] -= _spared(problem, a, b)
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


def _buffers(network, passes, memories):
    lived = lives(network, passes)
    apart = CARRIED if memories == 2 else ARENA
    most = max(len(made.operators) for made in passes)
    depth = max(made.trace.depth for made in passes) - 1  # the bottom of the stack is in the call
    state = POSITION * most + ENTRY * depth if most > 1 else 0  # one operator's position is in the call, too
    buffers = [engine_buffer("state", None, 0, len(passes) - 1, state)] if state else []
    for m, (first, last) in lived.items():
        buffers.append(engine_buffer("carried", m, first, last, network.maps[m].pixels * network.maps[m].bytes, apart))
    for p, made in enumerate(passes):
        for m, capacity in made.trace.capacity.items():
            if m not in made.carried:
                buffers.append(engine_buffer("ring", (p, m), p, p, capacity * network.maps[m].bytes))
        scratch = 0
        for n, i in enumerate(made.operators):
            kernel = network.operators[i].kernel
            if kernel is not None and kernel.state:
                first, last = (0, len(passes) - 1) if kernel.kept else (p, p)
                buffers.append(engine_buffer("sums", (p, n), first, last, kernel.state))
            if kernel is not None:
                scratch = max(scratch, kernel.scratch(made.walks[n].block))
        if scratch:
            buffers.append(engine_buffer("scratch", p, p, p, scratch))
        gather = max(gathered(network, made, n)[1] for n in range(len(made.walks)))
        if gather:
            buffers.append(engine_buffer("gather", p, p, p, gather))
    return buffers


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
