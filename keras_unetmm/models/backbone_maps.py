# SPDX-License-Identifier: Apache-2.0
"""Finding the maps of an encoder that somebody else built: one for each resolution, finest first."""

import math
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import pairwise

import keras

from keras_unetmm.graph.nodes import calls, maker
from keras_unetmm.layers.checked_sizes import check_sizes

PROBE = 2**10  # pixels: an open size stands for this one while strides are found out
LOST = 8  # pixels that convolutions without padding may have taken from a map, at most
PADDING = tuple(getattr(keras.layers, f"{kind}{rank}D") for kind in ("ZeroPadding", "Cropping") for rank in (2, 3))


@dataclass(frozen=True)
class Map:
    """A map of a backbone.

    Attributes:
        tensor: symbolic, `(N, *spatial, C)`.
        halvings: int, the map has the size of the input divided by `2**halvings`.
        missing: tuple of int, pixels that it lacks of that size along each axis, as convolutions without padding leave it.
    """

    tensor: object
    halvings: int
    missing: tuple

    @property
    def name(self):
        """The name of the layer that makes the map."""
        return maker(self.tensor).name

    @property
    def channels(self):
        """How many channels the map has."""
        return self.tensor.shape[-1]


def backbone_maps(backbone, layers=None, levels=None):
    """Returns the maps that a decoder can use, finest first; the last one is its bottom.

    Args:
        backbone: a functional or sequential `keras.Model` with one input `(N, *spatial, C)`.
        layers: names of layers, or their symbolic outputs, in any order, or a dict of them; None to find the maps.
        levels: int, takes only so many of the finest maps; None takes all.

    Raises:
        ValueError: if there are no such maps, they do not halve from one to the next, or the input's size does not divide.
    """
    _validate_backbone(backbone)
    tensors = _found(backbone) if layers is None else _given(backbone, layers)
    size, sizes = _sizes(backbone, tensors)
    searched = layers is None and not _pyramid(backbone) and len(backbone.outputs) == 1
    if searched:
        tensors, sizes = _on_the_way(backbone, tensors, size, sizes)
    maps = _measured(
        backbone, tensors, size, sizes, needed=tensors[-1:] if searched else tensors, distinct=layers is not None
    )
    if len(maps) < 2:
        raise ValueError(
            f"backbone must halve its maps at least once. Received: {backbone.name}, in which was found only: "
            f"{_listed(maps) or 'no map'}. Name two or more layers in layers=(...), or pass the model that is nested in it."
        )
    if levels is not None:
        if isinstance(levels, bool) or not isinstance(levels, int) or not 2 <= levels <= len(maps):
            raise ValueError(
                f"levels must be a number of maps from 2 to {len(maps)}, the bottom included. Received: {levels!r}."
            )
        maps = maps[:levels]
    _check_sizes(backbone, maps[-1].halvings)
    for fine, coarse in pairwise(maps):
        if coarse.halvings != fine.halvings + 1:
            raise ValueError(
                f"Each map must have half the size of the one before. Received: {_listed(maps)}. Between {fine.name} and "
                f"{coarse.name} is no map: name one in layers=(...), leave out the coarser ones by levels= or layers=, or "
                "take a larger image if its maps have shrunk to a few pixels."
            )
    return maps


def _validate_backbone(backbone):
    if not isinstance(backbone, keras.Model) or not getattr(backbone, "inputs", None):
        raise ValueError(
            "backbone must be a functional or sequential keras.Model that has been built, such as "
            f"keras.applications.MobileNetV2(include_top=False). Received: {backbone!r}."
        )
    if len(backbone.inputs) != 1 or len(backbone.inputs[0].shape) not in (4, 5):
        raise ValueError(
            "backbone must have one input, (N, height, width, channels) or (N, depth, height, width, channels). "
            f"Received: {backbone.name} with {', '.join(str(x.shape) for x in backbone.inputs)}."
        )
    first = [x for x in (backbone, *backbone.layers) if getattr(x, "data_format", None) == "channels_first"]
    if first:
        raise ValueError(
            f"backbone must have its channels last. Received: {backbone.name}, in which {first[0].name} has "
            "data_format='channels_first'. Build it after keras.config.set_image_data_format('channels_last')."
        )


def _given(backbone, layers):
    """The tensors of names or tensors."""
    layers = list(layers.values()) if isinstance(layers, dict) else layers
    if not isinstance(layers, (tuple, list)) or len(layers) < 2:
        raise ValueError(
            "layers must hold the names of two or more layers of the backbone, or their symbolic outputs. "
            f"Received: {layers!r}. None finds the last layer of each resolution."
        )
    tensors = [_tensor(backbone, layer) for layer in layers]
    rank = len(backbone.inputs[0].shape)
    for layer, tensor in zip(layers, tensors, strict=True):
        if len(tensor.shape) != rank:
            raise ValueError(
                f"layers must make maps of {rank} axes, as the input has. Received: {layer!r} with the output "
                f"{tuple(tensor.shape)}. Name layers in front of what pools or flattens the maps."
            )
    try:
        keras.Model(backbone.inputs, tensors)
    except ValueError as error:
        raise ValueError(
            f"layers must be computed from the input of the backbone {backbone.name}. Received: {layers!r}."
        ) from error
    return tensors


def _tensor(backbone, layer):
    if isinstance(layer, keras.KerasTensor):
        return layer
    names = [part.name for part in backbone.layers]
    if layer not in names:
        near = get_close_matches(str(layer), names, n=4, cutoff=0.4) or names[-4:]
        raise ValueError(
            f"layers must be names of layers of {backbone.name}. Received: {layer!r}. Near ones are "
            f"{', '.join(map(repr, near))}."
        )
    output = _output(backbone.get_layer(layer))
    if output is None:
        raise ValueError(
            f"layers must have one output each. Received: {layer!r}, which is called several times or has several. Pass the "
            "symbolic output instead of the name."
        )
    return output


def _output(layer):
    """The one symbolic output of a layer, or None."""
    if len(calls(layer)) != 1:  # several: the first may be of another model
        return None
    return layer.output if isinstance(layer.output, keras.KerasTensor) else None


def _pyramid(backbone):
    """What keras-hub (tensors) and keras-cv (names) say of their backbones' levels."""
    return getattr(backbone, "pyramid_outputs", None) or getattr(backbone, "pyramid_level_inputs", None)


def _found(backbone):
    """Tensors that may be maps, of which the last one of each resolution counts."""
    rank, outputs = len(backbone.inputs[0].shape), list(backbone.outputs)
    if _pyramid(backbone):
        tensors = [_tensor(backbone, layer) for layer in _pyramid(backbone).values()]
    elif len(outputs) > 1:
        tensors = outputs
    elif len(outputs[0].shape) == rank:
        # a padded map may have the size of one of a finer level
        parts = [part for part in backbone.layers if not isinstance(part, PADDING)]
        tensors = [x for x in map(_output, parts) if x is not None] + outputs
    else:
        raise ValueError(
            f"backbone must end in a map of {rank} axes, as its input has. Received: {backbone.name} with the output "
            f"{tuple(outputs[0].shape)}. Build it with include_top=False and no pooling, or name the maps in layers=(...)."
        )
    return [x for x in tensors if len(x.shape) == rank]


def _on_the_way(backbone, tensors, size, sizes):
    """Those tensors that are neither the image, preprocessed, nor smaller than the last, as squeezed side branches are."""
    image, last = (*size, backbone.inputs[0].shape[-1]), sizes[-1]
    kept = [
        (x, s)
        for x, s in zip(tensors, sizes, strict=True)
        if (*s, x.shape[-1]) != image and all(a >= b for a, b in zip(s, last, strict=True))
    ]
    return [x for x, _ in kept], [s for _, s in kept]


def _sizes(backbone, tensors):
    """The size of the input and those of the tensors, tried out where the backbone leaves its own open."""
    _, *size, channels = backbone.inputs[0].shape
    if None not in size:
        return tuple(size), [tuple(x.shape[1:-1]) for x in tensors]
    size = tuple(PROBE if s is None else s for s in size)
    probe = keras.Model(backbone.inputs, tensors)
    shapes = probe.compute_output_spec(keras.KerasTensor((None, *size, channels), backbone.inputs[0].dtype))
    return size, [tuple(x.shape[1:-1]) for x in shapes]


def _measured(backbone, tensors, size, sizes, needed, distinct):
    """The maps, finest first, the last one of each size.

    Those that are needed must have the input's size, halved; if distinct, no two may have the same size.
    """
    maps, needed = {}, [id(x) for x in needed]
    for tensor, own in zip(tensors, sizes, strict=True):
        found = Map(tensor, *_halvings(size, own))
        if all(lost <= LOST and lost < left for lost, left in zip(found.missing, own, strict=True)):
            if distinct and found.halvings in maps:
                both = _listed([maps[found.halvings], found])
                raise ValueError(f"layers must make maps of different sizes. Received: {both}. Leave one out.")
            maps[found.halvings] = found
        elif id(tensor) in needed:
            _check_sizes(backbone, found.halvings)
            raise ValueError(
                "The backbone's maps must have the size of the input, halved equally often along each axis. Received: "
                f"{found.name} with {own} of {tuple(size)}. Name other layers in layers=(...), or take a larger image if "
                "the maps have shrunk to a few pixels."
            )
    return [maps[halvings] for halvings in sorted(maps)]


def _halvings(size, own):
    """How often the first size was halved, odd ones rounded up, to get the second, and the pixels that it lacks then."""
    found = []
    for halvings in range(max(size).bit_length() + 1):
        missing = tuple(math.ceil(a / 2**halvings) - b for a, b in zip(size, own, strict=True))
        if min(missing) >= 0:
            found.append((sum(missing), halvings, missing))
    return min(found)[1:] if found else (0, tuple(LOST + 1 for _ in own))


def _check_sizes(backbone, halvings):
    check_sizes(backbone.inputs[0].shape[1:], 2 ** max(halvings, 0), 1, f"The backbone {backbone.name}")


def _listed(maps):
    return ", ".join(f"{m.name} (stride {2**m.halvings})" for m in maps)
