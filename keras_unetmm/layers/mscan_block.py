# SPDX-License-Identifier: Apache-2.0
"""The block of MSCAN (SegNeXt, arXiv 2209.08575), figure 2: attention, then a feed-forward part.

Written from the paper. Where it is silent the block does as the authors' public code (Apache-2.0, read for that): the
residual inside the attention, which starts behind the norm; the 3x3 depthwise convolution of the feed-forward part, in
front of its activation; the layer scales, which start at 0.01; and drop path, which leaves a branch out for a whole image.
"""

from typing import Any

import keras

from keras_unetmm.layers.activation import activation
from keras_unetmm.layers.channel_scale import ChannelScale
from keras_unetmm.layers.composite import Composite
from keras_unetmm.layers.multi_scale_attention import MultiScaleAttention, depthwise
from keras_unetmm.layers.patch_embedding import batch_norm
from keras_unetmm.layers.pointwise_convolution import PointwiseConvolution
from keras_unetmm.layers.preactivated_convolution import fan_out_normal
from keras_unetmm.types import Shape, Tensor


@keras.saving.register_keras_serializable("keras_unetmm")
class MSCANBlock(Composite):
    """Two residual branches with batch normalization in front and a learned scale behind.

    With `z = norm1(x)`: `y = x + scale1 * (proj2(MSCA(act(proj1(z)))) + z)`, then
    `y + scale2 * fc2(act(depthwise(fc1(norm2(y)))))`; proj and fc are 1x1 convolutions.

    Args:
        expansion: int, `fc1` has `expansion * C` outputs.
        drop_path: float, the rate at which training leaves a branch out.
        activation: `"gelu"` (as published) or `"relu"`.

    Shape: `(N, H, W, C) -> (N, H, W, C)`.

    Raises:
        ValueError: for an unknown activation.

    Examples:
        >>> layers.MSCANBlock()(keras.Input((16, 16, 8))).shape
        (None, 16, 16, 8)
    """

    def __init__(self, expansion: int = 4, drop_path: float = 0.0, activation: str = "gelu", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.expansion = expansion
        self.drop_path = drop_path
        self.activation = activation

    def build(self, input_shape: Shape) -> None:
        *outer, channels = input_shape
        wide = self.expansion * channels
        dtype = {"dtype": self.dtype_policy.name}
        whole_images = {"noise_shape": (None, 1, 1, 1), **dtype}

        self.norm1 = batch_norm(name="norm1", **dtype)
        self.proj1 = _pointwise(channels, name="proj1", **dtype)
        self.activation1 = activation(self.activation, name="activation1", **dtype)
        self.msca = MultiScaleAttention(name="msca", **dtype)
        self.proj2 = _pointwise(channels, name="proj2", **dtype)
        self.shortcut = keras.layers.Add(name="shortcut", **dtype)
        self.scale1 = ChannelScale(0.01, name="scale1", **dtype)
        self.drop1 = keras.layers.Dropout(self.drop_path, name="drop1", **whole_images)
        self.residual1 = keras.layers.Add(name="residual1", **dtype)

        self.norm2 = batch_norm(name="norm2", **dtype)
        self.fc1 = _pointwise(wide, name="fc1", **dtype)
        self.depthwise = depthwise(3, name="depthwise", **dtype)
        self.activation2 = activation(self.activation, name="activation2", **dtype)
        self.fc2 = _pointwise(channels, name="fc2", **dtype)
        self.scale2 = ChannelScale(0.01, name="scale2", **dtype)
        self.drop2 = keras.layers.Dropout(self.drop_path, name="drop2", **whole_images)
        self.residual2 = keras.layers.Add(name="residual2", **dtype)

        for layer in (self.norm1, self.proj1, self.msca, self.proj2, self.scale1, self.norm2, self.fc1, self.scale2):
            layer.build(input_shape)
        for layer in (self.depthwise, self.fc2):
            layer.build((*outer, wide))

    def call(self, x: Tensor) -> Tensor:
        z = self.norm1(x)
        y = self.proj2(self.msca(self.activation1(self.proj1(z))))
        y = self.scale1(self.shortcut([y, z]))
        x = self.residual1([x, self.drop1(y)])

        y = self.activation2(self.depthwise(self.fc1(self.norm2(x))))  # (N, H, W, expansion * C)
        return self.residual2([x, self.drop2(self.scale2(self.fc2(y)))])

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape


def _pointwise(channels, **kwargs):
    return PointwiseConvolution(channels, kernel_initializer=fan_out_normal(), **kwargs)
