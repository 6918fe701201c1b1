# SPDX-License-Identifier: Apache-2.0
"""What a network takes by rows, without the search that a device's schedule is worth."""

from keras_unetmm.engine import schedule
from keras_unetmm.engine.passes import Cutter
from keras_unetmm.engine.search import Search


def bytes_by_rows(network, known):
    """Returns the bytes that the engine takes by rows, cut at the best of some known places, or no oftener than it must.

    Args:
        network: `EngineNetwork`.
        known: list of lists of places in the order of operators.
    """
    search, block, streamed = _searching(network)
    must = search.must()
    last = len(search.order)
    tried = [must, *(sorted({*must, *places}) for places in known if all(0 < place < last for place in places))]
    found = min((search.tried(places) for places in tried), key=lambda each: each.bytes)
    cutter = Cutter(network, block, streamed)
    made = schedule.arranged("rows", network, cutter, cutter.cut(found.groups, found.strips), seconds=0.1)
    return made.layout.total


def best_cuts(network):
    """Returns the places in the order of operators where the engine's whole search cuts a network."""
    search, _, _ = _searching(network)
    return search.cuts(search.best().groups)


def _searching(network):
    """The engine's search for cuts, with the block of each operator and the inputs that are streamed."""
    blocks, streamed = schedule.block_of(), set(network.inputs) - network.whole_roots()

    def block(op):
        return blocks(network, op)

    return Search(network, block, streamed), block, streamed
