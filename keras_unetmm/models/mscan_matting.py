# SPDX-License-Identifier: Apache-2.0
"""Portrait matting on MSCAN (arXiv 2209.08575), and with the skips of UNet-- (arXiv 2412.18276), section 4.

UNet-- publishes little of its matting network: the encoder, MSCAN-tiny; the task, one alpha map; and a row of a table, 3.95M
parameters and a skip memory of 2.56 MB, 0.14 MB with UNet--. Decoder, size of the image and reductions are not stated.

Ours is the decoder. The maps of the first three stages are skipped, the fourth is the bottom. A decoder stage reduces
its input by a 1x1 convolution, doubles it bilinearly, concatenates the skip, and runs a separable convolution, batch norm
and the activation. At stride 4 a 1x1 convolution and a pixel shuffle make the alpha map. With the widths here tiny has
3,947,376 parameters, which rounds to the published 3.95M; other decoders would too. The skip memory is not recovered:
three maps hold 3.625 bytes a pixel; with the bottom counted as a fourth, 3.875, which is 2.56 MiB at 832x832 and at no
other square size, but then no reductions whose channels divide in IEM's pixel shuffles give 0.14 MiB.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras

from keras_unetmm import skips as skip_connections
from keras_unetmm.layers import BilinearUpsampling, PixelShuffle, PointwiseConvolution, SeparableConvolution
from keras_unetmm.layers.activation import activation as activation_layer
from keras_unetmm.layers.patch_embedding import batch_norm
from keras_unetmm.models import mscan, segmentation
from keras_unetmm.models.arguments import is_count
from keras_unetmm.models.encoder_decoder import concatenate, encoder_decoder
from keras_unetmm.models.skip_costs import tell_costs
from keras_unetmm.skips import Skips

LEVELS = 3
HALVINGS = 5  # of the image, down to the fourth stage
STRIDE = 4  # of the first stage
REDUCTIONS = (16, 16, 10)  # the published 1/16 where it leaves E' channels that IEM's pixel shuffles divide


@dataclass(frozen=True)
class Variant:
    """One row of the table: a row of MSCANs, and the channels of the decoder stages, finest first."""

    encoder: str
    decoder: tuple


# fmt: off
VARIANTS = {
    #                      encoder         decoder
    "tiny":        Variant("tiny",        (32, 32, 64)),
    "small":       Variant("small",       (64, 64, 128)),
    "base":        Variant("base",        (64, 64, 128)),
    "large":       Variant("large",       (64, 64, 128)),
    "mcu_width16": Variant("mcu_width16", (16, 16, 32)),
}
# fmt: on


def MSCANMatting(
    variant: str = "tiny",
    *,
    input_shape: Sequence[int | None] | None = (None, None, 3),
    skips: Skips = "full",
    decoder: Sequence[int] | None = None,
    channels: Sequence[int] | None = None,
    depths: Sequence[int] | None = None,
    expansions: Sequence[int] | None = None,
    drop_path: float | None = None,
    activation: str | None = None,
    norm: str | None = None,
    name: str | None = None,
) -> keras.Model:
    """Builds a matting network: image in, alpha map of the same size out, between 0 and 1.

    Args:
        variant: str, a row of `keras_unetmm.models.mscan_matting.VARIANTS`.
        input_shape: `(height, width, channels)`; height and width may be None, else they divide by 32.
        skips: `"full"`, `"none"`, `"sat"`, `"at"`, `"st"`, `"unet--"` (then as `MSCANMattingUNetMinus` has it) or an object
            of `keras_unetmm.skips`; of three levels, strides 4, 8 and 16.
        decoder: tuple of int, channels of the three decoder stages, finest first.
        channels: as the following ones, replaces an entry of the encoder's row; see `keras_unetmm.models.MSCAN`.
        depths: tuple of int.
        expansions: tuple of int.
        drop_path: float.
        activation: `"gelu"` or `"relu"`, of encoder and decoder.
        norm: `"layer"` or `"batch"`, at the end of each stage of the encoder.
        name: str, of the model.

    Returns:
        A functional `keras.Model`, `(N, H, W, C) -> (N, H, W, 1)`, float32 under a mixed policy too.

    Raises:
        ValueError: for an unknown row or skip name, entries that do not match, a wrong `input_shape`, or channels that the
            skips cannot divide.

    Examples:
        >>> model = models.MSCANMatting(channels=(4, 8, 8, 8), depths=(1, 1, 1, 1), decoder=(4, 8, 8))
        >>> model.output_shape
        (None, None, None, 1)
    """
    if not isinstance(variant, str) or variant not in VARIANTS:
        raise ValueError(f"variant must be one of {', '.join(map(repr, VARIANTS))}. Received: {variant!r}.")
    row = mscan.checked_row(
        VARIANTS[variant].encoder,
        channels=channels,
        depths=depths,
        expansions=expansions,
        drop_path=drop_path,
        activation=activation,
        norm=norm,
    )
    decoder = VARIANTS[variant].decoder if decoder is None else decoder
    if not isinstance(decoder, (tuple, list)) or len(decoder) != LEVELS or not all(map(is_count, decoder)):
        raise ValueError(
            f"decoder must be a tuple of {LEVELS} positive integers, channels of each stage, finest first. "
            f"Received: {decoder!r}. The row {variant!r} has {VARIANTS[variant].decoder}."
        )
    if isinstance(skips, str) and skips == "unet--":
        skips = skip_connections.UNetMinusMinus(REDUCTIONS)
    full = keras.config.floatx()  # what leaves the network is in full precision under a mixed policy
    inputs, x = segmentation.image(input_shape, 2, 3, HALVINGS)
    x = mscan.stem(x, row)
    skips = segmentation.connections(skips, batch_norm=True)
    x = encoder_decoder(x, _MattingStages(row, decoder), skips)
    x = PointwiseConvolution(STRIDE**2, name="head")(x)
    x = PixelShuffle(STRIDE, name="head_shuffle")(x)
    x = keras.layers.Activation("sigmoid", dtype=full, name="alpha")(x)
    return tell_costs(keras.Model(inputs, x, name=name or "mscan_matting"), skips)


def MSCANMattingUNetMinus(
    variant: str = "tiny",
    *,
    reductions: Sequence[int] = REDUCTIONS,
    level: int | None = None,
    header: str | None = None,
    name: str | None = None,
    **arguments: Any,
) -> keras.Model:
    """Builds a matting network whose skips are the MSIAM and IEM of UNet-- (arXiv 2412.18276).

    Args:
        variant: str, as for `MSCANMatting`.
        reductions: tuple of int, MSIAM's channel reductions, one a level, finest first. The paper's are 16, 16, 16 and 8 for
            four levels; the default leaves 64 channels at stride 16, of which IEM's pixel shuffle to stride 4 makes 4.
        level: int, whose resolution E' has: None is the lowest (figure 3a), 0 the highest (figure 3c).
        header: `"plain"`, which None stands for, or `"pointwise"`; see `keras_unetmm.layers.IEM`.
        name: str, of the model.
        **arguments: the other arguments of `MSCANMatting`, except `skips`.

    Returns:
        A functional `keras.Model`, `(N, H, W, C) -> (N, H, W, 1)`.

    Raises:
        ValueError: as `MSCANMatting`.

    Examples:
        >>> small = {"channels": (16, 32, 32, 32), "depths": (1, 1, 1, 1), "decoder": (16, 16, 16)}
        >>> models.MSCANMattingUNetMinus(reductions=(16, 16, 4), **small).output_shape
        (None, None, None, 1)
    """
    skips = skip_connections.UNetMinusMinus(reductions, level, header)
    return MSCANMatting(variant, skips=skips, name=name or "mscan_matting_unet_minus", **arguments)


class _MattingStages:
    """The stages, as `keras_unetmm.models.encoder_decoder.Stages`."""

    levels = LEVELS

    def __init__(self, row, decoder):
        self.row = row
        self.decoder = decoder

    def encode(self, x, level):
        return mscan.stage(x, self.row, level, f"enc{level}")

    def down(self, x, level):
        return mscan.down(x, self.row, level)

    def middle(self, x):
        return mscan.stage(x, self.row, LEVELS, "mid")

    def up(self, x, level):
        x = PointwiseConvolution(self.decoder[level], name=f"dec{level}_reduce")(x)
        return BilinearUpsampling(2, name=f"dec{level}_up")(x)

    def fuse(self, x, skip, level):
        return concatenate(x, skip, name=f"dec{level}_fuse")

    def decode(self, x, level):
        x = SeparableConvolution(self.decoder[level], name=f"dec{level}_separable")(x)
        x = batch_norm(name=f"dec{level}_norm")(x)
        return activation_layer(self.row.activation, name=f"dec{level}_activation")(x)
