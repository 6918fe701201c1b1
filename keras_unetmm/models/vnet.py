# SPDX-License-Identifier: Apache-2.0
"""V-Net (arXiv 1606.04797), and V-Net with batch norm as Select-Attend-Transfer (arXiv 1804.05181) trains it.

Written from the paper's section 2, figure 2 and table 1. The paper has no batch norm and does not say whether the PReLU
that ends a stage comes before or after the residual sum: see `keras_unetmm.layers.ResidualStage`. The totals
that SAT prints for its V-Net, 76,224,513 in 3-D and 13,923,041 in 2-D, are reached by no reading. What its gates save,
5,377,620 and 1,073,620, is `5**rank * sum((C - 1) * 2C) - 2,380` for skips of C = 16, 32, 64 and 128, which are also
this network's. Of the 2,380 the gates, with batch norm, explain `sum(2C + 3) = 492`; the other 1,888, which are
`8 * sum(C - 1)` in 2-D as in 3-D, they do not: this network saves so much more.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import keras

from keras_unetmm.layers import ResidualStage, StridedConvolution
from keras_unetmm.models import segmentation
from keras_unetmm.models.arguments import check_flags
from keras_unetmm.models.encoder_decoder import concatenate, encoder_decoder
from keras_unetmm.models.skip_costs import tell_costs
from keras_unetmm.skips import Skips


@dataclass(frozen=True)
class Variant:
    """One row of the table of V-Nets; `convolutions` a stage, finest first, the bottom last."""

    rank: int
    channels: int
    convolutions: tuple
    kernel_size: int
    norm: bool
    inputs: int
    classes: int


# fmt: off
VARIANTS = {
    #                         rank channels convolutions     kernel norm   inputs classes
    "milletari2016":  Variant(3,   16,      (1, 2, 3, 3, 3), 5,     False, 1,     2),
    "sat":            Variant(3,   16,      (1, 2, 3, 3, 3), 5,     True,  1,     1),
}
# fmt: on


def VNet(
    variant: str = "milletari2016",
    *,
    input_shape: Sequence[int | None] | None = None,
    skips: Skips = "full",
    rank: int | None = None,
    channels: int | None = None,
    convolutions: Sequence[int] | None = None,
    kernel_size: int | None = None,
    norm: bool | None = None,
    classes: int | None = None,
    activation: str | None = "auto",
    name: str | None = None,
) -> keras.Model:
    """Builds a V-Net: volume or image in, probabilities of the same size out.

    Args:
        variant: str, a row of `keras_unetmm.models.vnet.VARIANTS`; the arguments below replace its entries.
        input_shape: `(depth, height, width, channels)`, for rank 2 `(height, width, channels)`; sizes may be None, else
            they divide by `2**(len(convolutions) - 1)`. By default any size and one channel.
        skips: `"full"`, `"none"`, `"sat"`, `"at"`, `"st"`, `"unet--"` or an object of `keras_unetmm.skips`. What they bring
            widens the decoder stage's input; where it stays narrower than the stage, the stage's residual
            repeats channels.
        rank: int, 2 or 3 spatial axes.
        channels: int, at full resolution; they double at each level. No fewer than the image has.
        convolutions: tuple of int, of each stage, finest first; the last is the bottom's. A decoder stage has as many
            as the encoder stage beside it.
        kernel_size: int.
        norm: bool, batch norm after each convolution.
        classes: int, channels of the prediction.
        activation: of the head: `"sigmoid"`, `"softmax"`, None for logits, or `"auto"`: softmax for several classes, as the
            paper's two, sigmoid for one.
        name: str, of the model.

    Returns:
        A functional `keras.Model`, `(N, *spatial, C) -> (N, *spatial, classes)`.

    Raises:
        ValueError: for an unknown row, activation or skip name, an entry that is not a number, a wrong `input_shape`, or
            channels that the skips cannot divide.

    Examples:
        >>> models.VNet(channels=4, input_shape=(32, 32, 32, 1)).output_shape
        (None, 32, 32, 32, 2)
    """
    row = segmentation.chosen(
        VARIANTS,
        variant,
        rank=rank,
        channels=channels,
        convolutions=convolutions,
        kernel_size=kernel_size,
        norm=norm,
        classes=classes,
    )
    check_flags(norm=row.norm)
    stages = _VNetStages(row)
    inputs, x = segmentation.image(input_shape, row.rank, row.inputs, stages.levels)
    skips = segmentation.connections(skips, row.norm)
    x = encoder_decoder(x, stages, skips, image=x)
    return tell_costs(keras.Model(inputs, segmentation.head(x, row.classes, activation), name=name or "vnet"), skips)


class _VNetStages:
    """V-Net's stages, as `keras_unetmm.models.encoder_decoder.Stages`."""

    def __init__(self, row):
        self.row = row
        self.levels = len(row.convolutions) - 1

    def _stage(self, x, level, channels, name):
        row = self.row
        return ResidualStage(channels, row.convolutions[level], row.kernel_size, row.norm, name=name)(x)

    def encode(self, x, level):
        return self._stage(x, level, self.row.channels * 2**level, f"enc{level}_stage")

    def down(self, x, level):
        return StridedConvolution(2 * x.shape[-1], norm=self.row.norm, name=f"enc{level}_down")(x)

    def middle(self, x):
        return self._stage(x, self.levels, x.shape[-1], "mid_stage")

    def up(self, x, level):
        channels = self.row.channels * 2**level
        return StridedConvolution(channels, up=True, norm=self.row.norm, name=f"dec{level}_up")(x)

    def fuse(self, x, skip, level):
        return concatenate(x, skip, name=f"dec{level}_fuse")

    def decode(self, x, level):
        return self._stage(x, level, 2 * self.row.channels * 2**level, f"dec{level}_stage")
