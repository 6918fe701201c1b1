# SPDX-License-Identifier: Apache-2.0
"""Runs of operators that make each byte of one byte, so that one table of 256 bytes takes their place."""

from keras_unetmm.engine.kernels import table


def chains(graph):
    """Returns a dict from the position of the last operator of each chain to the positions of all its operators.

    A chain reads one map; what its operators make in between nobody else reads. A GELU written as a product with a
    sigmoid is one.

    Args:
        graph: `Graph`.
    """
    readers = {}
    for position, operator in enumerate(graph.operators):
        for tensor in operator.inputs:
            readers.setdefault(tensor, set()).add(position)
    found, taken = {}, set()
    for position in reversed(range(len(graph.operators))):
        if position not in taken:
            chain = _longest(graph, position, readers)
            if len(chain) > 1:
                found[position] = chain
                taken |= set(chain)
    return found


def _longest(graph, last, readers):
    """The most operators that end with `last` and are one function of one byte."""
    makers = {tensor: p for p, operator in enumerate(graph.operators) for tensor in operator.outputs}
    if not _fits(graph, [last]):
        return [last]
    chain = [last]
    while True:
        read = {makers[t] for p in chain for t in graph.operators[p].inputs if t in makers} - set(chain)
        grown = sorted({*chain, *read})
        inner = {t for p in grown if p != last for t in graph.operators[p].outputs}
        closed = all(readers.get(t, set()) <= set(grown) for t in inner) and not inner & set(graph.outputs)
        if not read or not closed or not _fits(graph, grown):
            return chain
        chain = grown


def _fits(graph, positions):
    return table.one_to_one(graph, [graph.operators[p] for p in positions])
