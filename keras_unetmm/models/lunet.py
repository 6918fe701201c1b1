# SPDX-License-Identifier: Apache-2.0
"""Lean U-Net: a U-Net with as many channels at the bottom as at full resolution.

Written from the paper's description; the blocks are those of the U-Net that it is compared with, in
`keras_unetmm.models.unet`. Its table says five levels and two convolutions a block; the counts printed beside them, 10.7K,
2.8K and 42K, are those of four levels and three convolutions (gamma and beta counted). Both are here: `harp` has the
printed counts, `table` the printed shape. `mcu_width8` is ours.
"""

from collections.abc import Sequence

import keras

from keras_unetmm.models import segmentation
from keras_unetmm.models.unet import Variant, built
from keras_unetmm.skips import Skips

# fmt: off
VARIANTS = {
    #                       rank channels levels convolutions order    classes inputs
    "harp_width4":  Variant(3,   4,       4,     3, "conv-relu-norm",  2,      1, growth=1),
    "harp_width2":  Variant(3,   2,       4,     3, "conv-relu-norm",  2,      1, growth=1),
    "harp_width8":  Variant(3,   8,       4,     3, "conv-relu-norm",  2,      1, growth=1),
    "table_width4": Variant(3,   4,       5,     2, "conv-relu-norm",  2,      1, growth=1),
    "table_width2": Variant(3,   2,       5,     2, "conv-relu-norm",  2,      1, growth=1),
    "table_width8": Variant(3,   8,       5,     2, "conv-relu-norm",  2,      1, growth=1),
    "ct_width24":   Variant(3,   24,      4,     3, "conv-relu-norm",  2,      1, growth=1),
    "mcu_width8":   Variant(2,   8,       4,     2, "conv-norm-relu",  1,      3, growth=1),
}
# fmt: on


def LUnet(
    variant: str = "harp_width4",
    *,
    input_shape: Sequence[int | None] | None = None,
    skips: Skips = "full",
    rank: int | None = None,
    channels: int | None = None,
    levels: int | None = None,
    convolutions: int | None = None,
    order: str | None = None,
    up: str | None = None,
    classes: int | None = None,
    activation: str | None = "auto",
    name: str | None = None,
) -> keras.Model:
    """Builds a Lean U-Net: image or volume in, probabilities of the same size out.

    Args:
        variant: str, a row of `keras_unetmm.models.lunet.VARIANTS`; the arguments below replace its entries.
        input_shape: `(depth, height, width, channels)`, for rank 2 `(height, width, channels)`; sizes may be None, else
            they divide by `2**(levels - 1)`. By default any size, with the row's channels.
        skips: `"full"`, `"none"`, `"sat"`, `"at"`, `"st"`, `"unet--"` or an object of `keras_unetmm.skips`; of the
            `levels - 1` levels above the bottom.
        rank: int, 2 or 3 spatial axes.
        channels: int, everywhere.
        levels: int, resolutions, the bottom included.
        convolutions: int, in each block.
        order: `"conv-relu"`, `"conv-norm-relu"` or `"conv-relu-norm"`.
        up: `"halving"` (here the same as `"keeping"`), a transposed 2x2 (2x2x2) convolution, or `"nearest"`.
        classes: int, channels of the prediction.
        activation: of the head: `"sigmoid"`, `"softmax"`, None for logits, or `"auto"`: sigmoid for one class, softmax for
            several.
        name: str, of the model.

    Returns:
        A functional `keras.Model`, `(N, *spatial, C) -> (N, *spatial, classes)`.

    Raises:
        ValueError: as `keras_unetmm.models.UNet`.

    Examples:
        >>> models.LUnet("harp_width4", input_shape=(32, 32, 32, 1)).count_params()
        10870
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
        classes=classes,
    )
    return built(row, input_shape, skips, activation, name or "lunet")
