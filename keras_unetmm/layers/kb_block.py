# SPDX-License-Identifier: Apache-2.0
"""The block of KBNet_s (arXiv 2303.02881): multi-axis feature fusion and a gated feed-forward part.

Written from the paper. Where it is silent the block does as the authors' public code (MIT licence, read for that): the
width of the attention branch, the scales and where they start, 0.01. Sublayers carry the names of the authors' public
checkpoints, with `_` for the dot, so that a checkpoint loads by name: see `keras_unetmm.models.pytorch_weights`.
"""

from typing import Any

import keras

from keras_unetmm.layers.channel_scale import ChannelScale
from keras_unetmm.layers.composite import Composite
from keras_unetmm.layers.grouped_convolution import GroupedConv2D
from keras_unetmm.layers.kernel_basis_attention import GROUP, KernelBasisAttention
from keras_unetmm.layers.normalization import normalization
from keras_unetmm.layers.pointwise_convolution import PointwiseConvolution
from keras_unetmm.layers.simple_gate import SimpleGate
from keras_unetmm.types import Shape, Tensor

MIDDLE = 32  # channels of the attention branch, at most


@keras.saving.register_keras_serializable("keras_unetmm")
class KBBlock(Composite):
    """Three branches of the normalized map multiplied together, then a feed-forward part; both residual.

    With `z = norm1(x)`: the attention is `a = attgamma * conv2(z) + conv211(z)`, the features `u = conv21(conv1(z))`, and

    `y = x + beta * conv3((ga1 * KBA(u, a) + u) * conv11(z) * sca(mean(z)))`, then
    `y + gamma * conv5(gate(conv4(norm2(y))))`.

    `conv2` is a 3x3 convolution to m = min(C, 32) channels in m groups, a gate and a 1x1 convolution; `conv21` is 3x3
    depthwise; `conv11` is 1x1 and then 3x3 depthwise (lightweight) or 5x5 in groups of 4; all others are 1x1.

    Args:
        lightweight: bool, which `conv11`.
        ffn_scale: float, the feed-forward part has `ffn_scale * C` channels before its gate, rounded down.
        bases: int, how many kernels KBA mixes.

    Shape: `(N, H, W, C) -> (N, H, W, C)`.

    Raises:
        ValueError: unless C is a multiple of 4, and beyond 32 of 32, and `ffn_scale * C` is even and positive.

    Examples:
        >>> layers.KBBlock(bases=4)(keras.Input((16, 16, 8))).shape
        (None, 16, 16, 8)
    """

    def __init__(self, lightweight: bool = True, ffn_scale: float = 1.5, bases: int = 32, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.lightweight = lightweight
        self.ffn_scale = ffn_scale
        self.bases = bases

    def build(self, input_shape: Shape) -> None:
        *outer, channels = input_shape
        step = GROUP if channels <= MIDDLE else MIDDLE
        if channels % step:
            below = max(channels // step * step, GROUP)
            raise ValueError(
                f"KBBlock needs a multiple of {GROUP} channels, and of {MIDDLE} beyond {MIDDLE}. Received: {channels} "
                f"channels. The nearest that fit: {below} or {(channels // step + 1) * step}."
            )
        middle, forward = min(channels, MIDDLE), int(self.ffn_scale * channels)
        if forward < 2 or forward % 2:
            raise ValueError(
                f"ffn_scale must give an even number of channels, at least 2. Received: ffn_scale={self.ffn_scale}, which "
                f"makes {forward} of {channels}. Use 1.5 or 2, as published."
            )
        dtype = {"dtype": self.dtype_policy.name}
        same = {"padding": "same", **dtype}

        self.norm1 = normalization("layer", name="norm1", **dtype)
        self.pool = keras.layers.GlobalAveragePooling2D(keepdims=True, name="pool", **dtype)
        self.sca = keras.layers.Conv2D(channels, 1, name="sca", **dtype)
        self.conv11_0 = PointwiseConvolution(channels, name="conv11_0", **dtype)
        self.conv11_1 = (
            keras.layers.DepthwiseConv2D(3, name="conv11_1", **same)
            if self.lightweight
            else GroupedConv2D(channels, 5, groups=channels // GROUP, name="conv11_1", **same)
        )
        self.conv2_0 = GroupedConv2D(middle, 3, groups=middle, name="conv2_0", **same)
        self.gate1 = SimpleGate(name="gate1", **dtype)
        self.conv2_2 = PointwiseConvolution(self.bases, name="conv2_2", **dtype)
        self.attgamma = ChannelScale(0.01, name="attgamma", **dtype)
        self.conv211 = PointwiseConvolution(self.bases, name="conv211", **dtype)
        self.attention = keras.layers.Add(name="attention", **dtype)
        self.conv1 = PointwiseConvolution(channels, name="conv1", **dtype)
        self.conv21 = keras.layers.DepthwiseConv2D(3, name="conv21", **same)
        self.kba = KernelBasisAttention(name="kba", **dtype)
        self.ga1 = ChannelScale(0.01, name="ga1", **dtype)
        self.features = keras.layers.Add(name="features", **dtype)
        self.fusion = keras.layers.Multiply(name="fusion", **dtype)
        self.conv3 = PointwiseConvolution(channels, name="conv3", **dtype)
        self.beta = ChannelScale(0.01, name="beta", **dtype)
        self.residual1 = keras.layers.Add(name="residual1", **dtype)

        self.norm2 = normalization("layer", name="norm2", **dtype)
        self.conv4 = PointwiseConvolution(forward, name="conv4", **dtype)
        self.gate2 = SimpleGate(name="gate2", **dtype)
        self.conv5 = PointwiseConvolution(channels, name="conv5", **dtype)
        self.gamma = ChannelScale(0.01, name="gamma", **dtype)
        self.residual2 = keras.layers.Add(name="residual2", **dtype)

        whole = (self.norm1, self.conv11_0, self.conv11_1, self.conv2_0, self.conv211, self.conv1, self.conv21, self.ga1)
        for layer in (*whole, self.conv3, self.beta, self.norm2, self.conv4, self.gamma):
            layer.build(input_shape)
        self.sca.build((outer[0], 1, 1, channels))
        self.gate1.build((*outer, middle))
        self.conv2_2.build((*outer, middle // 2))
        self.attgamma.build((*outer, self.bases))
        self.kba.build([input_shape, (*outer, self.bases)])
        self.gate2.build((*outer, forward))
        self.conv5.build((*outer, forward // 2))

    def call(self, x: Tensor) -> Tensor:
        z = self.norm1(x)
        attention = self.attgamma(self.conv2_2(self.gate1(self.conv2_0(z))))  # (N, H, W, bases)
        attention = self.attention([attention, self.conv211(z)])
        u = self.conv21(self.conv1(z))
        u = self.features([self.ga1(self.kba([u, attention])), u])
        y = self.fusion([u, self.conv11_1(self.conv11_0(z)), self.sca(self.pool(z))])
        x = self.residual1([x, self.beta(self.conv3(y))])

        y = self.gate2(self.conv4(self.norm2(x)))  # (N, H, W, ffn_scale * C / 2)
        return self.residual2([x, self.gamma(self.conv5(y))])

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape
