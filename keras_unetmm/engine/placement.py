# SPDX-License-Identifier: Apache-2.0
"""Where buffers lie in one memory, if it is known which of them hold something at the same time."""

import random
from dataclasses import dataclass

_STEPS_A_SECOND = 3_000_000  # of looking at a neighbour, on an ordinary computer


@dataclass(frozen=True)
class Problem:
    """What has to be placed.

    Attributes:
        sizes: list of int, bytes, multiples of the alignment.
        together: list of sets: with whom each buffer is alive.
        least: dict from `(input, output)` to bytes: although both are alive, the output may lie over the input if the
            input's address minus the output's is this or more.
    """

    sizes: list
    together: list
    least: dict


def place(problem, bound, seconds=1.0, seed=0):
    """Returns `(addresses, bytes)`: the smallest that was found.

    First fit in many orders: the largest first, then what ended highest moves to the front, with random changes.

    Args:
        problem: `Problem`.
        bound: int, bytes: less is not looked for.
        seconds: float, about how long it may take. The tries are counted, for the result must not depend on the machine.
        seed: int, of the random choices.
    """
    count, rng, left = len(problem.sizes), random.Random(seed), tries(problem, seconds)
    order = sorted(range(count), key=lambda i: -problem.sizes[i])
    best, least = _first_fit(problem, order)
    current = least
    while least > bound and left > 0:
        left -= 1
        trial = list(order)
        top = max(range(count), key=lambda i: best[i] + problem.sizes[i]) if rng.random() < 0.5 else rng.randrange(count)
        trial.remove(top)
        trial.insert(rng.randrange(max(1, count // 4)) if rng.random() < 0.5 else rng.randrange(count), top)
        addresses, total = _first_fit(problem, trial)
        if total <= current:
            order, current = trial, total
        if total < least:
            best, least = addresses, total
    return best, least


def tries(problem, seconds):
    """Returns how many placements can be tried in about so many seconds."""
    return int(seconds * _STEPS_A_SECOND / sum(len(near) + 8 for near in problem.together))


def _first_fit(problem, order):
    addresses, total = {}, 0
    for i in order:
        size, taken = problem.sizes[i], []
        for j in problem.together[i]:
            at = addresses.get(j)
            if at is not None:
                low, high = at - size, at + problem.sizes[j]  # the open interval of addresses that meet it
                if (j, i) in problem.least:  # it is the input: this one may lie so far below
                    low = max(low, at - problem.least[j, i])
                elif (i, j) in problem.least:
                    high = min(high, at + problem.least[i, j])
                taken.append((low, high))
        addresses[i] = _lowest(sorted(taken))
        total = max(total, addresses[i] + size)
    return addresses, total


def _lowest(taken):
    """The lowest address outside all open intervals, which are sorted by their beginnings."""
    address = 0
    for low, high in taken:
        if low < address < high:
            address = high
    return address
