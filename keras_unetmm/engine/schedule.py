"""How a network runs on the engine: by whole maps, or by rows."""

from dataclasses import dataclass

from keras_unetmm.engine.layout import Layout, layout, lives, pairs
from keras_unetmm.engine.network import READS, Network
from keras_unetmm.engine.passes import Cutter
from keras_unetmm.engine.search import Search, more_strips, walked

_PIXELS = 16  # most pixels at once
_BYTES = 512  # of the output, at once, where that is more than one pixel


@dataclass(frozen=True)
class Schedule:
    """A network's passes and where everything lies.

    Attributes:
        name: `"whole"` or `"rows"`.
        network: `Network`.
        passes: list of `Pass`.
        layout: `Layout`.
    """

    name: str
    network: Network
    passes: list
    layout: Layout

    @property
    def macs_ratio(self):
        """Multiply-accumulates of one run for one of the network without strips."""
        once = sum(op.macs for op in self.network.operators)
        return walked(self.network, self.passes) / once if once else 1.0

    @property
    def input_reads(self):
        """How often each input is read, as a tuple."""
        ports = [self.network.operators[i].port for made in self.passes for i in made.operators
                 if self.network.operators[i].kind == READS]
        return tuple(ports.count(port) for port in range(len(self.network.inputs)))


def block_of(pixels=_PIXELS, size=_BYTES):
    """Returns a function from an operator and its network to the most pixels that it computes at once."""

    def block(network, op):
        number = op.output if op.output is not None else op.inputs[0][0]
        most = max(network.maps[network.root(m)].bytes for m in (number, *(m for m, _ in op.inputs)))
        return max(1, min(pixels, size // max(most, 1), op.width))

    return block


def whole(network, seconds=1.0, block=None):
    """Returns the `Schedule` by whole maps: every operator is a pass of its own."""
    block = block or block_of()
    cutter = Cutter(network, lambda op: block(network, op))
    return arranged("whole", network, cutter, cutter.cut([[i] for i in range(len(network.operators))]), seconds=seconds)


def rows(network, memories=1, ram=None, seconds=1.0, block=None):
    """Returns the `Schedule` by rows, cut where that takes least.

    Args:
        network: `Network`.
        memories: 1, or 2: maps that are carried then lie in a memory of their own.
        ram: int, bytes that the arena may take: if it would take more, passes run in vertical strips; or None.
        seconds: float, CPU time for the search of a placement.
        block: function from a `Network` and an operator of it to the most pixels that it computes at once.

    Raises:
        BudgetError: if `ram` is below the smallest that was found.
    """
    block = block or block_of()
    whole_roots = network.whole_roots()
    streamed = {m for m in network.inputs if m not in whole_roots}
    search = Search(network, lambda op: block(network, op), streamed, memories)
    cutter = Cutter(network, lambda op: block(network, op), streamed)
    found = search.best() if ram is None else search.within(ram)
    strips = found.strips
    while True:
        made = arranged("rows", network, cutter, cutter.cut(found.groups, strips), memories, seconds)
        if ram is None or made.layout.bytes[0] <= ram:
            return made
        strips = more_strips(strips, made.layout.needs)


def arranged(name, network, cutter, passes, memories=1, seconds=1.0):
    """Simulates passes and lays everything out; returns the `Schedule`."""
    lived = lives(network, passes)
    for made, over in zip(passes, pairs(passes, lived), strict=True):
        cutter.simulate(made, over)
    return Schedule(name, network, passes, layout(network, passes, memories, seconds))
