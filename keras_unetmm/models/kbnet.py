# SPDX-License-Identifier: Apache-2.0
"""KBNet_s (arXiv 2303.02881), and KBNet_s with the skips of UNet-- (arXiv 2412.18276).

Written from the papers; the rows and the wiring around the blocks, which is NAFNet's, agree with the authors' public
code (MIT licence), read for that. `sidd_width64` is the network of UNet--'s tables, there counted without kernel bases,
scales and LayerNorm (104.93M); it has 128.40M parameters in all. The authors use it for SenseNoise, too.

There is no row for microcontrollers: kernel basis attention takes 36 * 32 * C multiplications a pixel whatever the width,
more than all convolutions of a block together below some 200 channels and 8 times as many at 16, and its 36 products of
two activations would each be rounded to 8 bits before they are summed.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras

from keras_unetmm import skips as skip_connections
from keras_unetmm.layers import KBBlock
from keras_unetmm.models.arguments import check_flags
from keras_unetmm.models.restoration import changed_row, restoration_network
from keras_unetmm.skips import Skips


@dataclass(frozen=True)
class Variant:
    """One row of the table of KBNets."""

    width: int
    encoder_depths: tuple
    middle_depth: int
    decoder_depths: tuple
    lightweight: bool
    ffn_scale: float


# fmt: off
VARIANTS = {
    #                          width  encoder       middle  decoder       lightweight  ffn_scale
    "sidd_width64":     Variant(64,  (2, 2, 4, 8),  12,     (2, 2, 2, 2), True,        1.5),
    "gaussian_width64": Variant(64,  (2, 2, 4, 8),  12,     (2, 2, 2, 2), False,       2.0),
}
# fmt: on


def KBNet(
    variant: str = "sidd_width64",
    *,
    input_shape: Sequence[int | None] | None = (None, None, 3),
    skips: Skips = "full",
    width: int | None = None,
    encoder_depths: Sequence[int] | None = None,
    middle_depth: int | None = None,
    decoder_depths: Sequence[int] | None = None,
    lightweight: bool | None = None,
    ffn_scale: float | None = None,
    name: str | None = None,
) -> keras.Model:
    """Builds a KBNet_s: image in, restored image out, of the same size.

    The input is padded with zeros, below and to the right, to a multiple of `2**levels`, and the output cropped. The
    network predicts the difference to its input.

    Args:
        variant: str, a row of `keras_unetmm.models.kbnet.VARIANTS`; the arguments below replace its entries.
        input_shape: `(height, width, channels)`; height and width may be None.
        skips: `"full"`, `"none"`, `"unet--"`, `"st"` or an object of `keras_unetmm.skips`.
        width: int, channels at full resolution; they double at each level.
        encoder_depths: tuple of int, blocks of each encoder stage, finest first.
        middle_depth: int, blocks of the bottleneck.
        decoder_depths: tuple of int, blocks of each decoder stage in the order in which they run, coarsest first
            (as published rows are written).
        lightweight: bool, whether the blocks' second branch is depthwise, or 5x5 in groups of 4 channels.
        ffn_scale: float, the blocks' feed-forward parts have `ffn_scale * C` channels.
        name: str, of the model.

    Returns:
        A functional `keras.Model`, `(N, H, W, C) -> (N, H, W, C)`.

    Raises:
        ValueError: for an unknown variant or skip name, a wrong `input_shape`, depths that do not match, an `ffn_scale`
            that is no number, or channels that the blocks or the skips cannot divide.

    Examples:
        >>> model = models.KBNet(width=8, encoder_depths=(1, 1), middle_depth=1, decoder_depths=(1, 1))
        >>> model.output_shape
        (None, None, None, 3)
    """
    row = changed_row(
        VARIANTS,
        variant,
        width=width,
        encoder_depths=encoder_depths,
        middle_depth=middle_depth,
        decoder_depths=decoder_depths,
        lightweight=lightweight,
        ffn_scale=ffn_scale,
    )
    sound = isinstance(row.ffn_scale, (int, float)) and not isinstance(row.ffn_scale, bool)
    if not sound or not 0 < row.ffn_scale < math.inf:
        raise ValueError(f"ffn_scale must be a positive number. Received: {row.ffn_scale!r}. Use 1.5 or 2, as published.")
    check_flags(lightweight=row.lightweight)
    _check_width(row.width, len(row.encoder_depths))

    def block(name, level):
        return KBBlock(lightweight=row.lightweight, ffn_scale=row.ffn_scale, name=name)

    skips = skip_connections.get(skips).with_defaults(header="pointwise")
    return restoration_network(row, block, input_shape, skips, name or "kbnet")


def KBNetUNetMinus(
    variant: str = "sidd_width64",
    *,
    reductions: Sequence[int] = (16, 16, 16, 8),
    level: int | None = None,
    header: str | None = None,
    name: str | None = None,
    **arguments: Any,
) -> keras.Model:
    """Builds a KBNet_s whose skips are the MSIAM and IEM of UNet-- (arXiv 2412.18276).

    Args:
        variant: str, as for `KBNet`.
        reductions: tuple of int, MSIAM's channel reductions, one a level, finest first.
        level: int, whose resolution E' has: None is the lowest (figure 3a), 0 the highest (figure 3c).
        header: `"plain"` or `"pointwise"`, which gives the printed parameter count and is what None stands for; see
            `keras_unetmm.layers.IEM`.
        name: str, of the model.
        **arguments: the other arguments of `KBNet`, except `skips`.

    Returns:
        A functional `keras.Model`, `(N, H, W, C) -> (N, H, W, C)`.

    Raises:
        ValueError: as `KBNet`.

    Examples:
        >>> small = {"width": 8, "encoder_depths": (1, 1), "middle_depth": 1, "decoder_depths": (1, 1)}
        >>> model = models.KBNetUNetMinus(reductions=(8, 4), **small)
        >>> model.output_shape
        (None, None, None, 3)
    """
    skips = skip_connections.UNetMinusMinus(reductions, level, header)
    return KBNet(variant, skips=skips, name=name or "kbnet_unet_minus", **arguments)


def _check_width(width, levels):
    def fits(width):
        channels = [width << level for level in range(levels + 1)]
        return all(c % 4 == 0 and (c <= 32 or c % 32 == 0) for c in channels)

    if not fits(width):
        below = [w for w in range(1, width) if fits(w)][-1:]
        above = next(w for w in range(width + 1, width + 33) if fits(w))
        raise ValueError(
            "width must give every level a multiple of 4 channels, and of 32 beyond 32, for the groups of its blocks. "
            f"Received: {width}. The nearest that fit {levels} levels: {' or '.join(map(str, [*below, above]))}."
        )
