# SPDX-License-Identifier: Apache-2.0
"""The information enhancement module of UNet-- (arXiv 2412.18276), section 3.3. Written from the paper."""

from typing import Any

import keras

from keras_unetmm.layers.composite import Composite
from keras_unetmm.layers.convnext_v2_block import ConvNeXtV2Block
from keras_unetmm.layers.pixel_shuffle import change_level
from keras_unetmm.layers.pointwise_convolution import PointwiseConvolution
from keras_unetmm.layers.separable_convolution import SeparableConvolution
from keras_unetmm.types import Shape, Tensor

HEADERS = ("plain", "pointwise")


@keras.saving.register_keras_serializable("keras_unetmm")
class IEM(Composite):
    """Restores what one decoder stage receives from the shared map E'.

    A pixel shuffle to the stage's resolution, a ConvNeXt V2 block, a separable convolution to the stage's channels.

    Args:
        channels: int, of the stage.
        levels_up: int, how many levels finer the stage is than E': negative is coarser (pixel unshuffle).
        header: `"plain"`, the paper's text as it reads; or `"pointwise"`, with one more 1x1 convolution at the end,
            which gives the 29.98M parameters of the paper's table where the plain reading gives 29.90M.
        norm: `"layer"` (as published) or `"batch"`, of the ConvNeXt V2 block.
        response_normalization: bool, False leaves the block's GRN, which takes norms over the whole map, out.

    Shape: `(N, H, W, C') -> (N, H * 2**levels_up, W * 2**levels_up, channels)`.

    Raises:
        ValueError: if C' does not divide by the pixel shuffle's block, or for an unknown header.

    Examples:
        >>> layers.IEM(32, levels_up=2)(keras.Input((4, 4, 48))).shape
        (None, 16, 16, 32)
    """

    def __init__(
        self,
        channels: int,
        levels_up: int = 0,
        header: str = "plain",
        norm: str = "layer",
        response_normalization: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if header not in HEADERS:
            raise ValueError(f"header must be one of {', '.join(map(repr, HEADERS))}. Received: {header!r}.")
        self.channels = channels
        self.levels_up = levels_up
        self.header = header
        self.norm = norm
        self.response_normalization = response_normalization

    def build(self, input_shape: Shape) -> None:
        dtype = {"dtype": self.dtype_policy.name}
        self.resize = change_level(self.levels_up, name="resize", **dtype)
        self.block = ConvNeXtV2Block(
            norm=self.norm, response_normalization=self.response_normalization, name="block", **dtype
        )
        self.separable = SeparableConvolution(self.channels, name="separable", **dtype)
        self.pointwise = (
            PointwiseConvolution(self.channels, name="pointwise", **dtype) if self.header == "pointwise" else None
        )

        self.resize.build(input_shape)
        shape = self.resize.compute_output_shape(input_shape)
        self.block.build(shape)
        self.separable.build(shape)
        if self.pointwise is not None:
            self.pointwise.build((*shape[:-1], self.channels))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*change_level(self.levels_up).compute_output_shape(input_shape)[:-1], self.channels)

    def call(self, x: Tensor) -> Tensor:
        x = self.block(self.resize(x))  # (N, H * 2**levels_up, W * 2**levels_up, C' / 4**levels_up)
        x = self.separable(x)  # (N, H * 2**levels_up, W * 2**levels_up, channels)
        return x if self.pointwise is None else self.pointwise(x)
