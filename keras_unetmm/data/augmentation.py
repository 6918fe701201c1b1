# SPDX-License-Identifier: Apache-2.0
"""Augmentation: right angles in numpy, everything else by Keras's own image layers."""

import functools

import keras
import numpy as np

from keras_unetmm.data.images import as_floats
from keras_unetmm.data.pair_transforms import is_before_crop, is_on_pairs

RIGHT_ANGLES = ("flip", "rotate90")


def augmentation(entries):
    """Returns the `Augmentation` of a recipe's tuple of names and functions that return Keras layers."""
    if not isinstance(entries, (tuple, list)):
        raise ValueError(f'augment must be a tuple, such as ("flip", "rotate90"). Received: {entries!r}.')
    for entry in entries:
        if entry not in RIGHT_ANGLES and not callable(entry):
            raise ValueError(
                f"augment must hold {', '.join(map(repr, RIGHT_ANGLES))}, functions that return a random image layer of "
                f"keras.layers, and functions of pairs such as data.elastic. Received: {entry!r}."
            )
    others = [entry for entry in entries if entry not in RIGHT_ANGLES]
    layers = [entry() for entry in others if not is_on_pairs(entry)]
    return Augmentation({e for e in entries if e in RIGHT_ANGLES}, layers, [e for e in others if is_on_pairs(e)])


class Augmentation:
    """The same random transformation for inputs and targets.

    Args:
        angles: set of names of `RIGHT_ANGLES`: flip left to right; turn by a multiple of 90 degrees (of 180 where
            height and width differ), of volumes in the plane of the last two sizes.
        layers: list of Keras image layers with `get_random_transformation`.
        functions: list of functions of pairs, see `keras_unetmm.data.pair_transforms`; those before the crop among them.
    """

    def __init__(self, angles, layers, functions=()):
        self.angles, self.layers = angles, layers
        self.before = tuple(function for function in functions if is_before_crop(function))
        self.functions = tuple(function for function in functions if not is_before_crop(function))
        for layer in layers:
            if type(layer).__name__ == "RandomElasticTransform":  # Keras 3.15 draws other shifts for masks than for images
                raise ValueError(
                    "augment must move an image and its mask alike, which keras.layers.RandomElasticTransform does not. "
                    "Take functools.partial(data.elastic, amplitude=4.0)."
                )
            if not hasattr(layer, "get_random_transformation"):
                raise ValueError(
                    f"augment must return random image layers of keras.layers. Received: a {type(layer).__name__}."
                )

    def resized(self, dataset, image, target, rng):
        """One example, arrays as on disk, through the functions that come before a window is cut out."""
        for function in self.before:
            image, target = function(image, target, rng, dataset.target)
        return image, target

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

    def changed(self, dataset, image, target, rng):
        """One example through the functions of pairs: floats and labels."""
        if not self.functions:
            return image, target
        alone = target is image
        image = as_floats(image)
        target = as_floats(target) if dataset.target in ("image", "matte") else target
        for function in self.functions:
            image, target = function(image, target, rng, dataset.target)
        image = np.ascontiguousarray(image, "float32")
        return (image, image) if alone else (image, target)

    def transformed(self, dataset, inputs, targets, rng):
        """A batch of floats and targets through the layers."""
        for layer in self.layers:
            draw = functools.partial(_drawn, layer, inputs.shape, int(rng.integers(2**31)))
            with keras.device("cpu"):
                given = keras.ops.convert_to_tensor(inputs)  # some layers of Keras compute with arrays and tensors
                inputs = keras.ops.convert_to_numpy(layer.transform_images(given, draw()))
                if dataset.target == "mask":
                    masks = layer.transform_segmentation_masks(
                        keras.ops.convert_to_tensor(targets.astype("float32")), draw()
                    )
                    targets = keras.ops.convert_to_numpy(masks).round().astype("int32")
                elif dataset.target != "class":
                    targets = keras.ops.convert_to_numpy(
                        layer.transform_images(keras.ops.convert_to_tensor(targets), draw())
                    )
        return inputs, targets


def _drawn(layer, shape, seed):
    """A layer's random transformation, again for every use: on torch, Keras 3.15 writes into the matrix of a rotation."""
    draws = keras.random.SeedGenerator(seed)
    return layer.get_random_transformation({"images": np.zeros(shape, "float32")}, training=True, seed=draws)
