# SPDX-License-Identifier: Apache-2.0
"""Keras's functions on JAX in forms that jax2onnx writes: maxima as slices, resizing as products with matrices."""

import contextlib
import functools

import keras
import numpy as np
from keras import ops


@contextlib.contextmanager
def jax_forms():
    """While it lasts, max pooling and resizing of Keras on JAX are made of operators that jax2onnx knows.

    Of maps whose sizes are open, and of other interpolations, they stay as they are.
    """
    from keras.src.backend import image, nn

    own = nn.max_pool, image.resize
    nn.max_pool, image.resize = _pooled(nn.max_pool), _resized(image.resize)
    try:
        yield
    finally:
        nn.max_pool, image.resize = own


def _pooled(own):
    def max_pool(inputs, pool_size, strides=None, padding="valid", data_format=None):
        rank, first = len(inputs.shape) - 2, 2 if _channels_first(data_format) else 1
        if not _closed(inputs.shape[first : first + rank]):
            return own(inputs, pool_size, strides, padding, data_format)
        sizes = _each(pool_size, rank)
        for i, (size, step) in enumerate(zip(sizes, _each(strides or sizes, rank), strict=True)):
            inputs = _maxima(inputs, first + i, size, step, padding)
        return inputs

    return max_pool


def _maxima(x, axis, size, step, padding):
    """The largest of `size` neighbours along one axis, at every `step`."""
    length = x.shape[axis]
    if padding == "same":
        rest = max((-(-length // step) - 1) * step + size - length, 0)
        ends = [_part(x, axis, i, i + 1) for i in (0, length - 1)]  # which each window there has, too
        x = ops.concatenate([ends[0]] * (rest // 2) + [x] + [ends[1]] * (rest - rest // 2), axis)
        length += rest
    last = (length - size) // step * step  # where the last window begins
    return functools.reduce(ops.maximum, [_part(x, axis, i, i + last + 1, step) for i in range(size)])


def _part(x, axis, begin, end, step=1):
    return x[(slice(None),) * axis + (slice(begin, end, step),)]


def _resized(own):
    def resize(images, size, interpolation="bilinear", antialias=False, **others):
        first = len(images.shape) - 3 if not _channels_first(others.get("data_format")) else len(images.shape) - 2
        plain = not antialias and not others.get("crop_to_aspect_ratio") and not others.get("pad_to_aspect_ratio")
        if not plain or interpolation not in _MATRICES or not _closed((*images.shape[first : first + 2], *size)):
            return own(images, size, interpolation=interpolation, antialias=antialias, **others)
        for i, target in enumerate(size):
            images = _mixed(images, first + i, _MATRICES[interpolation](images.shape[first + i], target))
        return images

    return resize


def _mixed(x, axis, matrix):
    return ops.moveaxis(ops.tensordot(x, ops.convert_to_tensor(matrix, x.dtype), axes=([axis], [1])), -1, axis)


def _bilinear(length, target):
    """The matrix `(target, length)` that mixes the two nearest of half-pixel centres, and the last beyond them."""
    places = np.clip((np.arange(target) + 0.5) * length / target - 0.5, 0, length - 1)
    return np.maximum(0, 1 - np.abs(places[:, None] - np.arange(length)))


def _nearest(length, target):
    places = np.floor((np.arange(target) + 0.5) * length / target)
    return np.equal(places[:, None], np.arange(length))


_MATRICES = {"bilinear": _bilinear, "nearest": _nearest}


def _closed(sizes):
    return all(isinstance(size, (int, np.integer)) for size in sizes)


def _each(value, rank):
    return (value,) * rank if isinstance(value, int) else tuple(value)


def _channels_first(data_format):
    return (data_format or keras.config.image_data_format()) == "channels_first"
