# SPDX-License-Identifier: Apache-2.0
"""Runs a pass as the driver in C will, without computing: how many pixels every ring must hold, and who lives with whom.

The rules are those of `c/unetmm_driver.c`, which says them in words; the two must be changed together.
One file although it is long, as the driver is: rules that hang together.
"""

from dataclasses import dataclass, field

import numpy as np

from keras_unetmm.engine.kernels.kernel import All, Same

_NEVER = 2**40  # a position that is never reached
_SMALL = 64  # pixels of a ring that is turned: in larger ones blocks hardly ever wrap around


@dataclass
class Edge:
    """How an operator reads a map.

    Attributes:
        store: int, the map whose bytes it reads.
        maker: int, the operator of the pass that makes it, or None if an earlier pass did.
        access: `Same`, `Window` or `All` of `keras_unetmm.engine.kernels.kernel`.
        image_rows, width: int, of the view that it sees.
        down, across: int, rows and columns of the view in one stored pixel.
        part: bool, whether the view has some of the channels only.
        pixel_bytes: int, of a view under another shape than the stored map; 0 where each has the other's pixels.
    """

    store: int
    maker: int | None
    access: object
    image_rows: int
    width: int
    down: int = 1
    across: int = 1
    part: bool = False
    pixel_bytes: int = 0


@dataclass
class Walk:
    """One operator of a pass, counted inside the pass.

    Attributes:
        rows, image_rows, width: int, of its walk.
        block: int, most pixels at once.
        edges: list of `Edge`.
        look: list of int, the edges in the order in which their makers are asked for more.
        followers: list of int, operators that run as soon as this one has made what they need.
        accumulates: int, pixels of its output if that is complete only when the walk has ended, else 0.
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
    accumulates: int
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
        lead: int, bytes that what reads the image was at least ahead of what wrote the result; None where not both ran.
        blocks: dict from a map that is made in the pass, other than by an operator alone, to a list of `(position, pixels)`.
    """

    capacity: dict = field(default_factory=dict)
    together: dict = field(default_factory=dict)
    depth: int = 1
    distance: dict = field(default_factory=dict)
    units: int = 0
    lead: int | None = None
    blocks: dict = field(default_factory=dict, compare=False)

    def phase(self, made):
        """Returns the pixels by which a map's ring is turned so that the fewest blocks wrap around its end.

        What a window looks ahead shifts the blocks before it: a ring of one block would cut each of them in two.
        """
        capacity = self.capacity[made]
        if not 1 < capacity <= _SMALL or not self.blocks.get(made):
            return 0
        position, pixels = np.array(self.blocks[made]).T
        slots = (position + np.arange(capacity)[:, None]) % capacity
        return int((slots + pixels > capacity).sum(1).argmin())


class _Reading:
    """One edge in one strip, as tables by row and column, so that a step only adds and compares.

    Before pixels up to column x of row y can be computed, the maker must be at `need_row[y] + need_column[x]`, or at
    `complete` if that is not None. At column x of row y, the first stored pixel that is still read is the smaller of
    `old_row[y] + old_column[x]` and `old_next[y]`. Columns are counted from the strip's first.
    """

    def __init__(self, walks, walk, edge, strip):
        self.store, self.maker = edge.store, edge.maker
        first, wide = walk.columns[strip]
        held_first, held = (0, edge.width // edge.across) if edge.maker is None else walks[edge.maker].columns[strip]
        whole = isinstance(edge.access, All) or (edge.maker is not None and walks[edge.maker].accumulates)
        self.complete = None
        if whole:
            self.complete = 0 if edge.maker is None else walks[edge.maker].rows * held
            self.old_row, self.old_column, self.old_next = [0] * walk.rows, [0] * wide, [0] * walk.rows
            return
        if isinstance(edge.access, Same):
            low_rows = high_rows = range(walk.rows)
            low_columns = high_columns = range(first, first + wide)
        else:
            rows, columns = edge.access.rows, edge.access.columns
            low_rows, high_rows = (
                [
                    min(max(end(y % walk.image_rows), 0), edge.image_rows - 1) + y // walk.image_rows * edge.image_rows
                    for y in range(walk.rows)
                ]
                for end in (rows.low, rows.high)
            )
            least, most = held_first * edge.across, (held_first + held) * edge.across - 1
            low_columns, high_columns = (
                [min(max(end(x), least), most) for x in range(first, first + wide)] for end in (columns.low, columns.high)
            )
        self.need_row = [y // edge.down * held for y in high_rows]
        self.need_column = [x // edge.across - held_first + 1 for x in high_columns]
        self.old_row = [y // edge.down * held for y in low_rows]
        self.old_column = [x // edge.across - held_first for x in low_columns]
        in_step = isinstance(edge.access, Same) and edge.down == 1
        after = [_NEVER] * walk.rows if in_step else [y + self.old_column[0] for y in self.old_row[1:]] + [_NEVER]
        self.old_next = after

    def oldest(self, here, wide, end):
        """Returns, for an array of positions of an operator, the first stored pixel that it still reads at each."""
        row, column = np.divmod(np.minimum(here, end - 1), wide)
        old = np.array(self.old_row)[row] + np.array(self.old_column)[column]
        return np.where(here >= end, _NEVER, np.minimum(old, np.array(self.old_next)[row]))


@dataclass(frozen=True)
class ImageAndResult:
    """The walks of a pass that read the first input and write the first output, which may lie over it.

    Attributes:
        reader, writer: int, walks.
        read_bytes, written_bytes: int, of one of their pixels.
    """

    reader: int
    read_bytes: int
    writer: int
    written_bytes: int


class Simulation:
    """One pass.

    Args:
        walks: list of `Walk`.
        sinks: list of int, what the pass is run for, one after the other.
        made: dict from a walk to the map that it makes.
        pairs: iterable of `(input, output)`, maps that are kept whole, the input read for the last time in this pass and the
            output made in it; only with one strip.
        pixel_bytes: dict from such a map to the bytes of a pixel.
        over: `ImageAndResult`, or None where not both are in the pass.
    """

    def __init__(self, walks, sinks, made, pairs=(), pixel_bytes=None, over=None):
        self.walks, self.sinks, self.made = walks, sinks, made
        self.bytes, self.over = pixel_bytes or {}, over
        self.bit = {m: 1 << i for i, m in enumerate(made.values())}
        self.seen = dict.fromkeys(made.values(), 0)  # with whom a map was alive, as bits
        self.pairs = {}  # map that is made -> maps over which it may lie
        for source, target in pairs:
            self.pairs.setdefault(target, []).append(source)
        self.trace = Trace(dict.fromkeys(made.values(), 0), {}, 1, dict.fromkeys(pairs, 0))

    def run(self):
        """Returns the `Trace` of all strips."""
        if len(self.walks) == 1 and len(self.walks[0].columns) == 1:
            return self._alone()
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

    def _alone(self):
        """The trace of one operator alone, all its blocks at once: it waits for nobody, and nobody for it."""
        walk, trace = self.walks[0], self.trace
        rows, wide, block = walk.rows, walk.width, walk.block
        row, column = (part.ravel() for part in np.meshgrid(range(rows), range(0, wide, block), indexing="ij"))
        here = row * wide + column
        made = here + np.minimum(block, wide - column)
        trace.units = len(here)
        trace.together = {m: set() for m in self.made.values()}
        for target in self.made.values():
            trace.capacity[target] = walk.accumulates or 1
            end = self.bytes[target] * (walk.accumulates or made)
            for source in self.pairs.get(target, ()):
                kept = np.full(len(here), _NEVER)
                for edge in walk.edges:
                    if edge.store == source:
                        size = edge.pixel_bytes or self.bytes[source]
                        direct = isinstance(edge.access, Same) and edge.down * edge.across == 1 and not edge.part
                        after = walk.in_place and size == self.bytes[target] and direct
                        reading = _Reading(self.walks, walk, edge, 0)
                        kept = np.minimum(kept, size * reading.oldest(made if after else here, wide, rows * wide))
                trace.distance[source, target] = max(0, int((end - kept).max()))
        return trace

    def _strip(self, strip):
        walks = self.walks
        self.wide = [walk.columns[strip][1] for walk in walks]
        self.end = [walk.rows * wide for walk, wide in zip(walks, self.wide, strict=True)]
        self.at = [0] * len(walks)
        self.alive = 0
        self.reads = [[_Reading(walks, walk, edge, strip) for edge in walk.edges] for walk in walks]
        self.asks = [
            [reads[e] for e in walk.look if reads[e].maker is not None]
            for walk, reads in zip(walks, self.reads, strict=True)
        ]
        self.oldest = {}
        for w, reads in enumerate(self.reads):
            for e, reading in enumerate(reads):
                self.oldest.setdefault(reading.store, {})[w, e] = self._oldest(w, reading, 0)
        for sink in self.sinks:
            self._to(sink, self.end[sink])

    def _to(self, sink, target):
        """The driver's stack: entries are [operator, target, follower]."""
        stack, at, wide, walks, deepest = [[sink, target, 0]], self.at, self.wide, self.walks, self.trace.depth
        while stack:
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
                        deepest = max(deepest, len(stack))
                    continue
                top[2] = 0
            here = at[op]
            if here >= target:
                stack.pop()
                continue
            row, column = divmod(here, wide[op])
            pixels = min(walk.block, wide[op] - column, target - here)
            lacking = self._missing(op, row, column + pixels - 1)
            if lacking is not None:
                stack.append(lacking)
                deepest = max(deepest, len(stack))
                continue
            self._compute(op, here, pixels)
            if walk.followers:
                top[2] = 1
        self.trace.depth = deepest

    def _follow(self, op):
        here = self.at[op]
        if here >= self.end[op]:
            return None
        row, column = divmod(here, self.wide[op])
        pixels = min(self.walks[op].block, self.wide[op] - column)
        return [op, here + pixels, 0] if self._missing(op, row, column + pixels - 1) is None else None

    def _missing(self, op, row, last):
        """The stack's entry for what must come before an operator computes up to a column, or None."""
        at = self.at
        for reading in self.asks[op]:
            target = reading.complete
            if target is None:
                target = reading.need_row[row] + reading.need_column[last]
            if at[reading.maker] < target:
                return [reading.maker, target, 0]
        return None

    def _compute(self, op, here, pixels):
        trace, made, target = self.trace, here + pixels, self.made.get(op)
        trace.units += 1
        if target is not None:
            if target in self.pairs:
                self._measure(op, target, made)
            kept = min(self.oldest[target].values()) if target in self.oldest else made
            size = self.walks[op].accumulates or made - min(kept, made - 1)
            trace.capacity[target] = max(trace.capacity[target], size)
            trace.blocks.setdefault(target, []).append((here, pixels))
            self.alive |= self.bit[target]
            self.seen[target] |= self.alive
        self.at[op] = made
        image = self.over
        if image is not None and op == image.writer and self.at[image.reader] < self.end[image.reader]:
            lead = self.at[image.reader] * image.read_bytes - made * image.written_bytes
            trace.lead = lead if trace.lead is None else min(trace.lead, lead)
        row, column = divmod(made, self.wide[op])
        over = made >= self.end[op]
        for e, reading in enumerate(self.reads[op]):
            oldest = self.oldest[reading.store]
            oldest[op, e] = _NEVER if over else min(reading.old_row[row] + reading.old_column[column], reading.old_next[row])
            if reading.maker is not None and min(oldest.values()) >= self.at[reading.maker]:
                self.alive &= ~self.bit[reading.store]

    def _measure(self, op, target, made):
        """How far a map that is kept must lie from those over which it may be written, up to `made`."""
        end = self.bytes[target] * (self.walks[op].accumulates or made)
        for source in self.pairs[target]:
            kept = min((self._kept(op, w, e, source, target, made) for w, e in self.oldest[source]), default=_NEVER)
            needs = max(0, end - kept)
            self.trace.distance[source, target] = max(self.trace.distance[source, target], needs)

    def _kept(self, op, w, e, source, target, made):
        """The first byte of a map that edge e of operator w still needs while `op` computes up to `made`."""
        size = self.walks[w].edges[e].pixel_bytes or self.bytes[source]
        if w == op and self.walks[op].in_place and size == self.bytes[target]:
            return self._still(w, e, made) * size
        return self.oldest[source][w, e] * size

    def _still(self, op, e, made):
        """The oldest pixel that an edge still needs while its operator, which works in place, computes up to `made`."""
        edge = self.walks[op].edges[e]
        direct = isinstance(edge.access, Same) and edge.down * edge.across == 1 and not edge.part
        return self._oldest(op, self.reads[op][e], made if direct else self.at[op])

    def _oldest(self, op, reading, here):
        """The first stored pixel that an operator at `here` still reads, in the maker's positions."""
        if here >= self.end[op]:
            return _NEVER
        row, column = divmod(here, self.wide[op])
        return min(reading.old_row[row] + reading.old_column[column], reading.old_next[row])
