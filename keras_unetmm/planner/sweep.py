# SPDX-License-Identifier: Apache-2.0
"""Placement within a given arena by a search in the order of time.

Buffers are placed as they come to life, at an end of a gap between those alive. Where none fits, the search goes back to
the latest of the buffers that are in the way and tries its next place.
"""

from keras_unetmm.planner.interference import exceptions, taken


def sweep(problem, around, capacity, large, rng=None, tries=20_000):
    """Returns the address of every buffer, in bytes, or None if no placement was found.

    Args:
        problem: `keras_unetmm.planner.placement_problem.PlacementProblem`.
        around: its `interference`.
        capacity: int, bytes of the arena.
        large: int, bytes: buffers from this size on are tried low first, the others high first.
        rng: `random.Random` that shuffles some of the choices; by default none.
        tries: int, placements of a buffer after which the search gives up.
    """
    buffers = problem.buffers
    order = sorted(range(len(buffers)), key=lambda i: (buffers[i].first, -buffers[i].bytes))
    rank = {buffer: position for position, buffer in enumerate(order)}
    before = [[entry for entry in around[i] if rank[entry[0]] < rank[i]] for i in order]
    addresses, choices, blamed, k = {}, [], [], 0
    while k < len(order):
        i = order[k]
        if k == len(choices):
            places = _places(buffers[i].bytes, taken(before[k], addresses), capacity, buffers[i].bytes >= large)
            if rng is not None and rng.random() < 0.3:
                rng.shuffle(places)
            choices.append(iter(places))
            blamed.append(set())
        address = next(choices[k], None)
        tries -= 1
        if address is not None:
            addresses[i] = address
            k += 1
            continue
        conflict = blamed[k] | {rank[other] for other, *_ in before[k]}
        if tries < 0 or not conflict:
            return None
        back = max(conflict)
        for position in range(back, k):
            del addresses[order[position]]
        del choices[back + 1 :], blamed[back + 1 :]
        blamed[back] |= conflict - {back}
        k = back
    return addresses


def _places(size, intervals, capacity, low_first):
    """The ends of the gaps, and where a buffer may share the place of another."""
    top, begin, lows, highs = capacity - size, 0, [], []
    for low, high, _ in [*intervals, (top, top, None)]:
        if begin <= min(low, top):
            lows.append(begin)
            highs.append(min(low, top))
        begin = max(begin, high)
    highs.reverse()
    shared = [at for at in exceptions(intervals) if at <= top]
    return list(dict.fromkeys([*shared, *(lows + highs if low_first else highs + lows)]))
