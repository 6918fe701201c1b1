# SPDX-License-Identifier: Apache-2.0
"""The Gaussian error linear unit (arXiv 1606.08415), exact."""

import math

import keras
from keras import ops

from keras_unetmm.types import Tensor


@keras.saving.register_keras_serializable("keras_unetmm")
class GELU(keras.layers.Layer):
    """`y = x * (1 + erf(x / sqrt(2))) / 2`.

    Keras's own activation is made of ERFC under TensorFlow, which ONNX does not have.

    Shape: any, unchanged.

    Examples:
        >>> layers.GELU()(keras.Input((16, 16, 8))).shape
        (None, 16, 16, 8)
    """

    def call(self, x: Tensor) -> Tensor:
        return 0.5 * x * (1 + ops.erf(x / math.sqrt(2)))
