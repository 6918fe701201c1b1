"""Runs a pass as the driver in C will, without computing: how many pixels every ring must hold.

The rules are those of `c/unetmm_driver.c`, which says them in words; the two must be changed together.
"""

from dataclasses import dataclass, field

from keras_unetmm.engine.kernels.kernel import All, Same


@dataclass
class Walk:
    """One operator of a pass, counted inside the pass.

    Attributes:
        rows, image_rows, width: int, of its walk.
        block: int, most pixels at once.
        edges: list of `Edge`.
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
    followers: list
    accumulates: bool
    columns: list
    in_place: bool = False


@dataclass
class Edge:
    """How an operator reads a map.

    Attributes:
        store: int, the map whose bytes it reads.
        maker: int, the operator of the pass that makes it, or None if an earlier pass did.
        access: `Same`, `Window` or `All` of `keras_unetmm.engine.kernels.kernel`.
        image_rows, width: int, of the map that it sees.
    """

    store: int
    maker: int | None
    access: object
    image_rows: int
    width: int


@dataclass
class Trace:
    """What a simulation finds.

    Attributes:
        capacity: dict from a map that is made in the pass to the pixels that it must hold at once.
        depth: int, most entries of the driver's stack.
        distance: dict from `(input, output)`, of the pairs asked for, to bytes: the input's address minus the output's must
            be this or more.
        units: int, units of work.
    """

    capacity: dict = field(default_factory=dict)
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
        bytes: dict from such a map to the bytes of a pixel.
    """

    def __init__(self, walks, sinks, made, pairs=(), pixel_bytes=None):
        self.walks, self.sinks, self.made = walks, sinks, made
        self.bytes = pixel_bytes or {}
        self.readers = {}  # map -> list of [walk, edge number]
        for w, walk in enumerate(walks):
            for e, edge in enumerate(walk.edges):
                self.readers.setdefault(edge.store, []).append((w, e))
        self.pairs = {}  # map that is made -> maps over which it may lie
        for source, target in pairs:
            self.pairs.setdefault(target, []).append(source)
        self.trace = Trace({m: 0 for m in made.values()}, 1, {pair: 0 for pair in pairs})

    def run(self):
        """Returns the `Trace` of all strips."""
        for strip in range(len(self.walks[0].columns)):
            self._strip(strip)
        return self.trace

    def _strip(self, strip):
        walks = self.walks
        self.first = [walk.columns[strip][0] for walk in walks]
        self.wide = [walk.columns[strip][1] for walk in walks]
        self.end = [walk.rows * wide for walk, wide in zip(walks, self.wide, strict=True)]
        self.at = [0] * len(walks)
        self.oldest = {}
        for store, readers in self.readers.items():
            self.oldest[store] = {(w, e): self._oldest(w, e, 0) for w, e in readers}
        for sink in self.sinks:
            self._to(sink, self.end[sink])

    def _to(self, sink, target):
        """The driver's stack: entries are [operator, target, follower]."""
        stack, at, end, walks = [[sink, target, 0]], self.at, self.end, self.walks
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
        for edge in self.walks[op].edges:
            if edge.maker is not None:
                target = self._needed(op, edge, row, column, pixels)
                if self.at[edge.maker] < target:
                    return edge.maker, target
        return None

    def _needed(self, op, edge, row, column, pixels):
        maker, access = edge.maker, edge.access
        if isinstance(access, All) or self.walks[maker].accumulates:
            return self.end[maker]
        wide, first = self.wide[maker], self.first[maker]
        if isinstance(access, Same):
            return row * wide + column - first + pixels
        image, inside = divmod(row, self.walks[op].image_rows)
        last_row = min(max(access.rows.high(inside), 0), edge.image_rows - 1) + image * edge.image_rows
        last_column = min(max(access.columns.high(column + pixels - 1), first), first + wide - 1)
        return last_row * wide + last_column - first + 1

    def _compute(self, op, here, pixels):
        walk = self.walks[op]
        self.trace.units += 1
        made = here + pixels
        target = self.made.get(op)
        before = None
        if target is not None and target in self.pairs:
            before = {source: self._kept(source, op, made) for source in self.pairs[target]}
        if target is not None:
            if walk.accumulates:
                self.trace.capacity[target] = 1
            else:
                kept = min(self.oldest.get(target, {}).values(), default=made)
                self.trace.capacity[target] = max(self.trace.capacity[target], made - min(kept, made - 1))
        if before:
            end = (self.end[op] if walk.accumulates else made) * self.bytes[target]
            if walk.accumulates:
                end = self.bytes[target]
            for source, kept in before.items():
                needs = max(0, end - kept * self.bytes[source])
                self.trace.distance[source, target] = max(self.trace.distance[source, target], needs)
        self.at[op] = made
        for e, edge in enumerate(walk.edges):
            self.oldest[edge.store][op, e] = self._oldest(op, e, made)

    def _kept(self, source, op, made):
        """The oldest pixel of a map that is still read while an operator computes up to `made`."""
        kept = None
        for (w, e), oldest in self.oldest.get(source, {}).items():
            value = oldest
            walk = self.walks[w]
            if w == op and walk.in_place and isinstance(walk.edges[e].access, Same):
                value = self._oldest(w, e, made)
            kept = value if kept is None else min(kept, value)
        return 2**40 if kept is None else kept

    def _oldest(self, op, e, here):
        """The first pixel of an edge's map that an operator at `here` still needs, in the map's own positions."""
        if here >= self.end[op]:
            return 2**40
        walk, edge = self.walks[op], self.walks[op].edges[e]
        if isinstance(edge.access, All):
            return 0
        if edge.maker is not None:
            if self.walks[edge.maker].accumulates:
                return 0
            wide, first = self.wide[edge.maker], self.first[edge.maker]
        else:
            wide, first = edge.width, 0
        row, column = divmod(here, self.wide[op])
        column += self.first[op]
        if isinstance(edge.access, Same):
            return row * wide + column - first
        low = self._low(walk, edge, row, column, wide, first)
        if row + 1 < walk.rows:
            low = min(low, self._low(walk, edge, row + 1, self.first[op], wide, first))
        return low

    @staticmethod
    def _low(walk, edge, row, column, wide, first):
        image, inside = divmod(row, walk.image_rows)
        top = min(max(edge.access.rows.low(inside), 0), edge.image_rows - 1) + image * edge.image_rows
        left = min(max(edge.access.columns.low(column), first), first + wide - 1)
        return top * wide + left - first
