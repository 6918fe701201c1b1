# SPDX-License-Identifier: Apache-2.0
"""The parts of a network for one strategy, and the arena that they share."""

import itertools
import math
from collections.abc import Mapping
from functools import cached_property

from keras_unetmm.tiling.layout import Layout, lay_out
from keras_unetmm.tiling.part import whole_tile
from keras_unetmm.tiling.part_compiler import PartCompiler, PartOutline, PlannedPart
from keras_unetmm.tiling.partition import CarriedMap, ancestors, carried, ends
from keras_unetmm.tiling.strategy import Candidate, Choice, Strategy, Tile

OUTER = ("head", "tail")  # the parts around the bottleneck


class StrategyParts:
    """The parts of a strategy for any tiles.

    Attributes:
        compiler: `PartCompiler`.
        strategy: `Strategy`.
        passes: tuple of `keras_unetmm.tiling.partition.Pass`.
        carried: list of `CarriedMap`.
        tiled: tuple of the names of the passes that run tile by tile, in their order.

    Raises:
        TilingError: if the strategy's levels cannot be tiled.
    """

    def __init__(self, compiler: PartCompiler, strategy: Strategy) -> None:
        self.compiler, self.strategy, self.network = compiler, strategy, compiler.network
        self.partition = compiler.partition(strategy.levels)
        self.passes = self.partition.passes(strategy.bottleneck_tiled)
        self.carried = carried(self.network, self.passes, strategy.recomputed)
        self.tiled = tuple(part.name for part in self.passes if not part.whole)
        self._units: dict[str, int] = {}

    @cached_property
    def whole(self) -> PlannedPart | None:
        """The `PlannedPart` that runs whole; None if all run tile by tile."""
        part = next((part for part in self.passes if part.whole), None)
        if part is None:
            return None
        return self.compiler.whole(part.positions, *([entry.tensor for entry in side] for side in ends(self.carried)))

    def part(self, name: str, tile: Tile) -> PlannedPart:
        """Returns the `PlannedPart` of a name, which runs tile by tile."""
        return self.compiler.tiled(self._outlines[name], tile)

    def parts(self, tiles: Mapping[str, Tile]) -> dict[str, PlannedPart]:
        """Returns a dict from all parts' names, in their order, to their `PlannedPart`.

        Args:
            tiles: dict from the names in `tiled` to tiles.
        """
        found = {}
        for part in self.passes:
            made = self.whole if part.whole else self.part(part.name, tiles[part.name])
            if made is not None:
                found[part.name] = made
        return found

    def unit(self, name: str) -> int:
        """Returns of what the height and width of a part's tiles must be multiples: its coarsest map.

        Head and tail have one unit, so that they can have the same tiles.
        """
        if name not in self._units:
            names = OUTER if name in OUTER else (name,)
            positions = [i for part in self.passes if part.name in names and not part.whole for i in part.positions]
            scales = (scale for position in positions for scale in self.network.scales_of(position))
            self._units[name] = math.lcm(*(scale.numerator for scale in scales))
        return self._units[name]

    def smallest_tiles(self, tile: Tile | None = None) -> dict[str, Tile]:
        """Returns the smallest tile of each part, or the given one for head and tail."""
        return {name: tile if tile and name in OUTER else (self.unit(name),) * 2 for name in self.tiled}

    def all_tiles(self, tile: Tile | None = None) -> dict[str, list[Tile]]:
        """Returns the tiles to try of each part; of head and tail the given one alone, if there is one."""
        found: dict[str, list[Tile]] = {}
        for name in self.tiled:
            rows, columns = (sides(length, self.unit(name)) for length in self.compiler.size)
            found[name] = [tile] if tile and name in OUTER else list(itertools.product(rows, columns))
        return found

    def candidate(self, tiles: Mapping[str, Tile]) -> Candidate:
        """Returns the `Candidate` with these tiles, its parts planned."""
        parts = self.parts(tiles)
        macs = sum(part.cost for part in parts.values())
        return Candidate(Choice(self.strategy, dict(tiles)), self.arena_for(tiles).bytes, macs)

    def arena_for(self, tiles: Mapping[str, Tile]) -> Layout:
        """Returns the `Layout` of the arena with these tiles; its pieces are the parts, by name, and `CarriedMap`s."""
        return self.arena({name: self.part(name, tile).arena for name, tile in tiles.items()})

    def arena(self, sizes: Mapping[str, int]) -> Layout:
        """Returns the `Layout` of an arena in which tiled parts take so many bytes; those that `sizes` lacks take none."""
        arenas = {part.name: sizes.get(part.name, 0) for part in self.passes}
        offsets: dict[CarriedMap, int] = {}
        name = next((part.name for part in self.passes if part.whole), None)
        if name is not None and self.whole is not None:
            arenas[name] = self.whole.arena
            for entries, placed in zip(ends(self.carried), self.whole.places, strict=True):
                offsets |= dict(zip(entries, placed, strict=True))
        return lay_out(arenas, name, self._bytes, offsets, self._in_place)

    @property
    def inner_tails(self) -> int:
        """Bytes that the bottleneck's interpreters take beside their arenas' heads."""
        parts = self.parts(self.smallest_tiles())
        return sum(part.tail for name, part in parts.items() if name not in OUTER)

    @cached_property
    def _bytes(self) -> dict[CarriedMap, int]:
        return {entry: self.compiler.bytes(entry.tensor) for entry in self.carried}

    @cached_property
    def _outlines(self) -> dict[str, PartOutline]:
        """What each tiled part is, by its name. Parts of the bottleneck find zeros outside the image, as if whole."""
        found, border, recomputed = self.partition, self.compiler.border, self.strategy.recomputed
        wanted = [i for i in dict.fromkeys((*found.skips, *found.entering)) if i not in recomputed or i in found.entering]
        needed = sorted(ancestors(self.network, wanted) & set(found.head))
        given = frozenset({*(i for i in found.skips if i not in recomputed), *found.leaving})
        outlines = {
            "head": PartOutline(tuple(needed), frozenset(), tuple(wanted), frozenset(), border),
            "tail": PartOutline(tuple(found.tail), given, (self.network.output,), recomputed, border),
        }
        everything = carried(self.network, self.passes)
        for number, part in enumerate(self.passes):
            if part.name not in OUTER and not part.whole:
                given = frozenset(entry.tensor for entry in everything if entry.first < number)
                made = tuple(dict.fromkeys(entry.tensor for entry in everything if entry.first == number))
                outlines[part.name] = PartOutline(part.positions, given, made, frozenset(), "same")
        return outlines

    @cached_property
    def _in_place(self) -> dict[CarriedMap, CarriedMap]:
        """What may be written over what it is made of, place by place: from the one map to the other."""
        found: dict[CarriedMap, CarriedMap] = {}
        for number, part in enumerate(self.passes):
            if part.whole or part.name in OUTER:
                continue
            unit = (self.unit(part.name),) * 2
            laid = self.part(part.name, unit).part
            old = [e for e in self.carried if e.kind == "kept" and e.last == number and e not in found.values()]
            for entry in (e for e in self.carried if e.kind == "kept" and e.first == number):
                for other in old:
                    own = whole_tile(self.network, other.tensor, unit)
                    if self._alike(entry, other) and laid is not None and laid.inputs.get(other.tensor) == own:
                        found[entry] = other
                        old.remove(other)
                        break
        return found

    def _alike(self, one: CarriedMap, other: CarriedMap) -> bool:
        scales = [self.network.scales[entry.tensor] for entry in (one, other)]
        return scales[0] == scales[1] and self._bytes[one] == self._bytes[other]


def sides(length: int, unit: int) -> list[int]:
    """Returns the tile sides that cut a length into 1, 2, 3, ... tiles, each as small as possible, largest first.

    >>> sides(40, 16)
    [48, 32, 16]
    """
    found: list[int] = []
    for count in range(1, math.ceil(length / unit) + 1):
        side = -(-math.ceil(length / count) // unit) * unit
        if side not in found:
            found.append(side)
    return found
