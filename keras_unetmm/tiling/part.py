# SPDX-License-Identifier: Apache-2.0
"""One part of a network for one tile: what it takes, what it makes of that, and its multiply-accumulates.

A `Region` counts places of a map from the tile's own corner: what lies before the tile is negative. Inside a part nothing is
padded, so regions shrink from the inputs to the outputs. Where a map must be zero outside the image it is multiplied by a
mask.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from keras_unetmm.program.region import Region
from keras_unetmm.tiling.analyse import TilingNetwork
from keras_unetmm.tiling.partition import ancestors


@dataclass(frozen=True)
class Masked:
    """A map with zeros outside the image.

    Attributes:
        tensor: int.
    """

    tensor: int


@dataclass(frozen=True)
class Mask:
    """Ones where the places of a tile lie inside the image, and zeros outside.

    Attributes:
        scale: Fraction, pixels from one of its places to the next.
    """

    scale: Fraction


NOWHERE = Region((0, 0), (0, 0))
Key = int | Masked | Mask  # what a map of a part is called: a tensor, one with zeros outside the image, or a mask


@dataclass(frozen=True)
class TileOperator:
    """An operator of a part.

    Attributes:
        position: int, of the network's operator; None for the product of a map with its mask.
        inputs: tuple of the maps it reads, tensors or `Masked` ones.
        outputs: tuple of the maps it makes.
        needed: `Region` that it reads of its inputs.
    """

    position: int | None
    inputs: tuple
    outputs: tuple
    needed: Region = NOWHERE


@dataclass(frozen=True)
class Part:
    """A part of a network, laid out for one tile.

    Attributes:
        operators: tuple of `TileOperator`.
        inputs, outputs: dicts from tensors, or `Mask`s, to their `Region`s.
        made: dict from each map to the `Region` that is computed.
        macs: int, multiply-accumulates of one tile.
    """

    operators: tuple[TileOperator, ...]
    inputs: dict
    outputs: dict
    made: dict
    macs: int

    def bytes(self, network: TilingNetwork, key: int | Masked) -> int:
        """Returns the bytes of the region of a map that is computed or read."""
        return self.made[key].area * network.place_bytes(key.tensor if isinstance(key, Masked) else key)

    def widest(self, network: TilingNetwork) -> int:
        """Returns the bytes of its largest map: no plan needs less."""
        return max(self.bytes(network, key) for key in self.made if not isinstance(key, Mask))

    def busiest(self, network: TilingNetwork) -> int:
        """Returns the bytes that its busiest operator reads and writes, by which the arenas of two tiles compare."""
        return max(sum(self.bytes(network, key) for key in (*op.inputs, *op.outputs)) for op in self.operators)


def whole_tile(network: TilingNetwork, tensor: int, tile: tuple[int, int]) -> Region:
    """Returns the `Region` of a map that belongs to a tile, `(height, width)` in pixels of the image, without a halo."""
    return Region(*((0, int(side / network.scale(tensor))) for side in tile))


def laid_out(
    network: TilingNetwork,
    positions: Iterable[int],
    given: Collection[int],
    outputs: Mapping[int, Region],
    recomputed: Collection[int] = (),
    border: str = "once",
) -> Part:
    """Returns the `Part` of some operators.

    Args:
        network: `keras_unetmm.tiling.analyse.TilingNetwork`.
        positions: positions of operators; those that nobody needs are left out.
        given: set of the tensors that are inputs.
        outputs: dict from tensors to the regions that are wanted.
        recomputed: tensors that are computed here from the image although another part did so before.
        border: `"once"`, maps go on outside the image as they are computed there, but for those of `recomputed`, which are
            zero as if they had been kept; or `"same"`, they are zero for whatever pads its input.

    Raises:
        TilingError: if an operator pads with something else than zeros, and the border is `"same"`.
    """
    asked: dict = {}
    made: dict = {}
    taken: dict = {}
    macs = 0

    def ask(key: Key, region: Region) -> None:
        known = taken if key in given or isinstance(key, Mask) else asked
        known[key] = known[key].hull(region) if key in known else region

    for tensor, region in outputs.items():
        ask(tensor, region)
    kept = []
    for step in reversed(_operators(network, positions, given, recomputed, border)):
        regions = [asked[key] for key in step.outputs if key in asked]
        if not regions:
            continue
        region = regions[0]
        for other in regions[1:]:
            region = region.hull(other)
        if step.position is None:
            needed = region
            ask(Mask(network.scale(step.inputs[0])), region)
        else:
            pair = network.fields(step.position)
            needed = Region(*(r.needs(*axis) for r, axis in zip(pair, region, strict=True)))
            region = Region(
                *(
                    r.gives(*axis) if r.factor > 1 else axis_made
                    for r, axis, axis_made in zip(pair, needed, region, strict=True)
                )
            )
            macs += network.macs(step.position, region.area)
        for key in step.inputs:
            ask(key, needed)
        made.update(dict.fromkeys(step.outputs, region))
        kept.append(replace(step, needed=needed))
    return Part(tuple(reversed(kept)), taken, dict(outputs), {**made, **taken}, macs)


def _operators(
    network: TilingNetwork, positions: Iterable[int], given: Collection[int], recomputed: Collection[int], border: str
) -> list[TileOperator]:
    """The operators in order, and the products with masks that some of them read instead of maps."""
    operators = network.graph.operators
    again = ancestors(network, recomputed)
    read: dict[int, tuple] = {}
    steps = []
    for position in sorted({*positions, *again}):
        maps = [i for i in network.maps(operators[position].inputs) if network.scales[i] is not None]
        if border == "same":
            masked = {i for i in maps if i not in given and network.pads(position)}
        else:
            masked = {i for i in maps if i in recomputed and position not in again}
        read[position] = tuple(dict.fromkeys(Masked(i) if i in masked else i for i in maps))
    wanted = {key.tensor for keys in read.values() for key in keys if isinstance(key, Masked)}
    for position, keys in read.items():
        steps.append(TileOperator(position, keys, operators[position].outputs))
        steps += [TileOperator(None, (i,), (Masked(i),)) for i in operators[position].outputs if i in wanted]
    return steps
