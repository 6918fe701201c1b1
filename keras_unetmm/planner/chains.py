# SPDX-License-Identifier: Apache-2.0
"""Chains of operators that run beside each other, as the branches of a wide graph do.

An order that takes a chain up to a hill of memory may as well take it on to the valley behind. For chains that are joined at
their end, it is best to run first what ends below where it began, the lowest hill first, and then what falls most from its
hill to its valley (J. W. H. Liu, "An application of generalized tree pebbling to sparse matrix factorization", 1987). Chains
that look alike are interchangeable: which of them is how far does not matter, only how many are.
"""

import itertools
import time
from collections import Counter, defaultdict
from dataclasses import dataclass

_FEW = 4  # chains of blocks that are not wide: of a U-Net's skips, of inception


@dataclass(frozen=True)
class Segment:
    """Operators of a chain that may as well run one directly after the other.

    Attributes:
        steps: tuple of int, positions in their order.
        mask: int, the same as bits.
        hill: int, bytes needed while they run, above those alive before.
        valley: int, bytes alive after them, less those alive before.
    """

    steps: tuple
    mask: int
    hill: int
    valley: int


def order_by_segments(graph, end):
    """Returns the peak and the positions of an order that runs hill and valley together, Liu's choice first.

    Args:
        graph: `keras_unetmm.planner.operator_graph.OperatorGraph`.
        end: float, of `time.thread_time`: None is returned if the order is not found by then.
    """
    done, live, peak, order = 0, graph.start, graph.first_live, []
    ready = [p for p in range(graph.count) if not graph.waits[p]]
    while ready:
        if time.thread_time() > end:
            return None
        hill, live, steps = min((_segment(graph, p, done, live) for p in ready), key=lambda found: _rank(found, live))
        peak = max(peak, hill)
        for position in steps:
            done |= 1 << position
            order.append(position)
            ready = [p for p in ready if p != position] + graph.ready(position, done)
    return peak, order


def _rank(found, live):
    hill, valley, _ = found
    return (0, hill, valley) if valley <= live else (1, valley - hill, valley)


def _segment(graph, position, done, live):
    """From an operator on along its chain: the hill, the bytes alive in the valley behind it, the operators up to there."""
    hill, steps, ends = 0, [], []
    while position is not None:
        need, live = graph.run(position, done, live)
        done |= 1 << position
        steps.append(position)
        if need > hill or not ends:
            hill, ends = max(hill, need), []
        ends.append((live, len(steps)))
        following = graph.ready(position, done)
        position = following[0] if len(following) == 1 else None
    valley, count = min(ends)
    return hill, valley, steps[:count]


def segments(graph):
    """Returns the segments of all chains whose memory nobody else sees: a dict by the position of the first operator.

    No order is lost by running them whole. A chain that pauses between two cuts holds more there than at either of them. Run
    all of it where the other operators hold least of all the moments at which it ran in parts: no operator of it needs more,
    and before and after, it holds less. Cuts are where a chain holds less than ever before, until it holds least of all, and
    from there on where it never again holds less.

    Args:
        graph: `keras_unetmm.planner.operator_graph.OperatorGraph`.
    """
    found = {}
    for chain in _forced(graph):
        for begin, end in _private(graph, chain):
            done, live, needs, lives = _mask(chain[:begin]), 0, [], [0]
            for position in chain[begin:end]:
                need, live = graph.run(position, done, live)
                done |= 1 << position
                needs.append(need)
                lives.append(live)
            for i, j in _between_cuts(lives):
                steps = tuple(chain[begin + i : begin + j])
                found[steps[0]] = Segment(steps, _mask(steps), max(needs[i:j]) - lives[i], lives[j] - lives[i])
    return found


def is_wide(graph):
    """Whether more than four chains, of two operators or more, begin behind one and the same operator or input."""
    begins = Counter(graph.waits[head] for head, *rest in _forced(graph) if rest)
    return max(begins.values(), default=0) > _FEW


def _between_cuts(lives):
    """Pairs of cuts that follow each other; `lives[i]` is what is alive after i operators."""
    least = lives.index(min(lives))
    cuts = {0, len(lives) - 1}
    cuts |= {i for i in range(least + 1) if all(lives[i] < before for before in lives[:i])}
    cuts |= {i for i in range(least, len(lives)) if all(lives[i] <= later for later in lives[i + 1 :])}
    ordered = sorted(cuts)
    return itertools.pairwise(ordered)


def _forced(graph):
    """Lists of operators that can run in one order only, each but the first waiting for others of its list alone."""
    taken = set()
    for head in range(graph.count):
        if head in taken:
            continue
        chain, mask, waiting = [head], 1 << head, set(graph.followers[head])
        while len(able := [f for f in waiting if not graph.waits[f] & ~mask]) == 1:
            chain += able
            mask |= 1 << able[0]
            waiting = waiting - {able[0]} | set(graph.followers[able[0]])
        taken.update(chain)
        yield chain


def _private(graph, chain):
    """Pairs of begin and end in a chain, of operators whose inputs it alone reads, and whose outputs, but for the last's."""
    mask, begin = _mask(chain), None
    for i, position in enumerate(chain):
        if any(users != -1 and users & ~mask for *_, users in graph.sources[position]):
            if begin is not None:
                yield begin, i
            begin = None
            continue
        begin = i if begin is None else begin
        if i + 1 == len(chain) or any(not mask >> follower & 1 for follower in graph.followers[position]):
            yield begin, i + 1
            begin = None


def _mask(positions):
    return sum(1 << position for position in positions)


def interchangeable(graph):
    """Returns the groups of chains that look alike: lists of masks of each chain's operators, two chains or more."""
    groups = defaultdict(list)
    for chain in _chains(graph):
        groups[_signature(graph, chain)].append(_mask(chain))
    return [masks for masks in groups.values() if len(masks) > 1]


def canonical(done, groups):
    """Returns a key that is the same for sets of operators which differ in interchangeable chains only."""
    if not groups:
        return done
    rest, counts = done, []
    for masks in groups:
        counts.append(tuple(sorted((done & mask).bit_count() for mask in masks)))
        for mask in masks:
            rest &= ~mask
    return rest, tuple(counts)


def _chains(graph):
    """The longest runs of operators of which each waits for the one before alone, and nothing else waits for that."""
    heads, following = [], {}
    for position in range(graph.count):
        waits = graph.waits[position]
        before = waits.bit_length() - 1
        if waits.bit_count() == 1 and len(graph.followers[before]) == 1:
            following[before] = position
        else:
            heads.append(position)
    for head in heads:
        chain = [head]
        while chain[-1] in following:
            chain.append(following[chain[-1]])
        yield chain


def _signature(graph, chain):
    """What memory sees of a chain: what it waits for, reads and makes, by size, and who takes what it ends in."""
    own = {index: (step, place) for step, p in enumerate(chain) for place, (index, *_) in enumerate(graph.made[p])}
    mask = _mask(chain)
    parts = []
    for position in chain:
        sources = tuple(
            (own.get(index, index), size, index in own or users) for index, size, users in graph.sources[position]
        )
        made = tuple((size, users if users == -1 else users & ~mask) for _, size, users in graph.made[position])
        several, limit = graph.savings[position]
        savings = tuple((own.get(index, index), *rest) for index, *rest in several)
        parts.append((sources, made, graph.extra[position], savings, limit))
    return graph.waits[chain[0]], tuple(graph.followers[chain[-1]]), tuple(parts)
