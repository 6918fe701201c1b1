"""NAFNet (arXiv 2204.04676), and NAFNet with the skips of UNet-- (arXiv 2412.18276).

Written from the papers; block counts and names agree with the authors' public code (MIT licence), read for that.
`mcu_width16` is ours: one block a stage, batch norm because an integer graph folds it into the next convolution,
and an input skip because the global residual keeps the input alive anyway (both measured, see the README).
"""

from dataclasses import dataclass, replace

import keras

from keras_unetmm import skips as skip_connections
from keras_unetmm.layers import CropLike, NAFBlock, PadToMultiple, PixelShuffleUpsampling, normalization
from keras_unetmm.models.encoder_decoder import add, encoder_decoder


@dataclass(frozen=True)
class Variant:
    """One row of the table of NAFNets."""

    width: int
    encoder_depths: tuple
    middle_depth: int
    decoder_depths: tuple
    norm: str = "layer"
    input_skip: bool = False


# fmt: off
VARIANTS = {
    #                       width  encoder         middle  decoder
    "sidd_width32":  Variant(32,  (2, 2, 4, 8),   12,     (2, 2, 2, 2)),
    "sidd_width64":  Variant(64,  (2, 2, 4, 8),   12,     (2, 2, 2, 2)),
    "gopro_width32": Variant(32,  (1, 1, 1, 28),  1,      (1, 1, 1, 1)),
    "gopro_width64": Variant(64,  (1, 1, 1, 28),  1,      (1, 1, 1, 1)),
    "mcu_width16":   Variant(16,  (1, 1, 1, 1),   1,      (1, 1, 1, 1), norm="batch", input_skip=True),
}
# fmt: on


def NAFNet(
    variant="sidd_width32",
    *,
    input_shape=(None, None, 3),
    skips="full",
    width=None,
    encoder_depths=None,
    middle_depth=None,
    decoder_depths=None,
    norm=None,
    input_skip=None,
    name=None,
):
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
        input_skip: bool, adds a 3x3 convolution of the input in the last decoder stage (not in the paper).
        name: str, of the model.

    Returns:
        A functional `keras.Model`, `(N, H, W, C) -> (N, H, W, C)`.

    Raises:
        ValueError: for an unknown variant, norm or skip name, a wrong `input_shape`, depths that do not match, or
            channels that the skips cannot divide.
    """
    row = _row(
        variant,
        width=width,
        encoder_depths=encoder_depths,
        middle_depth=middle_depth,
        decoder_depths=decoder_depths,
        norm=norm,
        input_skip=input_skip,
    )
    skips = skip_connections.get(skips)
    if isinstance(skips, skip_connections.UNetMinusMinus) and skips.norm is None:
        skips = replace(skips, norm=row.norm)
    channels = _image_channels(input_shape)

    full = keras.config.floatx()  # the global residual stays in full precision under a mixed policy
    inputs = keras.Input(input_shape, name="image")
    image = PadToMultiple(2 ** len(row.encoder_depths), dtype=full, name="pad")(inputs)
    x = keras.layers.Conv2D(row.width, 3, padding="same", name="intro")(image)
    x = encoder_decoder(x, _NAFStages(row, image), skips)
    x = keras.layers.Conv2D(channels, 3, padding="same", name="head")(x)
    x = keras.layers.Add(dtype=full, name="residual")([x, image])
    outputs = CropLike(dtype=full, name="crop")([x, inputs])
    return keras.Model(inputs, outputs, name=name or "nafnet")


def NAFNetUNetMinus(
    variant="sidd_width32",
    *,
    reductions=(16, 16, 16, 8),
    level=None,
    header="plain",
    name=None,
    **arguments,
):
    """Builds a NAFNet whose skips are the MSIAM and IEM of UNet-- (arXiv 2412.18276).

    Args:
        variant: str, as for `NAFNet`.
        reductions: tuple of int, MSIAM's channel reductions, one a level, finest first.
        level: int, whose resolution E' has: None is the lowest (figure 3a), 0 the highest (figure 3c).
        header: `"plain"`, or `"pointwise"` for the published parameter count; see `keras_unetmm.layers.IEM`.
        name: str, of the model.
        **arguments: the other arguments of `NAFNet`, except `skips`; `norm` is that of the blocks and of the IEM.

    Returns:
        A functional `keras.Model`, `(N, H, W, C) -> (N, H, W, C)`.

    Raises:
        ValueError: as `NAFNet`.
    """
    skips = skip_connections.UNetMinusMinus(tuple(reductions), level, header)
    return NAFNet(variant, skips=skips, name=name or "nafnet_unet_minus", **arguments)


class _NAFStages:
    """NAFNet's stages, as `keras_unetmm.models.encoder_decoder.Stages`."""

    def __init__(self, row, image):
        self.row = row
        self.image = image
        self.levels = len(row.encoder_depths)

    def _blocks(self, x, count, prefix):
        for i in range(count):
            x = NAFBlock(norm=self.row.norm, name=f"{prefix}_block{i}")(x)
        return x

    def encode(self, x, level):
        return self._blocks(x, self.row.encoder_depths[level], f"enc{level}")

    def down(self, x, level):
        return keras.layers.Conv2D(2 * x.shape[-1], 2, strides=2, name=f"enc{level}_down")(x)

    def middle(self, x):
        return self._blocks(x, self.row.middle_depth, "mid")

    def up(self, x, level):
        return PixelShuffleUpsampling(x.shape[-1] // 2, name=f"dec{level}_up")(x)

    def fuse(self, x, skip, level):
        return add(x, skip, name=f"dec{level}_fuse")

    def decode(self, x, level):
        if level == 0 and self.row.input_skip:
            first = keras.layers.Conv2D(x.shape[-1], 3, padding="same", name="input_skip")(self.image)
            x = keras.layers.Add(name="dec0_input")([x, first])
        return self._blocks(x, self.row.decoder_depths[self.levels - 1 - level], f"dec{level}")


def _row(variant, **changes):
    if not isinstance(variant, str) or variant not in VARIANTS:
        raise ValueError(f"variant must be one of {', '.join(map(repr, VARIANTS))}. Received: {variant!r}.")
    row = replace(VARIANTS[variant], **{name: value for name, value in changes.items() if value is not None})
    normalization(row.norm)  # refuses an unknown name
    if not _is_count(row.width, least=1):
        raise ValueError(f"width must be a positive number of channels. Received: {row.width!r}.")
    if not _is_count(row.middle_depth):
        raise ValueError(f"middle_depth must be a number of blocks, 0 or more. Received: {row.middle_depth!r}.")
    depths = (row.encoder_depths, row.decoder_depths)
    sound = all(isinstance(d, (tuple, list)) and d and all(map(_is_count, d)) for d in depths)
    if not sound or len(depths[0]) != len(depths[1]):
        raise ValueError(
            "encoder_depths and decoder_depths must be tuples of numbers of blocks, one entry for each level, at least one. "
            f"Received: {depths[0]} and {depths[1]}. Pass both with the same length."
        )
    return replace(row, encoder_depths=tuple(depths[0]), decoder_depths=tuple(depths[1]))


def _is_count(value, least=0):
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _image_channels(input_shape):
    sizes = tuple(input_shape) if isinstance(input_shape, (tuple, list)) else ()
    fits = len(sizes) == 3 and _is_count(sizes[2], 1) and all(s is None or _is_count(s, 1) for s in sizes[:2])
    if not fits:
        raise ValueError(
            "input_shape must be (height, width, channels), where height and width may be None. "
            f"Received: {input_shape}. For colour images of any size pass (None, None, 3)."
        )
    return sizes[2]
