# SPDX-License-Identifier: Apache-2.0
"""Names of layers that no other layer of a graph has, as Keras asks for."""

import keras

from keras_unetmm.graph.nodes import maker, operations_read


def free_name(name, taken):
    """Returns the name, or one like it with a number behind it, that is not among those taken."""
    found, count = name, 1
    while found in taken:
        count += 1
        found = f"{name}_{count}"
    return found


class Names:
    """The names in a graph that is made of another one, layer by layer.

    What stands for a layer may have that layer's name. All else that is made on the way has another, whatever the user has
    called his layers: `"volume"`, `"concatenate"`, `"conv_activation"`.

    Args:
        source: `keras.Model` that the graph is made of.
    """

    def __init__(self, source):
        self.holders = {layer.name: None for layer in source.operations}  # None: not made yet
        self.seen = {}

    def settled(self, call):
        """Returns a `call_function` for `keras.models.clone_model` that settles what another one makes."""

        def called(layer, *args, **kwargs):
            made = call(layer, *args, **kwargs)
            self.settle(made, layer.name)
            return made

        return called

    def settle(self, made, own=None):
        """Names apart what was made since the last call.

        Args:
            made: tensors of the new graph, in any structure.
            own: str, the name of the layer that they stand for, or None.
        """
        left = [maker(x) for x in keras.tree.flatten(made) if isinstance(x, keras.KerasTensor)]
        while left:
            layer = left.pop(0)
            if id(layer) in self.seen:
                continue
            self.seen[id(layer)] = layer
            left += operations_read(layer)
            mine = isinstance(layer, keras.layers.InputLayer) or layer.name == own
            if not mine or self.holders.get(layer.name) is not None:
                layer.name = free_name(layer.name, self.holders)
            self.holders[layer.name] = layer
