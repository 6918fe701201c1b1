# SPDX-License-Identifier: Apache-2.0
"""The order of operators with the smallest live peak.

A search over the sets of operators done so far, lowest peak first: the first full set that it reaches has the smallest
peak there is. Three facts keep it small. An operator that frees at least what it makes, and needs no more than the peak so
far, may run at once without loss. So may a segment of a chain, `keras_unetmm.planner.chains.segments`, and it need not be
cut. And no order needs less than what must be alive, whatever the order, while some operator runs.
"""

import heapq
import random
import time
from dataclasses import dataclass

from keras_unetmm.planner.chains import Segment, canonical, interchangeable, is_wide, order_by_segments, segments
from keras_unetmm.planner.operator_graph import OperatorGraph

_BEAM = 24  # states kept a step where the exact search takes too long


@dataclass(frozen=True)
class Order:
    """An order of the main graph's operators.

    Attributes:
        positions: tuple of int, positions in the file's order.
        peak: int, bytes alive at its peak, overlaps counted.
        bound: int, bytes: no order has a smaller peak.
    """

    positions: tuple
    peak: int
    bound: int

    @property
    def exact(self):
        """Whether no better order exists."""
        return self.peak == self.bound


def reorder(model, kernels="any", seconds=5.0):
    """Returns the `Order` with the smallest peak that was found, never worse than the file's own.

    Args:
        model: `keras_unetmm.tflite_file.graph.Model`; control flow, state and custom operators keep their order.
        kernels: the library of kernels whose overlaps and scratch count.
        seconds: float, CPU time for the exact search, so that what else runs decides nothing; where it runs out, a beam
            search of half of it at most answers.
    """
    graph = OperatorGraph(model.main, kernels)
    own = tuple(range(graph.count))
    floor = max([graph.first_live, *graph.floors])
    best = graph.peak(own), own
    if best[0] > floor:
        best = _lower(best, order_by_segments(graph, time.thread_time() + seconds / 2))
    if best[0] <= floor:
        return Order(tuple(best[1]), best[0], best[0])
    found, proven = _exact(graph, floor, best[0], time.thread_time() + seconds)
    if found is None and proven < best[0]:
        found = _beam(graph, floor, time.thread_time() + seconds / 2)
    best = _lower(best, found)
    return Order(tuple(best[1]), best[0], proven)


def orders_of_wide(model, kernels, peak, count, seconds):
    """Returns positions of so many orders at most of a wide graph, all of that peak or less; none of other graphs.

    Orders of one peak differ in what can be placed: kernels that run over their inputs need them at certain distances.

    Args:
        model, kernels: as for `reorder`.
        peak: int, bytes, of an order that `reorder` found.
        count: int.
        seconds: float, CPU time.
    """
    graph, end, found = OperatorGraph(model.main, kernels), time.thread_time() + seconds, []
    for seed in range(count if is_wide(graph) else 0):
        order, _ = _exact(graph, peak, peak + 1, end, random.Random(seed))
        if order is None:
            break
        found.append(tuple(order[1]))
    return list(dict.fromkeys(found))


def _lower(best, found):
    return best if found is None or found[0] >= best[0] else found


def _exact(graph, floor, ceiling, end, rng=None):
    """The best peak and order, or None if time ran out; and a peak below which no order can be.

    With `rng`, which of the best orders is left to chance.
    """
    everything = (1 << graph.count) - 1
    ready = tuple(p for p in range(graph.count) if not graph.waits[p])
    heap, seen, ticket, groups, moves = [], set(), 0, interchangeable(graph), _Moves(graph)
    _push(heap, graph, moves, (floor, 0, graph.start, ready, None), ceiling, (0, 0))
    while heap:
        peak, _, _, live, done, ready, order = heapq.heappop(heap)
        if done == everything:
            return (peak, _listed(order)), peak
        key = canonical(done, groups)
        if key in seen:
            continue
        seen.add(key)
        if time.thread_time() > end:
            return None, peak
        for move in moves.worth(ready, done):
            ticket += 1
            following = _after(graph, move, done, ready)
            state = (max(peak, live + move.hill), following[0], live + move.valley, following[1], (order, move.steps))
            turn = (state[2], ticket) if rng is None else (rng.random(), ticket)
            _push(heap, graph, moves, state, ceiling, turn)
    return None, ceiling  # nothing is below the file's own order


class _Moves:
    """What may be run next: a whole segment, or an operator as a `Segment` of its own."""

    def __init__(self, graph):
        self.graph, self.whole, self.alone = graph, segments(graph), {}
        self.readers = [0] * graph.count  # of an operator's inputs: whether these die decides what it needs
        for position, sources in enumerate(graph.sources):
            for *_, users in sources:
                self.readers[position] |= max(users, 0)

    def of(self, position, done):
        """Returns the `Segment` that begins with an operator, after those in the mask `done`."""
        if position in self.whole:
            return self.whole[position]
        key = position, done & self.readers[position]
        if key not in self.alone:
            self.alone[key] = Segment((position,), 1 << position, *self.graph.run(position, done, 0))
        return self.alone[key]

    def worth(self, ready, done):
        """Returns the moves that may lead to the best order.

        A segment that frees memory goes before every move of a higher hill: it needs no more, and all that follow need less.
        """
        found = [self.of(position, done) for position in ready]
        falling = [move for move in found if move.valley <= 0 and move.steps[0] in self.whole]
        if not falling:
            return found
        first = min(falling, key=lambda move: (move.hill, move.steps))
        return [first, *(move for move in found if move.hill < first.hill)]


def _push(heap, graph, moves, state, ceiling, turn):
    """Adds a state, after everything has run that may run without loss; of states as far as each other, by turn."""
    peak, done, live, ready, order = state
    if peak >= ceiling:
        return
    again = True
    while again:
        again = False
        for position in ready:
            move = moves.of(position, done)
            if live + move.hill <= peak and move.valley <= 0:
                done, ready = _after(graph, move, done, ready)
                live, order, again = live + move.valley, (order, move.steps), True
                break
    heapq.heappush(heap, (peak, -done.bit_count(), turn, live, done, ready, order))


def _after(graph, move, done, ready):
    """The operators done after a move, and those that may run then."""
    done, left = done | move.mask, [p for p in ready if not move.mask >> p & 1]
    new = dict.fromkeys(f for position in move.steps for f in graph.followers[position])
    return done, (*left, *(f for f in new if not done >> f & 1 and not graph.waits[f] & ~done))


def _beam(graph, floor, end):
    """A good order: step by step, the few states with the lowest peaks, then the least alive."""
    ready = tuple(p for p in range(graph.count) if not graph.waits[p])
    states = {0: (floor, graph.start, ready, None)}
    for _ in range(graph.count):
        following = {}
        for done, (peak, live, ready, order) in states.items():
            for position in ready:
                move = Segment((position,), 1 << position, *graph.run(position, done, 0))
                new, available = _after(graph, move, done, ready)
                entry = (max(peak, live + move.hill), live + move.valley, available, (order, move.steps))
                if new not in following or entry[:2] < following[new][:2]:
                    following[new] = entry
        width = _BEAM if time.thread_time() < end else 1
        states = dict(heapq.nsmallest(width, following.items(), key=lambda item: item[1][:2]))
    return next(((peak, _listed(order)) for peak, _, _, order in states.values()), None)


def _listed(order):
    positions = []
    while order is not None:
        order, steps = order
        positions += reversed(steps)
    return positions[::-1]
