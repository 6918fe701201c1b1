# SPDX-License-Identifier: Apache-2.0
"""The base of layers that are made of other layers only."""

import keras


class Composite(keras.layers.Layer):
    """A layer without weights of its own: its `call` only wires its sublayers, on maps `(N, H, W, C)`.

    `keras_unetmm.graph.expand` may therefore replace it by its parts, which is how integer lowering and operation counts
    see every single operator of a network. `call` must use nothing but sublayers, so that all parts have names; parts
    take the name of the policy, `dtype=self.dtype_policy.name`, because Keras cannot write a config with the object in it.

    Examples:
        >>> issubclass(layers.NAFBlock, layers.Composite)
        True
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.input_spec = keras.layers.InputSpec(ndim=4)
