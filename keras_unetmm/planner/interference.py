# SPDX-License-Identifier: Apache-2.0
"""For every buffer, where it may not start because of those that live at the same time."""

from operator import itemgetter


def interference(problem):
    """Returns for every buffer a list of `(other, low, high, same)`.

    If the other starts at address a, the buffer may not start between a + low and a + high, both excluded, but at
    a + same, unless that is None.
    """
    buffers = problem.buffers
    pairs = {(pair.input, pair.output): pair for pair in problem.pairs}
    found, active = [[] for _ in buffers], []
    for i in sorted(range(len(buffers)), key=lambda i: buffers[i].first):
        active = [j for j in active if buffers[j].last >= buffers[i].first]
        for j in active:
            found[i].append((j, *_forbidden(buffers, i, j, pairs)))
            found[j].append((i, *_forbidden(buffers, j, i, pairs)))
        active.append(i)
    return found


def taken(around, addresses):
    """Returns the open intervals in which a buffer may not start, by rising address, each with its exception or None.

    Args:
        around: the buffer's entry in `interference`.
        addresses: dict from buffer to address; others are not placed yet.
    """
    intervals = []
    for j, low, high, same in around:
        at = addresses.get(j)
        if at is not None:
            intervals.append((at + low, at + high, None if same is None else at + same))
    intervals.sort(key=itemgetter(0))
    return intervals


def exceptions(intervals):
    """Returns the addresses at which a buffer may start although an interval excludes them."""
    points = {same for *_, same in intervals if same is not None and same >= 0}
    return [at for at in points if all(at <= low or at >= high or at == same for low, high, same in intervals)]


def _forbidden(buffers, i, j, pairs):
    low, high, same = -buffers[i].bytes, buffers[j].bytes, None
    as_input, as_output = pairs.get((i, j)), pairs.get((j, i))
    if as_input:
        same = as_input.same
        if as_input.least is not None:
            high = min(high, as_input.least)
    elif as_output:
        same = None if as_output.same is None else -as_output.same
        if as_output.least is not None:
            low = max(low, -as_output.least)
    return low, high, same
