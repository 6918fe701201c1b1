# SPDX-License-Identifier: Apache-2.0
"""The two normalizations that the restoration networks choose from."""

from typing import Any

import keras
from keras import ops

from keras_unetmm.types import Tensor

NORMS = ("layer", "batch")


@keras.saving.register_keras_serializable("keras_unetmm")
class LayerNormalization(keras.layers.LayerNormalization):
    """`keras.layers.LayerNormalization` over channels, which PyTorch's exporter to ONNX takes.

    While PyTorch traces a model, sizes are tensors, with which its own layer normalization cannot be written down.

    Args:
        epsilon: float.

    Shape: `(N, ..., C) -> (N, ..., C)`.

    Examples:
        >>> layers.LayerNormalization()(keras.Input((16, 16, 8))).shape
        (None, 16, 16, 8)
    """

    def call(self, x: Tensor) -> Tensor:
        if isinstance(x.shape[-1], int):
            return super().call(x)
        centred = x - ops.mean(x, axis=-1, keepdims=True)
        y = centred * ops.rsqrt(ops.mean(ops.square(centred), axis=-1, keepdims=True) + self.epsilon)
        y = y if self.gamma is None else y * self.gamma
        return y if self.beta is None else y + self.beta


def normalization(norm: str, **kwargs: Any) -> keras.Layer:
    """Returns a normalization layer over channels by name.

    Args:
        norm: `"layer"`, over the channels of each pixel with epsilon 1e-6, as published for NAFNet, KBNet and
            ConvNeXt V2; or `"batch"`, which an integer graph folds into the next 1x1 convolution at no cost.

    Raises:
        ValueError: for any other name.

    Examples:
        >>> layers.normalization("batch")(keras.Input((16, 16, 8))).shape
        (None, 16, 16, 8)
    """
    if norm == "layer":
        return LayerNormalization(axis=-1, epsilon=1e-6, **kwargs)
    if norm == "batch":
        return keras.layers.BatchNormalization(axis=-1, epsilon=1e-5, momentum=0.99, **kwargs)
    raise ValueError(f"norm must be one of {', '.join(map(repr, NORMS))}. Received: {norm!r}.")
