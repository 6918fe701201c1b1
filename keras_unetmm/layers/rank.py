# SPDX-License-Identifier: Apache-2.0
"""The choice between two and three spatial axes, made in one place: `rank` is their number."""

import keras

_LAYERS = {
    "convolution": (keras.layers.Conv2D, keras.layers.Conv3D),
    "transposed_convolution": (keras.layers.Conv2DTranspose, keras.layers.Conv3DTranspose),
    "max_pooling": (keras.layers.MaxPooling2D, keras.layers.MaxPooling3D),
    "upsampling": (keras.layers.UpSampling2D, keras.layers.UpSampling3D),
    "cropping": (keras.layers.Cropping2D, keras.layers.Cropping3D),
}


def layer(kind, rank, *args, **kwargs):
    """Returns a Keras layer for maps of `rank` spatial axes.

    Args:
        kind: str, `"convolution"`, `"transposed_convolution"`, `"max_pooling"`, `"upsampling"` (nearest neighbour) or
            `"cropping"`.
        rank: int, 2 for images `(N, H, W, C)`, 3 for volumes `(N, D, H, W, C)`.
        *args, **kwargs: those of the Keras layer.

    Raises:
        ValueError: for another rank.
    """
    return _LAYERS[kind][checked(rank) - 2](*args, **kwargs)


def checked(rank):
    """Returns `rank`, or raises a `ValueError` if it is neither 2 nor 3."""
    if isinstance(rank, bool) or rank not in (2, 3):
        raise ValueError(
            f"rank must be 2 (images, height and width) or 3 (volumes, depth, height and width). Received: {rank!r}."
        )
    return rank
