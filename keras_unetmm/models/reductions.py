# SPDX-License-Identifier: Apache-2.0
"""Which channels UNet-- (arXiv 2412.18276) can make of the maps of any encoder: the arithmetic of its pixel shuffles."""

import math


def usable_reductions(channels, wanted, level=None, levels=None):
    """Returns the reductions nearest to the wanted ones with which `UNetMinusMinus` can be built, or None.

    MSIAM leaves `channels / reduction` of a map and brings it to the resolution of `level`: 4 times as many channels for
    each level that it was finer, a quarter for each that it was coarser. IEM brings their sum up to the finest again, so it
    must divide by 4 for each level in between. Near means a small ratio: the sum of the logarithms is the smallest.

    Args:
        channels: sequence of int, of the maps, finest first.
        wanted: sequence of int, of the same length.
        level: int, of `UNetMinusMinus`; None is the coarsest.
        levels: sequence of int, those of the maps, finest first; None is all from 0 on.

    Returns:
        tuple of int.
    """
    levels = range(len(channels)) if levels is None else levels
    target = levels[-1] if level is None else level
    block = 4 ** max(target - levels[0], 0)
    best = {0: (0.0, ())}  # remainder of the sum of channels -> how far from the wanted ones, reductions
    for i, count, want in zip(levels, channels, wanted, strict=True):
        reached = {}
        for reduction in (r for r in range(1, count + 1) if count % (r * 4 ** max(i - target, 0)) == 0):
            kept = count // reduction * 4**target // 4**i
            far = abs(math.log(reduction / want))
            for remainder, (so_far, reductions) in best.items():
                place = (remainder + kept) % block
                if place not in reached or so_far + far < reached[place][0]:
                    reached[place] = (so_far + far, (*reductions, reduction))
        best = reached
    return best.get(0, (None, None))[1]
