# SPDX-License-Identifier: Apache-2.0
"""The fewest multiply-accumulates of one strategy within a budget of memory."""

import heapq
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence

from keras_unetmm.tiling.part_compiler import PlannedPart
from keras_unetmm.tiling.strategy import Candidate, Tile
from keras_unetmm.tiling.strategy_parts import OUTER, StrategyParts

_FAR = 1.4  # times the memory that is expected, from where on a part is not planned to see
_TRIED = 200  # of the cheapest combinations: alone their parts fit, but one may be in the other's way


class BudgetSearch:
    """Looks for the cheapest tiles of one strategy that fit.

    The parts share nothing but the arena: of each the cheapest tiles that fit by themselves are tried together.

    Args:
        parts: `StrategyParts`.
        ram: int, bytes.
        progress: function without arguments, called once a plan.
    """

    def __init__(self, parts: StrategyParts, ram: int, progress: Callable[[], object] = lambda: None) -> None:
        self.parts, self.ram, self.progress = parts, ram, progress

    def best(self, tiles: Mapping[str, Sequence[Tile]], rival: Candidate | None = None) -> Candidate | None:
        """Returns the `Candidate` with the fewest multiply-accumulates, or None.

        Args:
            tiles: dict from the tiled parts' names to the tiles that may be tried.
            rival: `Candidate` of another strategy, or None: what can be no cheaper is not looked for.
        """
        if not self._fits({}):
            return None
        cheapest = {name: self._by_cost(name, tiles[name]) for name in tiles}
        whole = self.parts.whole
        fewest = sum(made[0].cost for made in cheapest.values()) + (0 if whole is None else whole.macs)
        if rival is not None and fewest >= rival.macs:
            return None
        fitting = [self._fitting(name, made) for name, made in cheapest.items()]
        failed: list[list[int]] = []
        for chosen in itertools.islice(_cheapest_first(fitting), _TRIED):
            arenas = [planned.arena for planned in chosen]
            if any(all(a >= b for a, b in zip(arenas, others, strict=True)) for others in failed):
                continue
            found = self.parts.candidate({name: made.tile for name, made in zip(cheapest, chosen, strict=True)})
            if found.ram <= self.ram:
                return found
            failed.append(arenas)
        return None

    def _fits(self, sizes: Mapping[str, int]) -> bool:
        """Whether all fits if the tiled parts' arenas take so many bytes."""
        return self.parts.arena(sizes).bytes <= self.ram

    def _by_cost(self, name: str, tiles: Sequence[Tile]) -> list[PlannedPart]:
        """A part for each tile, the cheapest first; of equal costs the smaller tile, in a bottleneck the fewest runs."""
        made = [self.parts.part(name, tile) for tile in tiles]
        if name in OUTER:
            return sorted(made, key=lambda planned: (planned.cost, planned.tile))
        return sorted(made, key=lambda planned: (planned.cost, planned.runs))

    def _fitting(self, name: str, candidates: Sequence[PlannedPart]) -> Iterator[PlannedPart]:
        """Plans a part's candidates one by one, the cheapest first, and yields those that fit."""
        rate = math.inf  # bytes of arena for each byte that the busiest operator reads and writes, the least so far
        for planned in candidates:
            busiest = 1 if planned.part is None else planned.part.busiest(self.parts.network)
            if rate < math.inf and not self._fits({name: int(busiest * rate / _FAR)}):
                continue
            self.progress()
            rate = min(rate, planned.arena / busiest)
            if self._fits({name: planned.arena}):
                yield planned


def larger_for_free(parts: StrategyParts, found: Candidate, tile: Tile | None = None, ram: int = 0) -> Candidate:
    """Returns the `Candidate` of the same memory, or of `ram` bytes, where parts with room to spare have larger tiles."""
    better = BudgetSearch(parts, max(found.ram, ram)).best(parts.all_tiles(tile))
    return better if better is not None and better.macs < found.macs else found


def _cheapest_first(fitting: Sequence[Iterator[PlannedPart]]) -> Iterator[list[PlannedPart]]:
    """Yields one `PlannedPart` for each part, the fewest multiply-accumulates first; each is planned when it is needed.

    Of equal ones those follow that come later in `fitting`, which are smaller.
    """
    known: list[list[PlannedPart | None]] = [[] for _ in fitting]
    heap: list[tuple[int, int, tuple[int, ...]]] = []
    seen: set[tuple[int, ...]] = set()

    def get(part: int, number: int) -> PlannedPart | None:
        if number == len(known[part]):
            known[part].append(next(fitting[part], None))
        return known[part][number]

    def push(numbers: tuple[int, ...]) -> None:
        chosen = [get(part, number) for part, number in enumerate(numbers)]
        made = [planned for planned in chosen if planned is not None]
        if len(made) == len(chosen) and numbers not in seen:
            seen.add(numbers)
            heapq.heappush(heap, (sum(planned.cost for planned in made), -sum(numbers), numbers))

    push((0,) * len(fitting))
    while heap:
        *_, numbers = heapq.heappop(heap)
        chosen = (get(part, number) for part, number in enumerate(numbers))
        yield [planned for planned in chosen if planned is not None]
        for part, number in enumerate(numbers):
            push((*numbers[:part], number + 1, *numbers[part + 1 :]))
