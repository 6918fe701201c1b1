"""The verifier passes what is right, and sees a ring that is too short and what lies over something that is still needed."""

from dataclasses import replace

import pytest
from engine.engines import network_of
from engine.programs import small
from tflite.network import Network

from keras_unetmm.engine import schedule
from keras_unetmm.engine.network import READS
from keras_unetmm.engine.passes import Cutter
from keras_unetmm.engine.verify import VerifyError, verify


def skip():
    """An encoder and a decoder with a skip, a mean over the map and a shuffle."""
    net = Network(1)
    kept = net.conv(net.input(1, 12, 10, 3), 8, (3, 3))
    low = net.conv(net.depthwise(net.pool("MAX_POOL_2D", kept, stride=(2, 2)), (5, 5)), 32, (1, 1))
    high = net.conv(net.binary("ADD", net.shuffled("DEPTH_TO_SPACE", low, 2), kept), 8, (3, 3))
    return net.file(net.binary("MUL", high, net.mean(high, (1, 2))))


def arranged(content, strips=1):
    """A schedule of one pass, whose rings all are needed."""
    network = network_of(content)
    groups = [[i for i, op in enumerate(network.operators) if op.kind != READS]]
    cutter = Cutter(network, lambda op: 2, set(network.inputs))
    return schedule.arranged("rows", network, cutter, cutter.cut(groups, [strips]), seconds=0.02)


@pytest.mark.parametrize("kind", ["rows", "whole"])
def test_what_is_right_passes_in_steps_of_any_length(kind):
    made = getattr(schedule, kind)(network_of(skip()), seconds=0.02)
    for step in (1, 1000, 10**9):
        verify(made, step)


def test_two_memories_and_strips_pass():
    verify(schedule.rows(network_of(skip()), memories=2, seconds=0.02))
    for strips in (2, 3):
        made = arranged(small(), strips)
        assert made.passes[0].strips == strips
        verify(made)


def test_a_ring_that_is_one_pixel_too_short_is_seen():
    made = arranged(small())
    trace, seen = made.passes[0].trace, 0
    for ring, capacity in dict(trace.capacity).items():
        if capacity > 2:
            trace.capacity[ring] = capacity - 1
            with pytest.raises(VerifyError, match=r"operator \d+, an input.*: map \d+, row \d+, column \d+"):
                verify(made)
            trace.capacity[ring], seen = capacity, seen + 1
    assert seen > 2
    verify(made)


def test_rings_that_lie_over_each_other_are_seen():
    made, seen, passed = arranged(small()), 0, 0
    together = made.passes[0].trace.together
    for ring in together:
        for other in together[ring]:
            place = made.layout.offsets["ring", (0, other)]
            moved = [replace(b, offset=place) if (b.use, b.owner) == ("ring", (0, ring)) else b for b in made.layout.buffers]
            try:
                verify(replace(made, layout=replace(made.layout, buffers=tuple(moved))))
                passed += 1  # they hold something at the same time, but of one of them nothing is read any more
            except VerifyError:
                seen += 1
    assert seen > 10
    assert seen > 4 * passed
