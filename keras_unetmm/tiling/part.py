"""One part of a network for one tile: what it takes, what it makes of that, and its multiply-accumulates.

A region is `((top, bottom), (left, right))`, in places of a map from the tile's own corner: what lies before the tile is
negative. Inside a part nothing is padded, so regions shrink from the inputs to the outputs. Where a map must be zero outside
the image it is multiplied by a mask.
"""

import math
from dataclasses import dataclass, replace
from fractions import Fraction

from keras_unetmm.tiling.partition import ancestors


@dataclass(frozen=True)
class Step:
    """An operator of a part.

    Attributes:
        position: int, of the network's operator; None for the product of a map with its mask.
        inputs: tuple of the maps it reads, tensors or `Masked` ones.
        outputs: tuple of the maps it makes.
        needed: the region that it reads of its inputs.
    """

    position: int | None
    inputs: tuple
    outputs: tuple
    needed: tuple = ()


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


@dataclass(frozen=True)
class Part:
    """A part of a network, laid out for one tile.

    Attributes:
        steps: tuple of `Step`.
        inputs, outputs: dicts from tensors, or `Mask`s, to their regions.
        made: dict from each map to the region that is computed.
        macs: int, multiply-accumulates of one tile.
    """

    steps: tuple
    inputs: dict
    outputs: dict
    made: dict
    macs: int


def whole_tile(network, tensor, tile):
    """Returns the region of a map that belongs to a tile, `(height, width)` in pixels of the image, without a halo."""
    return tuple((0, int(side / network.scales[tensor])) for side in tile)


def laid_out(network, positions, given, outputs, recomputed=(), border="once"):
    """Returns the `Part` of some operators.

    Args:
        network: `keras_unetmm.tiling.network.TilingNetwork`.
        positions: positions of operators; those that nobody needs are left out.
        given: set of the tensors that are inputs.
        outputs: dict from tensors to the regions that are wanted.
        recomputed: tensors that are computed here from the image although another part did so before.
        border: `"once"`, maps go on outside the image as they are computed there, but for those of `recomputed`, which are
            zero as if they had been kept; or `"same"`, they are zero for whatever pads its input.

    Raises:
        TilingError: if an operator pads with something else than zeros, and the border is `"same"`.
    """
    asked, made, taken, macs = {}, {}, {}, 0

    def ask(key, region):
        known = taken if key in given or isinstance(key, Mask) else asked
        known[key] = hull(known[key], region) if key in known else region

    for tensor, region in outputs.items():
        ask(tensor, region)
    kept = []
    for step in reversed(_steps(network, positions, given, recomputed, border)):
        regions = [asked[key] for key in step.outputs if key in asked]
        if not regions:
            continue
        region = regions[0]
        for other in regions[1:]:
            region = hull(region, other)
        if step.position is None:
            needed = region
            ask(Mask(network.scales[step.inputs[0]]), region)
        else:
            pair = network.receptive_fields[step.position]
            needed = tuple(r.needs(*axis) for r, axis in zip(pair, region, strict=True))
            region = tuple(
                r.gives(*axis) if r.factor > 1 else axis_made
                for r, axis, axis_made in zip(pair, needed, region, strict=True)
            )
            macs += network.macs(step.position, area(region))
        for key in step.inputs:
            ask(key, needed)
        made.update(dict.fromkeys(step.outputs, region))
        kept.append(replace(step, needed=needed))
    return Part(tuple(reversed(kept)), taken, dict(outputs), {**made, **taken}, macs)


def hull(a, b):
    """Returns the smallest region that holds both."""
    return tuple((min(x[0], y[0]), max(x[1], y[1])) for x, y in zip(a, b, strict=True))


def sizes(region):
    """Returns how many rows and columns a region has."""
    return tuple(high - low for low, high in region)


def area(region):
    """Returns how many places a region has."""
    return math.prod(sizes(region))


def _steps(network, positions, given, recomputed, border):
    """The operators in order, and the products with masks that some of them read instead of maps."""
    operators = network.graph.operators
    again = ancestors(network, recomputed)
    read, steps = {}, []
    for position in sorted({*positions, *again}):
        maps = [i for i in network.maps(operators[position].inputs) if network.scales[i] is not None]
        if border == "same":
            masked = {i for i in maps if i not in given and network.pads(position)}
        else:
            masked = {i for i in maps if i in recomputed and position not in again}
        read[position] = tuple(dict.fromkeys(Masked(i) if i in masked else i for i in maps))
    wanted = {key.tensor for keys in read.values() for key in keys if isinstance(key, Masked)}
    for position, keys in read.items():
        steps.append(Step(position, keys, operators[position].outputs))
        steps += [Step(None, (i,), (Masked(i),)) for i in operators[position].outputs if i in wanted]
    return steps
