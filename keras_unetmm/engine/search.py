# SPDX-License-Identifier: Apache-2.0
"""Where a network is cut into passes: few cuts, tried where little has to be carried."""

import itertools
from dataclasses import dataclass, replace

from keras_unetmm.engine.layout import layout, lives, pairs
from keras_unetmm.engine.network import READS
from keras_unetmm.engine.passes import CutError, Cutter

_CANDIDATES = 24  # cuts that are tried at most
_FEW = 2  # sums over whole maps up to which cuts behind them are tried one by one
_NEVER = 2**60


@dataclass(frozen=True)
class Cuts:
    """A way to run a network by rows.

    Attributes:
        groups: tuple of tuples of operators.
        strips: tuple of int, one a group.
        bytes: int, about what it takes, of both memories.
        macs: int, multiply-accumulates of one run, of all kernels.
    """

    groups: tuple
    strips: tuple
    bytes: int
    macs: int


class BudgetError(ValueError):
    """No schedule that was found is as small; the message says the smallest."""


def too_small(ram, least):
    """Returns the `BudgetError` for a budget below the smallest that was found."""
    return BudgetError(
        f"ram={ram:,} is below the smallest way to run this network by rows that was found, which takes {least:,} bytes. "
        "Give it as much, a smaller image or a narrower network."
    )


def more_strips(strips, needs):
    """Returns the strips with one more in the pass that needs most."""
    most = needs.index(max(needs))
    return tuple(count + (p == most) for p, count in enumerate(strips))


def walked(network, passes, wanted=None):
    """Returns the multiply-accumulates of kernels in one run, columns that strips compute twice included.

    Args:
        network: `EngineNetwork`.
        passes: list of `Pass`.
        wanted: set of operators, or None for all.
    """
    return sum(
        network.operators[i].kernel.macs * walk.rows * wide
        for made in passes
        for i, walk in zip(made.operators, made.walks, strict=True)
        if network.operators[i].kernel is not None and (wanted is None or i in wanted)
        for _, wide in walk.columns
    )


class Search:
    """Tries cuts by an estimate: a simulation by whole rows, which is fast, less the row that blocks of pixels spare.

    Args:
        network: `EngineNetwork`.
        block: function from an operator to the most pixels that it computes at once.
        streamed: set of maps that inputs are read into again in every pass.
        memories: 1 or 2.
    """

    def __init__(self, network, block, streamed, memories=1):
        self.network, self.block, self.streamed, self.memories = network, block, streamed, memories
        self.cutter = Cutter(network, lambda op: op.width, streamed)
        self.order = tuple(i for i, op in enumerate(network.operators) if op.output not in streamed or op.kind != READS)
        self.known = {}  # traces of passes
        self.all = {}  # `Cuts` that were tried, by their places

    def best(self):
        """Returns the `Cuts` that take least.

        From the fewest cuts, and from cuts behind every sum over a map as well, cuts are added or moved or taken away as
        long as that saves more than a two-hundredth.
        """
        must = self.must()
        candidates, sums = self.candidates(), self.sums()
        starts = [must]
        if len(sums) > _FEW:
            starts.append(sorted({*must, *sums}))
        else:
            candidates = [*dict.fromkeys([*sums, *candidates])]
        return min((self._improved(start, must, candidates) for start in starts), key=lambda cuts: cuts.bytes)

    def _improved(self, start, must, candidates):
        found = self.tried(start)
        while True:
            here = set(self.cuts(found.groups))
            trials = [here | {cut} for cut in candidates if cut not in here]
            trials += [here - {cut} for cut in here if cut not in must]
            better = min((self.tried(sorted(trial)) for trial in trials), key=lambda cuts: cuts.bytes, default=found)
            if better.bytes > 0.995 * found.bytes:
                return found
            found = better

    def sums(self):
        """Returns the places in the order behind which a sum over a whole map is complete."""
        return [k + 1 for k, i in enumerate(self.order[:-1]) if self.network.operators[i].accumulates]

    def must(self):
        """Returns the places in the order at which the network has to be cut: before what needs a complete map."""
        cuts, begin = [], 0
        for end in range(1, len(self.order) + 1):
            try:
                self.cutter.make(self.order[begin:end], lambda reader: False)
            except CutError:
                cuts.append(end - 1)
                begin = end - 1
        return cuts

    def cuts(self, groups):
        """Returns the places in the order between groups."""
        places, at = [], 0
        for group in groups[:-1]:
            at += len(group)
            places.append(at)
        return places

    def candidates(self):
        """Returns places in the order where little has to be carried, the least first."""
        carried = [self._carried(k) for k in range(len(self.order) + 1)]
        low = [
            k
            for k in range(1, len(self.order))
            if carried[k] <= min(carried[k - 1], carried[k + 1])
            and (carried[k] < carried[k - 1] or carried[k] < carried[k + 1])
        ]
        return sorted(low, key=lambda k: carried[k])[:_CANDIDATES]

    def _carried(self, k):
        """Bytes of what is made before a place and read from there on."""
        made = {self.network.operators[i].output for i in self.order[:k]} - self.streamed - {None}
        read = {self.network.root(m) for i in self.order[k:] for m, _ in self.network.operators[i].inputs}
        return sum(self.network.maps[m].pixels * self.network.maps[m].bytes for m in made & read)

    def tried(self, cuts):
        """Returns the `Cuts` of some places, in one strip each, measured by the estimate."""
        key = tuple(cuts)
        if key not in self.all:
            places = [0, *cuts, len(self.order)]
            groups = tuple(self.order[a:b] for a, b in itertools.pairwise(places))
            self.all[key] = self.measured(groups, (1,) * len(groups))[0]
        return self.all[key]

    def measured(self, groups, strips):
        """Returns the `Cuts` of groups of operators in strips, measured by the estimate, and its `Layout`, or None."""
        try:
            passes = self.cutter.cut(groups, strips)
        except CutError:
            return Cuts(groups, strips, _NEVER, _NEVER), None
        for made, over in zip(passes, pairs(passes, lives(self.network, passes)), strict=True):
            key = made.operators, made.carried, made.strips, tuple(over)
            if key not in self.known:
                self.cutter.simulate(made, over)
                self.known[key] = self._spared(made)
            made.trace = self.known[key]
        laid = layout(self.network, passes, self.memories, 0.02)
        return Cuts(groups, strips, sum(laid.bytes), walked(self.network, passes)), laid

    def within(self, ram, tries=6):
        """Returns the `Cuts` that fit into `ram` bytes of the arena, the one with the fewest columns computed twice first.

        Strips are added to the pass that needs most until all fit, for the few best ways to cut.

        Args:
            ram: int, bytes.
            tries: int, ways to cut.

        Raises:
            BudgetError: if none fits.
        """
        self.best()
        fitting, least = [], _NEVER
        for start in sorted(self.all.values(), key=lambda cuts: cuts.bytes)[:tries]:
            found, laid = self.measured(start.groups, start.strips)
            while laid is not None and laid.bytes[0] > ram:
                least = min(least, laid.bytes[0])
                found, laid = self.measured(start.groups, more_strips(found.strips, laid.needs))
            if laid is not None:
                fitting.append(found)
        if not fitting:
            raise too_small(ram, least)
        return sorted(fitting, key=lambda cuts: (cuts.macs, cuts.bytes))

    def _spared(self, made):
        """The trace of a pass if it ran by blocks of pixels."""
        capacity = dict(made.trace.capacity)
        for n, i in enumerate(made.operators):
            op = self.network.operators[i]
            if op.output in capacity and not op.accumulates:
                wide, block = max(wide for _, wide in made.walks[n].columns), self.block(op)
                held = capacity[op.output]
                capacity[op.output] = min(held, max(block, held - wide + block))
        return replace(made.trace, capacity=capacity)
