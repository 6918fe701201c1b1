# SPDX-License-Identifier: Apache-2.0
"""What NAFNet and KBNet have in common: everything but their blocks, and the checks of what they are given."""

from dataclasses import replace

import keras

from keras_unetmm import skips as skip_connections
from keras_unetmm.layers import CropLike, PadToMultiple, PixelShuffleUpsampling
from keras_unetmm.models.arguments import checked_image_shape, is_count
from keras_unetmm.models.encoder_decoder import add, encoder_decoder
from keras_unetmm.models.skip_costs import tell_costs


class RestorationStages:
    """The stages, as `keras_unetmm.models.encoder_decoder.Stages`.

    Args:
        row: the row of a network's table, with `encoder_depths`, `middle_depth` and `decoder_depths` (coarsest first).
        block: function of a name and a level that returns a block, a layer that keeps the shape of a map; the bottleneck's
            level is the number of levels.
    """

    def __init__(self, row, block):
        self.row = row
        self.block = block
        self.levels = len(row.encoder_depths)

    def _blocks(self, x, count, prefix, level):
        for i in range(count):
            x = self.block(f"{prefix}_block{i}", level)(x)
        return x

    def encode(self, x, level):
        return self._blocks(x, self.row.encoder_depths[level], f"enc{level}", level)

    def down(self, x, level):
        return keras.layers.Conv2D(2 * x.shape[-1], 2, strides=2, name=f"enc{level}_down")(x)

    def middle(self, x):
        return self._blocks(x, self.row.middle_depth, "mid", self.levels)

    def up(self, x, level):
        return PixelShuffleUpsampling(x.shape[-1] // 2, name=f"dec{level}_up")(x)

    def fuse(self, x, skip, level):
        return add(x, skip, name=f"dec{level}_fuse")

    def decode(self, x, level):
        return self._blocks(x, self.row.decoder_depths[self.levels - 1 - level], f"dec{level}", level)


def restoration_network(row, block, input_shape, skips, name, input_skip=False):
    """Pads the image with zeros, runs the stages, adds their output to the image and crops it.

    Args:
        row: as for `RestorationStages`, with the `width` at full resolution.
        block: as for `RestorationStages`.
        input_shape: `(height, width, channels)`; height and width may be None.
        skips: a name or object of `keras_unetmm.skips`.
        name: str, of the model.
        input_skip: bool, whether a convolution of the image joins the last decoder stage whatever the skips.

    Raises:
        ValueError: for a wrong `input_shape`, an unknown kind of skips, or skips that do not fit.
    """
    skips = skip_connections.get(skips)
    *_, channels = checked_image_shape(input_shape)
    full = keras.config.floatx()  # the global residual stays in full precision under a mixed policy
    inputs = keras.Input(input_shape, name="image")
    image = PadToMultiple(2 ** len(row.encoder_depths), dtype=full, name="pad")(inputs)
    x = keras.layers.Conv2D(row.width, 3, padding="same", name="intro")(image)
    x = encoder_decoder(x, RestorationStages(row, block), skips, image, input_skip)
    x = keras.layers.Conv2D(channels, 3, padding="same", name="head")(x)
    x = keras.layers.Add(dtype=full, name="residual")([x, image])
    outputs = CropLike(dtype=full, name="crop")([x, inputs])
    return tell_costs(keras.Model(inputs, outputs, name=name), skips)


def changed_row(variants, variant, **changes):
    """The row of that name, its entries replaced by all changes that are not None, and checked.

    Raises:
        ValueError: for an unknown name, a width or depths that are no numbers, or depths that do not match.
    """
    if not isinstance(variant, str) or variant not in variants:
        raise ValueError(f"variant must be one of {', '.join(map(repr, variants))}. Received: {variant!r}.")
    row = replace(variants[variant], **{name: value for name, value in changes.items() if value is not None})
    if not is_count(row.width):
        raise ValueError(f"width must be a positive number of channels. Received: {row.width!r}.")
    if not is_count(row.middle_depth, least=0):
        raise ValueError(f"middle_depth must be a number of blocks, 0 or more. Received: {row.middle_depth!r}.")
    depths = (row.encoder_depths, row.decoder_depths)
    sound = all(isinstance(d, (tuple, list)) and d and all(is_count(n, least=0) for n in d) for d in depths)
    if not sound or len(depths[0]) != len(depths[1]):
        raise ValueError(
            "encoder_depths and decoder_depths must be tuples of numbers of blocks, one entry for each level, at least one. "
            f"Received: {depths[0]} and {depths[1]}. Pass both with the same length."
        )
    return replace(row, encoder_depths=tuple(depths[0]), decoder_depths=tuple(depths[1]))
