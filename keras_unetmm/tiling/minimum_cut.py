# SPDX-License-Identifier: Apache-2.0
"""The cut through a network at which the fewest bytes stay between its two sides."""

from collections.abc import Collection, Iterable

from keras_unetmm.tiling.analyse import TilingError, TilingNetwork


def source_side(
    network: TilingNetwork,
    first: Iterable[int],
    second: Iterable[int],
    free: Collection[int],
    within: Collection[int] | None = None,
) -> set[int]:
    """Returns the operators on the side of `first` of the cut of fewest bytes, as many as equal cuts allow.

    Args:
        network: `TilingNetwork`.
        first, second: positions of operators on either side of the cut.
        free: maps that cost nothing to cut at.
        within: positions of the operators that there are; None for all.

    Raises:
        TilingError: if there is no cut at maps alone.
    """
    import networkx  # which takes as long to load as all else that is read to plan a file

    flow = networkx.DiGraph()
    size = network.graph.tensors[network.image].shape[1:3]
    positions = range(len(network.graph.operators)) if within is None else sorted(within)
    for position in positions:
        operator = network.graph.operators[position]
        flow.add_node(position)
        for index in network.maps(operator.inputs):
            producer = network.producers.get(index, "image")
            if producer != "image" and within is not None and producer not in within:
                continue
            cost = 0 if index in free else _cost(network, index, size)
            flow.add_edge(producer, ("map", index), **({} if cost is None else {"capacity": cost}))
            flow.add_edge(("map", index), position)  # without a capacity: never cut
            if producer != "image":
                flow.add_edge(position, producer)
    for position in first:
        flow.add_edge("source", position)
    flow.add_edge("source", "image")
    for position in second:
        flow.add_edge(position, "sink")
    try:
        _, (near, _) = networkx.minimum_cut(flow, "source", "sink")
    except networkx.NetworkXUnbounded as error:
        raise TilingError(
            "The network cannot be cut here: what is no map would have to leave its part. Tile another number of levels."
        ) from error
    return {position for position in positions if position in near}


def _cost(network: TilingNetwork, tensor: int, size: Iterable[int]) -> int | None:
    """What it costs to cut at a map; None where it cannot be cut: what has no places, and what is padded."""
    producer = network.producers.get(tensor)
    padded = producer is not None and network.graph.operators[producer].name == "PAD"
    return None if padded or network.scales[tensor] is None else network.bytes(tensor, size)
