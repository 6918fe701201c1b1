# SPDX-License-Identifier: Apache-2.0
"""Where a network is cut: what runs tile by tile before the bottleneck, the bottleneck, what runs tile by tile behind it.

Two smallest cuts, by the bytes that stay between the parts. The image costs nothing: every tile can be read again. The
bottleneck may be tiled: then it, too, runs tile by tile, and only what sees the whole map, if anything, runs whole.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from keras_unetmm.tiling.analyse import TilingError, TilingNetwork
from keras_unetmm.tiling.minimum_cut import source_side


@dataclass(frozen=True)
class Pass:
    """Operators that run together.

    Attributes:
        name: str, `"head"`, `"body"` or `"tail"`, or in a tiled bottleneck `"body_head"` or `"body_tail"`.
        positions: tuple of positions of operators, in the order of the graph.
        whole: bool, whether they run once on whole maps, and not tile by tile.
    """

    name: str
    positions: tuple[int, ...]
    whole: bool


@dataclass(frozen=True)
class CarriedMap:
    """A map that is kept from one pass to another.

    Attributes:
        kind: str, `"entering"` or `"leaving"`, where the pass that runs whole reads or makes it in its own arena; or
            `"kept"`.
        tensor: int.
        first, last: ints, the passes that make it and that read it last, by their place in the order.
    """

    kind: str
    tensor: int
    first: int
    last: int

    @property
    def phases(self) -> range:
        """The passes in which it takes bytes beside their arenas."""
        return range(self.first + (self.kind == "leaving"), self.last + (self.kind != "entering"))


@dataclass(frozen=True)
class Partition:
    """The parts of a network whose finest `levels` run tile by tile.

    Attributes:
        levels: int.
        head, body, tail: tuples of positions of operators, in the order of the graph.
        skips: tuple of tensors that the head makes and the tail reads, finest first.
        entering: tuple of tensors that the head makes and the body reads.
        leaving: tuple of tensors that the body makes and the tail reads.
        bottleneck_passes: tuple of `Pass`es that do what the body does; empty if it must run whole.
    """

    levels: int
    head: tuple[int, ...]
    body: tuple[int, ...]
    tail: tuple[int, ...]
    skips: tuple[int, ...]
    entering: tuple[int, ...]
    leaving: tuple[int, ...]
    bottleneck_passes: tuple[Pass, ...] = ()

    def passes(self, bottleneck_tiled: bool) -> tuple[Pass, ...]:
        """Returns the `Pass`es in their order, with the bottleneck tiled or whole."""
        middle = self.bottleneck_passes if bottleneck_tiled else (Pass("body", self.body, True),)
        return (Pass("head", self.head, False), *middle, Pass("tail", self.tail, False))


def deepest(network: TilingNetwork) -> int:
    """Returns how many levels can be tiled at most: below the coarsest maps, something must be left to do whole."""
    return max((level for level in range(1, 16) if _core(network, level)), default=0)


def partition(network: TilingNetwork, levels: int) -> Partition:
    """Returns the `Partition` of a network.

    Raises:
        TilingError: if an operator of those levels cannot run tile by tile, or there are not as many levels.
    """
    _validate_levels(network, levels)
    core, tiled = _core(network, levels), _tiled(network, levels)
    before, behind = _relatives(network, core)
    if tiled & before & behind:
        position = min(tiled & before & behind)
        raise TilingError(
            f"With levels={levels}, {network.label(position)}, would run tile by tile between two parts that are whole: the "
            "network has several bottlenecks. Tile fewer levels."
        )
    operators = network.graph.operators
    last = network.producers[network.output]
    front = source_side(network, core | (tiled & before), (tiled & behind) | {last}, {network.image})
    fixed = {i for i in front if i in tiled and i not in behind}
    head = source_side(network, fixed, core, set(), within=front) if fixed else set()
    body = front - head
    made = {
        part: {index for i in where for index in operators[i].outputs} for part, where in (("head", head), ("body", body))
    }
    tail = sorted(set(range(len(operators))) - front)
    wanted = {index for i in tail for index in network.maps(operators[i].inputs)}
    read = {index for i in body for index in network.maps(operators[i].inputs)}
    skips = sorted(wanted & made["head"], key=lambda index: (network.scales[index] or 0, index))
    entering, leaving = sorted(read & made["head"]), sorted(wanted & made["body"])
    if any(network.scales[index] is None for index in (*skips, *entering, *leaving)):
        raise TilingError(
            f"With levels={levels}, a value over the whole map would have to leave its part. Tile fewer levels."
        )
    parts = (tuple(sorted(head)), tuple(sorted(body)), tuple(tail))
    return Partition(
        levels, *parts, tuple(skips), tuple(entering), tuple(leaving), _bottleneck_passes(network, body, leaving)
    )


def _validate_levels(network: TilingNetwork, levels: int) -> None:
    """Raises a `TilingError` unless there is a bottleneck below so many levels, which the output is not part of."""
    most = deepest(network)
    if not 1 <= levels <= most:
        raise TilingError(
            f"levels must lie between 1 and {most}, below which this network has a bottleneck. Received: {levels}."
            if most
            else "model must have a level below full resolution, which is computed whole. Received: one without."
        )
    if network.producers[network.output] in _core(network, levels):
        raise TilingError(
            f"levels must be fewer than those at which the output is made. Received: {levels}, below which "
            f"{network.label(network.producers[network.output])} would run whole."
        )


def _tiled(network: TilingNetwork, levels: int) -> set[int]:
    """The operators of so many levels; a `TilingError` if one of them cannot run tile by tile."""
    operators = network.graph.operators
    tiled = {i for i in range(len(operators)) if any(scale < 2**levels for scale in network.scales_of(i))}
    for position in sorted(tiled):
        if any(network.scales[i] is None for i in network.maps(operators[position].inputs)):
            raise TilingError(
                f"With levels={levels}, {network.label(position)}, would run tile by tile, and it reads what is made of a "
                "whole map. Tile fewer levels, or leave that out."
            )
        if network.receptive_fields[position] is None:
            raise TilingError(
                f"Only operators that see a neighbourhood run tile by tile, and with levels={levels} "
                f"{network.label(position)}, has to: {network.reasons[position]}."
            )
    return tiled


def carried(network: TilingNetwork, passes: Sequence[Pass], recomputed: Collection[int] = frozenset()) -> list[CarriedMap]:
    """Returns what is `CarriedMap` between some `Pass`es.

    Args:
        network: `TilingNetwork`.
        passes: tuple of `Pass`.
        recomputed: set of the tensors that the tail does not read, but recomputes.
    """
    operators = network.graph.operators
    made: dict[int, int] = {}
    readers: dict[int, set[int]] = {}
    for number, part in enumerate(passes):
        made |= {index: number for position in part.positions for index in operators[position].outputs}
        for index in (index for position in part.positions for index in network.maps(operators[position].inputs)):
            if made.get(index, number) != number and not (part.name == "tail" and index in recomputed):
                readers.setdefault(index, set()).add(number)
    whole = next((number for number, part in enumerate(passes) if part.whole), -1)
    found = []
    for index, numbers in sorted(readers.items()):
        if made[index] == whole:
            found.append(CarriedMap("leaving", index, whole, max(numbers)))
            continue
        if whole in numbers:
            found.append(CarriedMap("entering", index, made[index], whole))
        others = numbers - {whole}
        if others and (whole not in numbers or max(others) > whole):  # what is read before finds what is entering
            found.append(CarriedMap("kept", index, made[index], max(others)))
    return found


def ends(carried: Iterable[CarriedMap]) -> list[list[CarriedMap]]:
    """Returns what enters the part that runs whole, and what leaves it, two lists of `CarriedMap`."""
    return [[entry for entry in carried if entry.kind == kind] for kind in ("entering", "leaving")]


def recomputable(network: TilingNetwork, found: Partition) -> tuple[int, ...]:
    """Returns the skips that the tail can recompute: of bytes, in which no operator of the body has a part."""
    whole = set(found.body)
    own = (i for i in found.skips if network.graph.tensors[i].type == "INT8")
    return tuple(i for i in own if not ancestors(network, [i]) & whole)


def _bottleneck_passes(network: TilingNetwork, body: set[int], leaving: Collection[int]) -> tuple[Pass, ...]:
    """The passes that do what the body does tile by tile, but for what sees the whole map; none if that cannot be."""
    body = body & ancestors(network, leaving)  # without what nobody reads
    if not body:
        return ()
    maps = {i: network.maps((*op.inputs, *op.outputs)) for i, op in enumerate(network.graph.operators) if i in body}
    core = {
        i for i in body if network.receptive_fields[i] is None or any(network.scales[index] is None for index in maps[i])
    }
    needed, behind = _relatives(network, core)
    core = body & needed & behind
    head = (body & needed) - core
    tail = body - core - head
    parts = (("body_head", head), ("body", core), ("body_tail", tail)) if core else (("body", tail),)
    found = tuple(Pass(name, tuple(sorted(where)), name == "body" and bool(core)) for name, where in parts if where)
    try:
        for position in head | tail:
            network.pads(position)
    except TilingError:  # with something else than zeros, which no mask makes
        return ()
    cuts = [entry.tensor for entry in carried(network, found)]
    padded = any(network.graph.operators[network.producers[index]].name == "PAD" for index in cuts)
    return () if padded or (len(found) == 1 and found[0].whole) else found


def ancestors(network: TilingNetwork, tensors: Iterable[int]) -> set[int]:
    """Returns the positions of all operators that some tensors are computed with."""
    found, left = set(), [network.producers[i] for i in tensors if i in network.producers]
    while left:
        position = left.pop()
        if position not in found:
            found.add(position)
            inputs = network.maps(network.graph.operators[position].inputs)
            left += [network.producers[i] for i in inputs if i in network.producers]
    return found


def _core(network: TilingNetwork, levels: int) -> set[int]:
    """The operators that must run whole: those below the levels that see more than one place."""
    found = set()
    for position, pair in enumerate(network.receptive_fields):
        scales = network.scales_of(position)
        wide = pair is None or any(r.extent > 1 or r.stride > 1 or r.factor > 1 for r in pair)
        if wide and scales and min(scales) >= 2**levels:
            found.add(position)
    return found


def _relatives(network: TilingNetwork, core: Collection[int]) -> tuple[set[int], set[int]]:
    """The operators that the core needs, and those that need it, the core included in both."""
    operators = network.graph.operators
    needed = ancestors(network, [index for i in core for index in operators[i].outputs])
    behind, made = set(core), {index for i in core for index in operators[i].outputs}
    for position, operator in enumerate(operators):
        if position in core or made & set(operator.inputs):
            behind.add(position)
            made |= set(operator.outputs)
    return needed, behind
