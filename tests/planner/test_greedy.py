"""What is said of TFLM's own planner is what TFLM does, to the byte."""

import numpy as np
import pytest
from tflite import files, unusual
from tflite.network import Network

from keras_unetmm.interpreters.runtime import measure
from keras_unetmm.planner.greedy import greedy
from keras_unetmm.planner.lifetimes import Buffer, timeline
from keras_unetmm.tflite_file.edit import File
from keras_unetmm.tflite_file.graph import read


def placed(buffers, offsets=()):
    addresses, head = greedy(buffers, offsets)
    return [addresses[i] for i in range(len(buffers))], head


def predicted(content, offsets=()):
    """The head for the file; `offsets` are those of tensors."""
    buffers = timeline(read(content)).buffers
    fixed = {i: offsets[buffer.tensor] for i, buffer in enumerate(buffers) if buffer.tensor in offsets}
    return greedy(buffers, fixed)[1]


def partly_planned(content, offsets):
    file = File(content)
    file.set_plan(offsets)
    return file.packed()


def test_large_ones_come_first_and_take_the_lowest_place():
    buffers = [Buffer(0, 0, 1, 16), Buffer(1, 1, 2, 64), Buffer(2, 2, 3, 32)]
    assert placed(buffers) == ([64, 0, 64], 96)


def test_later_ones_come_first_among_equals():
    buffers = [Buffer(0, 0, 3, 32), Buffer(1, 1, 2, 32), Buffer(2, 2, 3, 32)]
    assert placed(buffers) == ([64, 32, 0], 96)


def test_the_lowest_gap_that_fits_is_taken():
    buffers = [Buffer(0, 0, 0, 96), Buffer(1, 0, 9, 80), Buffer(2, 1, 9, 64), Buffer(3, 2, 9, 48)]
    assert placed(buffers) == ([0, 96, 0, 176], 224)  # 32 bytes are free below the second
    assert placed([*buffers[:3], Buffer(3, 2, 9, 32)]) == ([0, 96, 0, 64], 176)


def test_what_is_never_alive_still_gets_a_place():
    assert placed([Buffer(0, 0, 1, 16), Buffer(1, -1, -1, 64)]) == ([0, 0], 64)


def test_fixed_ones_stay_and_the_others_go_around_them():
    buffers = [Buffer(0, 0, 1, 32), Buffer(1, 0, 1, 64), Buffer(2, 1, 1, 32)]
    assert placed(buffers, {0: 32}) == ([32, 64, 0], 128)
    assert placed(buffers, {0: 32, 2: 32}) == ([32, 64, 32], 128)  # nobody checks those
    assert placed(buffers, {2: 4096}) == ([64, 0, 4096], 4128)


def test_nothing_needs_nothing():
    assert greedy(()) == ({}, 0)


@pytest.mark.parametrize("seed", range(40))
def test_random_files(seed):
    content = files.tangle(seed, 4 + seed % 12)
    buffers = timeline(read(content)).buffers
    addresses, head = placed(buffers)
    assert head == measure(content).head
    for i, a in enumerate(buffers):
        for j, b in enumerate(buffers[:i]):
            if a.first <= b.last and b.first <= a.last:
                assert addresses[i] + a.bytes <= addresses[j] or addresses[j] + b.bytes <= addresses[i]


@pytest.mark.parametrize("seed", range(20))
def test_random_files_that_are_planned_in_part(seed):
    rng, content = np.random.default_rng(seed), files.tangle(seed)
    planned = [buffer.tensor for buffer in timeline(read(content)).buffers if buffer.tensor is not None]
    chosen = rng.choice(planned, rng.integers(1, len(planned)), replace=False)
    offsets = {int(tensor): int(rng.integers(0, 100)) * 16 for tensor in chosen}
    assert measure(partly_planned(content, offsets)).head == predicted(content, offsets)


@pytest.mark.parametrize("make", [unusual.branches, unusual.loop, unusual.remembered])
def test_files_with_several_graphs(make):
    assert predicted(make()) == measure(make()).head
    offsets = {buffer.tensor: 160 for buffer in timeline(read(make())).buffers[1::2] if buffer.tensor is not None}
    assert measure(partly_planned(make(), offsets)).head == predicted(make(), offsets)


def test_a_graph_that_an_operator_runs_twice():
    """Its tensors and its scratch live from the first run to the last, through the graphs run in between."""
    net = Network()
    condition, x = net.input(1, dtype="bool"), net.input(1, 8, 8, 4)
    made = net.like(x, 1, 8, 8)
    net.operator("IF", [condition, x], [made], "If", thenSubgraphIndex=1, elseSubgraphIndex=1)
    net.graph.outputs = [made]
    net.subgraph()
    content = net.file(net.mean(net.unary("RELU", net.input(1, 8, 8, 4)), (3,), keep=False))
    assert predicted(content) == measure(content).head
    scratch = [buffer for buffer in timeline(read(content)).buffers if buffer.tensor is None]
    assert {(buffer.first, buffer.last) for buffer in scratch} == {(4, 7)}


def test_a_graph_that_nothing_runs():
    net = Network()
    net.graph.outputs = [net.unary("RELU", net.input(1, 4, 4, 4))]
    net.subgraph()
    content = net.file(net.unary("RELU", net.input(1, 8, 8, 8)))
    assert predicted(content) == measure(content).head == 2 * 512  # its tensors exclude each other


@pytest.mark.parametrize("dtype", ["int8", "int16", "float32"])
def test_an_empty_tensor_and_one_that_nothing_touches(dtype):
    net = Network(dtype=dtype)
    made = net.unary("RELU", net.input(1, 4, 4, 4)) if dtype != "int16" else net.logistic(net.input(1, 4, 4, 4))
    net.tensor((1, 4, 4, 40))
    net.tensor((0, 4))
    content = net.file(made)
    assert predicted(content) == measure(content).head == 640 * np.dtype(dtype).itemsize


def test_inputs_that_are_outputs_and_nothing_in_between():
    net = Network()
    content = net.file(net.input(1, 5, 5, 5), net.input(1, 7))
    assert predicted(content) == measure(content).head == 128 + 16


def test_an_output_that_nothing_computes():
    net = Network()
    made = net.unary("RELU", net.pool("MAX_POOL_2D", net.input(1, 8, 8, 4), stride=(2, 2)))
    content = net.file(net.unary("RELU", made), net.tensor((1, 4, 4, 8)))
    assert predicted(content) == measure(content).head == 256 + 64  # it is there at the end only


def test_a_variable_with_a_place_in_the_plan():
    net = Network()
    x, state = net.input(1, 4, 4, 4), net.tensor((1, 4, 4, 4))
    net.graph.tensors[state].isVariable = True
    content = net.file(net.binary("ADD", x, state))
    assert predicted(content) == measure(content).head == 128
    content = partly_planned(content, {state: 16})
    assert predicted(content, {state: 16}) == measure(content).head


def test_many_operators_with_scratch():
    net = Network()
    x = net.input(1, 5, 7, 8)
    for _ in range(6):
        x = net.binary("ADD", net.transposed(net.depthwise(x), 8, stride=(1, 1)), net.mean(x, (1, 2)))
    content = net.file(net.mean(x, (3,)))
    assert predicted(content) == measure(content).head
