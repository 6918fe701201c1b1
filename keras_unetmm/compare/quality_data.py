# SPDX-License-Identifier: Apache-2.0
"""The examples on which a model and its file are compared: of a folder, or of a recipe's test sets."""

import dataclasses
from functools import partial

import numpy as np

from keras_unetmm.compare.quality import Example
from keras_unetmm.data.batches import whole_example
from keras_unetmm.data.degradations import gaussian_noise
from keras_unetmm.data.images import image_paths, read_crop
from keras_unetmm.data.volume_crops import read_volume_crop, volume_paths
from keras_unetmm.data.windows import sizes
from keras_unetmm.training.evaluation import spread
from keras_unetmm.training.recipe import read


def from_folder(folder, shape, sigma=None, images=None, seed=0):
    """Returns the examples of a folder of images, or of .npy volumes: the centre of each.

    Args:
        folder: str or path.
        shape: `(1, height, width, channels)` of the file, or `(1, depth, height, width, channels)`.
        sigma: float, standard deviation in levels of 255 of the Gaussian noise that is added, so that the images are the
            references; None for images as they are, without references.
        images: int, how many, evenly spread over the folder, or None for all.
        seed: int, of the noise; that of an image depends on its place in the folder alone.

    Returns:
        a list of functions that return an `Example`.

    Raises:
        ValueError: if the folder holds no image, or sigma is negative; the functions raise it for an image that is damaged
            or smaller than the file's.
    """
    if sigma is not None and not (np.isfinite(sigma) and sigma >= 0):
        raise ValueError(f"sigma must be a number of levels of 255, not negative. Received: {sigma}.")
    paths = (image_paths if len(shape) == 4 else volume_paths)(folder)
    return [partial(_of_file, paths[i], i, shape, sigma, seed) for i in spread(len(paths), images)]


def _of_file(path, number, shape, sigma, seed):
    image = (read_crop if len(shape) == 4 else read_volume_crop)(path, shape[1:])
    if sigma is None:
        return Example(path.stem, image)
    noisy = gaussian_noise(image[None], sigma / 255, np.random.default_rng((seed, 3, number)))[0]
    return Example(path.stem, noisy, image)


def from_recipe(recipe, data, shape, images=None, take_parts=False):
    """Returns the examples of every set that a recipe is evaluated on, degraded as in training, cropped to the centre.

    Args:
        recipe: `keras_unetmm.training.Recipe`.
        data: str or path, folder of all data sets.
        shape: of the file, as for `from_folder`.
        images: int, how many of each set, evenly spread, or None for all.
        take_parts: bool, takes what is there of data sets that are not whole.

    Returns:
        a dict by the set's name of lists of functions that return an `Example`.

    Raises:
        ValueError: for a set that is missing; the functions raise it for examples that are damaged or smaller than the
            file's.
    """
    raw = dataclasses.replace(recipe, normalize=None)  # which the file does itself
    made = {}
    for name, reader in recipe.evaluate.items():
        dataset = read(reader, data, take_parts)
        made[name] = [partial(_of_set, dataset, i, raw, shape) for i in spread(len(dataset), images)]
    return made


def validate_normalization(recipe, said):
    """Raises a ValueError unless a file normalises as a recipe does.

    Args:
        recipe: `keras_unetmm.training.Recipe`.
        said: dict, the file's `keras_unetmm.tflite.metadata`.
    """
    wanted = (0.0, 1.0) if recipe.normalize is None else recipe.normalize
    found = (0.0 if said.get("mean") is None else said["mean"], 1.0 if said.get("std") is None else said["std"])
    try:
        same = all(np.allclose(*np.broadcast_arrays(ours, theirs)) for ours, theirs in zip(wanted, found, strict=True))
    except ValueError:  # one number a channel, of other channels
        same = False
    if not same:
        raise ValueError(
            f"file must normalise as the recipe does, by mean and std {wanted}. Received: a file with {found}. Convert the "
            "model with --mean and --std as in the recipe."
        )


def _of_set(dataset, index, recipe, shape):
    image, reference = (array[0] for array in whole_example(dataset, index, recipe))
    size, axes = shape[1:-1], len(shape) - 2
    if image.ndim != len(shape) - 1 or any(have < want for have, want in zip(image.shape, size, strict=False)):
        raise ValueError(
            f"{dataset.called(index)} must be at least {sizes(size)}, the size of the file's input. Received: "
            f"{sizes(image.shape)}. Convert the model for a smaller size."
        )
    start = [(have - want) // 2 for have, want in zip(image.shape, size, strict=False)]
    middle = tuple(slice(a, a + want) for a, want in zip(start, size, strict=True))
    alike = reference.ndim and reference.shape[:axes] == image.shape[:axes]
    return Example(dataset.stem(index), image[middle], reference[middle] if alike else reference)
