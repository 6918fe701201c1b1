import time

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from tflite import files, unusual
from tflite.network import Network

from keras_unetmm.kernels.tflm_reference import REFERENCE
from keras_unetmm.planner.lifetimes import ALIGNMENT, aligned, bases, timeline
from keras_unetmm.tflite_file.edit import File
from keras_unetmm.tflite_file.graph import TFLiteFileError, read

MAP = 8 * 8 * 4  # bytes


def lives(content):
    """First and last step of every tensor that gets a place."""
    return {b.tensor: (b.first, b.last) for b in timeline(read(content)).buffers if b.tensor is not None}


def test_every_operator_is_a_step_and_inputs_are_set_before():
    assert lives(files.unet()) == {0: (0, 1), 1: (1, 6), 2: (2, 3), 3: (3, 4), 4: (4, 5), 5: (5, 6), 6: (6, 6)}
    time_line = timeline(read(files.unet()))
    assert time_line.steps == tuple((0, position, position) for position in range(6))
    half = MAP // 4
    assert time_line.live() == (
        *(MAP, 2 * MAP, MAP + half, MAP + 2 * half),
        *(MAP + 2 * half, 2 * MAP + half, 3 * MAP),
    )


def test_sizes_are_whole_alignments():
    assert ALIGNMENT == 16
    assert [aligned(size) for size in (0, 1, 16, 17)] == [0, 16, 16, 32]
    content = files.build([((1, 5), None), ((1, 17), None)], [("PAD", [0], [1], None)], [0], [1])
    assert [buffer.bytes for buffer in timeline(read(content)).buffers] == [16, 32]


def test_outputs_live_to_the_end_and_unused_inputs_only_at_the_start():
    operators = [("RELU", [0], [2], None), ("RELU", [2], [3], None), ("RELU", [3], [4], None)]
    content = files.build([((1, 16), None)] * 5, operators, [0, 1], [2, 4])
    assert lives(content) == {0: (0, 1), 1: (0, 0), 2: (1, 3), 3: (2, 3), 4: (3, 3)}


def test_an_input_that_is_an_output_lives_throughout():
    content = files.build([((1, 16), None)] * 3, [("RELU", [0], [1], None), ("RELU", [1], [2], None)], [0], [2, 0])
    assert lives(content)[0] == (0, 2)


def test_what_nothing_touches_is_in_the_plan_and_never_alive():
    content = files.build([((1, 16), None)] * 3, [("RELU", [0], [1], None)], [0], [1])
    time_line = timeline(read(content))
    assert lives(content)[2] == (-1, -1)
    assert max(time_line.live()) == 32


def test_an_output_that_nothing_reads_lives_at_its_operator():
    net = Network()
    x = net.input(1, 4, 4, 4)
    kept, dropped = net.split(x)
    made = net.unary("RELU", kept)
    assert lives(net.file(made)) == {x: (0, 1), kept: (1, 2), dropped: (1, 1), made: (2, 2)}


def test_constants_and_variables_are_not_in_the_plan():
    assert set(lives(files.convolutions())) == {0, 3, 5}
    file = File(files.chain(3))
    file.main.tensors[2].isVariable = True
    assert set(lives(file.packed())) == {0, 1, 3}
    file.set_plan({2: 512})  # TFLM obeys a file that gives a variable a place
    assert lives(file.packed())[2] == (2, 3)


def test_scratch_lives_while_its_operator_runs():
    net = Network()
    content = net.file(net.mean(net.unary("RELU", net.input(1, 4, 4, 8)), (1, 2)))
    model = read(content)
    sizes = REFERENCE.scratch(model.main, model.main.operators[1])
    found = [buffer for buffer in timeline(model).buffers if buffer.tensor is None]
    assert [(buffer.first, buffer.last, buffer.bytes) for buffer in found] == [(2, 2, aligned(size)) for size in sizes]
    assert timeline(model).buffers[-len(sizes) :] == tuple(found)


def test_graphs_that_an_operator_runs_have_steps_of_their_own():
    time_line = timeline(read(unusual.branches()))
    assert time_line.steps == (
        *((0, 0, 0), (0, 1, 1)),  # RELU; IF, then both of its graphs, each with a step for its inputs
        *((0, 1, 1), (1, 0, 1), (0, 1, 1), (2, 0, 1), (2, 1, 1)),
        (0, 2, 2),
    )
    assert lives(unusual.branches()) == {
        **{0: (0, 7), 1: (0, 1), 2: (1, 8), 3: (2, 8), 4: (8, 8)},
        **{5: (3, 4), 6: (4, 4)},
        **{7: (5, 6), 8: (6, 7), 9: (7, 7)},
    }


def test_handles_of_variables_need_no_arena():
    model = read(unusual.remembered())
    names = {i: model.tensor(i).type for i in lives(unusual.remembered())}
    assert len(names) == 4
    assert "RESOURCE" not in names.values()


def test_a_graph_that_two_operators_run_lives_from_the_first_to_the_last():
    file = File(unusual.branches())
    file.main.operators[1].builtinOptions.elseSubgraphIndex = 1
    assert {tensor: life for tensor, life in lives(file.packed()).items() if tensor in (5, 6)} == {5: (3, 6), 6: (4, 6)}


def test_numbers_count_over_all_graphs():
    model = read(unusual.branches())
    assert bases(model) == [0, 5, 7]
    assert model.tensor(7) is model.graphs[2].tensors[0]


def test_live_bytes_are_the_sum_of_what_lives():
    for content in (files.unet(), unusual.branches(), unusual.loop(), unusual.remembered()):
        time_line = timeline(read(content))
        expected = [
            sum(b.bytes for b in time_line.buffers if b.first <= step <= b.last) for step in range(len(time_line.steps) + 1)
        ]
        assert time_line.live() == tuple(expected)


@pytest.mark.parametrize("target", [0, 1])
def test_graphs_that_run_themselves_are_refused(target):
    file = File(unusual.branches())
    options = schema.IfOptionsT()
    options.thenSubgraphIndex = options.elseSubgraphIndex = target
    operator = file.model.subgraphs[1].operators[0]
    operator.opcodeIndex = file.main.operators[1].opcodeIndex
    operator.builtinOptions, operator.builtinOptionsType = options, schema.BuiltinOptions.IfOptions
    with pytest.raises(TFLiteFileError, match="its graphs call each other more than 32 deep"):
        timeline(read(file.packed()))


def test_graphs_that_run_each_other_without_end_are_refused_at_once():
    net = Network()
    for depth in range(30):  # graph n runs graph n + 1 twice: 2 ** 30 operators
        x = net.input(1, 4)
        made = net.like(x)
        if depth < 29:
            net.operator("IF", [x, x], [made], "If", thenSubgraphIndex=depth + 1, elseSubgraphIndex=depth + 1)
        else:
            net.unary("RELU", x)
        net.graph.outputs = [made]
        if depth < 29:
            net.subgraph()
    begin = time.process_time()
    with pytest.raises(TFLiteFileError, match="or run over 100,000 operators"):
        timeline(read(net.file()))
    assert time.process_time() - begin < 5


@pytest.mark.parametrize(
    "damage",
    [
        lambda main: setattr(main.operators[1], "inputs", np.array([1], "int32")),  # MEAN without its axes
        lambda main: setattr(main.operators[1], "outputs", np.array([], "int32")),
    ],
)
def test_an_operator_without_what_its_kernel_needs_is_refused(damage):
    net = Network()
    file = File(net.file(net.mean(net.unary("RELU", net.input(1, 4, 4, 8)), (1, 2))))
    damage(file.main)
    with pytest.raises(TFLiteFileError, match="lacks a tensor, a size or an option"):
        timeline(read(file.packed()))


def test_a_graph_that_does_not_exist_is_refused():
    file = File(unusual.branches())
    file.main.operators[1].builtinOptions.elseSubgraphIndex = 7
    with pytest.raises(TFLiteFileError, match="lacks a tensor, a size or an option"):
        timeline(read(file.packed()))
