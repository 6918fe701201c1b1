# SPDX-License-Identifier: Apache-2.0
"""The operators of a graph for a search among their orders: what each waits for, needs while it runs, and leaves."""

from keras_unetmm.kernels.libraries import library_of
from keras_unetmm.planner.lifetimes import aligned

_IN_ORDER = {"IF", "WHILE", "CALL_ONCE", "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE", "CALL"}


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


def _bits(mask):
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low
