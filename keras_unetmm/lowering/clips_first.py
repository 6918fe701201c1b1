# SPDX-License-Identifier: Apache-2.0
"""ReLU and its like where the converter has them: before what only moves bytes, joined with a convolution; and once."""

import keras

from keras_unetmm.graph.names import free_name
from keras_unetmm.graph.nodes import followers, maker, operations_read, tensors_read
from keras_unetmm.lowering.operator_layers import Scaled
from keras_unetmm.lowering.operators import copied
from keras_unetmm.lowering.scales import activation, is_joined, moves


def clips_first(graph):
    """Returns an equal functional model, or the same, in which clips come before the layers that move what they clip.

    A ReLU of what another ReLU gives is left out. A product that a ReLU6 reads and others too is made twice, as
    `keras_unetmm.conversion.unshare_multiplies` does in the file.

    Args:
        graph: a model of images with a layer an operator, from `keras_unetmm.lowering.operators.operators_of`.
    """
    clips, last = {}, maker(graph.outputs[0])  # by the name of the layer before which each goes
    for layer in graph.operations:
        reads, moved = operations_read(layer), None
        while len(reads) == 1 and reads[0] is not last and len(followers(reads[0])) == 1 and _moves_one(reads[0]):
            moved, reads = reads[0], operations_read(reads[0])
        alone = moved is not None and len(reads) == 1 and len(followers(reads[0])) == 1
        if alone and is_joined(reads[0], [layer]):
            clips[moved.name] = layer
    repeated = {layer.name for layer in graph.operations if layer is not last and _repeats(layer)}
    shared = {layer.name for layer in graph.operations if _ends_a_shared_product(layer)}
    if not clips and not repeated and not shared:
        return graph
    names = repeated | {layer.name for layer in clips.values()}

    def call(layer, *args, **kwargs):
        if layer.name in names:
            return args[0]
        if layer.name in shared:
            return layer(_made_again(maker(args[0]), f"{layer.name}_product", graph))
        if layer.name in clips:
            return layer(copied(clips[layer.name])(args[0]), **kwargs)
        return layer(*args, **kwargs)

    return keras.models.clone_model(graph, clone_function=copied, call_function=call)


def _ends_a_shared_product(layer):
    """Whether a layer is a ReLU6 of a product that others read as well."""
    if type(layer) not in (keras.layers.ReLU, keras.layers.Activation) or activation(layer) != "relu6":
        return False
    product = operations_read(layer)[0]
    return isinstance(product, (keras.layers.Multiply, Scaled)) and len(followers(product)) > 1


def _made_again(product, name, graph):
    """What a copy of a product gives."""
    again, read = copied(product), tensors_read(product)
    again.name = free_name(name, {layer.name for layer in graph.layers})
    return again(read if len(read) > 1 else read[0])


def _repeats(layer):
    """Whether a layer is a ReLU of what a ReLU gives."""
    if type(layer) not in (keras.layers.ReLU, keras.layers.Activation) or activation(layer) != "relu":
        return False
    return activation(operations_read(layer)[0]) == "relu"


def _moves_one(layer):
    """Whether a layer moves the bytes of one image to one image."""
    tensors = [*keras.tree.flatten(layer.input), *keras.tree.flatten(layer.output)]
    return moves(layer) and len(tensors) == 2 and all(len(x.shape) < 5 for x in tensors)
