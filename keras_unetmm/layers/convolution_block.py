# SPDX-License-Identifier: Apache-2.0
"""The convolution block of U-Nets (arXiv 1505.04597): one convolution after another, each with its activation.

The papers differ in where batch norm stands: nowhere (U-Net), between convolution and ReLU (3-D U-Net, arXiv
1606.06650, section 2; DI2IN as arXiv 1804.05181 uses it), or after the ReLU (Lean U-Net).
"""

from collections.abc import Sequence
from typing import Any

import keras

from keras_unetmm.keras_types import Initializer
from keras_unetmm.layers.composite import Composite
from keras_unetmm.layers.normalization import normalization
from keras_unetmm.layers.rank import layer
from keras_unetmm.types import Shape, Tensor

ORDERS = ("conv-relu", "conv-norm-relu", "conv-relu-norm")


@keras.saving.register_keras_serializable("keras_unetmm")
class ConvolutionBlock(Composite):
    """Convolutions with bias and "same" padding, each with ReLU and, if asked for, batch norm.

    Args:
        channels: tuple of int, outputs of each convolution; there are as many convolutions as entries.
        order: `"conv-relu"`, `"conv-norm-relu"` or `"conv-relu-norm"`.
        kernel_size: int.
        initializer: str, of the kernels.

    Shape: `(N, *spatial, C) -> (N, *spatial, channels[-1])`, two or three spatial axes.

    Raises:
        ValueError: for an unknown order, or channels that are not positive integers.

    Examples:
        >>> layers.ConvolutionBlock((16, 32))(keras.Input((16, 16, 8))).shape
        (None, 16, 16, 32)
    """

    def __init__(
        self,
        channels: Sequence[int],
        order: str = "conv-norm-relu",
        kernel_size: int = 3,
        initializer: Initializer = "glorot_uniform",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if order not in ORDERS:
            raise ValueError(f"order must be one of {', '.join(map(repr, ORDERS))}. Received: {order!r}.")
        if not isinstance(channels, (tuple, list)) or not channels or any(not _positive(c) for c in channels):
            raise ValueError(
                f"channels must be a tuple of positive integers, one for each convolution. Received: {channels!r}. "
                "Two convolutions to 16 channels are channels=(16, 16)."
            )
        self.channels = tuple(channels)
        self.order = order
        self.kernel_size = kernel_size
        self.initializer = initializer
        self.input_spec = keras.layers.InputSpec(min_ndim=4, max_ndim=5)

    def build(self, input_shape: Shape) -> None:
        *outer, given = input_shape
        dtype = {"dtype": self.dtype_policy.name}
        start = {"padding": "same", "kernel_initializer": self.initializer, **dtype}
        self.parts = []
        for i, channels in enumerate(self.channels):
            conv = layer("convolution", len(outer) - 1, channels, self.kernel_size, name=f"conv{i}", **start)
            conv.build((*outer, given))
            self.parts.append(conv)
            for kind in self.order.split("-")[1:]:
                part = keras.layers.ReLU if kind == "relu" else _batch_norm
                self.parts.append(part(name=f"{kind}{i}", **dtype))
                self.parts[-1].build((*outer, channels))
            given = channels

    def call(self, x: Tensor) -> Tensor:
        for part in self.parts:
            x = part(x)
        return x

    def compute_output_shape(self, input_shape: Shape) -> Shape:  # torch would infer it by running the block
        return (*input_shape[:-1], self.channels[-1])


def _batch_norm(**kwargs):
    return normalization("batch", **kwargs)


def _positive(value):
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
