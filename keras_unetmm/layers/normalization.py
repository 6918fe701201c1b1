"""The two normalizations that the restoration networks choose from."""

from typing import Any

import keras

NORMS = ("layer", "batch")


def normalization(norm: str, **kwargs: Any) -> Any:
    """Returns a normalization layer over channels by name.

    Args:
        norm: `"layer"`, over the channels of each pixel with epsilon 1e-6, as published for NAFNet, KBNet and
            ConvNeXt V2; or `"batch"`, which an integer graph folds into the next 1x1 convolution at no cost.

    Raises:
        ValueError: for any other name.
    """
    if norm == "layer":
        return keras.layers.LayerNormalization(axis=-1, epsilon=1e-6, **kwargs)
    if norm == "batch":
        return keras.layers.BatchNormalization(axis=-1, epsilon=1e-5, momentum=0.99, **kwargs)
    raise ValueError(f"norm must be one of {', '.join(map(repr, NORMS))}. Received: {norm!r}.")
