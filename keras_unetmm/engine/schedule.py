# SPDX-License-Identifier: Apache-2.0
"""How a network runs on the engine: by whole maps, or by rows."""

from dataclasses import dataclass

from keras_unetmm.engine.layout import Layout, layout, lives, pairs
from keras_unetmm.engine.network import READS, WRITES, EngineNetwork
from keras_unetmm.engine.passes import CutError, Cutter
from keras_unetmm.engine.search import Search, more_strips, too_small, walked

_WEIGHTED = ("BATCH_MATMUL", "CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "SVDF", "TRANSPOSE_CONV")
_PIXELS = 8  # most pixels at once
_JOINED = 2  # times that neighbours are joined, in a schedule by whole maps
_SHORT = 0.98  # of the most bytes that any pass needs: from there on memory is short
_LARGE = 500  # operators from which on fewer ways to join neighbours are tried
_GLANCE = 0.05  # seconds of search for a placement, of what is only tried
_NEVER = 2**60
_BYTES = 512  # of the output, at once, where that is more than one pixel
_ROOMY = 0.9  # of the most bytes that any pass needs: passes below that compute more pixels at once
_MORE_PIXELS, _MORE_BYTES, _MORE_MACS = 16, 4096, 2**19  # at once, there


@dataclass(frozen=True)
class Schedule:
    """A network's passes and where everything lies.

    Attributes:
        name: `"whole"` or `"rows"`.
        network: `EngineNetwork`.
        passes: list of `Pass`.
        layout: `Layout`.
    """

    name: str
    network: EngineNetwork
    passes: list
    layout: Layout

    @property
    def macs_ratio(self):
        """Multiply-accumulates with weights in one run, for one in the network without strips."""
        weighted = {i for i, op in enumerate(self.network.operators) if op.name in _WEIGHTED}
        once = sum(self.network.operators[i].macs for i in weighted)
        return walked(self.network, self.passes, weighted) / once if once else 1.0

    @property
    def output_over_input(self):
        """Whether the result may be written over the image: of one input and one output, nothing is read after that."""
        if len(self.network.inputs) != 1 or len(self.network.outputs) != 1:
            return False
        kinds = [{self.network.operators[i].kind for i in made.operators} for made in self.passes]
        last = max(p for p, found in enumerate(kinds) if READS in found)
        writing = next(p for p, found in enumerate(kinds) if WRITES in found)
        if last != writing:
            return last < writing
        made = self.passes[writing]
        return made.strips == 1 and (made.trace.lead is None or made.trace.lead >= 0)

    @property
    def input_reads(self):
        """How often each input is read, as a tuple."""
        ports = [
            self.network.operators[i].port
            for made in self.passes
            for i in made.operators
            if self.network.operators[i].kind == READS
        ]
        return tuple(ports.count(port) for port in range(len(self.network.inputs)))


def block_of(pixels=_PIXELS, size=_BYTES):
    """Returns a function from an operator and its network to the most pixels that it computes at once."""

    def block(network, op):
        number = op.output if op.output is not None else op.inputs[0][0]
        most = max(network.maps[network.root(m)].bytes for m in (number, *(m for m, _ in op.inputs)))
        return max(1, min(pixels, size // max(most, 1), op.width))

    return block


def whole(network, seconds=1.0, block=None):
    """Returns the `Schedule` by whole maps: every operator is a pass of its own.

    Where memory is shortest two or three neighbours may stream together, so that the maps between them are not whole. Or
    operators compute one pixel at once there, for an output may then lie closer over its input.

    Args:
        network: `EngineNetwork`.
        seconds: float, about how long the search of a placement may take.
        block: function from an `EngineNetwork` and an operator of it to the most pixels that it computes at once.
    """
    block = block or block_of()
    groups = [[i] for i in range(len(network.operators))]

    def sizes(op):
        return block(network, op)

    best = _of_groups(network, groups, _GLANCE, sizes)
    large = len(groups) > _LARGE  # each try lays everything out
    for _ in range(1 if large else _JOINED):
        most = max(best.layout.needs)
        short = [p for p, need in enumerate(best.layout.needs) if need > _SHORT * most]
        slow = {id(network.operators[i]) for p in short for i in groups[p]}
        trials = [(groups, lambda op, slow=slow: 1 if id(op) in slow else block(network, op))]
        trials += [
            (_joined(groups, short, before, count), lambda op: block(network, op))
            for count in ((2,) if large else (2, 3))
            for before in range(count)
        ]
        made = [(_of_groups(network, trial, _GLANCE, size), trial, size) for trial, size in trials]
        better, chosen, size = min(made, key=lambda trial: _NEVER if trial[0] is None else sum(trial[0].layout.bound))
        if better is None or sum(better.layout.bound) >= sum(best.layout.bound):
            break
        best, groups = better, chosen
        sizes = size
    return _of_groups(network, groups, seconds, sizes)


def _joined(groups, short, before, count):
    """Groups, each of `short` joined with its neighbours to `count` together, so many of them `before` it."""
    joined, p = [], 0
    firsts = {max(0, p - before) for p in short}
    while p < len(groups):
        together = groups[p : p + count] if p in firsts else groups[p : p + 1]
        joined.append([i for group in together for i in group])
        p += len(together)
    return joined


def _of_groups(network, groups, seconds, block):
    """The `Schedule` of groups of operators, or None if one of them cannot stream."""
    cutter = Cutter(network, block)
    try:
        passes = cutter.cut(groups)
    except CutError:
        return None
    return arranged("whole", network, cutter, passes, seconds=seconds)


def rows(network, memories=1, ram=None, seconds=1.0, block=None):
    """Returns the `Schedule` by rows, cut where that takes least.

    Args:
        network: `EngineNetwork`.
        memories: 1, or 2: maps that are carried then lie in a memory of their own.
        ram: int, bytes that the arena may take: if it would take more, passes run in vertical strips; or None.
        seconds: float, CPU time for the search of a placement.
        block: function from an `EngineNetwork` and an operator of it to the most pixels that it computes at once.

    Raises:
        BudgetError: if `ram` is below the smallest that was found.
    """
    block = block or block_of()
    whole_roots = network.whole_roots()
    streamed = {m for m in network.inputs if m not in whole_roots}
    search = Search(network, lambda op: block(network, op), streamed, memories)
    cutter = Cutter(network, lambda op: block(network, op), streamed)
    if ram is None:
        found = search.best()
        made = arranged("rows", network, cutter, cutter.cut(found.groups, found.strips), memories, seconds)
        return _roomier(made, found, block, streamed, memories, seconds)
    least = _NEVER
    for found in search.within(ram):
        strips = found.strips
        while True:
            try:
                passes = cutter.cut(found.groups, strips)
            except CutError:
                break  # the pass that needs most cannot be cut into more strips
            made = arranged("rows", network, cutter, passes, memories, seconds)
            if made.layout.bytes[0] <= ram:
                return made
            least = min(least, made.layout.bytes[0])
            strips = more_strips(strips, made.layout.needs)
    raise too_small(ram, least)


def _roomier(made, found, block, streamed, memories, seconds):
    """The same schedule with larger blocks in passes that do not need the most memory, if it takes no more for that.

    The fewer and the larger the blocks, the fewer instructions: what a kernel does once a block counts less.
    """
    network, most = made.network, max(made.layout.needs)
    roomy, tight = set(), set()
    for p, need in zip(made.passes, made.layout.needs, strict=True):
        (roomy if need < _ROOMY * most else tight).update(p.operators)
    wide = {id(network.operators[i]) for i in roomy - tight}
    if not wide:
        return made
    larger = block_of(_MORE_PIXELS, _MORE_BYTES)

    def sizes(op):
        pixels = block(network, op)
        if id(op) not in wide:
            return pixels
        macs = max(op.kernel.macs, 1) if op.kernel is not None else 1
        return max(pixels, min(larger(network, op), _MORE_MACS // macs))

    cutter = Cutter(network, sizes, streamed)
    tried = arranged("rows", network, cutter, cutter.cut(found.groups, found.strips), memories, seconds)
    less = all(a <= b for a, b in zip(tried.layout.bytes, made.layout.bytes, strict=True))
    return tried if less and tried.output_over_input >= made.output_over_input else made


def arranged(name, network, cutter, passes, memories=1, seconds=1.0):
    """Simulates passes and lays everything out; returns the `Schedule`."""
    lived = lives(network, passes)
    for made, over in zip(passes, pairs(passes, lived), strict=True):
        cutter.simulate(made, over)
    return Schedule(name, network, passes, layout(network, passes, memories, seconds))
