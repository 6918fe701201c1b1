"""Runs a pass as the driver in C will, without computing: how many pixels every ring must hold, and who lives with whom.

The rules are those of `c/unetmm_driver.c`, which says them in words; the two must be changed together.
"""

from dataclasses import dataclass, field

from keras_unetmm.engine.kernels.kernel import All, Same

_NEVER = 2**40  # a position that is never reached


@dataclass
class Edge:
    """How an operator reads a map.

    Attributes:
        store: int, the map whose bytes it reads.
        maker: int, the operator of the pass that makes it, or None if an earlier pass did.
        access: `Same`, `Window` or `All` of `keras_unetmm.engine.kernels.kernel`.
        image_rows, width: int, of the view that it sees.
        down, across: int, rows and columns of the view in one stored pixel.
    """

    store: int
    maker: int | None
    access: object
    image_rows: int
    width: int
    down: int = 1
    across: int = 1


@dataclass
class Walk:
    """One operator of a pass, counted inside the pass.

    Attributes:
        rows, image_rows, width: int, of its walk.
        block: int, most pixels at once.
        edges: list of `Edge`.
        look: list of int, the edges in the order in which their makers are asked for more.
        followers: list of int, operators that run as soon as this one has made what they need.
        accumulates: bool.
        columns: list of `(first, width)`, one a strip.
        in_place: bool, as in `Kernel`.
    """

    rows: int
    image_rows: int
    width: int
    block: int
    edges: list
    look: list
    followers: list
    accumulates: bool
    columns: list
    in_place: bool = False


@dataclass
class Trace:
    """What a simulation finds.

    Attributes:
        capacity: dict from a map that is made in the pass to the pixels that it must hold at once.
        together: dict from such a map to the set of those that hold something at the same time.
        depth: int, most entries of the driver's stack.
        distance: dict from `(input, output)`, of the pairs asked for, to bytes: the input's address minus the output's must
            be this or more.
        units: int, units of work.
    """

    capacity: dict = field(default_factory=dict)
    together: dict = field(default_factory=dict)
    depth: int = 1
    distance: dict = field(default_factory=dict)
    units: int = 0


class Simulation:
    """One pass.

    Args:
        walks: list of `Walk`.
        sinks: list of int, what the pass is run for, one after the other.
        made: dict from a walk to the map that it makes.
        pairs: iterable of `(input, output)`, maps that are kept whole, the input read for the last time in this pass and the
            output made in it; only with one strip.
        pixel_bytes: dict from such a map to the bytes of a pixel.
    """

    def __init__(self, walks, sinks, made, pairs=(), pixel_bytes=None):
        self.walks, self.sinks, self.made = walks, sinks, made
        self.bytes = pixel_bytes or {}
        self.bit = {m: 1 << i for i, m in enumerate(made.values())}
        self.seen = dict.fromkeys(made.values(), 0)  # with whom a map was alive, as bits
        self.readers = {}  # map -> [walk, edge number]
        for w, walk in enumerate(walks):
            for e, edge in enumerate(walk.edges):
                self.readers.setdefault(edge.store, []).append((w, e))
        self.pairs = {}  # map that is made -> maps over which it may lie
        for source, target in pairs:
            self.pairs.setdefault(target, []).append(source)
        self.trace = Trace({m: 0 for m in made.values()}, {}, 1, {pair: 0 for pair in pairs})

    def run(self):
        """Returns the `Trace` of all strips."""
        for strip in range(len(self.walks[0].columns)):
            self._strip(strip)
        together = {m: set() for m in self.seen}
        for m, bits in self.seen.items():
            for other, bit in self.bit.items():
                if bits & bit and other != m:
                    together[m].add(other)
                    together[other].add(m)
        self.trace.together = together
        return self.trace

    def _strip(self, strip):
        walks = self.walks
        self.first = [walk.columns[strip][0] for walk in walks]
        self.wide = [walk.columns[strip][1] for walk in walks]
        self.end = [walk.rows * wide for walk, wide in zip(walks, self.wide, strict=True)]
        self.at = [0] * len(walks)
        self.alive = 0
        self.oldest = {}
        for store, readers in self.readers.items():
            self.oldest[store] = {(w, e): self._oldest(w, e, 0) for w, e in readers}
        for sink in self.sinks:
            self._to(sink, self.end[sink])

    def _to(self, sink, target):
        """The driver's stack: entries are [operator, target, follower]."""
        stack, at, walks = [[sink, target, 0]], self.at, self.walks
        while stack:
            self.trace.depth = max(self.trace.depth, len(stack))
            top = stack[-1]
            op, target, follower = top
            walk = walks[op]
            if follower:
                if follower <= len(walk.followers):
                    step = self._follow(walk.followers[follower - 1])
                    if step is None:
                        top[2] += 1
                    else:
                        stack.append(step)
                    continue
                top[2] = 0
            here = at[op]
            if here >= target:
                stack.pop()
                continue
            row, column = divmod(here, self.wide[op])
            pixels = min(walk.block, self.wide[op] - column, target - here)
            lacking = self._missing(op, row, column + self.first[op], pixels)
            if lacking is not None:
                stack.append([*lacking, 0])
                continue
            self._compute(op, here, pixels)
            if walk.followers:
                top[2] = 1

    def _follow(self, op):
        here = self.at[op]
        if here >= self.end[op]:
            return None
        row, column = divmod(here, self.wide[op])
        pixels = min(self.walks[op].block, self.wide[op] - column)
        if self._missing(op, row, column + self.first[op], pixels) is None:
            return [op, here + pixels, 0]
        return None

    def _missing(self, op, row, column, pixels):
        walk = self.walks[op]
        for e in walk.look:
            edge = walk.edges[e]
            if edge.maker is not None:
                target = self._needed(walk, edge, row, column, pixels)
                if self.at[edge.maker] < target:
                    return edge.maker, target
        return None

    def _needed(self, walk, edge, row, column, pixels):
        maker, access = edge.maker, edge.access
        if isinstance(access, All) or self.walks[maker].accumulates:
            return self.end[maker]
        wide, first = self.wide[maker], self.first[maker]
        last_row, last_column = row, column + pixels - 1
        if not isinstance(access, Same):
            image, inside = divmod(row, walk.image_rows)
            last_row = min(max(access.rows.high(inside), 0), edge.image_rows - 1) + image * edge.image_rows
            last_column = access.columns.high(last_column)
            last_column = min(max(last_column, first * edge.across), (first + wide) * edge.across - 1)
        return last_row // edge.down * wide + last_column // edge.across - first + 1

    def _compute(self, op, here, pixels):
        walk, trace = self.walks[op], self.trace
        trace.units += 1
        made, target = here + pixels, self.made.get(op)
        if target is not None:
            if target in self.pairs:
                self._measure(op, target, made)
            kept = min(self.oldest.get(target, {}).values(), default=made)
            size = 1 if walk.accumulates else made - min(kept, made - 1)
            trace.capacity[target] = max(trace.capacity[target], size)
            self.alive |= self.bit[target]
            self.seen[target] |= self.alive
        self.at[op] = made
        for e, edge in enumerate(walk.edges):
            oldest = self.oldest[edge.store]
            oldest[op, e] = self._oldest(op, e, made)
            if edge.maker is not None and min(oldest.values()) >= self.at[edge.maker]:
                self.alive &= ~self.bit[edge.store]

    def _measure(self, op, target, made):
        """How far a map that is kept must lie from those over which it may be written, up to `made`."""
        end = self.bytes[target] * (1 if self.walks[op].accumulates else made)
        for source in self.pairs[target]:
            kept = min((self._still(w, e, oldest, op, made) for (w, e), oldest in self.oldest[source].items()), default=_NEVER)
            needs = max(0, end - kept * self.bytes[source])
            self.trace.distance[source, target] = max(self.trace.distance[source, target], needs)

    def _still(self, w, e, oldest, op, made):
        """The oldest pixel that an edge still needs while an operator computes up to `made`."""
        walk = self.walks[w]
        direct = isinstance(walk.edges[e].access, Same) and walk.edges[e].down * walk.edges[e].across == 1
        return self._oldest(w, e, made) if w == op and walk.in_place and direct else oldest

    def _oldest(self, op, e, here):
        """The first stored pixel of an edge's map that an operator at `here` still needs, in the maker's positions."""
        if here >= self.end[op]:
            return _NEVER
        walk = self.walks[op]
        edge = walk.edges[e]
        if isinstance(edge.access, All) or (edge.maker is not None and self.walks[edge.maker].accumulates):
            return 0
        wide, first = edge.width // edge.across, 0
        if edge.maker is not None:
            wide, first = self.wide[edge.maker], self.first[edge.maker]
        row, column = divmod(here, self.wide[op])
        low = self._low(walk, edge, row, column + self.first[op], wide, first)
        if row + 1 < walk.rows and not (isinstance(edge.access, Same) and edge.down == 1):
            low = min(low, self._low(walk, edge, row + 1, self.first[op], wide, first))
        return low

    @staticmethod
    def _low(walk, edge, row, column, wide, first):
        if not isinstance(edge.access, Same):
            image, inside = divmod(row, walk.image_rows)
            row = min(max(edge.access.rows.low(inside), 0), edge.image_rows - 1) + image * edge.image_rows
            column = edge.access.columns.low(column)
            column = min(max(column, first * edge.across), (first + wide) * edge.across - 1)
        return row // edge.down * wide + column // edge.across - first
