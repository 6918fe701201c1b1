# SPDX-License-Identifier: Apache-2.0
"""NAFNet (arXiv 2204.04676), and NAFNet with the skips of UNet-- (arXiv 2412.18276).

Written from the papers; block counts and names agree with the authors' public code (MIT licence), read for that.
`mcu_width16` is ours: one block a stage, batch norm because an integer graph folds it into the next convolution,
and an input skip because the global residual keeps the input alive anyway (both measured, see docs/guides/networks.md).
`mcu_width16_tiled` is the same without means over whole maps in its levels, so that they can run tile by tile: channel
attention is left in the bottleneck alone, and the IEMs have no response normalization.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras

from keras_unetmm import skips as skip_connections
from keras_unetmm.layers import NAFBlock, normalization
from keras_unetmm.models.arguments import check_flags, is_count
from keras_unetmm.models.restoration import changed_row, restoration_network
from keras_unetmm.skips import Skips


@dataclass(frozen=True)
class Variant:
    """One row of the table of NAFNets."""

    width: int
    encoder_depths: tuple
    middle_depth: int
    decoder_depths: tuple
    norm: str = "layer"
    input_skip: bool = False
    bounded: bool = False
    local_levels: int = 0
    header: str = "pointwise"


# fmt: off
VARIANTS = {
    #                       width  encoder         middle  decoder
    "sidd_width32":  Variant(32,  (2, 2, 4, 8),   12,     (2, 2, 2, 2)),
    "sidd_width64":  Variant(64,  (2, 2, 4, 8),   12,     (2, 2, 2, 2)),
    "gopro_width32": Variant(32,  (1, 1, 1, 28),  1,      (1, 1, 1, 1)),
    "gopro_width64": Variant(64,  (1, 1, 1, 28),  1,      (1, 1, 1, 1)),
    "mcu_width16":   Variant(16,  (1, 1, 1, 1),   1,      (1, 1, 1, 1), norm="batch", input_skip=True, bounded=True,
                            header="plain"),
}
VARIANTS["mcu_width16_tiled"] = replace(VARIANTS["mcu_width16"], local_levels=4)
# fmt: on


def NAFNet(
    variant: str = "sidd_width32",
    *,
    input_shape: Sequence[int | None] | None = (None, None, 3),
    skips: Skips = "full",
    width: int | None = None,
    encoder_depths: Sequence[int] | None = None,
    middle_depth: int | None = None,
    decoder_depths: Sequence[int] | None = None,
    norm: str | None = None,
    input_skip: bool | None = None,
    bounded: bool | None = None,
    local_levels: int | None = None,
    name: str | None = None,
) -> keras.Model:
    """Builds a NAFNet: image in, restored image out, of the same size.

    The input is padded with zeros, below and to the right, to a multiple of `2**levels`, and the output cropped. The
    network predicts the difference to its input.

    Args:
        variant: str, a row of `keras_unetmm.models.nafnet.VARIANTS`; the arguments below replace its entries.
        input_shape: `(height, width, channels)`; height and width may be None.
        skips: `"full"`, `"none"`, `"unet--"`, `"st"` or an object of `keras_unetmm.skips`.
        width: int, channels at full resolution; they double at each level.
        encoder_depths: tuple of int, blocks of each encoder stage, finest first.
        middle_depth: int, blocks of the bottleneck.
        decoder_depths: tuple of int, blocks of each decoder stage in the order in which they run, coarsest first
            (as published rows are written).
        norm: `"layer"` (as published) or `"batch"`.
        input_skip: bool, adds a 3x3 convolution of the input in the last decoder stage whatever the skips (not in the
            paper); False leaves it to them, see `keras_unetmm.skips.UNetMinusMinus`.
        bounded: bool, cuts what the gates multiply to [-1, 1] (not in the paper), see `keras_unetmm.layers.NAFBlock`.
        local_levels: int, how many levels, finest first, have no channel attention, which takes means over the whole map,
            nor anything else that sees more than a neighbourhood (not in the paper), for `keras_unetmm.tflite.tile`.
        name: str, of the model.

    Returns:
        A functional `keras.Model`, `(N, H, W, C) -> (N, H, W, C)`.

    Raises:
        ValueError: for an unknown variant, norm or skip name, a wrong `input_shape`, depths that do not match, or
            channels that the skips cannot divide.

    Examples:
        >>> models.NAFNet("mcu_width16_tiled", skips="unet--", input_shape=(64, 64, 3)).output_shape
        (None, 64, 64, 3)
    """
    row = changed_row(
        VARIANTS,
        variant,
        width=width,
        encoder_depths=encoder_depths,
        middle_depth=middle_depth,
        decoder_depths=decoder_depths,
        norm=norm,
        input_skip=input_skip,
        bounded=bounded,
        local_levels=local_levels,
    )
    check_flags(input_skip=row.input_skip, bounded=row.bounded)
    normalization(row.norm)  # refuses an unknown name
    if not is_count(row.local_levels, least=0) or row.local_levels > len(row.encoder_depths):
        raise ValueError(
            f"local_levels must be a number of the network's {len(row.encoder_depths)} levels, or 0. "
            f"Received: {row.local_levels!r}."
        )
    skips = skip_connections.get(skips).with_defaults(norm=row.norm, local_levels=row.local_levels, header=row.header)

    def block(name, level):
        attention = level >= row.local_levels
        return NAFBlock(norm=row.norm, channel_attention=attention, bounded=row.bounded, name=name)

    return restoration_network(row, block, input_shape, skips, name or "nafnet", row.input_skip)


def NAFNetUNetMinus(
    variant: str = "sidd_width32",
    *,
    reductions: Sequence[int] = (16, 16, 16, 8),
    level: int | None = None,
    header: str | None = None,
    name: str | None = None,
    **arguments: Any,
) -> keras.Model:
    """Builds a NAFNet whose skips are the MSIAM and IEM of UNet-- (arXiv 2412.18276).

    Args:
        variant: str, as for `NAFNet`.
        reductions: tuple of int, MSIAM's channel reductions, one a level, finest first.
        level: int, whose resolution E' has: None is the lowest (figure 3a), 0 the highest (figure 3c).
        header: `"plain"` or `"pointwise"`, see `keras_unetmm.layers.IEM`; None is what the row has: pointwise in
            published ones, which gives the printed parameter count, else plain.
        name: str, of the model.
        **arguments: the other arguments of `NAFNet`, except `skips`; `norm` is that of the blocks and of the IEM.

    Returns:
        A functional `keras.Model`, `(N, H, W, C) -> (N, H, W, C)`.

    Raises:
        ValueError: as `NAFNet`.

    Examples:
        >>> small = {"width": 16, "encoder_depths": (1, 1), "middle_depth": 1, "decoder_depths": (1, 1)}
        >>> model = models.NAFNetUNetMinus(reductions=(8, 4), **small)
        >>> model.output_shape
        (None, None, None, 3)
    """
    skips = skip_connections.UNetMinusMinus(reductions, level, header)
    return NAFNet(variant, skips=skips, name=name or "nafnet_unet_minus", **arguments)
