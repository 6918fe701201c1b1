# SPDX-License-Identifier: Apache-2.0
"""A network cut into passes: what streams together, what is carried whole from one pass to another, and how it runs."""

from dataclasses import dataclass

from keras_unetmm.engine.kernels.kernel import All, Same
from keras_unetmm.engine.network import READS, WRITES
from keras_unetmm.engine.simulation import Edge, ImageAndResult, Simulation, Walk


class CutError(ValueError):
    """These operators cannot stream together, or not in strips."""


@dataclass
class Pass:
    """Operators that stream together.

    Attributes:
        operators: tuple of int, in the network's order; what reads an input may stand in several passes.
        sinks: tuple of int, places in `operators`, of what the pass is run for, one after the other.
        walks: list of `Walk`, one an operator.
        carried: frozenset of maps made here that later passes read: they are kept whole.
        trace: `Trace`, None until the pass is simulated.
    """

    operators: tuple
    sinks: tuple
    walks: list
    carried: frozenset
    trace: object = None

    @property
    def strips(self):
        """Vertical strips that the pass runs in."""
        return len(self.walks[0].columns)


class Cutter:
    """Makes passes of groups of operators.

    Args:
        network: `EngineNetwork`.
        block: function from an operator of it to the most pixels that it computes at once.
        streamed: set of maps that inputs are read into: they are read again in every pass that needs them, and never kept.
    """

    def __init__(self, network, block, streamed=frozenset()):
        self.network, self.block, self.streamed = network, block, streamed
        self.readers = {}  # root -> operators
        for i, op in enumerate(network.operators):
            for m, _ in op.inputs:
                self.readers.setdefault(network.root(m), set()).add(i)
        self.inputs = {op.output: i for i, op in enumerate(network.operators) if op.kind == READS}

    def cut(self, groups, strips=None):
        """Returns the `Pass`es of groups of operators, in the order in which they run.

        Args:
            groups: list of sequences of operators, together all but those that read streamed inputs.
            strips: list of int, one a group; one each by default.

        Raises:
            CutError: if a group cannot stream.
        """
        of = {op: g for g, group in enumerate(groups) for op in group}
        return [
            self.make(group, lambda reader, g=g: of.get(reader) != g, (strips or [1] * len(groups))[g])
            for g, group in enumerate(groups)
        ]

    def make(self, group, elsewhere, strips=1):
        """Returns one `Pass`; `elsewhere` says of an operator whether it is in another group."""
        reads = {self.network.root(m) for i in group for m, _ in self.network.operators[i].inputs}
        again = {self.inputs[m] for m in reads & self.streamed}
        operators = tuple(sorted(set(group) | again))
        place = {op: n for n, op in enumerate(operators)}
        maker = {
            self.network.operators[i].output: n for i, n in place.items() if self.network.operators[i].output is not None
        }
        carried = frozenset(
            m for m in maker if m not in self.streamed and any(elsewhere(reader) for reader in self.readers.get(m, ()))
        )
        walks = [self._walk(i, maker) for i in operators]
        sinks = self._arrange(walks, operators)
        sinks += tuple(
            maker[m] for m in sorted(carried) if maker[m] not in sinks
        )  # of which the others may need a part only
        made = Pass(operators, sinks, walks, carried)
        if strips > 1:
            self._strips(made, strips)
        return made

    def simulate(self, made, pairs=()):
        """Fills in the trace of a pass."""
        outputs = {n: self.network.operators[i].output for n, i in enumerate(made.operators)}
        outputs = {n: m for n, m in outputs.items() if m is not None}
        sizes = {m.root: self.network.maps[m.root].bytes for m in self.network.maps}
        kept = pairs if made.strips == 1 else ()
        made.trace = Simulation(made.walks, made.sinks, outputs, kept, sizes, self._image_and_result(made)).run()

    def _image_and_result(self, made):
        """What reads the first input and what writes the first output, if both are in a pass."""
        found = {}
        for n, i in enumerate(made.operators):
            op = self.network.operators[i]
            if op.kind in (READS, WRITES) and op.port == 0:
                number = op.output if op.kind == READS else op.inputs[0][0]
                found[op.kind] = n, self.network.maps[number].bytes
        return ImageAndResult(*found[READS], *found[WRITES]) if len(found) == len((READS, WRITES)) else None

    def _walk(self, index, maker):
        op, edges = self.network.operators[index], []
        for m, access in op.inputs:
            seen = self.network.maps[m]
            by = maker.get(seen.root)
            if by is not None and seen.flat:
                raise CutError(f"{op.name} reads a map under another shape, so that it must be complete")
            part = seen.bytes != self.network.maps[seen.root].bytes and not seen.shuffled
            size = seen.pitch if seen.flat else 0
            edges.append(Edge(seen.root, by, access, seen.image_rows, seen.width, seen.down, seen.across, part, size))
        columns, look = [(0, op.width)], list(range(len(edges)))
        in_place = op.kernel is not None and op.kernel.in_place
        whole = self.network.maps[op.output].pixels if op.accumulates else 0
        return Walk(op.rows, op.image_rows, op.width, self.block(op), edges, look, [], whole, columns, in_place)

    def _arrange(self, walks, operators):
        """Decides what is asked first and what runs by itself; returns the sinks, the main one first.

        What reaches furthest ahead is asked first: it then draws the others along, and nothing waits for it. Operators that
        the main sink does not need, and those that shrink a map that others read too, run as soon as they can.
        """
        ahead, ancestors, readers = _Ahead(walks), [], {}
        for n, walk in enumerate(walks):
            makers = {edge.maker for edge in walk.edges if edge.maker is not None}
            ancestors.append({n}.union(*(ancestors[m] for m in makers)))
            for m in makers:
                readers.setdefault(m, []).append(n)
            walk.look.sort(key=lambda e, walk=walk: -ahead.edge(walk, walk.edges[e], 1))
        ends = [n for n in range(len(walks)) if n not in readers]
        main = max(ends, key=lambda n: (ahead.operator(n, 1), len(ancestors[n]), n))
        for n, walk in enumerate(walks):
            makers = {edge.maker for edge in walk.edges if edge.maker is not None}
            alone = n not in ancestors[main]
            shrinks = len(makers) == 1 and all(len(readers[m]) > 1 and self._shrinks(operators[n]) for m in makers)
            if alone or shrinks:
                for m in makers:
                    walks[m].followers.append(n)
        return (main, *(n for n in ends if n != main))

    def _shrinks(self, index):
        op = self.network.operators[index]
        if op.output is None:
            return False
        made, read = self.network.maps[op.output], self.network.maps[self.network.root(op.inputs[0][0])]
        return made.pixels * made.bytes < read.pixels * read.bytes

    def _strips(self, made, strips):
        """Cuts a pass into vertical strips: each operator walks over the columns that those behind it need."""
        walks = made.walks
        readers = [[] for _ in walks]
        for walk in walks:
            for edge in walk.edges:
                if edge.maker is not None:
                    if walks[edge.maker].accumulates or isinstance(edge.access, All):
                        raise CutError("a map that is read as a whole cannot be made strip by strip")
                    readers[edge.maker].append((walk, edge))
        if min(walks[sink].width for sink in made.sinks) < strips:
            raise CutError(f"the narrowest result has fewer columns than {strips}")
        for walk in walks:
            walk.columns = []
        for strip in range(strips):
            for n in reversed(range(len(walks))):
                walk = walks[n]
                ranges = [self._needs(reader, edge) for reader, edge in readers[n]]
                if not ranges or self.network.operators[made.operators[n]].output in made.carried:
                    ranges.append((walk.width * strip // strips, walk.width * (strip + 1) // strips))
                low, high = min(low for low, _ in ranges), max(high for _, high in ranges)
                walk.columns.append((low, high - low))

    @staticmethod
    def _needs(reader, edge):
        first, wide = reader.columns[-1]
        if isinstance(edge.access, Same):
            return first // edge.across, -(-(first + wide) // edge.across)
        low = min(max(edge.access.columns.low(first), 0), edge.width - 1)
        high = min(max(edge.access.columns.high(first + wide - 1), 0), edge.width - 1)
        high = max(low, high)  # also where nothing is read, as between the kernels of a transposed convolution
        return low // edge.across, high // edge.across + 1


class _Ahead:
    """How much of what enters a pass must be there before an operator can make its first rows."""

    def __init__(self, walks):
        self.walks, self.known = walks, {}

    def operator(self, n, rows):
        """Returns the largest part of any map from earlier passes, or image, that the first `rows` rows need."""
        if (n, rows) not in self.known:
            walk = self.walks[n]
            parts = [self.edge(walk, edge, rows) for edge in walk.edges]
            self.known[n, rows] = max(parts, default=rows / walk.rows)
        return self.known[n, rows]

    def edge(self, walk, edge, rows):
        """The same for one edge."""
        if isinstance(edge.access, All):
            needed = edge.image_rows
        elif isinstance(edge.access, Same):
            needed = rows
        else:
            needed = min(max(edge.access.rows.high(rows - 1), 0), edge.image_rows - 1) + 1
        stored = -(-needed // edge.down)
        if edge.maker is None:
            return stored * edge.down / edge.image_rows
        if self.walks[edge.maker].accumulates:
            stored = self.walks[edge.maker].rows
        return self.operator(edge.maker, stored)
