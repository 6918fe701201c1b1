"""Which levels to tile, with which tiles, and which skips to keep: the fewest multiply-accumulates within a budget."""

import math
from dataclasses import dataclass
from itertools import product

from keras_unetmm.tflite.tiling.cut import ancestors
from keras_unetmm.tflite.tiling.network import TilingError
from keras_unetmm.tflite.tiling.part import Mask, Masked, area
from keras_unetmm.tflite.tiling.parts import Choice, can_be_anew, halo
from keras_unetmm.tflite.tiling.program import arena, arena_of, label, macs

SKIPS = ("keep", "recompute", "mixed")
_FAR = 1.4  # times the memory that is expected, from where on a part is not planned to see
_PAIRS = 3  # of the cheapest heads and tails that are tried together: alone they fit, but one may be in the other's way


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
    for level in levels:
        unit = (parts.unit(level),) * 2
        for anew in kept_sets(parts, level, skips):
            choice = Choice(level, anew, unit, unit)
            if best is not None and _least(parts, choice) >= best.ram:
                continue
            found = measured(parts, choice)
            best = found if best is None or (found.ram, found.macs) < (best.ram, best.macs) else best
            progress()
    return _larger_for_free(parts, best)


def within(parts, levels, skips, ram, progress=lambda: None):
    """Returns the `Found` with the fewest multiply-accumulates whose memory is at most `ram` bytes, or None."""
    best = None
    for level in levels:
        for anew in kept_sets(parts, level, skips):
            found = _within(parts, level, anew, ram, best, progress)
            if found is not None and (best is None or (found.macs, found.ram) < (best.macs, best.ram)):
                best = found
    return best


def _within(parts, level, anew, ram, best, progress):
    """Head and tail share nothing but the arena: the cheapest of each that fits by itself, or else the cheapest pair."""
    unit = (parts.unit(level),) * 2
    kept = _kept(parts, level, anew)
    if sum(kept.values()) > ram or arena_of(parts, level, kept, 0, 0).bytes > ram:
        return None
    tiles = list(product(sides(parts.size[0], unit[0]), sides(parts.size[1], unit[1])))
    cheapest = [sorted((make(level, anew, t) for t in tiles), key=_cost) for make in (parts.head, parts.tail)]
    least = sum(_cost(candidates[0])[0] for candidates in cheapest)
    if best is not None and least + parts.body(level).macs >= best.macs:
        return None
    alone = (
        lambda size: arena_of(parts, level, kept, size, 0).bytes <= ram,
        lambda size: arena_of(parts, level, kept, 0, size).bytes <= ram,
    )
    fitting = [_fitting(parts, c, fits, progress) for c, fits in zip(cheapest, alone, strict=True)]
    known = [[], []]
    for _ in range(_PAIRS):  # the cheapest of both first, more only if they are in each other's way
        for planned, more in zip(known, fitting, strict=True):
            planned += [found for found in [next(more, None)] if found is not None]
        for head, tail in sorted(product(*known), key=lambda pair: _cost(pair[0])[0] + _cost(pair[1])[0]):
            found = measured(parts, Choice(level, anew, head.tile, tail.tile))
            if found.ram <= ram:
                return found
    return None


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
    """The multiply-accumulates of all tiles; of equal ones the smaller tile first."""
    return planned.macs * planned.runs, planned.tile


def _larger_for_free(parts, found):
    """The same memory with fewer multiply-accumulates, where head or tail has room to spare."""
    choice = found.choice
    better = _within(parts, choice.levels, choice.anew, found.ram, None, lambda: None)
    return better if better is not None and better.macs < found.macs else found


def _least(parts, choice):
    """Bytes that a choice needs whatever its plans are."""
    kept = _kept(parts, choice.levels, choice.anew)
    found = parts.cut(choice.levels)
    head = parts.head(choice.levels, choice.anew, choice.head_tile)
    entering = sum(parts.network.bytes(i, parts.size) for i in found.entering)
    return sum(kept.values()) + entering + _widest(parts, head.part)


def _kept(parts, levels, anew):
    return {i: parts.network.bytes(i, parts.size) for i in parts.cut(levels).skips if i not in anew}


def _bytes(parts, part, key):
    found = parts.network.graph.tensors[key.tensor if isinstance(key, Masked) else key]
    return area(part.made[key]) * math.prod(found.shape[3:]) * found.element_bytes


def _widest(parts, part):
    """The bytes of the largest map: no plan needs less."""
    return max(_bytes(parts, part, key) for key in part.made if not isinstance(key, Mask))


def _busiest(parts, part):
    """The bytes that the busiest operator reads and writes, by which the arenas of two tiles compare."""
    return max(sum(_bytes(parts, part, key) for key in (*step.inputs, *step.outputs)) for step in part.steps)


def all_at(parts, level, skips, tile):
    """Returns a `Found` for each set of skips that may be computed anew, with one tile for head and tail."""
    return [measured(parts, Choice(level, anew, tile, tile)) for anew in kept_sets(parts, level, skips)]


def best_at(parts, level, skips, tile, ram=None):
    """Returns the `Found` of one tile for head and tail.

    It has the least memory, or the fewest multiply-accumulates within `ram` bytes, if there is such a one.
    """
    found = all_at(parts, level, skips, tile)
    fitting = [f for f in found if ram is not None and f.ram <= ram]
    return min(fitting, key=lambda f: (f.macs, f.ram)) if fitting else min(found, key=lambda f: (f.ram, f.macs))


def row(parts, found):
    """Returns a `Found` as JSON can hold it."""
    choice = found.choice
    return {
        "levels": choice.levels,
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
