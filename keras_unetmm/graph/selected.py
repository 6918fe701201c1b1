# SPDX-License-Identifier: Apache-2.0
"""A network without the channels that Select-Attend-Transfer gates (arXiv 1804.05181) have switched off."""

import keras
import numpy as np

from keras_unetmm.graph.channels import Channels, keeps_zero
from keras_unetmm.graph.cut import cut
from keras_unetmm.graph.expand import copied, expand
from keras_unetmm.graph.nodes import calls, followers, parts
from keras_unetmm.layers import Select

_CONVOLUTIONS = {3: keras.layers.Conv1D, 4: keras.layers.Conv2D, 5: keras.layers.Conv3D}


def without_unselected(model: keras.Model) -> keras.Model:
    """Returns a network that computes the same without the channels that its gates have switched off.

    Where a gate's map is kept whole, as `skips="st"` does, a 1x1 convolution takes the place of the gate and makes the
    channels that are on, weighted: the skip holds fewer, and the decoder reads fewer. A gate with none on has no skip any
    more. A convolution before the gate loses its channels, too, unless something else reads them, as the encoder's next
    stage does in a U-Net. Where a gate is summed up at once, as `skips="sat"` does, its map has one channel whatever is off:
    only what nothing else reads can go.

    A channel stays where it would be missed: behind a batch norm, which makes another number of 0, and where it is added to
    a channel of the decoder.

    Args:
        model: a functional `keras.Model`; trained, for a gate that training may change is a constant afterwards.

    Returns:
        A functional `keras.Model` of the parts of the model's blocks, not compiled; the model itself if nothing can go.

    Raises:
        ValueError: for a model with gates that is no graph of layers, or has several inputs.

    Examples:
        >>> model = models.UNet(channels=4, levels=2, skips="st", input_shape=(32, 32, 3))
        >>> pruning.without_unselected(model).count_params() <= model.count_params()
        True
    """
    if not any(isinstance(part, Select) and (part.scales() <= 0).any() for part in parts(model)):
        return model
    graph, gates = _with_convolutions(expand(model))
    found = Channels(graph)
    gone = _spare(found, _removable(found, gates), gates)
    if not gone:
        return model
    smaller, _ = cut(graph, found, gone)
    return _with_gates(smaller, set(gates))


def _with_convolutions(graph):
    """The graph with a 1x1 convolution for each gate that has channels off, and the gates by their names."""
    gates = {
        layer.name: layer
        for layer in graph.layers
        if isinstance(layer, Select) and (layer.scales() <= 0).any() and len(calls(layer)) == 1
    }

    def made(operation):
        if gates.get(operation.name) is not operation:
            return copied(operation)
        shape = operation.input.shape
        convolution = _CONVOLUTIONS[len(shape)](
            shape[-1], 1, use_bias=False, name=operation.name, dtype=operation.dtype_policy.name
        )
        convolution.build(shape)
        convolution.kernel.assign(np.reshape(np.diag(operation.scales()), convolution.kernel.shape))
        return convolution

    return keras.models.clone_model(graph, clone_function=made), gates


def _removable(found, gates):
    """The numbers of channels that nothing would miss."""
    off = {name: gate.scales() <= 0 for name, gate in gates.items()}
    silent, dead = _silent(found, off), _dead(found, off)
    gone = set()
    for use in found.uses:
        if use.layer.name not in off:
            continue
        is_off = off[use.layer.name]
        summed = _is_summed(use.layer, is_off)
        for before, after in zip(found.one(use.reads)[is_off], found.one(use.makes)[is_off], strict=True):
            if after in silent and (before in dead or not summed):
                gone |= {int(after)} | ({int(before)} if before in dead else set())
    return gone


def _silent(found, off):
    """The numbers of channels that are 0 everywhere and can go: gates made them, and nothing behind makes more of them."""
    silent, heard = _off_and_on(found, off, "makes")
    for operation, numbers in found.passed:
        if not keeps_zero(operation):
            heard |= set(found.one(numbers).tolist())
    return silent - heard


def _dead(found, off):
    """The numbers of channels that gates alone read, at which they are off."""
    dead, read = _off_and_on(found, off, "reads")
    return dead - read


def _off_and_on(found, off, side):
    """The numbers of the channels that layers read or make, `side`: those that gates switch off, and all others."""
    off_numbers, on_numbers = set(), set(found.held)
    for use in found.uses:
        numbers = found.one(getattr(use, side))
        is_off = off.get(use.layer.name, np.zeros(len(numbers), bool))
        off_numbers |= set(numbers[is_off].tolist())
        on_numbers |= set(numbers[~is_off].tolist())
    return off_numbers, on_numbers


def _is_summed(convolution, off):
    """Whether 1x1 convolutions alone read a gate, and cost less on all channels than a convolution that leaves some out."""
    readers = followers(convolution)
    if not all(type(reader) in _CONVOLUTIONS.values() and _pointwise(reader) for reader in readers):
        return False
    made, left = sum(reader.filters for reader in readers), int((~off).sum())
    return len(off) * made <= left * (len(off) + made)


def _pointwise(layer):
    return set(layer.kernel_size) == {1} and layer.groups == 1 and len(calls(layer)) == 1


def _spare(found, gone, gates):
    """The numbers less those without which a convolution would read or make nothing; a gate may make nothing."""
    for use in found.uses:
        for numbers in (use.reads, use.makes):
            ones = found.one(numbers)
            if gone.issuperset(ones.tolist()) and not (numbers is use.makes and use.layer.name in gates):
                gone = gone - {int(ones[0])}
    return gone


def _with_gates(graph, names):
    """The graph with gates again for the convolutions that only weight channels."""

    def made(operation):
        if operation.name not in names:
            return copied(operation)
        kernel = keras.ops.convert_to_numpy(operation.kernel)
        kernel = kernel.reshape(kernel.shape[-2:])
        if not np.array_equal(kernel, np.diag(np.diagonal(kernel))):
            return copied(operation)
        gate = Select(name=operation.name, dtype=operation.dtype_policy.name)
        gate.build(operation.input.shape)
        gate.weight.assign(np.diagonal(kernel))
        return gate

    return keras.models.clone_model(graph, clone_function=made)
