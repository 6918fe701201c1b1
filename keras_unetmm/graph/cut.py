# SPDX-License-Identifier: Apache-2.0
"""A graph without some of its channels."""

import keras
import numpy as np

from keras_unetmm.graph.channels import DEPTHWISE, TRANSPOSED
from keras_unetmm.layers import RepeatChannels

_NOTHING = object()  # stands for a map that has lost all its channels


def cut(graph, found, gone):
    """Returns a graph without some channels, everything else as it was, and what cuts the weights.

    Where a map loses all its channels, so do the layers that only hand it on, and a concatenation goes on without it.

    Args:
        graph: an expanded functional `keras.Model`, see `keras_unetmm.graph.expand`.
        found: its `keras_unetmm.graph.channels.Channels`.
        gone: set of numbers of channels; of what every convolution reads, some are left.

    Returns:
        `(smaller, cuts)`: a `keras.Model` with weights in the order of the graph's, and a list of functions, one a weight
        of the graph, that cut an array of the weight's shape to what is left of it.
    """
    kept, cuts = _Kept(found, gone), {}

    def smaller(operation):
        if isinstance(operation, keras.layers.InputLayer):
            return operation
        config = operation.get_config()
        if operation in kept.made:
            left = int(kept.made[operation].sum())
            config["units" if isinstance(operation, keras.layers.Dense) else "filters"] = max(left, 1)
        elif isinstance(operation, RepeatChannels) and operation in kept.handed:
            every = kept.handed[operation]
            config["channels"] = int(every[np.arange(operation.channels) % len(every)].sum())
        copy = type(operation).from_config(config)
        copy.name = operation.name
        return copy

    pruned = keras.models.clone_model(graph, clone_function=smaller, call_function=kept.call)
    left = {layer.name: layer for layer in pruned.layers}
    for old in graph.layers:
        for i, before in enumerate(old.variables):
            cuts[id(before)] = _cutter(old, before, kept)
            if old.name in left:
                left[old.name].variables[i].assign(cuts[id(before)](keras.ops.convert_to_numpy(before)))
    return pruned, [cuts[id(weight)] for weight in graph.weights]


class _Kept:
    """What is left of the channels of each layer, as masks."""

    def __init__(self, found, gone):
        def mask(numbers):
            return ~np.isin(found.one(numbers), list(gone))

        self.read = {use.layer: mask(use.reads) for use in found.uses}
        self.made = {use.layer: mask(use.makes) for use in found.uses}
        self.handed = {layer: mask(numbers) for layer, numbers in found.handed.items()}
        self.empty = {layer.name for layer, left in self.made.items() if not left.any()}

    def call(self, operation, *args, **kwargs):
        """What a layer of the smaller graph makes of tensors, or of nothing."""
        given = keras.tree.flatten((args, kwargs))
        if operation.name in self.empty:
            return _NOTHING
        if not any(x is _NOTHING for x in given):
            return operation(*args, **kwargs)
        left = [x for x in given if isinstance(x, keras.KerasTensor)]
        if not left or not isinstance(operation, keras.layers.Concatenate):
            return _NOTHING
        return operation(left) if len(left) > 1 else left[0]


def _cutter(layer, variable, kept):
    masks = {}  # by axis
    if layer in kept.made:
        rank = len(variable.shape)
        if rank > 1:
            masks[reading(layer) % rank] = kept.read[layer]
        masks[making(layer) % rank if rank > 1 else 0] = kept.made[layer]
    elif layer in kept.handed and any(variable is weight for weight in layer.weights):  # not the seed of a dropout
        axis = -2 if isinstance(layer, DEPTHWISE) and len(variable.shape) > 1 else -1
        if variable.shape[axis] == len(kept.handed[layer]):  # not the one slope of a PReLU
            masks[axis % len(variable.shape)] = kept.handed[layer]

    def cutter(array):
        for axis, mask in masks.items():
            array = np.take(array, np.flatnonzero(mask), axis)
        return array

    return cutter


def reading(layer):
    """The axis of a convolution's kernel with the channels that it reads."""
    return -1 if isinstance(layer, TRANSPOSED) else -2


def making(layer):
    """The axis of a convolution's kernel with the channels that it makes."""
    return -2 if isinstance(layer, TRANSPOSED) else -1
