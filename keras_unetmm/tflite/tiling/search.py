"""Which levels to tile, with which tiles, and which skips to keep: the fewest multiply-accumulates within a budget."""

import heapq
import itertools
import math
from dataclasses import dataclass

from keras_unetmm.tflite.tiling.cut import ancestors
from keras_unetmm.tflite.tiling.network import TilingError
from keras_unetmm.tflite.tiling.part import Mask, Masked, area
from keras_unetmm.tflite.tiling.parts import Choice, can_be_anew, halo
from keras_unetmm.tflite.tiling.program import arena, arena_of, label, macs

SKIPS = ("keep", "recompute", "mixed")
ENDS = ("head", "tail")
_FAR = 1.4  # times the memory that is expected, from where on a part is not planned to see
_TRIED = 200  # of the cheapest combinations: alone their parts fit, but one may be in the other's way


@dataclass(frozen=True)
class Found:
    """A choice and what it costs.

    Attributes:
        choice: `Choice`.
        ram: int, bytes.
        macs: int.
    """

    choice: Choice
    ram: int
    macs: int


def checked_levels(parts, levels, tile):
    """Returns the numbers of levels that may be tiled: the given one, or all that fit.

    Raises:
        TilingError: if it, or none, fits the network, the tile and the size.
    """
    if levels is not None:
        parts.cut(levels)  # which refuses what cannot be cut
        _refuse_unfit(parts, levels, tile)
        return [levels]
    if not parts.deepest:
        parts.cut(1)
    fitting, first = [], None
    for level in range(1, parts.deepest + 1):
        try:
            parts.cut(level)
            _refuse_unfit(parts, level, tile)
            fitting.append(level)
        except TilingError as error:
            first = first or error
    if not fitting:
        raise first
    return fitting


def _refuse_unfit(parts, levels, tile):
    unit = parts.unit(levels)
    if tile is not None and any(side % unit for side in tile):
        fits = sorted({max(unit, side // unit * unit) for side in tile} | {-(-side // unit) * unit for side in tile})
        raise TilingError(
            f"tile must be a multiple of {unit}, to which {levels} levels shrink it. Received: {tile[0]}x{tile[1]}. Use "
            f"{' or '.join(map(str, fits))}, or fewer levels."
        )
    smallest = (unit, unit)
    reaches = max(
        halo(planned, parts.network) for planned in (parts.head(levels, (), smallest), parts.tail(levels, (), smallest))
    )
    if min(parts.size) < reaches:
        raise TilingError(
            f"size must be at least as large as the halo that a tile needs around it, {reaches} pixels with levels={levels}."
            f" Received: {parts.size[0]}x{parts.size[1]}. Use a larger image, fewer levels, or do not tile: it is small."
        )


def kept_sets(parts, levels, skips):
    """Returns the sets of skips that may be computed anew.

    With `"mixed"` those are the finest ones, some or all: a finer skip takes more memory and less computing than a coarser.
    """
    free = can_be_anew(parts.network, parts.cut(levels))
    if skips == "keep" or not free:
        return [frozenset()]
    if skips == "recompute":
        return [frozenset(free)]
    found = [frozenset(_with_origins(parts, free, free[:count])) for count in range(len(free) + 1)]
    return list(dict.fromkeys(found))


def _with_origins(parts, free, chosen):
    """Skips that are computed anew, and those on the way to them, which have no zeros outside the image there."""
    needed = ancestors(parts.network, chosen)
    return {i for i in free if parts.network.producers[i] in needed}


def sides(length, unit):
    """Returns the tile sides that cut a length into 1, 2, 3, ... tiles, each as small as possible, largest first."""
    found = []
    for count in range(1, math.ceil(length / unit) + 1):
        side = -(-math.ceil(length / count) // unit) * unit
        if side not in found:
            found.append(side)
    return found


def square_tiles(parts, levels):
    """Returns the square tiles worth trying, largest first."""
    unit, longest = parts.unit(levels), max(parts.size)
    found = {side for length in parts.size for side in sides(length, unit)}
    return [(side, side) for side in sorted(found, reverse=True) if side <= longest]


def measured(parts, choice):
    """Returns the `Found` of a choice, its parts planned."""
    return Found(choice, arena(parts, choice).bytes, macs(parts, choice))


def smallest(parts, levels, skips, progress=lambda: None):
    """Returns the `Found` with the least memory: for each number of levels and each set of skips, the smallest tiles."""
    best = None
    for level, anew, opened in _ways(parts, levels, skips):
        choice = _smallest_tiles(parts, level, anew, opened)
        if best is not None and _least(parts, choice) >= best.ram:
            continue
        found = measured(parts, choice)
        best = found if best is None or (found.ram, found.macs) < (best.ram, best.macs) else best
        progress()
    return _larger_for_free(parts, best)


def within(parts, levels, skips, ram, progress=lambda: None):
    """Returns the `Found` with the fewest multiply-accumulates whose memory is at most `ram` bytes, or None."""
    best = None
    for way in _ways(parts, levels, skips):
        found = _within(parts, way, _tiles(parts, way), ram, best, progress)
        if found is not None and (best is None or (found.macs, found.ram) < (best.macs, best.ram)):
            best = found
    return best


def _ways(parts, levels, skips):
    """What may be tried with any tiles: numbers of levels, sets of skips, and the bottleneck whole or opened."""
    for level in levels:
        for anew in kept_sets(parts, level, skips):
            for opened in (False, True) if parts.cut(level).opened else (False,):
                yield level, anew, opened


def _smallest_tiles(parts, level, anew, opened, tile=None):
    """The `Choice` of the smallest tiles, or of one tile for head and tail, and the smallest for an opened bottleneck."""
    tile = tile or (parts.unit(level),) * 2
    middle = [part.name for part in parts.cut(level).opened if not part.whole] if opened else None
    inner = None if middle is None else tuple((parts.unit(level, [name]),) * 2 for name in middle)
    return Choice(level, anew, tile, tile, inner)


def _tiles(parts, way, tile=None):
    """The tiles that may be tried: a dict from the tiled parts' names to lists; one tile alone for head and tail."""
    level, _, opened = way
    found = {}
    for part in parts.cut(level).passes(opened):
        if not part.whole:
            units = (parts.unit(level),) * 2 if part.name in ENDS else (parts.unit(level, [part.name]),) * 2
            every = itertools.product(*(sides(length, unit) for length, unit in zip(parts.size, units, strict=True)))
            found[part.name] = [tile] if tile and part.name in ENDS else list(every)
    return found


def _within(parts, way, tiles, ram, best, progress):
    """The parts share nothing but the arena: the cheapest of each that fits by itself, or else the cheapest together."""
    level, anew, opened = way
    if _bytes_of(parts, way, {}) > ram:
        return None
    cheapest = {name: sorted((_made(parts, way, name, t) for t in tiles[name]), key=_order(name)) for name in tiles}
    whole = parts.whole(level, opened)
    least = sum(_cost(candidates[0]) for candidates in cheapest.values()) + (whole.macs if whole else 0)
    if best is not None and least >= best.macs:
        return None
    fitting = [
        _fitting(parts, candidates, lambda size, name=name: _bytes_of(parts, way, {name: size}) <= ram, progress)
        for name, candidates in cheapest.items()
    ]
    failed = []
    for chosen in itertools.islice(_cheapest_first(fitting), _TRIED):
        arenas = [planned.arena for planned in chosen]
        if any(all(a >= b for a, b in zip(arenas, others, strict=True)) for others in failed):
            continue
        head, *middle, tail = (planned.tile for planned in chosen)
        found = measured(parts, Choice(level, anew, head, tail, tuple(middle) if opened else None))
        if found.ram <= ram:
            return found
        failed.append(arenas)
    return None


def _cheapest_first(fitting):
    """Yields one `Planned` for each part, the fewest multiply-accumulates first; each is planned when it is needed.

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


def _made(parts, way, name, tile):
    """The `Planned` part of a name."""
    level, anew, _ = way
    ends = {"head": parts.head, "tail": parts.tail}
    return ends[name](level, anew, tile) if name in ends else parts.inner(level, name, tile)


def _bytes_of(parts, way, sizes):
    """The bytes of the arena if the tiled parts take so many."""
    return arena_of(parts, *way, sizes).bytes


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


def _larger_for_free(parts, found, tile=None, ram=0):
    """The same memory, or `ram` bytes, with fewer multiply-accumulates, where a part has room to spare."""
    choice = found.choice
    way = choice.levels, choice.anew, choice.body_tiles is not None
    better = _within(parts, way, _tiles(parts, way, tile), max(found.ram, ram), None, lambda: None)
    return better if better is not None and better.macs < found.macs else found


def _least(parts, choice):
    """Bytes that a choice needs whatever its plans are."""
    kept = {entry.tensor for entry in parts.carried(choice.levels, choice.anew) if entry.first == 0}
    head = parts.head(choice.levels, choice.anew, choice.head_tile)
    return sum(parts.network.bytes(i, parts.size) for i in kept) + _widest(parts, head.part)


def _bytes(parts, part, key):
    found = parts.network.graph.tensors[key.tensor if isinstance(key, Masked) else key]
    return area(part.made[key]) * math.prod(found.shape[3:]) * found.element_bytes


def _widest(parts, part):
    """The bytes of the largest map: no plan needs less."""
    return max(_bytes(parts, part, key) for key in part.made if not isinstance(key, Mask))


def _busiest(parts, part):
    """The bytes that the busiest operator reads and writes, by which the arenas of two tiles compare."""
    return max(sum(_bytes(parts, part, key) for key in (*step.inputs, *step.outputs)) for step in part.steps)


def all_at(parts, level, skips, tile, ram=None):
    """Returns a `Found` for each set of skips that may be computed anew, with one tile for head and tail.

    An opened bottleneck has the tiles that it needs. It is opened where that saves more memory than its interpreters take,
    or where a whole one does not fit into `ram` bytes.
    """
    found = []
    for way in _ways(parts, [level], skips):
        opened = way[-1]
        if opened and (ram is None or found[-1].ram <= ram):
            least = _bytes_of(parts, way, {name: _made(parts, way, name, tile).arena for name in ENDS})
            if least + parts.more_tails(level) >= found[-1].ram:
                continue
        made = measured(parts, _smallest_tiles(parts, *way, tile))
        found.append(_larger_for_free(parts, made, tile, ram or 0) if opened else made)
    return found


def best_at(parts, level, skips, tile, ram=None):
    """Returns the `Found` of one tile for head and tail.

    It has the least memory, or the fewest multiply-accumulates within `ram` bytes, if there is such a one.
    """
    found = all_at(parts, level, skips, tile, ram)
    fitting = [f for f in found if ram is not None and f.ram <= ram]
    return min(fitting, key=lambda f: (f.macs, f.ram)) if fitting else min(found, key=lambda f: (f.ram, f.macs))


def best_of_each_bottleneck(found):
    """Returns of those with the bottleneck whole, and of those with it tiled, the `Found` with the least memory."""
    kinds = ([f for f in found if f.choice.bottleneck == kind] for kind in ("whole", "tiled"))
    return [min(those, key=lambda f: (f.ram, f.macs)) for those in kinds if those]


def row(parts, found):
    """Returns a `Found` as JSON can hold it."""
    choice = found.choice
    return {
        "levels": choice.levels,
        "bottleneck": choice.bottleneck,
        "tile": list(choice.tail_tile),
        "recomputed": [label(parts.network, i) for i in parts.cut(choice.levels).skips if i in choice.anew],
        "ram_bytes": found.ram,
        "macs": found.macs,
        "macs_ratio": round(found.macs / parts.macs, 4),
    }


def best(rows):
    """Returns those rows that no other beats in both memory and multiply-accumulates."""
    return [r for r in rows if not any(_beats(other, r) for other in rows)]


def _beats(a, b):
    costs = [(r["ram_bytes"], r["macs"]) for r in (a, b)]
    return costs[0] != costs[1] and all(x <= y for x, y in zip(*costs, strict=True))
