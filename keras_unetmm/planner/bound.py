# SPDX-License-Identifier: Apache-2.0
"""The least arena that any placement of a file's buffers needs, in its order and with the overlaps that are allowed."""

from collections import defaultdict
from itertools import product

from keras_unetmm.planner.placement_problem import saved

_LONGEST_CHAIN = 64  # operators of a chain that are looked at together
_MOST_COPIES = 16  # that are looked at together


def lower_bound(problem):
    """Returns bytes: the largest of the live bytes at any step, less what overlaps can save, of the chains' needs, and of
    all that nothing touches.
    """
    live = list(problem.timeline.live())
    by_step, copies = defaultdict(list), defaultdict(list)
    for pair in problem.pairs:
        if pair.least is not None:
            by_step[pair.step].append(pair)
        else:  # the two hold the same bytes for as long as both live
            for step in range(pair.step, min(problem.buffers[pair.input].last, problem.buffers[pair.output].last) + 1):
                copies[step].append(pair)
    needs = [total - _most_saved(problem, by_step[step], copies[step]) for step, total in enumerate(live)]
    for step, pairs in copies.items():
        live[step] -= _saved_by_copies(problem, pairs)
    return max([problem.timeline.untouched, *needs, *_chains(problem, live, by_step)])


def _most_saved(problem, pairs, copies):
    """The most that the pairs of a step and the copies alive then save together.

    Where an input has a copy in its place that lives on, the output can overlap the input only up to there.
    """
    if not pairs or not copies:
        return _saved_by_copies(problem, copies) + _saving(problem, pairs)
    inputs = {pair.input for pair in pairs}
    kept = [[c for c in copies if pair.input in _ends(c) and _other(c, pair.input) not in inputs] for pair in pairs]
    limits = [
        {saved(problem, pair), *(max(0, min(saved(problem, pair), _start(c, pair.input))) for c in around)}
        for pair, around in zip(pairs, kept, strict=True)
    ]
    best = 0
    for chosen in product(*limits):
        lost = [
            copy
            for pair, around, limit in zip(pairs, kept, chosen, strict=True)
            for copy in around
            if limit and _start(copy, pair.input) < limit
        ]
        here = _saving(problem, [p for p, limit in zip(pairs, chosen, strict=True) if limit])
        best = max(best, min(here, sum(chosen)) + _saved_by_copies(problem, [c for c in copies if c not in lost]))
    return best


def _saved_by_copies(problem, copies):
    """The most that copies save in the places of their originals: two that live in the same place exclude each other."""
    in_the_way = {c: {o for o in copies if _meet(problem, c, o)} for c in copies} if len(copies) <= _MOST_COPIES else {}

    def most(left):
        if not any(in_the_way.get(c, set()).intersection(left) for c in left):
            return sum(saved(problem, c) for c in left)
        first, *rest = left
        return max(most(rest), saved(problem, first) + most([c for c in rest if c not in in_the_way[first]]))

    return most(copies)


def _meet(problem, copy, other):
    """Whether two copies of one buffer would lie over each other."""
    if copy is other or len({*_ends(copy), *_ends(other)}) != 3:
        return False
    (shared,) = {*_ends(copy)} & {*_ends(other)}
    (a, b), (c, d) = (
        (_start(pair, shared), _start(pair, shared) + problem.buffers[_other(pair, shared)].bytes) for pair in (copy, other)
    )
    return max(a, c) < min(b, d)


def _ends(copy):
    return copy.input, copy.output


def _other(copy, buffer):
    return copy.output if buffer == copy.input else copy.input


def _start(copy, buffer):
    """Where the other end of a copy lies, from the start of `buffer`."""
    return -copy.same if buffer == copy.input else copy.same


def _saving(problem, pairs):
    """The most that pairs of one step save together: inputs do not overlap each other."""
    if not pairs:
        return 0
    largest = problem.buffers[pairs[0].output].bytes
    return min(sum(saved(problem, pair) for pair in pairs), max(0, largest - min(pair.least for pair in pairs)))


def _chains(problem, live, by_step):
    """Needs of runs of operators that work in place, each a little below the one before.

    Either all of a run overlap, and the run takes its first buffer and all the distances, beside what lives through
    it; or at least one of its operators does without.
    """
    following = {pair.input: pair for pairs in by_step.values() for pair in pairs if pair.least and saved(problem, pair)}
    for first in following:
        run, apart, drift, buffer, reach = [], None, 0, first, 0
        while buffer in following and len(run) < _LONGEST_CHAIN:
            pair = following[buffer]
            others = [other for other in by_step[pair.step] if other is not pair]
            alone = live[pair.step] - _saving(problem, others)
            apart = alone if apart is None else min(apart, alone)
            run.append(pair)
            buffer = pair.output
            reach = max(reach, problem.buffers[pair.input].bytes) + pair.least
            drift = max(reach, problem.buffers[buffer].bytes)
            if len(run) > 1:
                yield min(apart, drift + _living_through(problem, run))


def _living_through(problem, run):
    """Bytes alive at every step of a run that do not belong to it."""
    members = {pair.input for pair in run} | {pair.output for pair in run}
    related = {p.input for p in problem.pairs if p.output in members}
    related |= {p.output for p in problem.pairs if p.input in members}
    begin, end = run[0].step, run[-1].step
    return sum(
        buffer.bytes
        for i, buffer in enumerate(problem.buffers)
        if buffer.first <= begin and buffer.last >= end and i not in members and i not in related
    )
