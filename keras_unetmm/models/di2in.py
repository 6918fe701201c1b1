# SPDX-License-Identifier: Apache-2.0
"""DI2IN, the deep image-to-image network, as Select-Attend-Transfer (arXiv 1804.05181) uses it for livers in CT.

Written from the description that reaches the paper's two counts, 2,353,089 and with SAT 2,063,053, as integers (gamma
and beta counted, no batch norm in the gates). The paper does not say how maps are halved and doubled, but the counts
leave no weights for it: here max pooling and nearest neighbour. `mcu_width8` is ours.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import keras

from keras_unetmm.layers import ConvolutionBlock
from keras_unetmm.layers.rank import layer
from keras_unetmm.models import segmentation
from keras_unetmm.models.encoder_decoder import concatenate, encoder_decoder
from keras_unetmm.models.skip_costs import tell_costs
from keras_unetmm.skips import Skips


@dataclass(frozen=True)
class Variant:
    """One row of the table of DI2INs."""

    rank: int
    channels: int
    levels: int
    inputs: int
    classes: int


# fmt: off
VARIANTS = {
    #                        rank channels levels inputs classes
    "liver_width16": Variant(3,   16,      4,     1,     1),
    "mcu_width8":    Variant(2,   8,       4,     3,     1),
}
# fmt: on


def DI2IN(
    variant: str = "liver_width16",
    *,
    input_shape: Sequence[int | None] | None = None,
    skips: Skips = "full",
    rank: int | None = None,
    channels: int | None = None,
    levels: int | None = None,
    classes: int | None = None,
    activation: str | None = "auto",
    name: str | None = None,
) -> keras.Model:
    """Builds a DI2IN: image or volume in, probabilities of the same size out.

    Args:
        variant: str, a row of `keras_unetmm.models.di2in.VARIANTS`; the arguments below replace its entries.
        input_shape: `(depth, height, width, channels)`, for rank 2 `(height, width, channels)`; sizes may be None, else
            they divide by `2**levels`. By default any size, with the row's channels.
        skips: `"full"`, `"none"`, `"sat"`, `"at"`, `"st"`, `"unet--"` or an object of `keras_unetmm.skips`.
        rank: int, 2 or 3 spatial axes.
        channels: int, even, at full resolution; they double at each level.
        levels: int, encoder stages; the bottom is one more.
        classes: int, channels of the prediction.
        activation: of the head: `"sigmoid"`, `"softmax"`, None for logits, or `"auto"`: sigmoid for one class, as for
            the paper's livers, softmax for several.
        name: str, of the model.

    Returns:
        A functional `keras.Model`, `(N, *spatial, C) -> (N, *spatial, classes)`.

    Raises:
        ValueError: for an unknown row, activation or skip name, an entry that is not a number, odd channels, a wrong
            `input_shape`, or channels that the skips cannot divide.

    Examples:
        >>> models.DI2IN(channels=4, levels=3, input_shape=(32, 32, 32, 1)).output_shape
        (None, 32, 32, 32, 1)
    """
    row = segmentation.chosen(VARIANTS, variant, rank=rank, channels=channels, levels=levels, classes=classes)
    if row.channels % 2:
        nearest = " or ".join(str(c) for c in (row.channels - 1, row.channels + 1) if c)
        raise ValueError(
            f"channels must be even, because decoder stages halve them. Received: {row.channels}. Use {nearest}."
        )
    inputs, x = segmentation.image(input_shape, row.rank, row.inputs, row.levels)
    skips = segmentation.connections(skips, batch_norm=True)
    x = encoder_decoder(x, _DI2INStages(row), skips, image=x)
    return tell_costs(keras.Model(inputs, segmentation.head(x, row.classes, activation), name=name or "di2in"), skips)


class _DI2INStages:
    """DI2IN's stages, as `keras_unetmm.models.encoder_decoder.Stages`."""

    def __init__(self, row):
        self.row = row
        self.levels = row.levels

    def encode(self, x, level):
        channels = self.row.channels * 2**level
        return ConvolutionBlock((channels, channels), name=f"enc{level}_block")(x)

    def down(self, x, level):
        return layer("max_pooling", self.row.rank, 2, name=f"enc{level}_down")(x)

    def middle(self, x):
        return ConvolutionBlock((x.shape[-1], x.shape[-1]), name="mid_block")(x)

    def up(self, x, level):
        return layer("upsampling", self.row.rank, 2, name=f"dec{level}_up")(x)

    def fuse(self, x, skip, level):
        return concatenate(x, skip, name=f"dec{level}_fuse")

    def decode(self, x, level):
        return ConvolutionBlock((self.row.channels * 2**level // 2,), name=f"dec{level}_block")(x)
