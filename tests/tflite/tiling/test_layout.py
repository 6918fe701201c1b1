"""The arena's layout: nothing over what is alive, and the bound where maps can be moved."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from keras_unetmm.tflite.tiling.layout import lay_out

SIZES = st.integers(1, 40).map(lambda size: 16 * size)


@given(
    head=SIZES,
    tail=SIZES,
    entering=st.lists(SIZES, min_size=1, max_size=3),
    leaving=st.lists(SIZES, min_size=1, max_size=2),
    skips=st.lists(SIZES, max_size=3),
    room=SIZES,
)
def test_nothing_lies_over_what_is_alive(head, tail, entering, leaving, skips, room):
    inputs, at = {}, 0
    for i, size in enumerate(entering):
        inputs["in", i] = (at, size)
        at += size
    body = max(at, sum(leaving)) + room
    outputs, at = {}, body
    for i, size in enumerate(leaving):  # from the other end, so that in and out are far from each other
        at -= size
        outputs["out", i] = (at, size)
    kept = {("skip", i): size for i, size in enumerate(skips)}
    found = lay_out(head, tail, body, inputs, outputs, kept)
    at = found.addresses
    alive = {phase: {name: (at[name], at[name] + size) for name, size in kept.items()} for phase in range(3)}
    alive[0] |= {"head": (at["head"], at["head"] + head), **{n: (at[n], at[n] + size) for n, (_, size) in inputs.items()}}
    alive[1] |= {"body": (at["body"], at["body"] + body)}
    alive[2] |= {"tail": (at["tail"], at["tail"] + tail), **{n: (at[n], at[n] + size) for n, (_, size) in outputs.items()}}
    for intervals in alive.values():
        for a, b in itertools.combinations(intervals.values(), 2):
            assert a[1] <= b[0] or b[1] <= a[0]
    assert found.bytes == max(high for intervals in alive.values() for _, high in intervals.values()) >= found.bound
    for ends in (inputs, outputs):
        moved = [name for name, (offset, _) in ends.items() if at[name] != at["body"] + offset]
        assert not moved or len(ends) == 1
    if len(entering) == len(leaving) == 1 and not skips:
        assert found.bytes <= found.bound + max(head, tail, body) // 2
