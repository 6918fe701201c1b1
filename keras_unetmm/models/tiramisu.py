# SPDX-License-Identifier: Apache-2.0
"""The One Hundred Layers Tiramisu, FC-DenseNet (arXiv 1611.09326); with the gates of SAT (arXiv 1804.05181) by argument.

Written from the paper's section 3 and tables 1 and 2; biases and He's uniform initialization are those of the
authors' public code. The paper prints 1.5M, 3.5M and 9.4M parameters for 11 classes. Counted as that code does, all
four numbers of a batch norm included, these are 1,397,963, 3,502,923 and 9,425,163: two agree, the first prints as 1.4M.
The counts that SAT prints for its Tiramisu (10,202,993 in 3-D) are none of these networks' and could not be reached.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import keras

from keras_unetmm.layers import DenseBlock, TransitionDown, TransitionUp
from keras_unetmm.layers.dense_block import GATES
from keras_unetmm.layers.rank import layer
from keras_unetmm.models import segmentation
from keras_unetmm.models.encoder_decoder import concatenate, encoder_decoder
from keras_unetmm.models.skip_costs import tell_costs
from keras_unetmm.skips import Skips, gate_arguments


@dataclass(frozen=True)
class Variant:
    """One row of the table of Tiramisus; `depths` are dense layers a stage, finest first, the bottom last."""

    rank: int
    growth: int
    depths: tuple
    channels: int = 48
    dropout: float = 0.2
    inputs: int = 3
    classes: int = 11


# fmt: off
VARIANTS = {
    #                         rank growth depths
    "fc_densenet56":  Variant(2,   12,    (4, 4, 4, 4, 4, 4)),
    "fc_densenet67":  Variant(2,   16,    (5, 5, 5, 5, 5, 5)),
    "fc_densenet103": Variant(2,   16,    (4, 5, 7, 10, 12, 15)),
}
# fmt: on


def Tiramisu(
    variant: str = "fc_densenet103",
    *,
    input_shape: Sequence[int | None] | None = None,
    skips: Skips = "full",
    dense_skips: Skips = "full",
    rank: int | None = None,
    growth: int | None = None,
    depths: Sequence[int] | None = None,
    channels: int | None = None,
    dropout: float | None = None,
    classes: int | None = None,
    activation: str | None = "auto",
    name: str | None = None,
) -> keras.Model:
    """Builds an FC-DenseNet: image or volume in, probabilities of the same size out.

    Args:
        variant: str, a row of `keras_unetmm.models.tiramisu.VARIANTS`; the arguments below replace its entries.
        input_shape: `(height, width, channels)`, for rank 3 `(depth, height, width, channels)`; sizes may be None, else
            they divide by `2**(len(depths) - 1)`. By default any size and three channels.
        skips: `"full"`, `"none"`, `"sat"`, `"at"`, `"st"`, `"unet--"` or an object of `keras_unetmm.skips`.
        dense_skips: `"full"`, `"sat"`, `"at"`, `"st"` or their objects, of the connections inside dense blocks; see
            `keras_unetmm.layers.DenseBlock`.
        rank: int, 2 or 3 spatial axes.
        growth: int, new channels of each dense layer.
        depths: tuple of int, dense layers of each stage, finest first; the last is the bottom's. A decoder stage has as
            many as the encoder stage beside it.
        channels: int, of the first convolution.
        dropout: float, rate after each convolution of a dense layer or a transition down.
        classes: int, channels of the prediction.
        activation: of the head: `"sigmoid"`, `"softmax"`, None for logits, or `"auto"`: softmax for several classes, as
            published, sigmoid for one.
        name: str, of the model.

    Returns:
        A functional `keras.Model`, `(N, *spatial, C) -> (N, *spatial, classes)`.

    Raises:
        ValueError: for an unknown row, activation, gate or skip name, an entry that is not a number, a wrong
            `input_shape`, or channels that the skips cannot divide.

    Examples:
        >>> models.Tiramisu("fc_densenet56", classes=11, input_shape=(64, 64, 3)).output_shape
        (None, 64, 64, 11)
    """
    row = segmentation.chosen(
        VARIANTS,
        variant,
        rank=rank,
        growth=growth,
        depths=depths,
        channels=channels,
        dropout=dropout,
        classes=classes,
    )
    stages = _TiramisuStages(row, *gate_arguments(dense_skips, GATES, "dense_skips"))
    inputs, x = segmentation.image(input_shape, row.rank, row.inputs, stages.levels)
    start = {"padding": "same", "kernel_initializer": "he_uniform"}
    first = layer("convolution", row.rank, row.channels, 3, name="intro", **start)(x)
    skips = segmentation.connections(skips, batch_norm=True)
    x = encoder_decoder(first, stages, skips, image=x)
    outputs = segmentation.head(x, row.classes, activation, "he_uniform")
    return tell_costs(keras.Model(inputs, outputs, name=name or "tiramisu"), skips)


class _TiramisuStages:
    """Tiramisu's stages, as `keras_unetmm.models.encoder_decoder.Stages`."""

    def __init__(self, row, gates, options):
        self.row = row
        self.gates = {"gates": gates, **options}
        self.levels = len(row.depths) - 1

    def _block(self, x, level, name, whole):
        row = self.row
        return DenseBlock(row.depths[level], row.growth, row.dropout, whole, **self.gates, name=name)(x)

    def encode(self, x, level):
        return self._block(x, level, f"enc{level}_block", whole=True)

    def down(self, x, level):
        return TransitionDown(self.row.dropout, name=f"enc{level}_down")(x)

    def middle(self, x):
        return self._block(x, self.levels, "mid_block", whole=False)

    def up(self, x, level):
        return TransitionUp(name=f"dec{level}_up")(x)

    def fuse(self, x, skip, level):
        return concatenate(x, skip, name=f"dec{level}_fuse")

    def decode(self, x, level):
        return self._block(x, level, f"dec{level}_block", whole=level == 0)
