"""Chains of operators that make one byte of one byte are one table, and what moves elements without TFLM's help."""

import numpy as np
import pytest
from engine.kernels.test_maps import tables
from tflite.network import Network

from keras_unetmm.engine import host
from keras_unetmm.engine.kernels import KERNELS, table
from keras_unetmm.engine.kernels.kernel import NoKernelError
from keras_unetmm.engine.schedule import rows, whole
from keras_unetmm.interpreters import runtime
from keras_unetmm.tflite_file.graph import read

pytestmark = pytest.mark.no_backend


def gelu(constant_shape=(1,)):
    """x * logistic(1.702 * x), and one operator more than the chain."""
    network = Network(0)
    x = network.input(1, 4, 5, 3, scale=0.05, zero_point=7)
    factor = network.tensor(constant_shape, 1.702 / 127, data=np.full(constant_shape, 127, "int8"))
    gate = network.logistic(network.binary("MUL", x, factor, scale=0.09, zero_point=7))
    made = network.binary("MUL", x, gate, scale=0.03, zero_point=-122)
    return network.file(made)


def test_a_chain_that_reads_its_map_twice_is_one_table():
    content = gelu()
    graph = read(content).main
    assert table.one_to_one(graph, graph.operators)
    made = table.chain_kernel(graph, graph.operators, tables)
    values = np.arange(60, dtype="int8").reshape(1, 4, 5, 3) - 30
    expected = runtime.run(content, values, runtime="tflm").outputs[0]
    lookup = made.parameters.fields["table"].array
    np.testing.assert_array_equal(lookup[values.view("uint8")].view("int8"), expected)
    np.testing.assert_array_equal(host.run(content, [values], tables)[0], expected)


def test_constants_of_several_numbers_are_no_table():
    graph = read(gelu((1, 1, 1, 3))).main
    assert not table.one_to_one(graph, graph.operators)
    with pytest.raises(NoKernelError, match="no function of one byte"):
        table.chain_kernel(graph, graph.operators, tables)


def test_without_an_interpreter_there_is_no_table():
    graph = read(gelu()).main
    with pytest.raises(NoKernelError, match="interpreter"):
        table.chain_kernel(graph, graph.operators, None)


@pytest.mark.parametrize("divisor", [3, -100])
def test_division_by_a_number(divisor):
    network = Network(0)
    x = network.input(1, 16, 16, 1, scale=0.05, zero_point=7)
    number = network.tensor((1,), 0.1, data=np.array([divisor], "int8"))
    made = network.operator("DIV", [x, number], [network.tensor((1, 16, 16, 1), 0.02, 3)], "Div")
    content, values = network.file(made), np.arange(-128, 128).astype("int8").reshape(1, 16, 16, 1)
    expected = runtime.run(content, values, runtime="tflm").outputs[0]
    np.testing.assert_array_equal(host.run(content, [values], tables)[0], expected)


def test_division_of_two_maps_is_refused():
    network = Network(0)
    x, y = network.input(1, 2, 2, 1), network.input(1, 2, 2, 1)
    graph = read(network.file(network.operator("DIV", [x, y], [network.like(x)], "Div"))).main
    with pytest.raises(NoKernelError, match="undefined"):
        KERNELS["DIV"](graph, graph.operators[0], tables)


def test_tile():
    network = Network(0)
    x = network.input(1, 2, 3, 4)
    made = network.operator("TILE", [x, network.numbers(1, 2, 3, 2)], [network.like(x, 1, 4, 9, 8)])
    values = np.arange(24, dtype="int8").reshape(1, 2, 3, 4)
    np.testing.assert_array_equal(host.run(network.file(made), [values])[0], np.tile(values, (1, 2, 3, 2)))


def test_constants_are_joined_and_moved():
    network = Network(0)
    x, fixed = network.input(1, 3, 4, 2), network.constant(1, 3, 4, 2)
    content = network.file(network.concatenate([fixed, x], 3), network.concatenate([x, fixed], 1))
    values = np.arange(24, dtype="int8").reshape(1, 3, 4, 2)
    expected = runtime.run(content, values, runtime="tflm").outputs
    for a, b in zip(host.run(content, [values]), expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_parts_of_a_map_under_another_shape():
    network = Network(0)
    x = network.input(1, 2, 3, 16)
    other = network.operator("RESHAPE", [x, network.numbers(1, 3, 2, 16)], [network.like(x, 1, 3, 2, 16)], "Reshape")
    parts = [network.like(x, 1, 3, 2, 8) for _ in range(2)]
    network.operator("SPLIT", [network.numbers(3), other], parts, "Split", numSplits=2)
    last = network.operator("RESHAPE", [parts[1], network.numbers(1, 48)], [network.like(x, 1, 48)], "Reshape")
    content, values = network.file(*parts, last), np.arange(96, dtype="int8").reshape(1, 2, 3, 16)
    expected = runtime.run(content, values, runtime="tflm").outputs
    for schedule in (whole, rows):
        for a, b in zip(host.run(content, [values], schedule=schedule), expected, strict=True):
            np.testing.assert_array_equal(a, b)
