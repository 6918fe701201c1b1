# SPDX-License-Identifier: Apache-2.0
"""A U-Net's decoder, and any kind of skip connections, on an encoder that somebody else built and perhaps trained.

That skips are exchangeable whatever the encoder is what SAT (arXiv 1804.05181) and UNet-- (arXiv 2412.18276) claim; no paper
prints this network. The decoder is U-Net's (arXiv 1505.04597): a transposed 2x2 convolution, the skip behind it, two
convolutions. An encoder without maps at full resolution gets further stages without a skip, so that the prediction has the
size of the image.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import keras

from keras_unetmm import skips as skip_connections
from keras_unetmm.layers import CheckedSizes, ConvolutionBlock
from keras_unetmm.layers.convolution_block import ORDERS
from keras_unetmm.layers.rank import layer
from keras_unetmm.models import segmentation
from keras_unetmm.models.arguments import is_count
from keras_unetmm.models.backbone_maps import backbone_maps
from keras_unetmm.models.encoder_decoder import concatenate, encoder_decoder
from keras_unetmm.models.reductions import usable_reductions
from keras_unetmm.models.skip_costs import tell_costs
from keras_unetmm.skips import Skips

# names of the maps' layers, or their symbolic outputs, or a dict of either
Layers = Sequence[str | keras.KerasTensor] | Mapping[str, str | keras.KerasTensor]


def unet_on(
    backbone: keras.Model,
    *,
    skips: Skips = "full",
    layers: Layers | None = None,
    levels: int | None = None,
    channels: int = 16,
    order: str = "conv-norm-relu",
    classes: int = 1,
    activation: str | None = "auto",
    name: str | None = None,
) -> keras.Model:
    """Builds a U-Net whose encoder is the given model, with its weights.

    The backbone is neither copied nor changed: the new model holds its very layers, under their own names, and trains
    those that are trainable. What stays with the caller: `backbone.trainable = False` to freeze it, and the preprocessing
    that it was trained with, since the new model takes what the backbone takes (`keras.applications` say it in their
    `preprocess_input`; MobileNetV3, EfficientNet and ConvNeXt have it inside).

    The maps are, in this order of preference, those named in `layers`; the backbone's `pyramid_outputs` (keras-hub) or
    `pyramid_level_inputs` (keras-cv); its outputs, if it has several; the last layer of each resolution. The finest of these
    maps is level 0 of the skips and of the layers' names (`skip0_keep`, `dec0_up`, `dec0_fuse`, `dec0_block`). In most
    classifiers it has half the size of the image; `out0_up` and `out0_block` then lead to full size. Maps that are a few
    pixels short, because convolutions had no padding, get zeros around them (`enc0_pad`).

    Args:
        backbone: a functional `keras.Model` with one input, `(N, H, W, C)` or, for volumes, `(N, D, H, W, C)`: sizes may be
            None; they, or then the images', divide by the stride of the coarsest map.
        skips: `"full"`, `"none"`, `"sat"`, `"at"`, `"st"`, `"unet--"` or an object of `keras_unetmm.skips`; of all maps but
            the coarsest. `"unet--"` takes the paper's reductions (16, and 8 for the coarsest skip) or, where the backbone's
            channels do not allow these, the nearest that they do.
        layers: names of the backbone's layers, in any order, or a dict of them; None to find them. Symbolic outputs also do.
        levels: int, how many of the maps to use, the finest and so on, the bottom included; None is all.
        channels: int, of the decoder at full resolution; they double at each halving. Or a tuple, of all stages, full
            resolution first.
        order: `"conv-relu"`, `"conv-norm-relu"` or `"conv-relu-norm"`, of the decoder's blocks.
        classes: int, channels of the prediction.
        activation: of the head: `"sigmoid"`, `"softmax"`, None for logits, or `"auto"`: sigmoid for one class, softmax for
            several, since pixels have one label each.
        name: str, of the model.

    Returns:
        A functional `keras.Model` on the backbone's input, `(N, *spatial, C) -> (N, *spatial, classes)`.

    Raises:
        ValueError: for a backbone that is not as above or ends in no map (`include_top=True`, unless `layers` names maps),
            unknown layers, maps that do not halve one after another, channels that are not numbers or not as many as
            stages, skips that do not fit; an unknown order or activation.

    Examples:
        >>> backbone = keras.applications.MobileNetV2(input_shape=(96, 96, 3), alpha=0.35, weights=None, include_top=False)
        >>> models.unet_on(backbone, skips="unet--", classes=3).output_shape
        (None, 96, 96, 3)
    """
    if order not in ORDERS:
        raise ValueError(f"order must be one of {', '.join(map(repr, ORDERS))}. Received: {order!r}.")
    maps = backbone_maps(backbone, layers, levels)
    stages = _Stages(backbone.inputs[0], maps, _widths(channels, maps[-1].halvings), order)
    skips = segmentation.connections(_fitting(skips, maps), "norm" in order)
    x = encoder_decoder(backbone.inputs[0], stages, skips)
    for halvings in reversed(range(maps[0].halvings)):
        x = stages.block(stages.upsampled(x, halvings, f"out{halvings}_up"), halvings, f"out{halvings}_block")
    prediction = segmentation.head(x, classes, activation)
    try:
        model = keras.Model(backbone.inputs[0], prediction, name=name or f"unet_on_{backbone.name}")
    except ValueError as error:  # the only one that is left
        raise ValueError(
            f"The backbone {backbone.name} has layers with names that the decoder needs. {error} Give the layer another "
            "name: backbone.get_layer(old).name = new."
        ) from error
    return tell_costs(model, skips)


class _Stages:
    """The stages, as `keras_unetmm.models.encoder_decoder.Stages`: the encoder is there already."""

    def __init__(self, image, maps, widths, order):
        self.image = image
        self.maps = maps
        self.widths = widths
        self.order = order
        self.levels = len(maps) - 1
        self.rank = len(maps[0].tensor.shape) - 2

    def encode(self, x, level):
        found = self.maps[level]
        if not any(found.missing):
            return found.tensor
        padding = tuple((pixels // 2, pixels - pixels // 2) for pixels in found.missing)
        kind = keras.layers.ZeroPadding2D if self.rank == 2 else keras.layers.ZeroPadding3D
        return kind(padding, name=f"enc{level}_pad")(found.tensor)

    def down(self, x, level):
        return x

    def middle(self, x):
        x = self.encode(x, self.levels)
        if None not in self.image.shape[1:]:
            return x
        return CheckedSizes(2 ** self.maps[-1].halvings, name="sizes")([x, self.image])

    def up(self, x, level):
        return self.upsampled(x, self.maps[level].halvings, f"dec{level}_up")

    def fuse(self, x, skip, level):
        return concatenate(x, skip, name=f"dec{level}_fuse")

    def decode(self, x, level):
        return self.block(x, self.maps[level].halvings, f"dec{level}_block")

    def upsampled(self, x, halvings, name):
        return layer("transposed_convolution", self.rank, self.widths[halvings], 2, strides=2, name=name)(x)

    def block(self, x, halvings, name):
        return ConvolutionBlock((self.widths[halvings],) * 2, self.order, name=name)(x)


def _widths(channels, stages):
    """The decoder's channels at full resolution, at half of it, and so on."""
    if is_count(channels):
        return tuple(channels * 2**halvings for halvings in range(stages))
    if not isinstance(channels, (tuple, list)) or len(channels) != stages or not all(map(is_count, channels)):
        raise ValueError(
            f"channels must be a positive integer, or {stages} of them, one for each stage of the decoder, full resolution "
            f"first. Received: {channels!r}. The default is {tuple(16 * 2**i for i in range(stages))}."
        )
    return tuple(channels)


def _fitting(skips, maps):
    """The skip connections, those of UNet-- with reductions that fit the channels of the maps."""
    connections = skip_connections.get(skips)
    if not isinstance(connections, skip_connections.UNetMinusMinus) or len(maps[0].tensor.shape) != 4:
        return connections
    channels = [found.channels for found in maps[:-1]]
    wanted = (16,) * (len(channels) - 1) + (8,)
    right = len(connections.reductions) == len(channels)
    level = connections.level
    if level is not None and not 0 <= level < len(channels):
        return connections  # which says so itself
    usable = usable_reductions(channels, connections.reductions if right else wanted, level)
    if isinstance(skips, str) and usable is not None:
        return replace(connections, reductions=usable_reductions(channels, wanted, level))
    if usable != tuple(connections.reductions):
        advice = (
            f"The nearest that fit are reductions={usable}." if usable else "None fit: take other layers, or another level."
        )
        raise ValueError(
            f"reductions must be {len(channels)}, one for each map above the bottom, and leave channels that pixel "
            f"shuffles can divide. Received: {connections.reductions} for maps of {tuple(channels)} channels. {advice}"
        )
    return connections
