# SPDX-License-Identifier: Apache-2.0
"""Where the buffers of a file lie in the arena: searches that end when one meets the lower bound or time is up."""

import random
import time
from dataclasses import dataclass

from keras_unetmm.planner.greedy import greedy
from keras_unetmm.planner.hill_climb import HillClimb
from keras_unetmm.planner.interference import interference
from keras_unetmm.planner.sweep import sweep

_CLIMBS = 30  # steps of hill climbing between two sweeps
_LARGE = (8, 32, 2, 128, 1)  # parts of the arena from which on a buffer is large


@dataclass(frozen=True)
class Placement:
    """Where everything lies.

    Attributes:
        offsets: dict from tensor, counted over all graphs, to bytes; scratch is placed by TFLM.
        addresses: tuple of int, of every buffer of the timeline, scratch where TFLM will put it.
        head: int, bytes: what TFLM will measure.
    """

    offsets: dict
    addresses: tuple
    head: int


def place(problem, bound, seconds=2.0, seed=0, rounds=None):
    """Returns the `Placement` with the smallest head that was found.

    Args:
        problem: `keras_unetmm.planner.placement_problem.PlacementProblem`.
        bound: int, bytes: less is not looked for.
        seconds: float, CPU time for the search, so that what else runs decides nothing.
        seed: int, of its random choices.
        rounds: int, after which the search ends, instead of by `seconds`: the result is then the same on every machine.
    """
    end, rng = None if rounds is not None else time.thread_time() + seconds, random.Random(seed)
    around = interference(problem)
    hill_climb = HillClimb(problem, around)
    best = as_TFLM_will(problem, hill_climb.addresses)
    tried = 0
    while best.head > bound and (time.thread_time() < end if rounds is None else tried < rounds):
        capacity = bound if tried % 3 < 2 else (bound + best.head) // 32 * 16
        shuffled = rng if tried >= len(_LARGE) else None
        addresses = sweep(problem, around, capacity, capacity // _LARGE[tried % len(_LARGE)], shuffled)
        if addresses is not None:
            best = min(best, as_TFLM_will(problem, addresses), key=lambda placement: placement.head)
        for _ in range(_CLIMBS):
            if hill_climb.head > bound:
                hill_climb.step(rng)
        if hill_climb.head < best.head:
            best = min(best, as_TFLM_will(problem, hill_climb.addresses), key=lambda placement: placement.head)
        tried += 1
    return best


def as_TFLM_will(problem, addresses):
    """Returns the `Placement` that results when tensors lie at those addresses and TFLM adds the scratch.

    Args:
        problem: `keras_unetmm.planner.placement_problem.PlacementProblem`.
        addresses: dict from a buffer's position to bytes.
    """
    fixed = {i: address for i, address in addresses.items() if problem.buffers[i].tensor is not None}
    everything, head = greedy(problem.buffers, fixed)
    offsets = {problem.buffers[i].tensor: address for i, address in fixed.items()}
    return Placement(offsets, tuple(everything[i] for i in range(len(problem.buffers))), head)
