# SPDX-License-Identifier: Apache-2.0
"""Which levels to tile, with which tiles, and which skips to keep: the fewest multiply-accumulates within a budget."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypedDict

from keras_unetmm.tiling.analyse import TilingError
from keras_unetmm.tiling.budget import BudgetSearch, larger_for_free
from keras_unetmm.tiling.part_compiler import PartCompiler
from keras_unetmm.tiling.partition import ancestors, recomputable
from keras_unetmm.tiling.strategy import Candidate, Strategy, Tile
from keras_unetmm.tiling.strategy_parts import OUTER, StrategyParts, sides

SKIPS = ("keep", "recompute", "mixed")


class Row(TypedDict):
    """A program as tables and JSON have it; `macs_ratio` is to the multiply-accumulates of the network run whole."""

    levels: int
    bottleneck: str
    tile: list[int]
    recomputed: list[str]
    ram_bytes: int
    macs: int
    macs_ratio: float


class Untiled(TypedDict):
    """The network run whole: bytes of the arena as it is and planned, and multiply-accumulates."""

    as_is: int
    planned: int | None
    macs: int


class Search:
    """Looks for the best programs of one network at one size.

    Args:
        compiler: `PartCompiler`.
        skips: `"keep"`, `"recompute"` or `"mixed"`, as for `keras_unetmm.tflite.tile`.
        progress: function without arguments, called once a plan.
    """

    def __init__(self, compiler: PartCompiler, skips: str, progress: Callable[[], object] = lambda: None) -> None:
        self.compiler, self.network, self.skips, self.progress = compiler, compiler.network, skips, progress
        self._parts: dict[Strategy, StrategyParts] = {}

    def parts(self, strategy: Strategy) -> StrategyParts:
        """Returns the parts of a strategy."""
        if strategy not in self._parts:
            self._parts[strategy] = StrategyParts(self.compiler, strategy)
        return self._parts[strategy]

    def fitting_levels(self, levels: int | None, tile: Tile | None) -> list[int]:
        """Returns the numbers of levels that may be tiled: the given one, or all that fit.

        Raises:
            TilingError: if it, or none, fits the network, the tile and the size.
        """
        if levels is not None:
            self._validate_fit(levels, tile)
            return [levels]
        if not self.compiler.deepest:
            self.compiler.partition(1)  # which says why
        fitting, errors = [], []
        for level in range(1, self.compiler.deepest + 1):
            try:
                self._validate_fit(level, tile)
                fitting.append(level)
            except TilingError as error:
                errors.append(error)
        if not fitting:
            raise errors[0]
        return fitting

    def recomputed_sets(self, levels: int) -> list[frozenset[int]]:
        """Returns the sets of skips that may be recomputed.

        With `"mixed"` those are the finest ones, some or all: a finer skip takes more memory and less computing than a
        coarser.
        """
        free = recomputable(self.network, self.compiler.partition(levels))
        if self.skips == "keep" or not free:
            return [frozenset()]
        if self.skips == "recompute":
            return [frozenset(free)]
        found = [frozenset(self._with_origins(free, free[:count])) for count in range(len(free) + 1)]
        return list(dict.fromkeys(found))

    def strategies(self, levels: Iterable[int]) -> Iterator[Strategy]:
        """Yields what may be tried with any tiles: numbers of levels, sets of skips, and the bottleneck whole or tiled."""
        for level in levels:
            for recomputed in self.recomputed_sets(level):
                yield Strategy(level, recomputed)
                if self.compiler.partition(level).bottleneck_passes:
                    yield Strategy(level, recomputed, True)

    def square_tiles(self, levels: int) -> list[Tile]:
        """Returns the square tiles worth trying, largest first."""
        unit, size = self.parts(Strategy(levels)).unit(OUTER[0]), self.compiler.size
        found = {side for length in size for side in sides(length, unit)}
        return [(side, side) for side in sorted(found, reverse=True) if side <= max(size)]

    def smallest(self, levels: Sequence[int]) -> Candidate:
        """Returns the `Candidate` with the least memory: for each strategy, the smallest tiles."""
        best: list[Candidate] = []
        for strategy in self.strategies(levels):
            parts = self.parts(strategy)
            tiles = parts.smallest_tiles()
            if best and self._least(parts, tiles["head"]) >= best[0].ram:
                continue
            best = [min((*best, parts.candidate(tiles)), key=lambda found: (found.ram, found.macs))]
            self.progress()
        return larger_for_free(self.parts(best[0].choice.strategy), best[0])

    def within(self, levels: Sequence[int], ram: int) -> Candidate | None:
        """Returns the `Candidate` with the fewest multiply-accumulates whose memory is at most `ram` bytes, or None."""
        best: Candidate | None = None
        for strategy in self.strategies(levels):
            parts = self.parts(strategy)
            found = BudgetSearch(parts, ram, self.progress).best(parts.all_tiles(), best)
            if found is not None and (best is None or (found.macs, found.ram) < (best.macs, best.ram)):
                best = found
        return best

    def all_at(self, levels: int, tile: Tile, ram: int | None = None) -> list[Candidate]:
        """Returns a `Candidate` for each set of skips that may be recomputed, with one tile for head and tail.

        A tiled bottleneck has the tiles that it needs. It is tiled where that saves more memory than its interpreters take,
        or where a whole one does not fit into `ram` bytes.
        """
        found: list[Candidate] = []
        for strategy in self.strategies([levels]):
            parts = self.parts(strategy)
            tiled = strategy.bottleneck_tiled
            if tiled and (ram is None or found[-1].ram <= ram):
                least = parts.arena_for(dict.fromkeys(OUTER, tile)).bytes
                if least + self._more_tails(levels) >= found[-1].ram:
                    continue
            made = parts.candidate(parts.smallest_tiles(tile))
            found.append(larger_for_free(parts, made, tile, ram or 0) if tiled else made)
        return found

    def best_at(self, levels: int, tile: Tile, ram: int | None = None) -> Candidate:
        """Returns the `Candidate` of one tile for head and tail.

        It has the least memory, or the fewest multiply-accumulates within `ram` bytes, if there is such a one.
        """
        found = self.all_at(levels, tile, ram)
        fitting = [f for f in found if ram is not None and f.ram <= ram]
        return min(fitting, key=lambda f: (f.macs, f.ram)) if fitting else min(found, key=lambda f: (f.ram, f.macs))

    def row(self, found: Candidate) -> Row:
        """Returns a `Candidate` as JSON can hold it."""
        strategy = found.choice.strategy
        skips = self.compiler.partition(strategy.levels).skips
        return {
            "levels": strategy.levels,
            "bottleneck": strategy.bottleneck,
            "tile": list(found.choice.tiles["tail"]),
            "recomputed": [self.network.map_name(i) for i in skips if i in strategy.recomputed],
            "ram_bytes": found.ram,
            "macs": found.macs,
            "macs_ratio": round(found.macs / max(self.compiler.macs, 1), 4),
        }

    def _validate_fit(self, levels: int, tile: Tile | None) -> None:
        """Raises a `TilingError` unless the levels can be tiled, with that tile, at the compiler's size."""
        parts = self.parts(Strategy(levels))
        unit, size = parts.unit(OUTER[0]), self.compiler.size
        if tile is not None and any(side % unit for side in tile):
            fits = sorted({max(unit, side // unit * unit) for side in tile} | {-(-side // unit) * unit for side in tile})
            raise TilingError(
                f"tile must be a multiple of {unit}, to which {levels} levels shrink it. Received: {tile[0]}x{tile[1]}. Use "
                f"{' or '.join(map(str, fits))}, or fewer levels."
            )
        halo = max(parts.part(name, (unit, unit)).halo(self.network) for name in OUTER)
        if min(size) < halo:
            raise TilingError(
                f"size must be at least as large as the halo that a tile needs around it, {halo} pixels with "
                f"levels={levels}. Received: {size[0]}x{size[1]}. Use a larger image, fewer levels, or do not tile: it "
                "is small."
            )

    def _with_origins(self, free: Sequence[int], chosen: Sequence[int]) -> set[int]:
        """Skips that are recomputed, and those on the way to them, which have no zeros outside the image there."""
        needed = ancestors(self.network, chosen)
        return {i for i in free if self.network.producers[i] in needed}

    def _least(self, parts: StrategyParts, tile: Tile) -> int:
        """The bytes that a strategy needs with a tile of the head, whatever its plans are."""
        kept = {entry.tensor for entry in parts.carried if entry.first == 0}
        head = parts.part("head", tile).part
        return sum(self.compiler.bytes(i) for i in kept) + (0 if head is None else head.widest(self.network))

    def _more_tails(self, levels: int) -> int:
        """How many bytes more the interpreters of a tiled bottleneck take beside their arenas' heads."""
        tiled, whole = (self.parts(Strategy(levels, bottleneck_tiled=value)).inner_tails for value in (True, False))
        return tiled - whole


def best_of_each_bottleneck(found: Iterable[Candidate]) -> list[Candidate]:
    """Returns of those with the bottleneck whole, and of those with it tiled, the `Candidate` with the least memory."""
    those: dict[bool, list[Candidate]] = {False: [], True: []}
    for candidate in found:
        those[candidate.choice.strategy.bottleneck_tiled].append(candidate)
    return [min(kind, key=lambda f: (f.ram, f.macs)) for kind in those.values() if kind]


def best(rows: Iterable[Row]) -> list[Row]:
    """Returns those rows that no other beats in both memory and multiply-accumulates."""
    rows = list(rows)
    return [r for r in rows if not any(_beats(other, r) for other in rows)]


def _beats(a: Row, b: Row) -> bool:
    one, other = ((r["ram_bytes"], r["macs"]) for r in (a, b))
    return one != other and all(x <= y for x, y in zip(one, other, strict=True))
