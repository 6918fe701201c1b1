"""The arena's layout: nothing over what is alive, and the bound where maps can be moved."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from keras_unetmm.tiling.layout import lay_out
from keras_unetmm.tiling.partition import CarriedMap

SIZES = st.integers(1, 40).map(lambda size: 16 * size)


def intervals(found, arenas, carried, in_place):
    """What is alive in each phase: lists of `(low, high)`; the whole part's own maps are part of its arena."""
    at = found.addresses
    alive = [[(at[name], at[name] + size)] for name, size in arenas.items()]
    for entry, size in carried.items():
        for phase in set(entry.phases) - ({entry.first} if entry in in_place else set()):
            alive[phase].append((at[entry], at[entry] + size))
    return alive


def check(found, arenas, carried, offsets, in_place=()):
    alive = intervals(found, arenas, carried, in_place)
    for maps in alive:
        for a, b in itertools.combinations(maps, 2):
            assert a[1] <= b[0] or b[1] <= a[0]
    assert found.bytes == max(high for maps in alive for _, high in maps) >= found.bound
    for entry, offset in offsets.items():
        assert (found.addresses[entry] != found.addresses["body"] + offset) <= (entry in found.moved)


def whole(sizes, kinds, room):
    """Offsets of a whole part's inputs and outputs, which lie at its two ends, and the bytes of its arena."""
    arena = max(sum(sizes[entry] for entry in entries) for entries in kinds) + room
    offsets, at = {}, [0, arena]
    for entry in kinds[0]:
        offsets[entry] = at[0]
        at[0] += sizes[entry]
    for entry in kinds[1]:
        at[1] -= sizes[entry]
        offsets[entry] = at[1]
    return arena, offsets


@given(
    head=SIZES,
    tail=SIZES,
    entering=st.lists(SIZES, min_size=1, max_size=3),
    leaving=st.lists(SIZES, min_size=1, max_size=2),
    skips=st.lists(SIZES, max_size=3),
    room=SIZES,
)
def test_nothing_lies_over_what_is_alive(head, tail, entering, leaving, skips, room):
    ends = [
        [CarriedMap("entering", i, 0, 1) for i in range(len(entering))],
        [CarriedMap("leaving", i, 1, 2) for i in range(len(leaving))],
    ]
    sizes = dict(zip([*ends[0], *ends[1]], [*entering, *leaving], strict=True))
    body, offsets = whole(sizes, ends, room)
    carried = {**{CarriedMap("kept", 9 + i, 0, 2): size for i, size in enumerate(skips)}, **sizes}
    arenas = {"head": head, "body": body, "tail": tail}
    found = lay_out(arenas, "body", carried, offsets, {})
    check(found, arenas, carried, offsets)
    assert all(len(ends[entry.kind == "leaving"]) == 1 for entry in found.moved)
    if len(entering) == len(leaving) == 1 and not skips:
        assert found.bytes <= found.bound + max(head, tail, body) // 2


@settings(deadline=None)
@given(arenas=st.lists(SIZES, min_size=5, max_size=5), skip=SIZES, inside=SIZES, room=SIZES, bottleneck=SIZES)
def test_a_tiled_bottleneck_needs_no_more_than_its_fullest_phase(arenas, skip, inside, room, bottleneck):
    skips, x, y = CarriedMap("kept", 0, 0, 4), CarriedMap("kept", 1, 0, 3), CarriedMap("kept", 2, 3, 4)
    gates = [[CarriedMap("entering", 3, 1, 2)], [CarriedMap("leaving", 4, 2, 3)]]
    sizes = {gates[0][0]: inside, gates[1][0]: inside}
    body, offsets = whole(sizes, gates, room)
    arenas = dict(zip(("head", "body_head", "body", "body_tail", "tail"), arenas, strict=True)) | {"body": body}
    carried = {skips: skip, x: bottleneck, y: bottleneck, **sizes}
    found = lay_out(arenas, "body", carried, offsets, {y: x})
    check(found, arenas, carried, offsets, {y: x})
    assert found.addresses[x] == found.addresses[y]
    assert found.bytes <= found.bound + inside
    apart = lay_out(arenas, "body", carried, offsets, {})
    check(apart, arenas, carried, offsets)
    assert apart.bytes >= found.bound


@given(arenas=st.lists(SIZES, min_size=3, max_size=3), sizes=st.lists(SIZES, min_size=3, max_size=3))
def test_nothing_runs_whole(arenas, sizes):
    arenas = dict(zip(("head", "body", "tail"), arenas, strict=True))
    entries = (CarriedMap("kept", 0, 0, 2), CarriedMap("kept", 1, 0, 1), CarriedMap("kept", 2, 1, 2))
    carried = dict(zip(entries, sizes, strict=True))
    check(lay_out(arenas, None, carried, {}, {}), arenas, carried, {})
