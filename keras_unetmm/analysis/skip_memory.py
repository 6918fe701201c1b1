"""Skip memory as the papers count it: the maps that wait for the decoder while the bottleneck runs."""

import math

from keras import tree

from keras_unetmm.expand import expand, static_shape


def skip_memory(model, size=None, bytes_per_value=1):
    """Returns M_sc of UNet-- (arXiv 2412.18276), equation 1: the bytes of all kept maps, `sum of C * H * W * bytes`.

    Args:
        model: a functional `keras.Model` of this package.
        size: `(height, width)` of the image in pixels; by default the model's own, which then must be static.
        bytes_per_value: int, 1 for int8.

    Returns:
        int, bytes.
    """
    return bytes_per_value * sum(math.prod(shape) for shape in kept_maps(model, size).values())


def kept_maps(model, size=None):
    """Returns the maps that the decoder takes from the encoder: `{name of the layer: (H, W, C)}`."""
    shape = static_shape(model, size)
    kept = {}
    for layer in expand(model, shape).layers:
        if not _receives_a_skip(layer.name):
            continue
        for tensor in tree.flatten(layer.input):
            source = tensor._keras_history.operation.name
            if not _belongs_to_the_decoder(source):
                kept[source] = tensor.shape[1:]
    return kept


def _receives_a_skip(name):
    return (name.startswith("dec") and name.endswith("_fuse")) or "_restore" in name


def _belongs_to_the_decoder(name):
    return name.startswith("dec") or "_restore" in name
