# SPDX-License-Identifier: Apache-2.0
"""A network without some of its channels, and the network of all of them that computes the same."""

from collections.abc import Mapping, Sequence

import keras
import numpy as np

from keras_unetmm.graph.channels import Channels
from keras_unetmm.graph.cut import cut, reading
from keras_unetmm.graph.expand import expand
from keras_unetmm.pruning.slots import carry_slots, compile_alike


def prune(model: keras.Model, channels: Mapping[str, Sequence[int]]) -> keras.Model:
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

    Examples:
        >>> model = models.UNet(channels=4, levels=2, input_shape=(32, 32, 3))
        >>> model.count_params(), pruning.prune(model, {"enc0_block_conv0": [1, 3]}).count_params()
        (1722, 1594)
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
        `(graph, pruned, cuts)`, see `keras_unetmm.graph.cut.cut`.
    """
    graph = expand(model)
    found = Channels(graph)
    return graph, *cut(graph, found, found.gone(channels))


def masked(model: keras.Model, channels: Mapping[str, Sequence[int]]) -> keras.Model:
    """Returns the whole network with the given channels at 0 wherever they are read: it computes what `prune`'s does.

    Args:
        model, channels: see `prune`.

    Raises:
        ValueError: see `prune`.

    Examples:
        >>> model = models.UNet(channels=4, levels=2, input_shape=(32, 32, 3))
        >>> pruning.masked(model, {"enc0_block_conv0": [1, 3]}).output_shape
        (None, 32, 32, 2)
    """
    graph = expand(model)
    found = Channels(graph)
    gone = found.gone(channels)
    for use in found.uses:
        kernel = keras.ops.convert_to_numpy(use.layer.kernel).copy()
        reads = np.moveaxis(kernel, reading(use.layer), 0)
        reads[np.isin(found.one(use.reads), list(gone))] = 0
        use.layer.kernel.assign(kernel)
    return graph
