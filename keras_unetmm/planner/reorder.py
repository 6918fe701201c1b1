# SPDX-License-Identifier: Apache-2.0
"""The order of operators with the smallest live peak.

A search over the sets of operators done so far, lowest peak first: the first full set that it reaches has the smallest
peak there is. Three facts keep it small. An operator that frees at least what it makes, and needs no more than the peak so
far, may run at once without loss. So may a segment of a chain, `keras_unetmm.planner.chains.segments`, and it need not be
cut. And no order needs less than what must be alive, whatever the order, while some operator runs.
One file although it is long: one search, and the rules that keep it small.
"""

import heapq
import random
import time
from dataclasses import dataclass

from keras_unetmm.kernels.libraries import library_of
from keras_unetmm.planner.chains import Segment, canonical, interchangeable, is_wide, order_by_segments, segments
from keras_unetmm.planner.lifetimes import aligned

_IN_ORDER = {"IF", "WHILE", "CALL_ONCE", "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE", "CALL"}
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


class OperatorGraph:
    """The main graph as bit masks: which operators each one waits for, and what its running needs and leaves."""

    def __init__(self, graph, kernels):
        library = library_of(kernels)
        self.count = len(graph.operators)
        sizes = [0 if t.variable else aligned(t.arena_bytes) for t in graph.tensors]
        made_by = {index: position for position, op in enumerate(graph.operators) for index in op.outputs}
        users = {}
        for position, operator in enumerate(graph.operators):
            for index in operator.inputs:
                users[index] = users.get(index, 0) | 1 << position
        kept = set(graph.outputs)
        self.waits = [0] * self.count
        self.sources, self.made, self.extra, self.savings = [], [], [], []
        self._dependences(graph, made_by)
        for operator in graph.operators:
            inputs = [i for i in dict.fromkeys(operator.inputs) if i >= 0 and sizes[i] and i not in operator.outputs]
            self.sources.append([(i, sizes[i], -1 if i in kept else users[i]) for i in inputs])
            self.made.append([(i, sizes[i], -1 if i in kept else users.get(i, 0)) for i in operator.outputs if sizes[i]])
            self.extra.append(sum(aligned(size) for size in library.scratch(graph, operator)))
            self.savings.append(_savings(library.overlaps(graph, operator), sizes))
        self.followers = [[] for _ in range(self.count)]
        for position, waits in enumerate(self.waits):
            for earlier in _bits(waits):
                self.followers[earlier].append(position)
        self.first_live = sum(sizes[i] for i in set(graph.inputs))
        self.start = sum(sizes[i] for i in set(graph.inputs) if i in users or i in kept)  # alive from then on
        self.floors = self._floors(graph, sizes, made_by, users, kept)

    def _dependences(self, graph, made_by):
        previous = None
        for position, operator in enumerate(graph.operators):
            for index in operator.inputs:
                if made_by.get(index, position) != position:
                    self.waits[position] |= 1 << made_by[index]
            state = any(i >= 0 and graph.tensors[i].variable for i in (*operator.inputs, *operator.outputs))
            if operator.custom or operator.name in _IN_ORDER or state or any(i in operator.inputs for i in operator.outputs):
                if previous is not None:
                    self.waits[position] |= 1 << previous
                previous = position

    def run(self, position, done, live):
        """Returns the bytes needed while an operator runs after those in the mask `done`, and those alive afterwards."""
        after = done | 1 << position
        dying, freed = set(), 0
        for index, size, users in self.sources[position]:
            if not users & ~after:
                dying.add(index)
                freed += size
        made = sum(size for _, size, _ in self.made[position])
        unused = sum(size for _, size, users in self.made[position] if not users)
        saving = _saving(self.savings[position], dying)
        return live + made + self.extra[position] - saving, live + made - freed - unused

    def peak(self, positions):
        """Returns the peak of an order."""
        done, live, peak = 0, self.start, self.first_live
        for position in positions:
            need, live = self.run(position, done, live)
            peak, done = max(peak, need), done | 1 << position
        return peak

    def ready(self, position, done):
        """Returns the operators that may run because that one has."""
        return [f for f in self.followers[position] if not self.waits[f] & ~done]

    def _floors(self, graph, sizes, made_by, users, kept):
        """For every operator the bytes that must be alive while it runs, in every order."""
        before, after = self._closures()
        floors = []
        alive = [
            (index, size, 0 if index in graph.inputs else 1 << made_by[index], users.get(index, 0), index in kept)
            for index, size in enumerate(sizes)
            if size and (index in made_by or index in graph.inputs)
        ]
        for position in range(self.count):
            own = {i for i, _, _ in (*self.sources[position], *self.made[position])}
            need, lasting = 0, set()
            for index, size, maker, using, output in alive:
                later = output or using & after[position]
                if index in own:
                    need += size
                    if later:
                        lasting.add(index)
                elif later and (not maker or maker & before[position]):
                    need += size
            dying = {i for i, _, _ in self.sources[position]} - lasting
            floors.append(need + self.extra[position] - _saving(self.savings[position], dying))
        return floors

    def _closures(self):
        """Masks of all operators that must run before each one, and after it."""
        before, after = [0] * self.count, [0] * self.count
        order, done = [], 0
        ready = [p for p in range(self.count) if not self.waits[p]]
        while ready:
            position = ready.pop()
            order.append(position)
            done |= 1 << position
            ready += self.ready(position, done)
        for position in order:
            for earlier in _bits(self.waits[position]):
                before[position] |= before[earlier] | 1 << earlier
        for position in reversed(order):
            for later in self.followers[position]:
                after[position] |= after[later] | 1 << later
        return before, after


def _savings(allowed, sizes):
    """Triples of an input, the bytes that overlap, and whether it must die for that; and the limit of their sum."""
    result, limit = [], 0
    for o in allowed:
        a, b = sizes[o.input], sizes[o.output]
        limit = max(limit, b)
        if o.same is not None:
            result.append((o.input, min(a, b), False))
        if o.least is not None and a + b > max(b, aligned(o.least) + a):
            result.append((o.input, a + b - max(b, aligned(o.least) + a), True))
    return result, limit if all(needs for *_, needs in result) else sum(saving for _, saving, _ in result)


def _saving(savings, dying):
    several, limit = savings
    return min(limit, sum(saving for index, saving, must_die in several if index in dying or not must_die))


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


def _bits(mask):
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low
