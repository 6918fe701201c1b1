# SPDX-License-Identifier: Apache-2.0
"""What looks at one value at a time and has no integer operator of its own everywhere, made of operators that have one."""

import keras

from keras_unetmm.layers.composite import Composite
from keras_unetmm.lowering.operator_layers import Scaled, built


class _OfItself(Composite):
    """Reads its input twice. Shape: any, unchanged."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.input_spec = None

    def compute_output_shape(self, input_shape):
        return input_shape


@keras.saving.register_keras_serializable("keras_unetmm")
class Squared(_OfItself):
    """`y = x * x`: SQUARE computes in floats."""

    def build(self, input_shape):
        self.product = built(keras.layers.Multiply(name="product"), [input_shape] * 2)

    def call(self, x):
        return self.product([x, x])


@keras.saving.register_keras_serializable("keras_unetmm")
class Magnitude(_OfItself):
    """`y = relu(x) + relu(-x)`, the magnitude where a target has no ABS.

    The larger one of x and -x would give both, and whoever else reads x, the range of the result.
    """

    def build(self, input_shape):
        self.positive = built(keras.layers.ReLU(name="positive"), input_shape)
        self.negative = built(Scaled(-1.0, name="negative"), input_shape)
        self.rest = built(keras.layers.ReLU(name="rest"), input_shape)
        self.sum = built(keras.layers.Add(name="sum"), [input_shape] * 2)

    def call(self, x):
        return self.sum([self.positive(x), self.rest(self.negative(x))])
