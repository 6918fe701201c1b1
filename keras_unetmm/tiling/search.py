"""Which levels to tile, with which tiles, and which skips to keep: the fewest multiply-accumulates within a budget."""

from keras_unetmm.tiling import fit
from keras_unetmm.tiling.network import TilingError
from keras_unetmm.tiling.part_compiler import can_be_recomputed, halo
from keras_unetmm.tiling.partition import ancestors
from keras_unetmm.tiling.program import label

SKIPS = ("keep", "recompute", "mixed")


def checked_levels(parts, levels, tile):
    """Returns the numbers of levels that may be tiled: the given one, or all that fit.

    Raises:
        TilingError: if it, or none, fits the network, the tile and the size.
    """
    if levels is not None:
        parts.partition(levels)  # which refuses what cannot be cut
        _validate_fit(parts, levels, tile)
        return [levels]
    if not parts.deepest:
        parts.partition(1)
    fitting, first = [], None
    for level in range(1, parts.deepest + 1):
        try:
            parts.partition(level)
            _validate_fit(parts, level, tile)
            fitting.append(level)
        except TilingError as error:
            first = first or error
    if not fitting:
        raise first
    return fitting


def _validate_fit(parts, levels, tile):
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
    """Returns the sets of skips that may be recomputed.

    With `"mixed"` those are the finest ones, some or all: a finer skip takes more memory and less computing than a coarser.
    """
    free = can_be_recomputed(parts.network, parts.partition(levels))
    if skips == "keep" or not free:
        return [frozenset()]
    if skips == "recompute":
        return [frozenset(free)]
    found = [frozenset(_with_origins(parts, free, free[:count])) for count in range(len(free) + 1)]
    return list(dict.fromkeys(found))


def _with_origins(parts, free, chosen):
    """Skips that are recomputed, and those on the way to them, which have no zeros outside the image there."""
    needed = ancestors(parts.network, chosen)
    return {i for i in free if parts.network.producers[i] in needed}


def square_tiles(parts, levels):
    """Returns the square tiles worth trying, largest first."""
    unit, longest = parts.unit(levels), max(parts.size)
    found = {side for length in parts.size for side in fit.sides(length, unit)}
    return [(side, side) for side in sorted(found, reverse=True) if side <= longest]


def smallest(parts, levels, skips, progress=lambda: None):
    """Returns the `Candidate` with the least memory: for each number of levels and each set of skips, the smallest tiles."""
    best = None
    for level, recomputed, bottleneck_tiled in _strategies(parts, levels, skips):
        choice = fit.smallest_tiles(parts, level, recomputed, bottleneck_tiled)
        if best is not None and fit.least(parts, choice) >= best.ram:
            continue
        found = fit.measured(parts, choice)
        best = found if best is None or (found.ram, found.macs) < (best.ram, best.macs) else best
        progress()
    return fit.larger_for_free(parts, best)


def within(parts, levels, skips, ram, progress=lambda: None):
    """Returns the `Candidate` with the fewest multiply-accumulates whose memory is at most `ram` bytes, or None."""
    best = None
    for strategy in _strategies(parts, levels, skips):
        found = fit.within(parts, strategy, fit.tiles_of(parts, strategy), ram, best, progress)
        if found is not None and (best is None or (found.macs, found.ram) < (best.macs, best.ram)):
            best = found
    return best


def _strategies(parts, levels, skips):
    """What may be tried with any tiles: numbers of levels, sets of skips, and the bottleneck whole or tiled."""
    for level in levels:
        for recomputed in kept_sets(parts, level, skips):
            for bottleneck_tiled in (False, True) if parts.partition(level).bottleneck_passes else (False,):
                yield level, recomputed, bottleneck_tiled


def all_at(parts, level, skips, tile, ram=None):
    """Returns a `Candidate` for each set of skips that may be recomputed, with one tile for head and tail.

    A tiled bottleneck has the tiles that it needs. It is tiled where that saves more memory than its interpreters take,
    or where a whole one does not fit into `ram` bytes.
    """
    found = []
    for strategy in _strategies(parts, [level], skips):
        bottleneck_tiled = strategy[-1]
        if bottleneck_tiled and (ram is None or found[-1].ram <= ram):
            least = fit.bytes_of(parts, strategy, {name: fit.made(parts, strategy, name, tile).arena for name in fit.ENDS})
            if least + parts.more_tails(level) >= found[-1].ram:
                continue
        made = fit.measured(parts, fit.smallest_tiles(parts, *strategy, tile))
        found.append(fit.larger_for_free(parts, made, tile, ram or 0) if bottleneck_tiled else made)
    return found


def best_at(parts, level, skips, tile, ram=None):
    """Returns the `Candidate` of one tile for head and tail.

    It has the least memory, or the fewest multiply-accumulates within `ram` bytes, if there is such a one.
    """
    found = all_at(parts, level, skips, tile, ram)
    fitting = [f for f in found if ram is not None and f.ram <= ram]
    return min(fitting, key=lambda f: (f.macs, f.ram)) if fitting else min(found, key=lambda f: (f.ram, f.macs))


def best_of_each_bottleneck(found):
    """Returns of those with the bottleneck whole, and of those with it tiled, the `Candidate` with the least memory."""
    kinds = ([f for f in found if f.choice.bottleneck == kind] for kind in ("whole", "tiled"))
    return [min(those, key=lambda f: (f.ram, f.macs)) for those in kinds if those]


def row(parts, found):
    """Returns a `Candidate` as JSON can hold it."""
    choice = found.choice
    return {
        "levels": choice.levels,
        "bottleneck": choice.bottleneck,
        "tile": list(choice.tail_tile),
        "recomputed": [label(parts.network, i) for i in parts.partition(choice.levels).skips if i in choice.recomputed],
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
