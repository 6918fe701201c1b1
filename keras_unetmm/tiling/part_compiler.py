# SPDX-License-Identifier: Apache-2.0
"""The parts of a network as files: laid out for tiles, planned by the arena compiler, and remembered."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

from keras_unetmm.interpreters.runtime import Arena, MissingRuntimeError, measure
from keras_unetmm.planner.plan import Plan, PlannedFile
from keras_unetmm.planner.planner import plan
from keras_unetmm.planner.tail import estimated_tail
from keras_unetmm.program.region import Region
from keras_unetmm.tflite_file.graph import DAMAGE, TFLiteFileError, read
from keras_unetmm.tiling import partition
from keras_unetmm.tiling.analyse import TilingError, TilingNetwork
from keras_unetmm.tiling.part import Mask, Part, laid_out, whole_tile
from keras_unetmm.tiling.partition import Partition
from keras_unetmm.tiling.strategy import Tile
from keras_unetmm.tiling.write import tile_file, whole_file

_SECONDS = 1.0  # for each search for a placement: there are dozens of tiles to try


@dataclass(frozen=True)
class PartOutline:
    """A part that runs tile by tile, whatever its tiles.

    Attributes:
        positions: tuple of positions of operators, in the order of the graph.
        given: frozenset of the tensors that it reads, beside the image.
        wanted: tuple of the tensors that it makes.
        recomputed: frozenset of the tensors that it computes although another part did so before.
        border: `"once"` or `"same"`, see `keras_unetmm.tflite.tile`.
    """

    positions: tuple[int, ...]
    given: frozenset[int]
    wanted: tuple[int, ...]
    recomputed: frozenset[int]
    border: str


class PlannedPart:
    """One part's file, planned when it is asked for.

    Attributes:
        part: `Part`; None for what runs whole.
        tile: `(height, width)` in pixels; the whole image for what runs whole.
        grid: `(rows, columns)` of tiles.
        macs: int, multiply-accumulates of one run.
    """

    def __init__(
        self, part: Part | None, tile: Tile, grid: tuple[int, int], macs: int, write: Callable[[], bytes], kernels: str
    ) -> None:
        self.part, self.tile, self.grid, self.macs = part, tile, grid, macs
        self._write, self._kernels = write, kernels

    @property
    def runs(self) -> int:
        """How often it runs."""
        return math.prod(self.grid)

    @property
    def cost(self) -> int:
        """Multiply-accumulates of all its runs."""
        return self.macs * self.runs

    @cached_property
    def plan(self) -> Plan:
        """`Plan` of its file."""
        try:
            content = self._write()
        except TilingError:
            raise
        except DAMAGE as error:
            raise TFLiteFileError(
                f"file is damaged: a part of it cannot be written ({type(error).__name__}: {error}). Convert it again."
            ) from error
        return plan(content, self._kernels, seconds=_SECONDS)

    @property
    def planned(self) -> PlannedFile:
        """Its planned file.

        Raises:
            TilingError: if it cannot be planned.
        """
        if self.plan.planned is None:
            raise TilingError(f"A part cannot be planned: {self.plan.why_not_planned}")
        return self.plan.planned

    @cached_property
    def places(self) -> list[list[int]]:
        """The offsets of the planned file's inputs and of its outputs, two lists of bytes in its arena."""
        model = read(self.planned.content)
        return [[model.offsets[i] for i in indices] for indices in (model.main.inputs, model.main.outputs)]

    @property
    def arena(self) -> int:
        """Bytes of the arena's head."""
        return self.planned.head

    @property
    def tail(self) -> int:
        """Bytes of the arena's tail, measured on TFLM; estimated where that is not installed."""
        return estimated_tail(self.planned.graph) if self.measured is None else self.measured.tail

    @cached_property
    def measured(self) -> Arena | None:
        """What TFLM takes for the file; None where it is not installed."""
        try:
            return measure(self.planned.content)
        except MissingRuntimeError:
            return None

    def halo(self, network: TilingNetwork) -> int:
        """Returns how many pixels of the image it reads beyond its tile, at most, whatever it reads them from."""
        farthest = 0
        for key, region in ({} if self.part is None else self.part.inputs).items():
            scale = key.scale if isinstance(key, Mask) else network.scale(key)
            for (low, high), side in zip(region, self.tile, strict=True):
                farthest = max(farthest, -low * scale, high * scale - side)
        return math.ceil(farthest)


class PartCompiler:
    """Makes the parts of one network for one size of image, each once.

    Args:
        network: `keras_unetmm.tiling.analyse.TilingNetwork`.
        size: `(height, width)` of the image, multiples of the coarsest map's scale.
        kernels: the library of kernels that the plans must be safe for.
        border: `"once"` or `"same"`, see `keras_unetmm.tflite.tile`.
    """

    def __init__(self, network: TilingNetwork, size: Tile, kernels: str, border: str = "once") -> None:
        self.network, self.size, self.kernels, self.border = network, size, kernels, border
        self.deepest = partition.deepest(network)
        self._partitions: dict[int, Partition] = {}
        self._tiled: dict[tuple[PartOutline, Tile], PlannedPart] = {}
        self._whole: dict[tuple, PlannedPart] = {}

    @cached_property
    def macs(self) -> int:
        """Multiply-accumulates of the network run whole."""
        return self._macs(range(len(self.network.graph.operators)))

    def partition(self, levels: int) -> Partition:
        """Returns the `Partition` with so many levels.

        Raises:
            TilingError: if they cannot be tiled.
        """
        if levels not in self._partitions:
            self._partitions[levels] = partition.partition(self.network, levels)
        return self._partitions[levels]

    def bytes(self, tensor: int) -> int:
        """Returns the bytes of a whole map."""
        return self.network.bytes(tensor, self.size)

    def tiled(self, outline: PartOutline, tile: Tile) -> PlannedPart:
        """Returns the `PlannedPart` of a part that runs tile by tile."""
        key = outline, tile
        if key not in self._tiled:
            network = self.network
            regions: dict[int, Region] = {tensor: whole_tile(network, tensor, tile) for tensor in outline.wanted}
            given = {network.image, *outline.given}
            part = laid_out(network, outline.positions, given, regions, outline.recomputed, outline.border)
            rows, columns = (-(-length // side) for length, side in zip(self.size, tile, strict=True))
            self._tiled[key] = PlannedPart(
                part, tile, (rows, columns), part.macs, lambda: tile_file(network, part), self.kernels
            )
        return self._tiled[key]

    def whole(self, positions: tuple[int, ...], inputs: Iterable[int], outputs: Iterable[int]) -> PlannedPart:
        """Returns the `PlannedPart` of operators that run once, on whole maps.

        Args:
            positions: of the operators.
            inputs, outputs: tensors.
        """
        key = positions, tuple(inputs), tuple(outputs)
        if key not in self._whole:
            self._whole[key] = PlannedPart(
                None,
                self.size,
                (1, 1),
                self._macs(positions),
                lambda: whole_file(self.network, *key, self.size),
                self.kernels,
            )
        return self._whole[key]

    def _macs(self, positions: Iterable[int]) -> int:
        """Multiply-accumulates of operators that run whole."""
        total = 0
        for position in positions:
            made = self.network.graph.operators[position].outputs[0]
            scale, shape = self.network.scales[made], self.network.graph.tensors[made].shape
            places = shape[1:3] if scale is None else [int(length / scale) for length in self.size]
            total += self.network.macs(position, math.prod(places))
        return total
