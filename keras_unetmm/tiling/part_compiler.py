"""The parts of a network as files: cut, laid out for tiles, planned by the arena compiler, and remembered."""

import math
from dataclasses import dataclass
from functools import cached_property

from keras_unetmm.interpreters.runtime import measure
from keras_unetmm.planner.planner import plan
from keras_unetmm.tflite_file.graph import DAMAGE, TFLiteFileError, read
from keras_unetmm.tiling import partition
from keras_unetmm.tiling.network import TilingError
from keras_unetmm.tiling.part import Mask, laid_out, whole_tile
from keras_unetmm.tiling.write import tile_file, whole_file

_SECONDS = 1.0  # for each search for a placement: there are dozens of tiles to try


@dataclass(frozen=True)
class Choice:
    """What a program is made for.

    Attributes:
        levels: int, the finest levels, that run tile by tile.
        recomputed: frozenset of the tensors that the tail recomputes; the other skips are kept.
        head_tile, tail_tile: `(height, width)` in pixels of the image.
        body_tiles: tuple of the tiles of a tiled bottleneck's passes, in their order; None if it runs whole.
    """

    levels: int
    recomputed: frozenset
    head_tile: tuple
    tail_tile: tuple
    body_tiles: tuple | None = None

    @property
    def bottleneck(self):
        """`"tiled"` or `"whole"`."""
        return "whole" if self.body_tiles is None else "tiled"


class PlannedPart:
    """One part's file, planned when it is asked for.

    Attributes:
        part: `Part`; None for what runs whole.
        tile: `(height, width)` in pixels; the whole image for what runs whole.
        grid: `(rows, columns)` of tiles.
        macs: int, multiply-accumulates of one run.
    """

    def __init__(self, part, tile, grid, macs, write, kernels):
        self.part, self.tile, self.grid, self.macs = part, tile, grid, macs
        self._write, self._kernels = write, kernels

    @property
    def runs(self):
        """How often it runs."""
        return math.prod(self.grid)

    @cached_property
    def plan(self):
        """`Plan` of its file."""
        try:
            content = self._write()
        except TilingError:
            raise
        except DAMAGE as error:
            raise TFLiteFileError(
                f"file is damaged: a part of it cannot be written ({type(error).__name__}: {error}). Convert it again."
            ) from error
        found = plan(content, self._kernels, seconds=_SECONDS)
        if found.planned is None:
            raise TilingError(f"A part cannot be planned: {found.why_not_planned}")
        return found

    @cached_property
    def places(self):
        """The offsets of the planned file's inputs and of its outputs, two lists of bytes in its arena."""
        model = read(self.plan.planned.content)
        return [[model.offsets[i] for i in indices] for indices in (model.main.inputs, model.main.outputs)]

    @property
    def arena(self):
        """Bytes of the arena's head."""
        return self.plan.planned.head

    @property
    def tail(self):
        """Bytes of the arena's tail, measured on TFLM."""
        return measure(self.plan.planned.content).tail


class PartCompiler:
    """All parts of one network for one size of image, each made once.

    Args:
        network: `keras_unetmm.tiling.network.TilingNetwork`.
        size: `(height, width)` of the image, multiples of the coarsest map's scale.
        kernels: the library of kernels that the plans must be safe for.
        border: `"once"` or `"same"`, see `keras_unetmm.tflite.tile`.
    """

    def __init__(self, network, size, kernels, border="once"):
        self.network, self.size, self.kernels, self.border = network, size, kernels, border
        self.deepest = partition.deepest(network)
        self._partitions, self._known, self._carried, self._tails = {}, {}, {}, {}

    @cached_property
    def macs(self):
        """Multiply-accumulates of the network run whole."""
        return self._macs(range(len(self.network.graph.operators)))

    def partition(self, levels):
        """Returns the `Partition`."""
        if levels not in self._partitions:
            self._partitions[levels] = partition.partition(self.network, levels)
        return self._partitions[levels]

    def unit(self, levels, names=("head", "tail")):
        """Returns of what the height and width of some parts' tiles must be multiples: the coarsest map that they have."""
        found = self.partition(levels)
        passes = (*found.passes(False), *found.bottleneck_passes)
        positions = [i for part in passes if part.name in names and not part.whole for i in part.positions]
        return math.lcm(*(scale.numerator for position in positions for scale in self.network.scales_of(position)))

    def carried(self, levels, recomputed=frozenset(), bottleneck_tiled=False):
        """Returns what is `keras_unetmm.tiling.partition.CarriedMap`, a list."""
        key = levels, frozenset(recomputed), bottleneck_tiled
        if key not in self._carried:
            self._carried[key] = partition.carried(self.network, self.partition(levels).passes(bottleneck_tiled), key[1])
        return self._carried[key]

    def planned(self, choice):
        """Returns a dict from the parts' names to the `PlannedPart` of a choice, in their order."""
        return {
            "head": self.head(choice.levels, choice.recomputed, choice.head_tile),
            **self.middle(choice.levels, choice.body_tiles),
            "tail": self.tail(choice.levels, choice.recomputed, choice.tail_tile),
        }

    def head(self, levels, recomputed, tile):
        """Returns the `PlannedPart` of the head for a tile."""
        found = self.partition(levels)
        wanted = [i for i in dict.fromkeys((*found.skips, *found.entering)) if i not in recomputed or i in found.entering]
        needed = sorted(partition.ancestors(self.network, wanted) & set(found.head))
        return self._tiled(("head", levels, tuple(wanted), tile), tile, needed, set(), wanted)

    def tail(self, levels, recomputed, tile):
        """Returns the `PlannedPart` of the tail for a tile."""
        found = self.partition(levels)
        given = {*(i for i in found.skips if i not in recomputed), *found.leaving}
        return self._tiled(
            ("tail", levels, frozenset(recomputed), tile), tile, found.tail, given, [self.network.output], recomputed
        )

    def middle(self, levels, tiles):
        """Returns a dict from the names of the bottleneck's parts to their `PlannedPart`.

        Args:
            levels: int.
            tiles: tuple of the tiles of those that are tiled, in their order; None for a bottleneck that runs whole.
        """
        passes, given = self.partition(levels).passes(tiles is not None)[1:-1], iter(tiles or ())
        return {
            part.name: self.whole(levels, tiles is not None) if part.whole else self.inner(levels, part.name, next(given))
            for part in passes
        }

    def inner(self, levels, name, tile):
        """Returns the `PlannedPart` of a name in a tiled bottleneck. It finds zeros outside the image, as if whole."""
        passes = self.partition(levels).passes(True)
        number = [part.name for part in passes].index(name)
        carried = self.carried(levels, bottleneck_tiled=True)
        given = {entry.tensor for entry in carried if entry.first < number}
        wanted = list(dict.fromkeys(entry.tensor for entry in carried if entry.first == number))
        return self._tiled(("inner", levels, name, tile), tile, passes[number].positions, given, wanted, border="same")

    def more_tails(self, levels):
        """Returns how many bytes more the interpreters of a tiled bottleneck take beside their arenas' heads."""
        if levels not in self._tails:
            units = tuple(
                (self.unit(levels, [part.name]),) * 2 for part in self.partition(levels).bottleneck_passes if not part.whole
            )
            bottleneck_tiled, whole = (self.middle(levels, tiles).values() for tiles in (units, None))
            self._tails[levels] = sum(part.tail for part in bottleneck_tiled) - sum(part.tail for part in whole)
        return self._tails[levels]

    def whole(self, levels, bottleneck_tiled=False):
        """Returns the `PlannedPart` that runs whole, the bottleneck tiled or not; None if all run tile by tile."""
        key = "whole", levels, bottleneck_tiled
        if key not in self._known:
            part = next((part for part in self.partition(levels).passes(bottleneck_tiled) if part.whole), None)
            self._known[key] = (
                None if part is None else self._run_whole(part, self.carried(levels, bottleneck_tiled=bottleneck_tiled))
            )
        return self._known[key]

    def _run_whole(self, part, carried):
        ends = [[entry.tensor for entry in entries] for entries in partition.ends(carried)]
        return PlannedPart(
            None,
            self.size,
            (1, 1),
            self._macs(part.positions),
            lambda: whole_file(self.network, part.positions, *ends, self.size),
            self.kernels,
        )

    def _macs(self, positions):
        """Multiply-accumulates of operators that run whole."""
        total = 0
        for position in positions:
            made = self.network.graph.operators[position].outputs[0]
            scale, shape = self.network.scales[made], self.network.graph.tensors[made].shape
            places = shape[1:3] if scale is None else [int(length / scale) for length in self.size]
            total += self.network.macs(position, math.prod(places))
        return total

    def _tiled(self, key, tile, positions, given, wanted, recomputed=(), border=None):
        if key not in self._known:
            regions = {tensor: whole_tile(self.network, tensor, tile) for tensor in wanted}
            border = border or self.border
            part = laid_out(self.network, positions, {self.network.image, *given}, regions, frozenset(recomputed), border)
            grid = tuple(-(-length // side) for length, side in zip(self.size, tile, strict=True))
            self._known[key] = PlannedPart(part, tile, grid, part.macs, lambda: tile_file(self.network, part), self.kernels)
        return self._known[key]


def can_be_recomputed(network, found):
    """Returns the skips that the tail can recompute: of bytes, in which no operator of the body has a part."""
    whole = set(found.body)
    own = (i for i in found.skips if network.graph.tensors[i].type == "INT8")
    return tuple(i for i in own if not partition.ancestors(network, [i]) & whole)


def halo(planned, network):
    """Returns how many pixels of the image a tiled part reads beyond its tile, at most, whatever it reads them from."""
    farthest = 0
    for key, region in planned.part.inputs.items():
        scale = key.scale if isinstance(key, Mask) else network.scales[key]
        for (low, high), side in zip(region, planned.tile, strict=True):
            farthest = max(farthest, -low * scale, high * scale - side)
    return math.ceil(farthest)
