# SPDX-License-Identifier: Apache-2.0
"""Shorter arithmetic that gives the same bytes, proven by trying every pair of operands.

TFLM rescales both operands of a sum to a common scale and their sum once more, and the product of two maps in two roundings.
Two numbers of 8 bits have 65,536 pairs, so it can be tried whether one multiplication for each operand, or one for the
product, one addition and one shift give the same bytes. Where they do, the engine computes that instead.
"""

import functools

import numpy as np

_BYTES = np.arange(-128, 128, dtype="int64")
_NEAR = (
    (0, 0),
    (0, 1),
    (1, 0),
    (0, -1),
    (-1, 0),
    (1, 1),
    (-1, -1),
    (1, -1),
    (-1, 1),
)  # candidates beside the nearest factors
_SHIFTS = 3  # candidates
_MOST = 2**31 - 1


def rescale(values, multiplier, shift):
    """Returns what TFLM's MultiplyByQuantizedMultiplier makes of an array of sums of 32 bits."""
    values = np.asarray(values, "int64")
    if shift >= 0:
        values = ((values << shift) + 2**31) % 2**32 - 2**31
    high = (values * multiplier + 2**30) >> 31
    return high if shift >= 0 else (((high + (high >> 63)) >> (-shift - 1)) + 1) >> 1


@functools.lru_cache(maxsize=1024)
def linear(sign, first, second, left, output, low, high):
    """Returns `(first factor, second factor, offset, shift)` so that a sum is `(a * first + b * second + offset) >> shift`.

    Args:
        sign: int, -1 for a difference, else 1.
        first, second, output: `(zero point, multiplier, shift)` of TFLM's arithmetic.
        left: int, bits by which both operands are shifted first.
        low, high: int, to which both forms are clamped.

    Returns:
        tuple of int, or None where no such numbers of 32 bits were found.
    """
    a, b = (rescale((_BYTES - zero) << left, multiplier, shift) for zero, multiplier, shift in (first, second))
    wanted = np.clip(rescale(a[:, None] + sign * b[None, :], *output[1:]) + output[0], low, high)
    ratios = [m * 2.0 ** (s - 31 + left) * output[1] * 2.0 ** (output[2] - 31) for _, m, s in (first, second)]
    ratios[1] *= sign
    for shift in _shifts(128 * (abs(ratios[0]) + abs(ratios[1])) + 384):
        factors = [round(ratio * 2**shift) for ratio in ratios]
        for near in _NEAR:
            one, two = (factor + more for factor, more in zip(factors, near, strict=True))
            offset = _offset(_BYTES[:, None] * one + _BYTES[None, :] * two, wanted, shift, low, high)
            if offset is not None and 128 * (abs(one) + abs(two)) + abs(offset) <= _MOST:
                return one, two, offset, shift
    return None


@functools.lru_cache(maxsize=64)
def _products(first_zero, second_zero):
    """All products of two bytes less their zero points, each once."""
    return np.unique((_BYTES - first_zero)[:, None] * (_BYTES - second_zero)[None, :])


def _shifts(largest):
    """The largest shifts with which a real number still fits 32 bits."""
    most = min(int(np.floor(np.log2(_MOST / largest))), 30)
    return range(most, max(most - _SHIFTS, 0), -1)


def _offset(sums, wanted, shift, low, high):
    """The number in the middle of those that, added to sums, give what is wanted after the shift; None if there is none."""
    inside = wanted > low
    least = ((wanted << shift) - sums)[inside].max(initial=-(2**62))
    inside = wanted < high
    most = (((wanted + 1) << shift) - 1 - sums)[inside].min(initial=2**62)
    if least > most:
        return None
    if least == -(2**62) or most == 2**62:
        return int(least if most == 2**62 else most) if least != -(2**62) or most != 2**62 else 0
    return int((least + most) // 2)


@functools.lru_cache(maxsize=1024)
def product(first_zero, second_zero, output, low, high):
    """Returns `(left, factor, offset, below, shift)`, so that p, the product of two bytes less their zero points, becomes
    `(high word of (p << left) * factor, + offset, + below where p is less than 0) >> shift`.

    TFLM's first rounding moves the second one away from zero, so that both signs need offsets of their own.

    Args:
        first_zero, second_zero: int.
        output: `(zero point, multiplier, shift)` of TFLM's arithmetic.
        low, high: int, to which both forms are clamped.

    Returns:
        tuple of int, or None where no such numbers of 32 bits were found.
    """
    products = _products(first_zero, second_zero)
    wanted = np.clip(rescale(products, *output[1:]) + output[0], low, high)
    ratio, largest, negative = output[1] * 2.0 ** (output[2] - 31), int(np.abs(products).max()), products < 0
    left = 30 - largest.bit_length()
    for shift in _shifts(largest * ratio + 384):
        for near in (0, 1, -1):
            factor = round(ratio * 2.0 ** (shift + 32 - left)) + near
            sums = ((products << left) * factor) >> 32
            above = _offset(sums[~negative], wanted[~negative], shift, low, high)
            below = _offset(sums[negative], wanted[negative], shift, low, high)
            if above is None or below is None or not 0 <= factor <= _MOST:
                continue
            if int(np.abs(sums).max()) + max(abs(above), abs(below)) <= _MOST:
                return left, factor, above, below - above, shift
    return None
