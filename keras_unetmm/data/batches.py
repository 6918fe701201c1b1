# SPDX-License-Identifier: Apache-2.0
"""Batches of a data set: shuffled, cropped, augmented and degraded, each a function of the seed and its number alone."""

import contextlib
import os
import warnings
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import keras
import numpy as np

from keras_unetmm.data.augmentation import augmentation
from keras_unetmm.data.decoded import Decoded
from keras_unetmm.data.images import DamagedFileError, as_floats
from keras_unetmm.data.windows import random_window, sizes, window
from keras_unetmm.deprecation import ON_ERROR, renamed


class Batches(keras.utils.PyDataset):
    """Batches of `(input, target)` arrays for `model.fit` on every backend.

    Batch `i` depends on the seed and `i` alone: a run that goes on at step `i` sees what it would have seen. Every
    example comes once before any comes again, unless damaged ones are skipped.

    Args:
        dataset: `keras_unetmm.data.DataSet`.
        batch: int, examples a batch.
        steps: int, batches an epoch when given to `fit` as it is; the next epoch goes on behind.
        patch: int or tuple, size of a window at a random place, of the reference; smaller examples are padded. None takes
            whole examples, which must have one size then.
        augment: tuple of `"flip"`, `"rotate90"` and functions that return one of Keras's random image layers, such as
            `functools.partial(keras.layers.RandomRotation, 0.03)`; or functions of pairs, of images and volumes, such as
            `functools.partial(data.elastic, amplitude=3)`; `data.random_scale` comes before the window is cut out. Input and
            target get the same transformation.
        degrade: function `(images, rng=...)` that makes the input of the clean images, or None.
        normalize: `(mean, std)` of inputs in [0, 1], each a number or one a channel, or None.
        seed: int.
        on_error: `"raise"` stops at a file that cannot be read; `"skip"` warns with its name and takes the next example.
        cache: str or path, folder for decoded examples, worth it where they are large and patches small; by default
            the first 2 GB stay in memory.
        damaged: old name of `on_error`.

    Raises:
        ValueError: for a wrong argument, examples of several sizes without a patch, or a damaged file.

    Examples:
        >>> photographs = data.photographs(".", "photos")
        >>> noisy, clean = data.Batches(photographs, batch=2, steps=10, patch=16)[0]
        >>> noisy.shape
        (2, 16, 16, 3)
    """

    def __init__(
        self,
        dataset,
        batch,
        steps=None,
        *,
        patch=None,
        augment=(),
        degrade=None,
        normalize=None,
        seed=0,
        on_error="raise",
        cache=None,
        damaged=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if type(batch) is not int or batch < 1:
            raise ValueError(f"batch must be a positive integer. Received: {batch!r}.")
        on_error = renamed("damaged", damaged, "on_error", on_error, "raise", values=ON_ERROR)
        if on_error not in ("raise", "skip"):
            raise ValueError(f'on_error must be "raise" or "skip". Received: {on_error!r}.')
        self.dataset, self.batch, self.seed, self.on_error = dataset, batch, seed, on_error
        self.steps = steps or max(1, len(dataset) // batch)
        self.patch, self.degrade, self.normalize = patch, degrade, normalize
        self.augmentation = augmentation(augment)
        self.decoded = Decoded(dataset, cache)
        self.first = 0
        self.order = lru_cache(2)(self._order)

    def __len__(self):
        return self.steps

    def on_epoch_end(self) -> None:
        """Makes the next epoch go on behind this one."""
        self.first += self.steps

    def __getitem__(self, index):
        return self.numbered(self.first + index)

    def numbered(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Batch `number`, counted from the beginning of the run."""
        examples = [self._example(number, place) for place in range(self.batch)]
        rng = np.random.default_rng((self.seed, 1, number))
        inputs, targets = stacked([image for image, _ in examples]), stacked([target for _, target in examples])
        return finished(self.dataset, inputs, targets, rng, self.degrade, self.normalize, self.augmentation)

    def stream(self, first: int, last: int, workers: int | None = None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yields the batches from `first` up to `last`, in order, made ahead by threads."""
        threads = workers or min(os.cpu_count() or 1, 16)
        ahead_of = threads + 2
        with contextlib.ExitStack() as stack:
            pool = ThreadPoolExecutor(threads)
            stack.callback(pool.shutdown, wait=True, cancel_futures=True)
            ahead = deque(pool.submit(self.numbered, i) for i in range(first, min(first + ahead_of, last)))
            for i in range(first, last):
                if i + ahead_of < last:
                    ahead.append(pool.submit(self.numbered, i + ahead_of))
                yield ahead.popleft().result()

    def _order(self, turn):
        return np.random.default_rng((self.seed, 0, turn)).permutation(len(self.dataset))

    def _example(self, number, place):
        position = number * self.batch + place
        rng = np.random.default_rng((self.seed, 2, position))
        for attempt in range(len(self.dataset)):
            turn, rank = divmod(position + attempt, len(self.dataset))
            try:
                image, target = self.decoded[int(self.order(turn)[rank])]
                break
            except DamagedFileError as error:
                if self.on_error == "raise":
                    raise
                warnings.warn(f"{error} The next example takes its place.", stacklevel=2)
        else:
            raise ValueError(f"{self.dataset.name} holds no example that can be read.")
        image, target = self.augmentation.resized(self.dataset, image, target, rng)
        if self.patch is not None:
            image, target = random_window(self.dataset, image, target, self.patch, rng)
        image, target = self.augmentation.turned(image, target, rng)
        return self.augmentation.changed(self.dataset, image, target, rng)


def stacked(arrays):
    """One array of many of one size."""
    shapes = {np.shape(array) for array in arrays}
    if len(shapes) > 1:
        raise ValueError(
            f"the examples of a batch must have one size. Received: {', '.join(map(sizes, sorted(shapes)))}. "
            "Give the recipe a patch, or the reader a size."
        )
    return np.stack(arrays)


def finished(dataset, inputs, targets, rng, degrade=None, normalize=None, augment=None):
    """What a model is given for a batch of examples as they are on disk: floats, degraded and normalised."""
    inputs = as_floats(inputs)
    if dataset.target in ("image", "matte"):
        targets = as_floats(targets)
    elif dataset.target == "mask":
        targets = targets[..., None].astype("int32")
    else:
        targets = targets.astype("int32")
    if augment is not None:
        inputs, targets = augment.transformed(dataset, inputs, targets, rng)
    if degrade is not None:
        inputs = degrade(targets, rng=rng)
    if normalize is not None:
        mean, std = (np.asarray(values, "float32") for values in normalize)
        inputs = (inputs - mean) / std
    return np.ascontiguousarray(inputs, "float32"), targets


def whole_example(dataset, index, recipe):
    """One example for evaluation, as a batch of one: whole, or the window in the middle that the recipe evaluates.

    Noise is that of the recipe's seed and the index: the same at every call.
    """
    image, target = dataset[index]
    if recipe.evaluate_patch is not None:
        image, target = window(dataset, image, target, recipe.evaluate_patch)
    rng = np.random.default_rng((recipe.seed, 3, index))
    return finished(dataset, np.asarray(image)[None], np.asarray(target)[None], rng, recipe.degrade, recipe.normalize)
