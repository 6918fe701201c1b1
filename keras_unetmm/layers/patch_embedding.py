# SPDX-License-Identifier: Apache-2.0
"""The overlapping patch embeddings of MSCAN (SegNeXt, arXiv 2209.08575): how it halves its maps.

The paper names the convolutions only. Written after its section 3.1; biases, the one GELU between the stem's two
convolutions, the padding and how weights start are those of the authors' public code (Apache-2.0, read for that).
"""

from typing import Any

import keras

from keras_unetmm.layers.activation import activation
from keras_unetmm.layers.composite import Composite
from keras_unetmm.layers.preactivated_convolution import symmetric_stride_2
from keras_unetmm.types import Shape, Tensor

EPSILON, MOMENTUM = 1e-5, 0.9  # of every batch normalization: PyTorch's, in which the authors trained


@keras.saving.register_keras_serializable("keras_unetmm")
class OverlappingPatchEmbedding(Composite):
    """A 3x3 convolution of stride 2 with bias, then batch normalization. Sizes are halved and rounded up.

    Args:
        channels: int, of the output.

    Shape: `(N, H, W, C) -> (N, ceil(H / 2), ceil(W / 2), channels)`.

    Examples:
        >>> layers.OverlappingPatchEmbedding(16)(keras.Input((16, 16, 8))).shape
        (None, 8, 8, 16)
    """

    def __init__(self, channels: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.channels = channels

    def build(self, input_shape: Shape) -> None:
        dtype = {"dtype": self.dtype_policy.name}
        self.padding, self.projection = symmetric_stride_2(self.channels, 3, "projection", **dtype)
        self.norm = batch_norm(name="norm", **dtype)
        self.projection.build(self.padding.compute_output_shape(input_shape))
        self.norm.build((*input_shape[:-1], self.channels))

    def call(self, x: Tensor) -> Tensor:
        return self.norm(self.projection(self.padding(x)))  # (N, ceil(H / 2), ceil(W / 2), channels)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], *(_half(size) for size in input_shape[1:3]), self.channels)


@keras.saving.register_keras_serializable("keras_unetmm")
class ConvolutionalStem(Composite):
    """Two overlapping patch embeddings, the first to half the channels, with an activation between them.

    Args:
        channels: int, even, of the output.
        activation: `"gelu"` (as published) or `"relu"`.

    Shape: `(N, H, W, C) -> (N, ceil(H / 4), ceil(W / 4), channels)`.

    Raises:
        ValueError: for odd channels or an unknown activation.

    Examples:
        >>> layers.ConvolutionalStem(32)(keras.Input((64, 64, 3))).shape
        (None, 16, 16, 32)
    """

    def __init__(self, channels: int, activation: str = "gelu", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if channels % 2:
            raise ValueError(
                "channels of ConvolutionalStem must be even, because its first convolution has half of them. "
                f"Received: {channels}. Use {channels - 1 or 2} or {channels + 1}."
            )
        self.channels = channels
        self.activation = activation

    def build(self, input_shape: Shape) -> None:
        dtype = {"dtype": self.dtype_policy.name}
        self.embedding1 = OverlappingPatchEmbedding(self.channels // 2, name="embedding1", **dtype)
        self.between = activation(self.activation, name="activation", **dtype)
        self.embedding2 = OverlappingPatchEmbedding(self.channels, name="embedding2", **dtype)
        self.embedding1.build(input_shape)
        self.embedding2.build(self.embedding1.compute_output_shape(input_shape))

    def call(self, x: Tensor) -> Tensor:
        x = self.between(self.embedding1(x))  # (N, ceil(H / 2), ceil(W / 2), channels / 2)
        return self.embedding2(x)  # (N, ceil(H / 4), ceil(W / 4), channels)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], *(_half(_half(size)) for size in input_shape[1:3]), self.channels)


def batch_norm(**kwargs):
    """Returns a batch normalization with MSCAN's epsilon and momentum."""
    return keras.layers.BatchNormalization(epsilon=EPSILON, momentum=MOMENTUM, **kwargs)


def _half(size):
    return None if size is None else (size + 1) // 2
