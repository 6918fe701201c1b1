# SPDX-License-Identifier: Apache-2.0
"""Images and volumes by windows that overlap, and the weights by which what is made of them becomes one map."""

import itertools
import math

import numpy as np

CHANGE = 1e-6  # of the output's range, from which on a place has seen a change of the input


def placed(size, window, overlap, multiple):
    """Returns where windows start along one axis.

    Args:
        size: int, of the axis, a multiple of `multiple`.
        window: int, a multiple of `multiple`, at most the size.
        overlap: int, that neighbours share at least, below the window.
        multiple: int, that starts are multiples of.
    """
    if window >= size:
        return [0]
    step = max(multiple, (window - overlap) // multiple * multiple)
    return [*range(0, size - window, step), size - window]


def ramp(start, window, size, halo, overlap):
    """The weights of a window along one axis: 0 in the halo of a border inside the image, then rising; 1 inside.

    Args:
        start, window, size: int, of the window and the axis.
        halo: int, from a border that is not the image's, where outputs are not those of the whole image.
        overlap: int, in which neighbours rise and fall.
    """
    weights = np.ones(window)
    wide = max(1, overlap - 2 * halo)
    rising = np.clip((np.arange(window) - halo + 0.5) / wide, 0, 1)
    if start > 0:
        weights *= rising
    if start + window < size:
        weights *= rising[::-1]
    return weights


def blended(run, image, window, overlap, halo, multiple, batch=4, progress=None):
    """Runs a network on windows of an image and adds up what it makes of them by weights.

    Args:
        run: function of a batch `(N, *window, C)` that returns `(N, *window, K)`.
        image: float32 array `(*size, C)`, each size a multiple of `multiple`.
        window: tuple of int; sizes larger than the image's are cut to them.
        overlap, halo: tuples of int, for each axis.
        multiple: int.
        batch: int, windows at once.
        progress: function of two ints, windows done and in all, or None.

    Returns:
        float32 array `(*size, K)`.
    """
    size = image.shape[:-1]
    window = tuple(map(min, window, size))
    starts = [placed(*axis, multiple) for axis in zip(size, window, overlap, strict=True)]
    places = list(itertools.product(*starts))
    total = weights = None
    for first in range(0, len(places), batch):
        chosen = places[first : first + batch]
        cut = [tuple(slice(a, a + wide) for a, wide in zip(place, window, strict=True)) for place in chosen]
        made = run(np.stack([image[part] for part in cut]))
        if total is None:
            total, weights = np.zeros((*size, made.shape[-1]), "float32"), np.zeros((*size, 1), "float32")
        for place, part, values in zip(chosen, cut, made, strict=True):
            along = [ramp(*axis) for axis in zip(place, window, size, halo, overlap, strict=True)]
            weight = math.prod(np.ix_(*along)).astype("float32")[..., None]
            total[part] += weight * values
            weights[part] += weight
        if progress is not None:
            progress(min(first + batch, len(places)), len(places))
    return total / weights


def overlaps(run, window, channels, multiple):
    """The halo of a window, and what neighbours share, for each axis: as little as gives the result of the whole image.

    Args:
        run: as for `blended`.
        window: tuple of int.
        channels: int, of the input.
        multiple: int, that the network's sizes are multiples of.

    Returns:
        two tuples of int. Where the network sees farther than three eighths of a window the halo is 0 and half is shared.
    """
    halos, shared = [], []
    for side, seen in zip(window, reach(run, window, channels), strict=True):
        halo = -(-seen // multiple) * multiple
        exact = 2 * halo + multiple <= side * 3 // 4
        wide = 2 * halo + max(multiple, side // 8)
        halos.append(halo if exact else 0)
        shared.append(-(-wide // multiple) * multiple if exact else side // 2)
    return tuple(halos), tuple(shared)


def reach(run, window, channels):
    """How far a change of the input at a border is seen in the output, in pixels of each axis.

    It is tried on random values: a network that takes means over the whole map sees it everywhere.

    Args:
        run: as for `blended`.
        window: tuple of int.
        channels: int, of the input.
    """
    rng = np.random.default_rng(0)
    plain = rng.random((*window, channels), "float32")
    inputs = [plain]
    for axis in range(len(window)):
        changed = plain.copy()
        border = tuple(slice(0, 1) if i == axis else slice(None) for i in range(len(window)))
        changed[border] = 1 - changed[border]
        inputs.append(changed)
    outputs = [run(each[None])[0] for each in inputs]
    scale = max(float(np.ptp(outputs[0])), 1e-6)
    seen = []
    for axis, made in enumerate(outputs[1:]):
        others = tuple(i for i in range(made.ndim) if i != axis)
        far = np.flatnonzero(np.abs(made - outputs[0]).max(axis=others) > CHANGE * scale)
        seen.append(int(far[-1]) + 1 if len(far) else 0)
    return tuple(seen)
