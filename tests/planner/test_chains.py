"""Branches that run beside each other: Liu's order, and chains that may be exchanged."""

import time

import numpy as np
import pytest
from tflite.network import Network

from keras_unetmm.planner import planner
from keras_unetmm.planner import reorder as orders
from keras_unetmm.planner.arena import place
from keras_unetmm.planner.chains import canonical, interchangeable, order_by_segments, segments
from keras_unetmm.planner.operator_graph import OperatorGraph
from keras_unetmm.planner.planner import plan
from keras_unetmm.planner.reorder import reorder
from keras_unetmm.tflite_file.graph import read


def branches(*widths, side=8, at_once=True):
    """Chains of convolutions on one input, joined at the end; `at_once`, all of them a step at a time."""
    net = Network()
    x = net.input(1, side, side, 8)
    ends = [x] * len(widths)
    if at_once:
        for step in range(len(widths[0])):
            ends = [net.conv(y, width[step], (3, 3)) for y, width in zip(ends, widths, strict=True)]
    else:
        for i, width in enumerate(widths):
            for filters in width:
                ends[i] = net.conv(ends[i], filters, (3, 3))
    return net.file(net.concatenate(ends, 3))


def graph_of(content):
    return OperatorGraph(read(content).main, "any")


def random_widths(seed, count, steps=4):
    rng = np.random.default_rng(seed)
    return [[int(w) for w in (*rng.integers(1, 30, steps - 1), rng.integers(1, 4))] for _ in range(count)]


@pytest.mark.parametrize("width", [[8] * 5, [4, 24, 24, 4, 2], [20, 4, 20, 4, 2], [2, 2, 2, 2, 16]])
@pytest.mark.parametrize("at_once", [True, False])
def test_twelve_equal_branches_get_an_order_that_is_proven_to_be_the_best(width, at_once):
    content = branches(*[width] * 12, at_once=at_once)
    order = reorder(read(content), seconds=2.0)
    assert order.exact
    assert order.peak == graph_of(content).peak(order.positions)


def test_the_head_of_twelve_branches_is_the_bound_of_the_best_order():
    found = plan(branches(*[[8] * 5] * 12), seconds=0.2)
    assert found.planned.head == found.planned.order_bound == 12_288


@pytest.mark.parametrize("seed", range(4))
def test_twelve_different_branches_get_an_order_that_is_proven_to_be_the_best(seed):
    content = branches(*[[4, *inner[:2], 4, 2] for inner in random_widths(seed, 12)])
    order = reorder(read(content), seconds=5.0)
    assert order.exact
    assert order.peak == graph_of(content).peak(order.positions)
    assert sorted(order.positions) == list(range(len(read(content).main.operators)))


@pytest.mark.parametrize("seed", range(6))
def test_exchanging_equal_chains_loses_nothing(seed, monkeypatch):
    kinds = random_widths(seed, 2, 3)
    content = branches(kinds[0], kinds[1], kinds[0], kinds[1], kinds[0])
    found = reorder(read(content), seconds=20.0)
    monkeypatch.setattr(orders, "interchangeable", lambda graph: [])
    assert found.exact
    assert reorder(read(content), seconds=20.0).peak == found.peak


def test_only_chains_that_look_alike_are_exchanged():
    content = branches([8, 4], [8, 4], [8, 5], [8, 4])
    graph = graph_of(content)
    (masks,) = interchangeable(graph)
    assert len(masks) == 3
    groups = [masks]
    one, other = masks[0] & -masks[0], masks[1] & -masks[1]  # the first operator of each
    assert canonical(one, groups) == canonical(other, groups) != canonical(one | other, groups)
    odd = (1 << graph.count) - 1 & ~sum(masks)
    assert canonical(odd & -odd, groups) != canonical(one, groups)
    assert interchangeable(graph_of(branches([8, 4], [8, 5]))) == []


def residual_branches(seed):
    """Few short branches, some with a residual, some that read the network's input again: all orders can be tried."""
    rng, net = np.random.default_rng(seed), Network()
    x, ends = net.input(1, 8, 8, 4), []
    for _ in range(rng.integers(2, 4)):
        y = net.conv(x, int(rng.integers(1, 9)), (3, 3))
        for _ in range(rng.integers(1, 4)):
            z = net.conv(y, int(rng.integers(1, 25)), (3, 3))
            z = net.conv(z, int(rng.integers(1, 9)), (1, 1))
            match rng.integers(4):
                case 0:
                    z = net.concatenate([y, z], 3)
                case 1:
                    z = net.concatenate([x, z], 3)
            y = z
        ends.append(y)
    return net.file(net.concatenate(ends, 3))


@pytest.mark.parametrize("group", range(2))
def test_segments_and_what_they_leave_out_lose_nothing(group, monkeypatch):
    contents = [residual_branches(seed) for seed in range(6 * group, 6 * group + 6)]
    found = [reorder(read(content), seconds=20.0) for content in contents]
    assert any(len(segment.steps) > 2 for content in contents for segment in segments(graph_of(content)).values())
    monkeypatch.setattr(orders, "segments", lambda graph: {})
    for content, order in zip(contents, found, strict=True):
        assert order.exact
        assert order.peak == reorder(read(content), seconds=20.0).peak


def test_orders_of_one_peak_are_found_where_graphs_are_wide():
    content = branches(*random_widths(0, 6, 3), side=16)
    model = read(content)
    order = reorder(model)
    found = orders.orders_of_wide(model, "any", order.peak, 8, 5.0)
    graph = graph_of(content)
    assert len(found) > 3
    assert all(graph.peak(positions) <= order.peak for positions in found)
    assert all(sorted(positions) == list(range(graph.count)) for positions in found)
    assert orders.orders_of_wide(read(branches(*random_widths(0, 4, 3))), "any", 2**20, 8, 5.0) == []


def test_the_order_that_can_be_placed_best_is_taken(monkeypatch):
    monkeypatch.setattr(planner, "place", lambda problem, bound, seconds: place(problem, bound, rounds=2))
    contents = [branches(*random_widths(seed, 6, 3), side=16) for seed in (2,)]
    several = [plan(content).planned for content in contents]
    monkeypatch.setattr(planner, "orders_of_wide", lambda *arguments: [])
    one = [plan(content).planned for content in contents]
    assert all(s.head <= o.head for s, o in zip(several, one, strict=True))
    assert any(s.head < o.head for s, o in zip(several, one, strict=True))
    assert [s.order_bound for s in several] == [o.order_bound for o in one]


def test_a_segment_ends_where_a_chain_holds_least():
    graph = graph_of(branches([8, 4, 20, 6, 12, 2], [1] * 6))
    found = segments(graph)
    chain = [found[position].steps for position in sorted(found) if position % 2 == 0]  # the branches take turns
    assert chain == [(2,), (4, 6, 8, 10), (12,)], "12 joins them"
    first, second = (found[position] for position in (2, 4))
    assert first.valley == -4 * 64
    assert second.valley == -2 * 64
    assert (
        first.hill
        < second.hill
        == max(
            graph.run(position, done, live)[0] - 4 * 64
            for position, done, live in [(4, 0b0101, 4 * 64), (6, 0b10101, 20 * 64), (8, 0b1010101, 6 * 64)]
        )
    )


def test_the_order_by_segments_gives_up_in_time():
    graph = graph_of(branches(*random_widths(0, 6)))
    assert order_by_segments(graph, time.thread_time() - 1) is None
    peak, positions = order_by_segments(graph, time.thread_time() + 10)
    assert peak == graph.peak(positions)
