# SPDX-License-Identifier: Apache-2.0
"""The residual stage of V-Net (arXiv 1606.04797), section 2, and the convolutions between stages."""

from typing import Any

import keras

from keras_unetmm.layers.composite import Composite
from keras_unetmm.layers.normalization import normalization
from keras_unetmm.layers.rank import layer
from keras_unetmm.layers.repeat_channels import RepeatChannels
from keras_unetmm.types import Shape, Tensor


@keras.saving.register_keras_serializable("keras_unetmm")
class ResidualStage(Composite):
    """Convolutions whose last output is added to the stage's input: `y = prelu(conv(... prelu(conv(x))) + x)`.

    The paper adds the input "to the output of the last convolutional layer" and has a PReLU after each; that the sum
    comes before the last PReLU is this project's reading. An input of fewer channels is repeated.

    Args:
        channels: int, of every convolution.
        convolutions: int, how many.
        kernel_size: int, 5 in the paper.
        norm: bool, batch norm after each convolution: not in V-Net's paper, but in SAT's (arXiv 1804.05181).

    Shape: `(N, *spatial, C) -> (N, *spatial, channels)`, two or three spatial axes.

    Examples:
        >>> layers.ResidualStage(16, convolutions=2)(keras.Input((16, 16, 8))).shape
        (None, 16, 16, 16)
    """

    def __init__(
        self, channels: int, convolutions: int = 1, kernel_size: int = 5, norm: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.channels = channels
        self.convolutions = convolutions
        self.kernel_size = kernel_size
        self.norm = norm
        self.input_spec = keras.layers.InputSpec(min_ndim=4, max_ndim=5)

    def build(self, input_shape: Shape) -> None:
        *outer, _ = input_shape
        dtype = {"dtype": self.dtype_policy.name}
        rank, wide = len(outer) - 1, (*outer, self.channels)
        start = {"padding": "same", **dtype}
        self.parts = []
        for i in range(self.convolutions):
            conv = layer("convolution", rank, self.channels, self.kernel_size, name=f"conv{i}", **start)
            conv.build(input_shape if i == 0 else wide)
            self.parts.append(conv)
            if self.norm:
                self.parts.append(normalization("batch", name=f"norm{i}", **dtype))
                self.parts[-1].build(wide)
            if i < self.convolutions - 1:
                self.parts.append(prelu(rank, name=f"prelu{i}", **dtype))
                self.parts[-1].build(wide)
        self.shortcut = RepeatChannels(self.channels, name="shortcut", **dtype)
        self.residual = keras.layers.Add(name="residual", **dtype)
        self.last = prelu(rank, name=f"prelu{self.convolutions - 1}", **dtype)
        self.shortcut.build(input_shape)
        self.last.build(wide)

    def call(self, x: Tensor) -> Tensor:
        y = x
        for part in self.parts:
            y = part(y)
        return self.last(self.residual([y, self.shortcut(x)]))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape[:-1], self.channels)


@keras.saving.register_keras_serializable("keras_unetmm")
class StridedConvolution(Composite):
    """What V-Net has between stages: a convolution with kernel 2 and stride 2, down or (transposed) up, and PReLU.

    Args:
        channels: int, of the output.
        up: bool, True doubles the resolution, False halves it.
        norm: bool, batch norm after the convolution, as in `ResidualStage`.

    Shape: `(N, *spatial, C) -> (N, *(spatial / 2 or spatial * 2), channels)`, two or three spatial axes.

    Examples:
        >>> layers.StridedConvolution(16)(keras.Input((16, 16, 8))).shape
        (None, 8, 8, 16)
    """

    def __init__(self, channels: int, up: bool = False, norm: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.channels = channels
        self.up = up
        self.norm = norm
        self.input_spec = keras.layers.InputSpec(min_ndim=4, max_ndim=5)

    def build(self, input_shape: Shape) -> None:
        rank, dtype = len(input_shape) - 2, {"dtype": self.dtype_policy.name}
        kind = "transposed_convolution" if self.up else "convolution"
        self.conv = layer(kind, rank, self.channels, 2, strides=2, name="conv", **dtype)
        self.batch_norm = normalization("batch", name="norm", **dtype) if self.norm else None
        self.prelu = prelu(rank, name="prelu", **dtype)
        self.conv.build(input_shape)
        for part in (self.batch_norm, self.prelu):
            if part is not None:
                part.build((*[None] * (rank + 1), self.channels))

    def call(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        return self.prelu(x if self.batch_norm is None else self.batch_norm(x))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return self.conv.compute_output_shape(input_shape)


def prelu(rank, **kwargs):
    """Returns a PReLU with one slope a channel, which starts at 0.25 (arXiv 1502.01852, section 2.1)."""
    slope = keras.initializers.Constant(0.25)
    return keras.layers.PReLU(slope, shared_axes=list(range(1, rank + 1)), **kwargs)
