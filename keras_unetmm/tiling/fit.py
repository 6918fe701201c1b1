"""The fewest multiply-accumulates of one strategy to tile within a budget.

A strategy is a number of levels, a set of skips that are recomputed, and whether the bottleneck is tiled.
"""

import heapq
import itertools
import math
from dataclasses import dataclass

from keras_unetmm.tiling.part import Mask, Masked, area
from keras_unetmm.tiling.part_compiler import Choice
from keras_unetmm.tiling.program import arena, arena_of, macs

ENDS = ("head", "tail")
_FAR = 1.4  # times the memory that is expected, from where on a part is not planned to see
_TRIED = 200  # of the cheapest combinations: alone their parts fit, but one may be in the other's way


@dataclass(frozen=True)
class Candidate:
    """A choice and what it costs.

    Attributes:
        choice: `Choice`.
        ram: int, bytes.
        macs: int.
    """

    choice: Choice
    ram: int
    macs: int


def measured(parts, choice):
    """Returns the `Candidate` of a choice, its parts planned."""
    return Candidate(choice, arena(parts, choice).bytes, macs(parts, choice))


def smallest_tiles(parts, level, recomputed, bottleneck_tiled, tile=None):
    """Returns the `Choice` of the smallest tiles, or of one tile for head and tail and the smallest in the bottleneck."""
    tile = tile or (parts.unit(level),) * 2
    middle = [part.name for part in parts.partition(level).bottleneck_passes if not part.whole] if bottleneck_tiled else None
    inner = None if middle is None else tuple((parts.unit(level, [name]),) * 2 for name in middle)
    return Choice(level, recomputed, tile, tile, inner)


def tiles_of(parts, strategy, tile=None):
    """Returns the tiles to try, a dict from the tiled parts' names to lists; for head and tail the given one alone."""
    level, _, bottleneck_tiled = strategy
    found = {}
    for part in parts.partition(level).passes(bottleneck_tiled):
        if not part.whole:
            units = (parts.unit(level),) * 2 if part.name in ENDS else (parts.unit(level, [part.name]),) * 2
            every = itertools.product(*(sides(length, unit) for length, unit in zip(parts.size, units, strict=True)))
            found[part.name] = [tile] if tile and part.name in ENDS else list(every)
    return found


def sides(length, unit):
    """Returns the tile sides that cut a length into 1, 2, 3, ... tiles, each as small as possible, largest first."""
    found = []
    for count in range(1, math.ceil(length / unit) + 1):
        side = -(-math.ceil(length / count) // unit) * unit
        if side not in found:
            found.append(side)
    return found


def within(parts, strategy, tiles, ram, best, progress):
    """Returns the `Candidate` with the fewest multiply-accumulates of one strategy, or None.

    The parts share nothing but the arena: of each the cheapest tiles that fit by themselves are tried together.

    Args:
        parts: `PartCompiler`.
        strategy: `(levels, recomputed, bottleneck_tiled)`.
        tiles: dict from the tiled parts' names to the tiles that may be tried.
        ram: int, bytes.
        best: `Candidate` of another strategy, or None: what can be no cheaper is not looked for.
        progress: function without arguments, called once a plan.
    """
    level, recomputed, bottleneck_tiled = strategy
    if bytes_of(parts, strategy, {}) > ram:
        return None
    cheapest = {name: sorted((made(parts, strategy, name, t) for t in tiles[name]), key=_order(name)) for name in tiles}
    whole = parts.whole(level, bottleneck_tiled)
    fewest = sum(_cost(candidates[0]) for candidates in cheapest.values()) + (whole.macs if whole else 0)
    if best is not None and fewest >= best.macs:
        return None
    fitting = [
        _fitting(parts, candidates, lambda size, name=name: bytes_of(parts, strategy, {name: size}) <= ram, progress)
        for name, candidates in cheapest.items()
    ]
    failed = []
    for chosen in itertools.islice(_cheapest_first(fitting), _TRIED):
        arenas = [planned.arena for planned in chosen]
        if any(all(a >= b for a, b in zip(arenas, others, strict=True)) for others in failed):
            continue
        head, *middle, tail = (planned.tile for planned in chosen)
        found = measured(parts, Choice(level, recomputed, head, tail, tuple(middle) if bottleneck_tiled else None))
        if found.ram <= ram:
            return found
        failed.append(arenas)
    return None


def larger_for_free(parts, found, tile=None, ram=0):
    """Returns the `Candidate` of the same memory, or of `ram` bytes, where parts with room to spare have larger tiles."""
    choice = found.choice
    strategy = choice.levels, choice.recomputed, choice.body_tiles is not None
    better = within(parts, strategy, tiles_of(parts, strategy, tile), max(found.ram, ram), None, lambda: None)
    return better if better is not None and better.macs < found.macs else found


def least(parts, choice):
    """Returns the bytes that a choice needs whatever its plans are."""
    kept = {entry.tensor for entry in parts.carried(choice.levels, choice.recomputed) if entry.first == 0}
    head = parts.head(choice.levels, choice.recomputed, choice.head_tile)
    return sum(parts.network.bytes(i, parts.size) for i in kept) + _widest(parts, head.part)


def made(parts, strategy, name, tile):
    """Returns the `PlannedPart` of a name."""
    level, recomputed, _ = strategy
    ends = {"head": parts.head, "tail": parts.tail}
    return ends[name](level, recomputed, tile) if name in ends else parts.inner(level, name, tile)


def bytes_of(parts, strategy, sizes):
    """Returns the bytes of the whole arena if the tiled parts' arenas take so many."""
    return arena_of(parts, *strategy, sizes).bytes


def _cheapest_first(fitting):
    """Yields one `PlannedPart` for each part, the fewest multiply-accumulates first; each is planned when it is needed.

    Of equal ones those follow that come later in `fitting`, which are smaller.
    """
    known, heap, seen = [[] for _ in fitting], [], set()

    def get(part, number):
        if number == len(known[part]):
            known[part].append(next(fitting[part], None))
        return known[part][number]

    def push(numbers):
        chosen = [get(part, number) for part, number in enumerate(numbers)]
        if None not in chosen and numbers not in seen:
            seen.add(numbers)
            heapq.heappush(heap, (sum(map(_cost, chosen)), -sum(numbers), numbers))

    push((0,) * len(fitting))
    while heap:
        *_, numbers = heapq.heappop(heap)
        yield [known[part][number] for part, number in enumerate(numbers)]
        for part, number in enumerate(numbers):
            push((*numbers[:part], number + 1, *numbers[part + 1 :]))


def _fitting(parts, candidates, fits, progress):
    """Plans candidates one by one, the cheapest first, and yields those that fit."""
    rate = math.inf  # bytes of arena for each byte that the busiest operator reads and writes, the least so far
    for planned in candidates:
        busiest = _busiest(parts, planned.part)
        if rate < math.inf and not fits(int(busiest * rate / _FAR)):
            continue
        progress()
        rate = min(rate, planned.arena / busiest)
        if fits(planned.arena):
            yield planned


def _cost(planned):
    """The multiply-accumulates of all tiles."""
    return planned.macs * planned.runs


def _order(name):
    """What a part's candidates are sorted by: of equal costs the smaller tile first, in a bottleneck the fewest runs."""
    return lambda planned: (_cost(planned), planned.tile if name in ENDS else planned.runs)


def _bytes(parts, part, key):
    found = parts.network.graph.tensors[key.tensor if isinstance(key, Masked) else key]
    return area(part.made[key]) * math.prod(found.shape[3:]) * found.element_bytes


def _widest(parts, part):
    """The bytes of the largest map: no plan needs less."""
    return max(_bytes(parts, part, key) for key in part.made if not isinstance(key, Mask))


def _busiest(parts, part):
    """The bytes that the busiest operator reads and writes, by which the arenas of two tiles compare."""
    return max(sum(_bytes(parts, part, key) for key in (*step.inputs, *step.outputs)) for step in part.steps)
