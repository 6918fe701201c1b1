"""Where the buffers of a file lie in the arena: searches that end when one meets the lower bound or time is up."""

import random
import time
from dataclasses import dataclass

from keras_unetmm.planner.climb import Climb
from keras_unetmm.planner.greedy import greedy
from keras_unetmm.planner.neighbours import neighbours
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


def place(memory, bound, seconds=2.0, seed=0, rounds=None):
    """Returns the `Placement` with the smallest head that was found.

    Args:
        memory: `keras_unetmm.planner.memory.Memory`.
        bound: int, bytes: less is not looked for.
        seconds: float, CPU time for the search, so that what else runs decides nothing.
        seed: int, of its random choices.
        rounds: int, after which the search ends, instead of by `seconds`: the result is then the same on every machine.
    """
    end, rng = None if rounds is not None else time.thread_time() + seconds, random.Random(seed)
    around = neighbours(memory)
    climb = Climb(memory, around)
    best = as_TFLM_will(memory, climb.addresses)
    tried = 0
    while best.head > bound and (time.thread_time() < end if rounds is None else tried < rounds):
        capacity = bound if tried % 3 < 2 else (bound + best.head) // 32 * 16
        shuffled = rng if tried >= len(_LARGE) else None
        addresses = sweep(memory, around, capacity, capacity // _LARGE[tried % len(_LARGE)], shuffled)
        if addresses is not None:
            best = min(best, as_TFLM_will(memory, addresses), key=lambda placement: placement.head)
        for _ in range(_CLIMBS):
            if climb.head > bound:
                climb.step(rng)
        if climb.head < best.head:
            best = min(best, as_TFLM_will(memory, climb.addresses), key=lambda placement: placement.head)
        tried += 1
    return best


def as_TFLM_will(memory, addresses):
    """Returns the `Placement` that results when tensors lie at those addresses and TFLM adds the scratch.

    Args:
        memory: `keras_unetmm.planner.memory.Memory`.
        addresses: dict from a buffer's position to bytes.
    """
    fixed = {i: address for i, address in addresses.items() if memory.buffers[i].tensor is not None}
    everything, head = greedy(memory.buffers, fixed)
    offsets = {memory.buffers[i].tensor: address for i, address in fixed.items()}
    return Placement(offsets, tuple(everything[i] for i in range(len(memory.buffers))), head)
