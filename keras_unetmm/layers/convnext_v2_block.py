# SPDX-License-Identifier: Apache-2.0
"""The ConvNeXt V2 block (arXiv 2301.00808), figure 5. Written from the paper."""

from typing import Any

import keras

from keras_unetmm.layers.composite import Composite
from keras_unetmm.layers.gelu import GELU
from keras_unetmm.layers.global_response_normalization import GlobalResponseNormalization
from keras_unetmm.layers.normalization import normalization
from keras_unetmm.layers.pointwise_convolution import PointwiseConvolution
from keras_unetmm.types import Shape, Tensor


@keras.saving.register_keras_serializable("keras_unetmm")
class ConvNeXtV2Block(Composite):
    """Depthwise convolution, normalization, and a point-wise perceptron with GRN between its layers.

    `y = x + project(GRN(GELU(expand(norm(depthwise(x))))))`.

    Args:
        expansion: int, the perceptron's width over the channels.
        kernel_size: int, of the depthwise convolution.
        norm: `"layer"` (as published) or `"batch"`.
        response_normalization: bool, False leaves GRN, which takes norms over the whole map, out.

    Shape: `(N, H, W, C) -> (N, H, W, C)`.

    Examples:
        >>> layers.ConvNeXtV2Block()(keras.Input((16, 16, 8))).shape
        (None, 16, 16, 8)
    """

    def __init__(
        self,
        expansion: int = 4,
        kernel_size: int = 7,
        norm: str = "layer",
        response_normalization: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.expansion = expansion
        self.kernel_size = kernel_size
        self.norm = norm
        self.response_normalization = response_normalization

    def build(self, input_shape: Shape) -> None:
        *outer, channels = input_shape
        wide = self.expansion * channels
        dtype = {"dtype": self.dtype_policy.name}

        self.depthwise = keras.layers.DepthwiseConv2D(self.kernel_size, padding="same", name="depthwise", **dtype)
        self.normalization = normalization(self.norm, name="normalization", **dtype)
        self.expand = PointwiseConvolution(wide, name="expand", **dtype)
        self.activation = GELU(name="activation", **dtype)
        self.grn = GlobalResponseNormalization(name="grn", **dtype) if self.response_normalization else None
        self.project = PointwiseConvolution(channels, name="project", **dtype)
        self.residual = keras.layers.Add(name="residual", **dtype)

        for layer in (self.depthwise, self.normalization, self.expand):
            layer.build(input_shape)
        for layer in (self.grn, self.project):
            if layer is not None:
                layer.build((*outer, wide))

    def call(self, x: Tensor) -> Tensor:
        y = self.normalization(self.depthwise(x))
        y = self.activation(self.expand(y))  # (N, H, W, expansion * C)
        if self.grn is not None:
            y = self.grn(y)
        return self.residual([x, self.project(y)])
