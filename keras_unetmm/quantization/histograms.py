# SPDX-License-Identifier: Apache-2.0
"""Which values a tensor takes over many images, in little memory."""

import math

import numpy as np

SMALL = 1 / 16  # of the range of all squares that those have which end early, where the larger one of two norms is taken
_BINS = 4096
_CUT = 1e-4  # of the values, at either end
_MOST = 1e-2  # of the sum of squares, that may go with them
_LEAST_OUTSIDE = 1e-4  # of the variance, from where on values outside [0, 1] are no errors of an image: 40 dB
_SAMPLES = 2**16  # values of a tensor that are counted of each image


class Histogram:
    """Counts the values of one tensor, array by array; its extremes are exact, the rest is a sample.

    Attributes:
        low, high: float, the extremes of all values.
    """

    def __init__(self):
        self.low, self.high = math.inf, -math.inf
        self.counts = np.zeros(_BINS, "int64")
        self.reach = 0.0  # the bins cover -reach to reach

    def add(self, array):
        """Counts the values of a float array `(..., channels)`."""
        self.low, self.high = min(self.low, float(array.min())), max(self.high, float(array.max()))
        largest = max(abs(self.low), abs(self.high))
        self.reach = self.reach or largest
        while largest > self.reach:
            self._widen()
        if self.reach:
            places = (_sample(array) / self.reach + 1) * (_BINS / 2)
            self.counts += np.bincount(np.minimum(places.astype("int64"), _BINS - 1), minlength=_BINS)

    def _widen(self):
        pairs, quarter = self.counts.reshape(-1, 2).sum(axis=1), _BINS // 4
        self.counts = np.zeros_like(self.counts)
        self.counts[quarter:-quarter] = pairs
        self.reach *= 2

    def without(self, share):
        """Returns `(low, high)` without that share of the values at either end, where it is one value or more."""
        most, width = int(self.counts.sum() * share), 2 * self.reach / _BINS
        if not most:
            return self.low, self.high
        before, behind = np.cumsum(self.counts), np.cumsum(self.counts[::-1])
        low = np.searchsorted(before, most, "right") * width - self.reach
        high = self.reach - np.searchsorted(behind, most, "right") * width
        return max(self.low, float(low)), min(self.high, float(high))

    def cut(self):
        """Returns `(low, high)` without one value in 10,000 at either end; of all, if 1 % of the energy went with them."""
        cut = self.without(_CUT)
        return cut if self.energy_beyond(*cut) < _MOST else (self.low, self.high)

    def is_image(self):
        """Whether the values lie in [0, 1] but for a little: cutting them loses less than 1/10,000 of their variance."""
        values = self._values()
        counted = max(self.counts.sum(), 1)
        mean = (self.counts * values).sum() / counted
        variance = (self.counts * (values - mean) ** 2).sum()
        return self._lost(0.0, 1.0) < _LEAST_OUTSIDE * max(variance, 1e-30)

    def energy_beyond(self, low, high):
        """Returns the share of the sum of squares of all values that is lost where they are cut to a range."""
        return self._lost(low, high) / max(float((self.counts * self._values() ** 2).sum()), 1e-30)

    def _values(self):
        return (np.arange(_BINS) + 0.5) * (2 * self.reach / _BINS) - self.reach

    def _lost(self, low, high):
        """The sum of squares of what is cut off the values."""
        values, width = self._values(), 2 * self.reach / _BINS
        beyond = np.where((values < low - width) | (values > high + width), values - np.clip(values, low, high), 0)
        return float((self.counts * beyond**2).sum())


def _sample(array):
    """At most so many values, of all channels alike."""
    values, step = array.ravel(), max(1, -(-array.size // _SAMPLES))
    while math.gcd(step, array.shape[-1] if array.ndim else 1) > 1:
        step += 1
    return values[::step].astype("float64")
