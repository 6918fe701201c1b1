# SPDX-License-Identifier: Apache-2.0
"""What light skips cost a network, said where they make it much larger."""

import logging
import math

from keras_unetmm import skips as skip_connections

MUCH = 0.1  # of the parameters of everything else
_LOG = logging.getLogger("keras_unetmm")


def tell_costs(model, skips):
    """Returns the network, and warns on the log `keras_unetmm` where skips of UNet-- add more than a tenth of parameters.

    That happens on encoders of many channels and few parameters, such as MobileNetV2: E' has as many channels as all
    levels leave together, and IEM's blocks have eight times their square. It is no warning of Python, which many programs
    turn into errors: the network is the one that was asked for.

    Args:
        model: the finished `keras.Model`.
        skips: its `keras_unetmm.skips.SkipConnections`.
    """
    kinds = skips.kinds if isinstance(skips, skip_connections.Mixed) else (skips,)
    if not any(isinstance(kind, skip_connections.UNetMinusMinus) for kind in kinds):
        return model
    own = {layer for layer in model.layers if layer.name.startswith("skip")}
    added, others = (sum(map(_parameters, each)) for each in (own, set(model.layers) - own))
    if added <= MUCH * others:
        return model
    kept, whole = _bytes_a_pixel(model)
    _LOG.warning(
        "The skips of UNet-- add %s parameters to the %s of everything else (%.0f %%), and keep %.3g bytes for each pixel "
        "of level 0 in int8, where skips='full' keeps %.3g. Larger reductions, or skips='sat', which adds hardly any, cost "
        "less.",
        f"{added:,}",
        f"{others:,}",
        100 * added / others,
        kept,
        whole,
    )
    return model


def _parameters(layer):
    return sum(math.prod(weight.shape) for weight in layer.weights)


def _bytes_a_pixel(model):
    """Values that the skips keep for each pixel of level 0, and that full ones would keep."""
    layers = {layer.name: layer for layer in model.layers}
    levels = [int(name[4:-8]) for name in layers if name.startswith("skip") and name.endswith("_restore")]
    maps = {level: layers[f"skip{level}_keep"] for level in levels}
    whole = sum(keep.input.shape[-1] / 4**level for level, keep in maps.items())
    target = next(level - keep.levels_up for level, keep in maps.items())
    return layers["skips_share"].output.shape[-1] / 4**target, whole
