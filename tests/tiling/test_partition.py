"""What is kept between the parts of a network, and for how long."""

from types import SimpleNamespace

import pytest

from keras_unetmm.tiling.partition import CarriedMap, Pass, carried

NAMES = ("head", "body_head", "body", "tail")  # of which the body runs whole
IMAGE, MADE = 0, 1


def network(maker, readers):
    """Four operators, one a part: one makes a map, some read it."""
    operators = [
        SimpleNamespace(inputs=[MADE if number in readers else IMAGE], outputs=[MADE if number == maker else 10 + number])
        for number in range(len(NAMES))
    ]
    return SimpleNamespace(graph=SimpleNamespace(operators=operators), maps=list)


@pytest.mark.parametrize(
    ("maker", "readers", "want"),
    [
        (0, {2}, {("entering", 0, 2)}),
        (0, {1, 2}, {("entering", 0, 2)}),  # what runs before the body finds it there
        (0, {1, 2, 3}, {("entering", 0, 2), ("kept", 0, 3)}),
        (0, {1, 3}, {("kept", 0, 3)}),
        (1, {2, 3}, {("entering", 1, 2), ("kept", 1, 3)}),
        (2, {3}, {("leaving", 2, 3)}),
        (3, set(), set()),
    ],
)
def test_what_is_carried(maker, readers, want):
    passes = [Pass(name, (number,), name == "body") for number, name in enumerate(NAMES)]
    found = carried(network(maker, readers), passes)
    assert found == [CarriedMap(kind, MADE, first, last) for kind, first, last in sorted(want)]


def test_the_tail_does_not_read_what_it_recomputes():
    passes = [Pass(name, (number,), name == "body") for number, name in enumerate(NAMES)]
    assert carried(network(0, {3}), passes, recomputed={MADE}) == []
    assert carried(network(0, {2, 3}), passes, recomputed={MADE}) == [CarriedMap("entering", MADE, 0, 2)]


@pytest.mark.parametrize(("kind", "phases"), [("entering", range(0, 2)), ("leaving", range(1, 3)), ("kept", range(0, 3))])
def test_a_map_takes_bytes_beside_the_parts_that_do_not_hold_it_themselves(kind, phases):
    assert CarriedMap(kind, MADE, 0, 2).phases == phases
