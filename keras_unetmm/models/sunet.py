# SPDX-License-Identifier: Apache-2.0
"""SUNets, stacked U-Nets (arXiv 1804.10343): the classifiers and the features that the segmenters share with them.

Written from the paper; what it leaves open agrees with the authors' public code (MIT licence, read for that): a bias in
every convolution, PyTorch's alignment of strided and transposed convolutions, its epsilon 1e-5 and, for ImageNet, its
momentum of batch normalization, 0.9 as Keras counts. The paper's 37.7M parameters of SUNet-7-128 are what block 3 would
have with 1792 channels; its table and its code say 2048, which gives 39,113,832. `mcu_filters16` is ours.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras

from keras_unetmm import skips as skip_connections
from keras_unetmm.keras_types import Activation
from keras_unetmm.layers import ResidualDownsampling, UNetModule
from keras_unetmm.layers.checked_sizes import CheckedSizes, check_sizes
from keras_unetmm.layers.preactivated_convolution import EPSILON, symmetric_stride_2
from keras_unetmm.layers.unet_module import SKIPS
from keras_unetmm.models.arguments import check_flags, checked_image_shape, is_count
from keras_unetmm.skips import Skips


@dataclass(frozen=True)
class Variant:
    """One row of the table of SUNets."""

    filters: int
    modules: tuple
    channels: tuple
    stem: int = 64
    degridding_filters: int = 512


# fmt: off
VARIANTS = {
    #                        filters  modules       channels                  stem     degridding
    "sunet64":       Variant(64,      (2, 4, 4, 1), (256, 512, 768, 1024)),
    "sunet128":      Variant(128,     (2, 4, 4, 1), (512, 1024, 1536, 2048)),
    "sunet7128":     Variant(128,     (2, 7, 7, 1), (512, 1280, 2048, 2304)),
    "mcu_filters16": Variant(16,      (1, 2, 2, 1), (32, 64, 96, 128),        stem=16, degridding_filters=32),
}
# fmt: on
STEM_STRIDE = 4  # of the stem and the residual block together
BLOCKS = 4


def SUNet(
    variant: str = "sunet64",
    *,
    include_top: bool = True,
    input_shape: Sequence[int | None] | None = (None, None, 3),
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Activation = "softmax",
    skips: Skips = "full",
    filters: int | None = None,
    modules: Sequence[int] | None = None,
    channels: Sequence[int] | None = None,
    stem: int | None = None,
    name: str | None = None,
) -> keras.Model:
    """Builds a SUNet for classification, of output stride 32.

    The paper classifies images of 224x224 pixels; the network takes any size whose smaller side has at least 29.

    Args:
        variant: str, a row of `keras_unetmm.models.sunet.VARIANTS`; the last four arguments but `name` replace its entries.
        include_top: bool, False leaves the pooling and the dense layer out.
        input_shape: `(height, width, channels)`; height and width may be None. None stands for colour images of any size.
        pooling: without the top: None for the map of features, `"avg"` or `"max"` for a vector of them.
        classes: int, of the dense layer.
        classifier_activation: str, callable or None for logits, of the dense layer.
        skips: `"full"`, `"none"`, `"sat"`, `"at"`, `"st"` or an object of these, such as
            `keras_unetmm.skips.SAT(initializer=0.5)`: the connection inside each U-Net module. `"unet--"` and `Only` are for
            networks whose skips wait for one common decoder.
        filters: int, channels inside the U-Net modules.
        modules: tuple of int, U-Net modules of each block; those of the last block are U-Net+.
        channels: tuple of int, of each block's output.
        stem: int, channels of the first convolution; the residual block behind it doubles them.
        name: str, of the model.

    Returns:
        A functional `keras.Model`, `(N, H, W, C) -> (N, classes)`, or without the top `(N, h, w, F)` or `(N, F)`.

    Raises:
        ValueError: for an unknown variant, skip or pooling, entries that do not match, or a wrong `input_shape`.

    Examples:
        >>> models.SUNet(filters=8, classes=10, input_shape=(64, 64, 3)).output_shape
        (None, 10)
    """
    row = checked_row(variant, filters=filters, modules=modules, channels=channels, stem=stem)
    if not is_count(classes):
        raise ValueError(f"classes must be a positive integer. Received: {classes!r}.")
    check_flags(include_top=include_top)
    if pooling not in (None, "avg", "max"):
        raise ValueError(f"pooling must be None, 'avg' or 'max'. Received: {pooling!r}.")
    full = keras.config.floatx()  # what leaves the network is in full precision under a mixed policy
    inputs, x = image(input_shape)
    x = features(x, row, skips)
    if include_top:
        x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
        x = keras.layers.Dense(classes, activation=classifier_activation, dtype=full, name="head")(x)
    elif pooling is not None:
        pool = {"avg": keras.layers.GlobalAveragePooling2D, "max": keras.layers.GlobalMaxPooling2D}[pooling]
        x = pool(dtype=full, name="pool")(x)
    return keras.Model(inputs, x, name=name or variant)


def SUNet64(**arguments: Any) -> keras.Model:
    """Builds SUNet-64 for classification; arguments as for `SUNet`.

    Examples:
        >>> models.SUNet64(classes=10, filters=8).output_shape
        (None, 10)
    """
    return SUNet("sunet64", **arguments)


def SUNet128(**arguments: Any) -> keras.Model:
    """Builds SUNet-128 for classification; arguments as for `SUNet`.

    Examples:
        >>> models.SUNet128(classes=10, filters=8).output_shape
        (None, 10)
    """
    return SUNet("sunet128", **arguments)


def SUNet7128(**arguments: Any) -> keras.Model:
    """Builds SUNet-7-128 for classification; arguments as for `SUNet`.

    Examples:
        >>> models.SUNet7128(classes=10, filters=8).output_shape
        (None, 10)
    """
    return SUNet("sunet7128", **arguments)


def features(x, row, skips="full", output_stride=32, multigrid=True, momentum=0.9):
    """Runs an image through stem, residual block and all blocks of U-Net modules, to the last ReLU.

    Args:
        x: symbolic map `(N, H, W, C)`.
        row: a `Variant`.
        skips: as for `SUNet`.
        output_stride: int; pools that would make it greater are left out.
        multigrid: bool, whether the blocks behind pools that are left out take the dilated form, with rate 2 behind one
            of them and 4 behind two; False keeps them strided.
        momentum: float, of the batch normalizations.

    Returns:
        A symbolic map `(N, h, w, F)`.
    """
    skip, gates = skip_connections.gate_arguments(
        skips,
        SKIPS,
        "A SUNet has one connection inside each U-Net module and none that waits for a common decoder, so there is "
        "nothing to share or to choose from: skips",
    )
    options = {"momentum": momentum, **gates}
    padding, stem = symmetric_stride_2(row.stem, 7, "stem")
    x = stem(padding(x))
    x = ResidualDownsampling(2 * row.stem, momentum, name="residual")(x)
    blocks = list(zip(row.modules, row.channels, strict=True))
    dropped = 0
    for block, (count, channels) in enumerate(blocks, start=1):
        depth = 1 if block == len(blocks) else 2
        rate = 2 * dropped if multigrid and dropped else 1
        for i in range(count):
            x = UNetModule(row.filters, channels, depth, rate, skip, **options, name=f"block{block}_unet{i}")(x)
        if block == len(blocks):
            break
        if STEM_STRIDE * 2**block <= output_stride:
            x = keras.layers.AveragePooling2D(2, name=f"block{block}_pool")(x)
        else:
            dropped += 1
    x = keras.layers.BatchNormalization(epsilon=EPSILON, momentum=momentum, name="tail_norm")(x)
    return keras.layers.ReLU(name="tail_relu")(x)


def checked_row(variant, **changes):
    """Returns the row of that name with the changes that are not None.

    Raises:
        ValueError: for an unknown row, or entries that are no counts or do not match.
    """
    if not isinstance(variant, str) or variant not in VARIANTS:
        raise ValueError(f"variant must be one of {', '.join(map(repr, VARIANTS))}. Received: {variant!r}.")
    row = replace(VARIANTS[variant], **{name: value for name, value in changes.items() if value is not None})
    for name in ("filters", "stem", "degridding_filters"):
        if not is_count(getattr(row, name)):
            raise ValueError(f"{name} must be a positive number of channels. Received: {getattr(row, name)!r}.")
    entries = (row.modules, row.channels)
    sound = all(isinstance(e, (tuple, list)) and len(e) == BLOCKS and all(map(is_count, e)) for e in entries)
    if not sound:
        raise ValueError(
            f"modules and channels must be tuples of {BLOCKS} positive integers, one for each block. "
            f"Received: modules={row.modules} and channels={row.channels}. Pass for example modules=(1, 1, 1, 1)."
        )
    return row


def image(input_shape, output_stride=32):
    """Returns the symbolic input of a network, and that input with its sizes checked; None is for colour images of any size.

    Raises:
        ValueError: if `input_shape` is no `(height, width, channels)`, or too small for the pools.
    """
    sizes = checked_image_shape((None, None, 3) if input_shape is None else input_shape)
    least = output_stride - STEM_STRIDE + 1  # strided convolutions round up, pools down
    check_sizes(sizes, 1, least, "input_shape")
    inputs = keras.Input(sizes, name="image")
    return inputs, CheckedSizes(least=least, name="sizes")(inputs) if None in sizes else inputs
