"""The parts of a network as files: cut, laid out for tiles, planned by the arena compiler, and remembered."""

import math
from dataclasses import dataclass
from functools import cached_property

from keras_unetmm.tflite.graph import read
from keras_unetmm.tflite.planner import plan
from keras_unetmm.tflite.tiling import cut as cutting
from keras_unetmm.tflite.tiling.network import TilingError
from keras_unetmm.tflite.tiling.part import Mask, laid_out, whole_tile
from keras_unetmm.tflite.tiling.write import tile_file, whole_file

_SECONDS = 1.0  # for each search for a placement: there are dozens of tiles to try


@dataclass(frozen=True)
class Choice:
    """What a program is made for.

    Attributes:
        levels: int, the finest levels, that run tile by tile.
        anew: frozenset of the tensors that the tail computes anew; the other skips are kept.
        head_tile, tail_tile: `(height, width)` in pixels of the image.
    """

    levels: int
    anew: frozenset
    head_tile: tuple
    tail_tile: tuple


class Planned:
    """One part's file, planned when it is asked for.

    Attributes:
        part: `Part`; None for the body.
        tile: `(height, width)`; the whole image for the body.
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
        found = plan(self._write(), self._kernels, seconds=_SECONDS)
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


class Parts:
    """All parts of one network for one size of image, each made once.

    Args:
        network: `keras_unetmm.tflite.tiling.network.Network`.
        size: `(height, width)` of the image, multiples of the coarsest map's scale.
        kernels: the library of kernels that the plans must be safe for.
        border: `"once"` or `"same"`, see `keras_unetmm.tflite.tile`.
    """

    def __init__(self, network, size, kernels, border="once"):
        self.network, self.size, self.kernels, self.border = network, size, kernels, border
        self.deepest = cutting.deepest(network)
        self._cuts, self._known = {}, {}

    @cached_property
    def macs(self):
        """Multiply-accumulates of the network run whole."""
        return self._macs(range(len(self.network.graph.operators)))

    def cut(self, levels):
        """Returns the `Cut`."""
        if levels not in self._cuts:
            self._cuts[levels] = cutting.cut(self.network, levels)
        return self._cuts[levels]

    def unit(self, levels):
        """Returns of what a tile's height and width must be multiples: the coarsest map that head or tail has."""
        found = self.cut(levels)
        scales = [scale for position in (*found.head, *found.tail) for scale in self.network.scales_of(position)]
        return math.lcm(*(scale.numerator for scale in scales))

    def head(self, levels, anew, tile):
        """Returns the `Planned` head for a tile."""
        found = self.cut(levels)
        wanted = [i for i in dict.fromkeys((*found.skips, *found.entering)) if i not in anew or i in found.entering]
        needed = sorted(cutting.ancestors(self.network, wanted) & set(found.head))
        return self._tiled(("head", levels, tuple(wanted), tile), tile, needed, set(), wanted)

    def tail(self, levels, anew, tile):
        """Returns the `Planned` tail for a tile."""
        found = self.cut(levels)
        given = {*(i for i in found.skips if i not in anew), *found.leaving}
        return self._tiled(("tail", levels, frozenset(anew), tile), tile, found.tail, given, [self.network.output], anew)

    def body(self, levels):
        """Returns the `Planned` body."""
        key = "body", levels
        if key not in self._known:
            found = self.cut(levels)
            self._known[key] = Planned(
                None,
                self.size,
                (1, 1),
                self._macs(found.body),
                lambda: whole_file(self.network, found.body, found.entering, found.leaving, self.size),
                self.kernels,
            )
        return self._known[key]

    def _macs(self, positions):
        """Multiply-accumulates of operators that run whole."""
        total = 0
        for position in positions:
            made = self.network.graph.operators[position].outputs[0]
            scale, shape = self.network.scales[made], self.network.graph.tensors[made].shape
            places = shape[1:3] if scale is None else [int(length / scale) for length in self.size]
            total += self.network.macs(position, math.prod(places))
        return total

    def _tiled(self, key, tile, positions, given, wanted, anew=()):
        if key not in self._known:
            regions = {tensor: whole_tile(self.network, tensor, tile) for tensor in wanted}
            part = laid_out(self.network, positions, {self.network.image, *given}, regions, frozenset(anew), self.border)
            grid = tuple(-(-length // side) for length, side in zip(self.size, tile, strict=True))
            self._known[key] = Planned(part, tile, grid, part.macs, lambda: tile_file(self.network, part), self.kernels)
        return self._known[key]


def can_be_anew(network, cut):
    """Returns the skips that the tail can compute anew: of bytes, in which no operator of the body has a part."""
    whole = set(cut.body)
    own = (i for i in cut.skips if network.graph.tensors[i].type == "INT8")
    return tuple(i for i in own if not cutting.ancestors(network, [i]) & whole)


def halo(planned, network):
    """Returns how many pixels of the image head or tail reads beyond its tile, at most, whatever it reads them from."""
    farthest = 0
    for key, region in planned.part.inputs.items():
        scale = key.scale if isinstance(key, Mask) else network.scales[key]
        for (low, high), side in zip(region, planned.tile, strict=True):
            farthest = max(farthest, -low * scale, high * scale - side)
    return math.ceil(farthest)
