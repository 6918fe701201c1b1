"""Augmentation: right angles in numpy, everything else by Keras's own image layers."""

import functools

import keras
import numpy as np

RIGHT_ANGLES = ("flip", "rotate90")


def augmentation(entries):
    """Returns the `Augmentation` of a recipe's tuple of names and functions that return Keras layers."""
    if not isinstance(entries, (tuple, list)):
        raise ValueError(f'augment must be a tuple, such as ("flip", "rotate90"). Received: {entries!r}.')
    for entry in entries:
        if entry not in RIGHT_ANGLES and not callable(entry):
            raise ValueError(
                f"augment must hold {', '.join(map(repr, RIGHT_ANGLES))} and functions that return a random image layer of "
                f"keras.layers. Received: {entry!r}."
            )
    return Augmentation({e for e in entries if e in RIGHT_ANGLES}, [e() for e in entries if e not in RIGHT_ANGLES])


class Augmentation:
    """The same random transformation for inputs and targets.

    Args:
        angles: set of names of `RIGHT_ANGLES`: flip left to right; turn by a multiple of 90 degrees (of 180 where
            height and width differ), of volumes in the plane of the last two sizes.
        layers: list of Keras image layers with `get_random_transformation`.
    """

    def __init__(self, angles, layers):
        self.angles, self.layers = angles, layers
        for layer in layers:
            if not hasattr(layer, "get_random_transformation"):
                raise ValueError(
                    f"augment must return random image layers of keras.layers. Received: a {type(layer).__name__}."
                )

    def turned(self, image, target, rng):
        """One example, flipped and turned; arrays as on disk."""
        quarters, flip = rng.integers(4), rng.integers(2)
        rows = image.ndim - 3
        if image.shape[rows] != image.shape[rows + 1]:
            quarters -= quarters % 2

        def turn(array):
            if "rotate90" in self.angles:
                array = np.rot90(array, quarters, (rows, rows + 1))
            if "flip" in self.angles and flip:
                array = np.flip(array, rows + 1)
            return array

        if target is image:
            image = turn(image)
            return image, image
        return turn(image), turn(target) if np.ndim(target) else target

    def transformed(self, dataset, inputs, targets, rng):
        """A batch of floats and targets through the layers."""
        for layer in self.layers:
            draw = functools.partial(_drawn, layer, inputs.shape, int(rng.integers(2**31)))
            with keras.device("cpu"):
                inputs = keras.ops.convert_to_numpy(layer.transform_images(inputs, draw()))
                if dataset.target == "mask":
                    masks = layer.transform_segmentation_masks(targets.astype("float32"), draw())
                    targets = keras.ops.convert_to_numpy(masks).round().astype("int32")
                elif dataset.target != "class":
                    targets = keras.ops.convert_to_numpy(layer.transform_images(targets, draw()))
        return inputs, targets


def _drawn(layer, shape, seed):
    """A layer's random transformation, again for every use: on torch, Keras 3.15 writes into the matrix of a rotation."""
    draws = keras.random.SeedGenerator(seed)
    return layer.get_random_transformation({"images": np.zeros(shape, "float32")}, training=True, seed=draws)
