# SPDX-License-Identifier: Apache-2.0
"""The wiring that every encoder-decoder shares; a network supplies the stages."""

from typing import Protocol

import keras

from keras_unetmm.layers.rank import layer
from keras_unetmm.models.reductions import usable_reductions
from keras_unetmm.skips import ReductionsError


class Stages(Protocol):
    """What a network does at each level; `x` is a symbolic map, level 0 is full resolution."""

    levels: int

    def encode(self, x, level): ...

    def down(self, x, level): ...

    def middle(self, x): ...

    def up(self, x, level): ...

    def fuse(self, x, skip, level): ...

    def decode(self, x, level): ...


def encoder_decoder(x, stages, skips, image=None, input_skip=False):
    """Runs `x` down the encoder, through the bottleneck and up the decoder.

    Args:
        x: symbolic map at full resolution.
        stages: a `Stages`.
        skips: a `keras_unetmm.skips.SkipConnections`.
        image: symbolic, the network's input at the resolution of level 0, for an input skip; None where it has another.
        input_skip: bool, whether there is one whatever the kind of skips.

    Returns:
        The decoder's map at full resolution.

    Raises:
        ValueError: if the skips have an input skip, and the network has no place for it.
    """
    if skips.input_skip and image is None:
        raise ValueError(
            "This network's last decoder stage has not the resolution of its input. Received: skips with input_skip=True. "
            "Leave it out."
        )
    x, skips, shared = _encoded(x, stages, skips)
    x = stages.middle(x)
    for level in reversed(range(stages.levels)):
        x = stages.up(x, level)
        skip = skips.restore(shared, level, channels=x.shape[-1])
        if skip is not None:
            x = stages.fuse(x, skip, level)
        if level == 0 and (input_skip or skips.input_skip):
            first = layer("convolution", len(x.shape) - 2, x.shape[-1], 3, padding="same", name="input_skip")(image)
            x = keras.layers.Add(name="dec0_input")([x, first])
        x = stages.decode(x, level)
    return x


def _encoded(x, stages, skips):
    """Runs `x` down the encoder: what it becomes, the skips that fit its maps, and what they share of these."""
    features, kept, unfit = [], [], None
    for level in range(stages.levels):
        x = stages.encode(x, level)
        features.append(x)
        if unfit is None:
            try:
                kept.append(skips.keep(x, level, stages.levels))
            except ReductionsError as error:  # what fits is known when all maps are
                unfit = error
        x = stages.down(x, level)
    try:
        if unfit is None:
            return x, skips, skips.share(kept)
    except ReductionsError as error:
        unfit = error
    skips = _refitted(skips, features, unfit)
    return x, skips, skips.share([skips.keep(feature, level, stages.levels) for level, feature in enumerate(features)])


def _refitted(skips, features, unfit):
    """The skips for these maps, or an error that says what does not fit and what would."""
    try:
        return skips.refitted([feature.shape[-1] for feature in features], usable_reductions)
    except ReductionsError as error:
        raise ReductionsError(f"{unfit} {error}") from error


def add(x, skip, name):
    """Fuses a skip by addition.

    Raises:
        ValueError: if it has other channels than the decoder's map.
    """
    if skip.shape[-1] != x.shape[-1]:
        raise ValueError(
            f"This network adds its skips, so {name} needs {x.shape[-1]} channels of them. Received: {skip.shape[-1]} "
            "channels, as skips='sat' and 'at' make. Use 'st', 'full' or 'unet--', or a network that concatenates."
        )
    return keras.layers.Add(name=name)([x, skip])


def concatenate(x, skip, name):
    """Fuses a skip by concatenation, after the decoder's own channels."""
    return keras.layers.Concatenate(name=name)([x, skip])
