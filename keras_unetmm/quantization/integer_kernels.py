# SPDX-License-Identifier: Apache-2.0
"""The integers of those kernels of TensorFlow Lite whose results no rounding of a real number gives.

Written from the reference kernels of TensorFlow Lite and gemmlowp's fixed-point functions (Apache 2.0), whose arithmetic is
public: numbers of 32 bits, of which products keep the upper half. Products need 64 bits, which JAX has only when told so:
there the real functions stand in, which differ by one step now and then. Keras's own `floor_divide` and `minimum` give 32
bits on PyTorch, so that operators are written as signs here.
"""

import keras
import numpy as np
from keras import ops

ONE = 2**20  # of the fractions that `mean_steps` takes
_TOP = 2**31
_EIGHTH, _THIRD = 1895147668, 715827883  # exp(-1/8) and 1/3
_POWERS = (1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242)  # exp(-2**k) for k = -2 to 4
_48_17, _32_17 = 1515870810, -1010580540  # of the first guess of a quotient, 29 bits behind the point
_MOST_SHIFTS = 31
_SUM_BITS = 12  # before the point of a sum of exponentials
_WHOLE_BITS = 4  # before the point of what sigmoid and tanh are taken of


def has_wide():
    """Whether the backend computes with 64 bits."""
    return keras.backend.backend() != "jax"


def nearest(x):
    """To the nearest integer, halves away from zero."""
    return ops.sign(x) * ops.floor(ops.abs(x) + 0.5)


def rescaled(sums, multiplier, count=None):
    """Returns integers times a real number as kernels multiply: by one of 31 bits from 1/2 to 1, halves up, and then halved.

    Without the rounding at the end, which the caller does: float64, for float32 may make a half of what is less.

    Args:
        sums: float or int, whole numbers below 2**31.
        multiplier: float64, above 0.
        count: float64, by which MEAN divides: the multiplier's bits, to a power of two, and the rest at the end.
    """
    exponent = ops.clip(_exponent(multiplier), -_MOST_SHIFTS, _MOST_SHIFTS)
    share = ops.cast(ops.round(multiplier / ops.power(ops.cast(2.0, "float64"), exponent) * _TOP), "int64")
    if count is not None:
        halvings = ops.floor(ops.log2(count + 0.5))
        power = ops.cast(ops.power(ops.cast(2.0, "float64"), halvings), "int64")
        share, exponent = share * power // ops.cast(count, "int64"), exponent - halvings
    left = ops.power(ops.cast(2.0, "float64"), ops.maximum(exponent, 0.0))
    right = ops.power(ops.cast(2.0, "float64"), ops.maximum(-exponent, 0.0))
    product = _product(ops.cast(sums, "int64") * ops.cast(left, "int64"), share)
    return ops.cast(product, "float64") / right


def _exponent(x):
    """The power of two by which a float64 above 0 is divided to lie from 1/2 to 1."""
    exponent = ops.floor(ops.log2(x)) + 1
    share = x / ops.power(ops.cast(2.0, "float64"), exponent)  # log2 may have been rounded up to a whole number
    return ops.where(share >= 1, exponent + 1, ops.where(share < 0.5, exponent - 1, exponent))


def mean_steps(sums, zero):
    """Returns the distance from the zero point of bytes that are means, as AVERAGE_POOL_2D and RESIZE_BILINEAR round them.

    Args:
        sums: int32, means of distances in parts of `ONE`.
        zero: float, the zero point: the kernels round the byte itself.
    """
    sums = sums + ops.cast(zero, "int32") * ONE
    size = (ops.abs(sums) + ONE // 2) // ONE
    return ops.cast(ops.sign(sums) * size, "float32") - zero


def pooled(means):
    """Returns means of integers, from float32, as int32 in parts of `ONE`: halves are halves whatever a division gave."""
    halves = ops.round(2 * means)
    means = ops.where(ops.abs(2 * means - halves) < 2e-4, halves / 2, means)
    return ops.cast(ops.round(means * ONE), "int32")


def resized(x, size):
    """Returns integers after bilinear resizing, int32 in parts of `ONE`, as RESIZE_BILINEAR finds them with 10 bits.

    Args:
        x: int32, `(N, H, W, C)`.
        size: tuple of two int, with half-pixel centres.
    """
    for axis, new in zip((1, 2), size, strict=True):
        old = x.shape[axis]
        step = (1024 * old + new // 2) // new
        places = np.arange(new) * step + step // 2 - 512
        low = np.maximum((places / 1024).astype(int), 0)
        high = np.minimum(((places + 1023) / 1024).astype(int), old - 1)
        part = (places - 1024 * low).astype("int32").reshape([new if i == axis else 1 for i in range(4)])
        first, second = (ops.take(x, np.asarray(rows, "int32"), axis=axis) for rows in (low, high))
        x = first * ops.convert_to_tensor(1024 - part) + second * ops.convert_to_tensor(part)
    return x


def softmax_steps(x, scale):
    """Returns the bytes of SOFTMAX over the last axis as numbers from 0 to 255.

    Args:
        x: float32, whole steps of `scale`.
        scale: `()`, of the bytes that are read.
    """
    below = ops.cast(ops.max(x, axis=-1, keepdims=True) - x, "int32")
    table = _exponentials(scale)
    exponentials = ops.take(table, below, axis=0)
    total = ops.sum(_halved(exponentials, 2**_SUM_BITS), axis=-1, keepdims=True)
    shift = 31 - ops.cast(ops.floor(ops.log2(ops.cast(total, "float64"))), "int32")
    powers = ops.convert_to_tensor(2 ** np.arange(62, dtype="int64"))
    inverse = _quotient(total * ops.take(powers, shift, axis=0) - _long(_TOP))
    product = _product(inverse, exponentials)
    steps = _halved(product, ops.take(powers, _SUM_BITS - shift + 31 - 8, axis=0))
    return ops.cast(ops.minimum(steps, _long(255)), "float32")


def sigmoid_steps(x, scale):
    """Returns the bytes of LOGISTIC as numbers from 0 to 255.

    Args:
        x: float32, whole steps of `scale`.
        scale: `()`, of the bytes that are read.
    """
    x, beyond, below = _sixteenths(x, scale)
    positive = _quotient(_exponential(-ops.abs(x), _WHOLE_BITS))
    steps = _halved(ops.where(x < 0, _long(_TOP - 1) - positive, positive), 2 ** (31 - 8))
    return _saturated(ops.where(x == 0, _long(128), steps), beyond, below, 0, 255)


def tanh_steps(x, scale):
    """Returns the bytes of TANH as numbers from -128 to 127; arguments are those of `sigmoid_steps`."""
    x, beyond, below = _sixteenths(x, scale)
    # twice a number with 4 bits before the point is the same number with 5
    size = _inverse(_exponential(-ops.abs(x), _WHOLE_BITS + 1)) - _long(2**29)
    size = ops.where(size < _long(2**29), size * _long(4), _long(_TOP - 1))
    steps = _halved(ops.where(x < 0, -size, size), 2 ** (31 - 7))
    return _saturated(ops.where(x == 0, _long(0), steps), beyond, below, -128, 127)


def _sixteenths(x, scale):
    """Numbers with 4 bits before the point and 27 behind, and which of them lie beyond what these hold, or below."""
    real = ops.cast(scale, "float64") * 2 ** (31 - _WHOLE_BITS)
    exponent = _exponent(real)
    left = ops.power(ops.cast(2.0, "float64"), exponent)
    multiplier = ops.cast(ops.round(real / left * _TOP), "int64")
    radius = ops.floor(ops.cast(15 * 2 ** (31 - _WHOLE_BITS), "float64") / left)
    beyond, below = ops.cast(x, "float64") >= radius, ops.cast(x, "float64") <= -radius
    inside = ops.where(ops.logical_or(beyond, below), _long(0), ops.cast(x, "int64"))
    return _product(inside * ops.cast(left, "int64"), multiplier), beyond, below


def _saturated(steps, beyond, below, lowest, highest):
    steps = ops.where(steps < lowest, _long(lowest), ops.where(steps > highest, _long(highest), steps))
    return ops.cast(ops.where(below, _long(lowest), ops.where(beyond, _long(highest), steps)), "float32")


def _exponentials(scale):
    """Of the distances 0 to 255 below the largest, `exp(-distance * scale)` with 31 bits behind the point."""
    real = ops.cast(scale, "float64") * 2**26
    real = ops.where(real < _TOP - 1.0, real, _TOP - 1.0)
    exponent = ops.floor(ops.log2(real)) + 1
    left = ops.power(ops.cast(2.0, "float64"), exponent)
    multiplier = ops.cast(ops.round(real / left * _TOP), "int64")
    distances = ops.convert_to_tensor(-np.arange(256, dtype="int64"))
    inside = ops.cast(-distances, "float64") <= ops.floor(ops.cast(31 * 2.0**26, "float64") / left)
    shifted = ops.where(inside, distances, _long(0)) * ops.cast(left, "int64")
    return ops.where(inside, _exponential(_product(shifted, multiplier), 5), _long(0))


def _exponential(x, whole_bits):
    """Of numbers up to zero with 4 or 5 bits before the point of 31, with 31 behind it."""
    quarter = _long(2 ** (29 - whole_bits))
    within = x - x // quarter * quarter - quarter
    y = within * _long(2**whole_bits) + _long(2**28)
    square = _product(y, y)
    cube, fourth = _product(square, y), _product(square, square)
    series = _halved(_product(_halved(fourth, 4) + cube, _THIRD) + square, 2)
    made = _long(_EIGHTH) + _product(_EIGHTH, y + series)
    rest = within - x
    for k, power in enumerate(_POWERS[: whole_bits + 2]):
        odd = rest // _long(2 ** (29 - whole_bits + k)) % _long(2) == _long(1)
        made = ops.where(odd, _product(made, power), made)
    return ops.where(x == 0, _long(_TOP - 1), made)


def _quotient(x):
    """`1 / (1 + x)` of x from 0 to 1, both with 31 bits behind the point."""
    y = _inverse(x)
    return ops.where(y < _long(_TOP // 2), y * _long(2), _long(_TOP - 1))


def _inverse(x):
    """`2 / (1 + x)` with 29 bits, of x from 0 to 1 with 31 bits behind the point."""
    half = (x + _long(_TOP)) // _long(2)  # (x + one + 1) / 2 of the largest number for one
    y = _long(_48_17) + _product(half, _32_17)
    for _ in range(3):
        y = y + _product(y, _long(2**29) - _product(half, y)) * _long(4)
    return y


def _product(x, y):
    """The upper half of a product, halves up."""
    return (_long(x) * _long(y) + _long(2**30)) // _long(_TOP)


def _halved(x, by):
    """x over a power of two, halves away from zero."""
    by = _long(by)
    size = (ops.abs(x) + by // _long(2)) // by
    return ops.where(x < 0, -size, size)


def _long(x):
    return ops.convert_to_tensor(x, "int64") if isinstance(x, int) else x
