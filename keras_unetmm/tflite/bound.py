"""The least arena that any placement of a file's buffers needs, in its order and with the overlaps that are allowed."""

from collections import defaultdict

from keras_unetmm.tflite.memory import saved

_LONGEST_CHAIN = 64  # operators of a chain that are looked at together


def lower_bound(memory):
    """Returns bytes: the largest of the live bytes at any step, less what overlaps can save, and of the chains' needs."""
    live = list(memory.timeline.live())
    by_step = defaultdict(list)
    for pair in memory.pairs:
        if pair.least is not None:
            by_step[pair.step].append(pair)
        else:  # the two hold the same bytes for as long as both live
            a, b = memory.buffers[pair.input], memory.buffers[pair.output]
            for step in range(pair.step, min(a.last, b.last) + 1):
                live[step] -= saved(memory, pair)
    needs = [total - _saving(memory, by_step[step]) for step, total in enumerate(live)]
    return max([0, *needs, *_chains(memory, live, by_step)])


def _saving(memory, pairs):
    """The most that pairs of one step save together: inputs do not overlap each other."""
    if not pairs:
        return 0
    largest = memory.buffers[pairs[0].output].bytes
    return min(sum(saved(memory, pair) for pair in pairs), max(0, largest - min(pair.least for pair in pairs)))


def _chains(memory, live, by_step):
    """Needs of runs of operators that work in place, each a little below the one before.

    Either all of a run overlap, and the run takes its first buffer and all the distances, beside what lives through
    it; or at least one of its operators does without.
    """
    following = {pair.input: pair for pairs in by_step.values() for pair in pairs if pair.least and saved(memory, pair)}
    for first in following:
        run, apart, drift, buffer, reach = [], None, 0, first, 0
        while buffer in following and len(run) < _LONGEST_CHAIN:
            pair = following[buffer]
            others = [other for other in by_step[pair.step] if other is not pair]
            alone = live[pair.step] - _saving(memory, others)
            apart = alone if apart is None else min(apart, alone)
            run.append(pair)
            buffer = pair.output
            reach = max(reach, memory.buffers[pair.input].bytes) + pair.least
            drift = max(reach, memory.buffers[buffer].bytes)
            if len(run) > 1:
                yield min(apart, drift + _living_through(memory, run))


def _living_through(memory, run):
    """Bytes alive at every step of a run that do not belong to it."""
    members = {pair.input for pair in run} | {pair.output for pair in run}
    related = {p.input for p in memory.pairs if p.output in members} | {p.output for p in memory.pairs if p.input in members}
    begin, end = run[0].step, run[-1].step
    return sum(
        buffer.bytes
        for i, buffer in enumerate(memory.buffers)
        if buffer.first <= begin and buffer.last >= end and i not in members and i not in related
    )
