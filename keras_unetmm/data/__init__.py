"""Photographs to batches, and what degrades them."""

from keras_unetmm.data.degradations import gaussian_noise
from keras_unetmm.data.images import image_paths, read_crops, read_image

__all__ = ["Patches", "gaussian_noise", "image_paths", "read_crops", "read_image"]


def __getattr__(name):
    if name == "Patches":  # the only part that needs keras
        from keras_unetmm.data.patches import Patches

        return Patches
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
