# SPDX-License-Identifier: Apache-2.0
"""U-Net in two (arXiv 1505.04597) and three dimensions (arXiv 1606.06650), and the U-Net of Lean U-Net and STAMP.

Written from the papers. All convolutions here have "same" padding, where both U-Nets pad nothing and crop their skips: the
prediction has the size of the image, the weights are the same. `ronneberger2015` follows the paper's figure 1; the
network that the authors released has a ReLU after each up-convolution and 128 channels after the last one. Its
dropout (the paper gives neither rate nor place) is that of the release: 0.5 on the two coarsest maps. `cicek2016` has
biases in its convolutions and none in its up-convolutions, with which it has, batch norm apart, the 19,069,955
parameters that the paper states. The `harp` rows (hippocampus, 100, 75 and 50 % of STAMP's widths) and the `ct` row have
the published counts, gamma and beta included; how Lean U-Net's two axes became three is the rank's choice alone.
`mcu_width8` is ours.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import keras

from keras_unetmm.layers import ConvolutionBlock
from keras_unetmm.layers.convolution_block import ORDERS
from keras_unetmm.layers.rank import layer
from keras_unetmm.models import segmentation
from keras_unetmm.models.encoder_decoder import concatenate, encoder_decoder
from keras_unetmm.models.skip_costs import tell_costs
from keras_unetmm.skips import Skips

UPSAMPLINGS = ("halving", "keeping", "nearest")


@dataclass(frozen=True)
class Variant:
    """One row of the table of U-Nets.

    `growth` multiplies the channels from a level to the next. `widening` halves the outputs of each encoder stage's first
    convolution. `up` is a transposed 2x2 convolution that halves the channels or keeps them, or `nearest`.
    """

    rank: int
    channels: int
    levels: int
    convolutions: int
    order: str
    classes: int
    inputs: int
    up: str = "halving"
    growth: int = 2
    up_bias: bool = True
    widening: bool = False
    dropout: float = 0.0
    initializer: str = "glorot_uniform"


# fmt: off
VARIANTS = {
    #                          rank channels levels convolutions order            classes inputs up
    "ronneberger2015": Variant(2,   64,      5,     2, "conv-relu",      2,      1, dropout=0.5, initializer="he_normal"),
    "cicek2016":       Variant(3,   64,      4,     2, "conv-norm-relu", 3,      3, "keeping", up_bias=False, widening=True),
    "harp_width4":     Variant(3,   4,       5,     2, "conv-relu-norm", 2,      1),
    "harp_width3":     Variant(3,   3,       5,     2, "conv-relu-norm", 2,      1),
    "harp_width2":     Variant(3,   2,       5,     2, "conv-relu-norm", 2,      1),
    "ct_width24":      Variant(3,   24,      4,     3, "conv-relu-norm", 2,      1),
    "mcu_width8":      Variant(2,   8,       4,     2, "conv-norm-relu", 1,      3),
}
# fmt: on


def UNet(
    variant: str = "ronneberger2015",
    *,
    input_shape: Sequence[int | None] | None = None,
    skips: Skips = "full",
    rank: int | None = None,
    channels: int | None = None,
    levels: int | None = None,
    convolutions: int | None = None,
    order: str | None = None,
    up: str | None = None,
    dropout: float | None = None,
    classes: int | None = None,
    activation: str | None = "auto",
    name: str | None = None,
) -> keras.Model:
    """Builds a U-Net: image or volume in, probabilities of the same size out.

    Args:
        variant: str, a row of `keras_unetmm.models.unet.VARIANTS`; the arguments below replace its entries.
        input_shape: `(height, width, channels)`, for rank 3 `(depth, height, width, channels)`; sizes may be None, else
            they divide by `2**(levels - 1)`. By default any size, with the row's channels.
        skips: `"full"`, `"none"`, `"sat"`, `"at"`, `"st"`, `"unet--"` or an object of `keras_unetmm.skips`; of the
            `levels - 1` levels above the bottom.
        rank: int, 2 or 3 spatial axes.
        channels: int, at full resolution; they double at each level.
        levels: int, resolutions, the bottom included.
        convolutions: int, in each block.
        order: `"conv-relu"`, `"conv-norm-relu"` or `"conv-relu-norm"`.
        up: `"halving"`, a transposed 2x2 (2x2x2) convolution to the channels of the finer level, `"keeping"`, one to as
            many as it is given, or `"nearest"`, upsampling without weights.
        dropout: float, rate on the two coarsest maps.
        classes: int, channels of the prediction.
        activation: of the head: `"sigmoid"`, `"softmax"`, None for logits, or `"auto"`: sigmoid for one class, softmax for
            several, as the papers train.
        name: str, of the model.

    Returns:
        A functional `keras.Model`, `(N, *spatial, C) -> (N, *spatial, classes)`.

    Raises:
        ValueError: for an unknown row, order, upsampling, activation or skip name, an entry that is not a number, a wrong
            `input_shape`, or channels that the skips cannot divide.

    Examples:
        >>> models.UNet(channels=8, levels=2, skips="sat", input_shape=(64, 64, 3)).output_shape
        (None, 64, 64, 2)
    """
    row = segmentation.chosen(
        VARIANTS,
        variant,
        rank=rank,
        channels=channels,
        levels=levels,
        convolutions=convolutions,
        order=order,
        up=up,
        dropout=dropout,
        classes=classes,
    )
    return built(row, input_shape, skips, activation, name or "unet")


def built(row, input_shape, skips, activation, name):
    """Builds the network of a `Variant`, of whatever growth; the rest is as in `UNet`."""
    for argument, choices in (("order", ORDERS), ("up", UPSAMPLINGS)):
        if getattr(row, argument) not in choices:
            raise ValueError(
                f"{argument} must be one of {', '.join(map(repr, choices))}. Received: {getattr(row, argument)!r}."
            )
    inputs, x = segmentation.image(input_shape, row.rank, row.inputs, row.levels - 1)
    skips = segmentation.connections(skips, "norm" in row.order)
    x = encoder_decoder(x, _UNetStages(row), skips, image=x)
    return tell_costs(keras.Model(inputs, segmentation.head(x, row.classes, activation, row.initializer), name=name), skips)


class _UNetStages:
    """U-Net's stages, as `keras_unetmm.models.encoder_decoder.Stages`."""

    def __init__(self, row):
        self.row = row
        self.levels = row.levels - 1

    def _block(self, x, level, name, widening=False):
        channels = self.row.channels * self.row.growth**level
        first = max(channels // 2, 1) if widening else channels
        wide = (channels,) * (self.row.convolutions - 1)
        outputs = (first, *wide) if wide else (channels,)
        return ConvolutionBlock(outputs, self.row.order, initializer=self.row.initializer, name=name)(x)

    def _encoded(self, x, level, prefix):
        x = self._block(x, level, f"{prefix}_block", self.row.widening)
        if self.row.dropout and level >= self.levels - 1:
            x = keras.layers.Dropout(self.row.dropout, name=f"{prefix}_dropout")(x)
        return x

    def encode(self, x, level):
        return self._encoded(x, level, f"enc{level}")

    def down(self, x, level):
        return layer("max_pooling", self.row.rank, 2, name=f"enc{level}_down")(x)

    def middle(self, x):
        return self._encoded(x, self.levels, "mid")

    def up(self, x, level):
        row, name = self.row, f"dec{level}_up"
        if row.up == "nearest":
            return layer("upsampling", row.rank, 2, name=name)(x)
        outputs = x.shape[-1] if row.up == "keeping" else row.channels * row.growth**level
        start = {"use_bias": row.up_bias, "kernel_initializer": row.initializer}
        return layer("transposed_convolution", row.rank, outputs, 2, strides=2, name=name, **start)(x)

    def fuse(self, x, skip, level):
        return concatenate(x, skip, name=f"dec{level}_fuse")

    def decode(self, x, level):
        return self._block(x, level, f"dec{level}_block")
