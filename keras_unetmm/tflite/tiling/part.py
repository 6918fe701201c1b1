"""One part of a network for one tile: what it takes, what it makes of that, and its multiply-accumulates.

A region is `((top, bottom), (left, right))`, in places of a map from the tile's own corner: what lies before the tile is
negative. Inside a part nothing is padded, so regions shrink from the inputs to the outputs.
"""

import math
from dataclasses import dataclass, replace

from keras_unetmm.tflite.tiling.cut import ancestors


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
    """A map that is computed anew, with zeros outside the image, as one that was kept would have.

    Attributes:
        tensor: int.
    """

    tensor: int


@dataclass(frozen=True)
class Mask:
    """Ones where a tile's map lies inside the image, and zeros outside.

    Attributes:
        tensor: int, the map's.
    """

    tensor: int


@dataclass(frozen=True)
class Part:
    """A part of a network, laid out for one tile.

    Attributes:
        steps: tuple of `Step`.
        inputs, outputs: dicts from tensors, or `Mask`s, to their regions.
        asked: dict from each step's outputs to the region that somebody reads.
        made: dict from each map to the region that is computed.
        macs: int, multiply-accumulates of one tile.
    """

    steps: tuple
    inputs: dict
    outputs: dict
    asked: dict
    made: dict
    macs: int


def whole_tile(network, tensor, tile):
    """Returns the region of a map that belongs to a tile, `(height, width)` in pixels of the image, without a halo."""
    return tuple((0, int(side / network.scales[tensor])) for side in tile)


def laid_out(network, positions, given, outputs, anew=()):
    """Returns the `Part` of some operators.

    Args:
        network: `keras_unetmm.tflite.tiling.network.Network`.
        positions: positions of operators; those that nobody needs are left out.
        given: set of the tensors that are inputs.
        outputs: dict from tensors to the regions that are wanted.
        anew: tensors that are computed here from the image although another part did so before.
    """
    asked, made, taken, macs = {}, {}, {}, 0

    def ask(key, region):
        known = taken if key in given or isinstance(key, Mask) else asked
        known[key] = hull(known[key], region) if key in known else region

    for tensor, region in outputs.items():
        ask(tensor, region)
    kept = []
    for step in reversed(_steps(network, positions, anew)):
        regions = [asked[key] for key in step.outputs if key in asked]
        if not regions:
            continue
        region = regions[0]
        for other in regions[1:]:
            region = hull(region, other)
        if step.position is None:
            needed = region
            ask(Mask(step.inputs[0]), region)
        else:
            reach = network.reaches[step.position]
            needed = tuple(r.needs(*axis) for r, axis in zip(reach, region, strict=True))
            region = tuple(
                r.gives(*axis) if r.factor > 1 else axis_made
                for r, axis, axis_made in zip(reach, needed, region, strict=True)
            )
            macs += network.macs(step.position, area(region))
        for key in step.inputs:
            ask(key, needed)
        made.update(dict.fromkeys(step.outputs, region))
        kept.append(replace(step, needed=needed))
    return Part(tuple(reversed(kept)), taken, dict(outputs), asked, {**made, **taken}, macs)


def hull(a, b):
    """Returns the smallest region that holds both."""
    return tuple((min(x[0], y[0]), max(x[1], y[1])) for x, y in zip(a, b, strict=True))


def sizes(region):
    """Returns how many rows and columns a region has."""
    return tuple(high - low for low, high in region)


def area(region):
    """Returns how many places a region has."""
    return math.prod(sizes(region))


def _steps(network, positions, anew):
    """The operators; those of `anew` are read through their masks by all that is not part of computing them anew."""
    operators = network.graph.operators
    again = ancestors(network, anew)
    steps = []
    for position in sorted({*positions, *again}):
        operator, inside = operators[position], position in again
        inputs = tuple(
            Masked(index) if index in anew and not inside else index
            for index in network.maps(operator.inputs)
            if network.scales[index] is not None
        )
        steps.append(Step(position, tuple(dict.fromkeys(inputs)), operator.outputs))
        steps += [Step(None, (index,), (Masked(index),)) for index in operator.outputs if index in anew]
    return steps
