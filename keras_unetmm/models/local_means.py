# SPDX-License-Identifier: Apache-2.0
"""Channel attention by means over windows at test time: TLC (arXiv 2112.04491), which NAFNet's authors have for GoPro."""

import re

import keras

from keras_unetmm.graph.expand import copied, expand
from keras_unetmm.graph.nodes import followers
from keras_unetmm.layers.local_mean import LocalMean


def local_means(model: keras.Model, window: int | tuple[int, int]) -> keras.Model:
    """Returns the network with channel attention that takes its means over windows, not over the whole image.

    The network was trained on patches, and a whole image has other means. NAFNet's authors take windows of 1.5 times the
    training patch: 384 for patches of 256 pixels. Other means, such as those of response normalization in the IEM of
    UNet--, stay as they are. The network computes more, for there are weights at each place then, and is not made for
    devices.

    Args:
        model: a `NAFNet` or `KBNet`, whatever its skips, that takes images larger than the window.
        window: int or `(height, width)`, in pixels of the image; at each level it is that many times smaller.

    Returns:
        A functional `keras.Model` with the same weights, of the parts of the model's blocks.

    Raises:
        ValueError: for a model without channel attention in named stages, or a window that is smaller than a pixel of the
            coarsest map.

    Examples:
        >>> model = models.NAFNet(width=4, encoder_depths=(1, 1), middle_depth=1, decoder_depths=(1, 1))
        >>> models.local_means(model, 64).output_shape
        (None, None, None, 3)
    """
    pair = tuple(window) if isinstance(window, (tuple, list)) else (window, window)
    graph = expand(model)
    pools = {layer.name: layer for layer in graph.layers if _is_attention(layer)}
    if not pools:
        raise ValueError(
            f"model must have channel attention, as NAFNet and KBNet do. Received: {model.name!r}, which has none."
        )
    levels = sum(layer.name.endswith("_down") for layer in graph.layers)
    coarsest = 2**levels
    if len(pair) != 2 or not all(type(size) is int and size >= coarsest for size in pair):
        raise ValueError(
            f"window must be an integer of at least {coarsest}, a pixel of the coarsest map, or (height, width). "
            f"Received: {window!r}."
        )

    def made(operation):
        if operation.name not in pools:
            return copied(operation)
        level = _level(operation.name, levels)
        return LocalMean(tuple(size // 2**level for size in pair), name=operation.name, dtype=operation.dtype_policy.name)

    return keras.models.clone_model(graph, clone_function=made)


def _is_attention(layer):
    """Whether a layer takes the means of channel attention: their 1x1 convolution multiplies the map, maybe later."""
    pool = isinstance(layer, keras.layers.GlobalAveragePooling2D) and layer.keepdims
    stage = re.match(r"(enc|dec)\d+_block|mid_block", layer.name)
    return pool and stage is not None and all(isinstance(reader, keras.layers.Conv2D) for reader in followers(layer))


def _level(name, levels):
    stage = re.match(r"(?:enc|dec)(\d+)_", name)
    return int(stage[1]) if stage else levels
