"""The wiring that every encoder-decoder shares; a network supplies the stages."""

from typing import Protocol

import keras


class Stages(Protocol):
    """What a network does at each level; `x` is a symbolic map, level 0 is full resolution."""

    levels: int

    def encode(self, x, level): ...

    def down(self, x, level): ...

    def middle(self, x): ...

    def up(self, x, level): ...

    def fuse(self, x, skip, level): ...

    def decode(self, x, level): ...


def encoder_decoder(x, stages, skips):
    """Runs `x` down the encoder, through the bottleneck and up the decoder.

    Args:
        x: symbolic map at full resolution.
        stages: a `Stages`.
        skips: a `keras_unetmm.skips.SkipConnections`.

    Returns:
        The decoder's map at full resolution.
    """
    kept = []
    for level in range(stages.levels):
        x = stages.encode(x, level)
        kept.append(skips.keep(x, level, stages.levels))
        x = stages.down(x, level)
    shared = skips.share(kept)
    x = stages.middle(x)
    for level in reversed(range(stages.levels)):
        x = stages.up(x, level)
        skip = skips.restore(shared, level, channels=x.shape[-1])
        if skip is not None:
            x = stages.fuse(x, skip, level)
        x = stages.decode(x, level)
    return x


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
