"""A network without some of its channels, and the network of all of them that computes the same."""

import keras
import numpy as np

from keras_unetmm.graph.expand import expand
from keras_unetmm.layers import RepeatChannels
from keras_unetmm.pruning.channels import DEPTHWISE, TRANSPOSED, Channels
from keras_unetmm.pruning.slots import carry_slots, compile_alike


def prune(model, channels):
    """Returns a smaller network: the given channels are gone, everything else is as it was.

    Channels that are added to each other go together, and so do the halves of a simple gate: dropping one drops its
    partners. Where a channel leads - through skips, concatenations, SAT gates, batch norm - its weights go as well.

    Args:
        model: a functional `keras.Model`. It is not changed.
        channels: dict of indices by the name of the convolution or transposed convolution that makes them, as in
            `keras_unetmm.graph.expand`: `{"enc0_block_conv0": [1, 3]}`.

    Returns:
        A functional `keras.Model` of the parts of the model's blocks, `enc0_block_conv0`. If the model is compiled it is,
        too, and the optimizer's slots and step are those of the weights that are left.

    Raises:
        ValueError: for a model that is no graph, an unknown layer, a channel that it has not or that cannot be pruned, or a
            layer that would be empty; for a compiled one also if it has several outputs or a `train_step` of its own, was
            compiled with what Keras cannot write down, or its optimizer has slots of other shapes than the weights.
    """
    graph, pruned, cuts = cut_out(model, channels)
    if getattr(model, "optimizer", None) is not None:
        compile_alike(model, pruned)
        carry_slots(model, pruned, graph, cuts)
    return pruned


def cut_out(model, channels):
    """Returns the model as a graph of its parts, that graph without the channels, and what cuts the weights.

    Args:
        model, channels: see `prune`.

    Returns:
        `(graph, pruned, cuts)`: two `keras.Model`s with weights in the same order, and a list of functions, one a weight,
        that cut an array of the first's shape to the second's.
    """
    graph = expand(model)
    found = Channels(graph)
    kept = _Kept(found, found.gone(channels))

    def smaller(operation):
        if isinstance(operation, keras.layers.InputLayer):
            return operation
        config = operation.get_config()
        if operation in kept.made:
            config["units" if isinstance(operation, keras.layers.Dense) else "filters"] = int(kept.made[operation].sum())
        elif isinstance(operation, RepeatChannels) and operation in kept.handed:
            every = kept.handed[operation]
            config["channels"] = int(every[np.arange(operation.channels) % len(every)].sum())
        copy = type(operation).from_config(config)
        copy.name = operation.name
        return copy

    pruned, cuts = keras.models.clone_model(graph, clone_function=smaller), {}
    for old in graph.layers:
        for before, after in zip(old.variables, pruned.get_layer(old.name).variables, strict=True):
            cuts[id(before)] = _cut(old, before, kept)
            after.assign(cuts[id(before)](keras.ops.convert_to_numpy(before)))
    return graph, pruned, [cuts[id(weight)] for weight in graph.weights]


def masked(model, channels):
    """Returns the whole network with the given channels at 0 wherever they are read: it computes what `prune`'s does.

    Args:
        model, channels: see `prune`.

    Raises:
        ValueError: see `prune`.
    """
    graph = expand(model)
    found = Channels(graph)
    gone = found.gone(channels)
    for use in found.uses:
        kernel = keras.ops.convert_to_numpy(use.layer.kernel).copy()
        reads = np.moveaxis(kernel, _reading(use.layer), 0)
        reads[np.isin(found.one(use.reads), list(gone))] = 0
        use.layer.kernel.assign(kernel)
    return graph


class _Kept:
    """What is left of the channels of each layer, as masks."""

    def __init__(self, found, gone):
        def mask(numbers):
            return ~np.isin(found.one(numbers), list(gone))

        self.read = {use.layer: mask(use.reads) for use in found.uses}
        self.made = {use.layer: mask(use.makes) for use in found.uses}
        self.handed = {layer: mask(numbers) for layer, numbers in found.handed.items()}


def _cut(layer, variable, kept):
    masks = {}  # by axis
    if layer in kept.made:
        rank = len(variable.shape)
        if rank > 1:
            masks[_reading(layer) % rank] = kept.read[layer]
        masks[_making(layer) % rank if rank > 1 else 0] = kept.made[layer]
    elif layer in kept.handed and any(variable is weight for weight in layer.weights):  # not the seed of a dropout
        axis = -2 if isinstance(layer, DEPTHWISE) and len(variable.shape) > 1 else -1
        if variable.shape[axis] == len(kept.handed[layer]):  # not the one slope of a PReLU
            masks[axis % len(variable.shape)] = kept.handed[layer]

    def cut(array):
        for axis, mask in masks.items():
            array = np.take(array, np.flatnonzero(mask), axis)
        return array

    return cut


def _reading(layer):
    return -1 if isinstance(layer, TRANSPOSED) else -2


def _making(layer):
    return -2 if isinstance(layer, TRANSPOSED) else -1
