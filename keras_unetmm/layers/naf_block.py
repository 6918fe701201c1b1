# SPDX-License-Identifier: Apache-2.0
"""The nonlinear activation free block of NAFNet (arXiv 2204.04676), figure 3c.

Written from the paper. Sublayers carry the names that the authors' public checkpoints use (MIT licence, read to
agree on them), so that a checkpoint loads by name: see `keras_unetmm.models.pytorch_weights`.
"""

from typing import Any

import keras

from keras_unetmm.layers.channel_attention import SimplifiedChannelAttention
from keras_unetmm.layers.channel_scale import ChannelScale
from keras_unetmm.layers.composite import Composite
from keras_unetmm.layers.normalization import normalization
from keras_unetmm.layers.pointwise_convolution import PointwiseConvolution
from keras_unetmm.layers.simple_gate import SimpleGate
from keras_unetmm.types import Shape, Tensor


@keras.saving.register_keras_serializable("keras_unetmm")
class NAFBlock(Composite):
    """Two residual branches, each normalization, widening, gate and projection.

    `y = x + beta * conv3(SCA(gate(conv2(conv1(norm1(x))))))`, then `z = y + gamma * conv5(gate(conv4(norm2(y))))`;
    conv2 is a 3x3 depthwise convolution, all others are 1x1.

    Args:
        expansion: int, `conv1` has `expansion * C` outputs.
        feed_forward_expansion: int, `conv4` has `feed_forward_expansion * C` outputs.
        norm: `"layer"` (as published) or `"batch"`.
        channel_attention: bool, False leaves SCA, a mean over the whole map, out.
        bounded: bool, cuts what the gates multiply to [-1, 1] (not in the paper): products of products else grow without
            end on colours that training has not seen. In an integer graph the convolution before does it at no cost, and
            eight bits have a short range to cover.

    Shape: `(N, H, W, C) -> (N, H, W, C)`.

    Examples:
        >>> layers.NAFBlock(bounded=True)(keras.Input((16, 16, 8))).shape
        (None, 16, 16, 8)
    """

    def __init__(
        self,
        expansion: int = 2,
        feed_forward_expansion: int = 2,
        norm: str = "layer",
        channel_attention: bool = True,
        bounded: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.expansion = expansion
        self.feed_forward_expansion = feed_forward_expansion
        self.norm = norm
        self.channel_attention = channel_attention
        self.bounded = bounded

    def build(self, input_shape: Shape) -> None:
        *outer, channels = input_shape
        wide, forward = self.expansion * channels, self.feed_forward_expansion * channels
        dtype = {"dtype": self.dtype_policy.name}
        gated = {"activation": "hard_tanh" if self.bounded else None, **dtype}

        self.norm1 = normalization(self.norm, name="norm1", **dtype)
        self.conv1 = PointwiseConvolution(wide, name="conv1", **dtype)
        self.conv2 = keras.layers.DepthwiseConv2D(3, padding="same", name="conv2", **gated)
        self.gate1 = SimpleGate(name="gate1", **dtype)
        self.sca = SimplifiedChannelAttention(name="sca", **dtype) if self.channel_attention else None
        self.conv3 = PointwiseConvolution(channels, name="conv3", **dtype)
        self.beta = ChannelScale(name="beta", **dtype)
        self.residual1 = keras.layers.Add(name="residual1", **dtype)

        self.norm2 = normalization(self.norm, name="norm2", **dtype)
        self.conv4 = PointwiseConvolution(forward, name="conv4", **gated)
        self.gate2 = SimpleGate(name="gate2", **dtype)
        self.conv5 = PointwiseConvolution(channels, name="conv5", **dtype)
        self.gamma = ChannelScale(name="gamma", **dtype)
        self.residual2 = keras.layers.Add(name="residual2", **dtype)

        for layer in (self.norm1, self.conv1, self.beta, self.norm2, self.conv4, self.gamma):
            layer.build(input_shape)
        for layer in (self.conv2, self.gate1):
            layer.build((*outer, wide))
        for layer in (self.sca, self.conv3):
            if layer is not None:
                layer.build((*outer, wide // 2))
        self.gate2.build((*outer, forward))
        self.conv5.build((*outer, forward // 2))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape  # or Keras would run the block to find out

    def call(self, x: Tensor) -> Tensor:
        y = self.conv2(self.conv1(self.norm1(x)))  # (N, H, W, expansion * C)
        y = self.gate1(y)  # (N, H, W, expansion * C / 2)
        if self.sca is not None:
            y = self.sca(y)
        x = self.residual1([x, self.beta(self.conv3(y))])

        y = self.gate2(self.conv4(self.norm2(x)))  # (N, H, W, feed_forward_expansion * C / 2)
        return self.residual2([x, self.gamma(self.conv5(y))])
