import pytest
from tflite import files, problems, unusual
from tflite.network import Network

from keras_unetmm.planner.lifetimes import Buffer, Timeline, timeline
from keras_unetmm.planner.placement_problem import Pair, PlacementProblem, placement_problem, saved
from keras_unetmm.tflite_file.edit import File
from keras_unetmm.tflite_file.graph import read

MAP = (1, 6, 10, 16)


def pairs(content, kernels="reference"):
    """The pairs by tensors."""
    problem = placement_problem(read(content), kernels)
    tensors = [buffer.tensor for buffer in problem.buffers]
    return {(tensors[p.input], tensors[p.output]): (p.step, p.least, p.same) for p in problem.pairs}


def test_every_step_of_a_chain_may_work_in_place():
    content = files.chain(3)
    assert pairs(content) == {(0, 1): (1, 0, None), (1, 2): (2, 0, None), (2, 3): (3, 0, None)}
    problem = placement_problem(read(content))
    assert problem.timeline == timeline(read(content))
    assert problem.buffers is problem.timeline.buffers


def test_the_least_distance_is_aligned():
    net = Network()
    x = net.input(1, 5, 5, 3)
    content = net.file(net.conv(x, 3, (3, 3)))
    ((pair, (step, least, same)),) = pairs(content).items()
    assert (pair[0], step, least, same) == (x, 1, 32, None)  # 7 pixels of 3 bytes


def test_an_input_that_is_needed_later_is_not_written_over():
    net = Network()
    x = net.input(*MAP)
    a = net.unary("RELU", x)
    b = net.unary("RELU", a)
    c = net.binary("ADD", a, b)
    assert pairs(net.file(c)) == {(x, a): (1, 0, None), (a, c): (3, 0, None), (b, c): (3, 0, None)}


def test_an_output_of_the_graph_is_not_written_over():
    net = Network()
    x = net.input(*MAP)
    a = net.unary("RELU", x)
    b = net.unary("RELU", a)
    assert set(pairs(net.file(b))) == {(x, a), (a, b)}
    assert set(pairs(net.file(a, b))) == {(x, a)}
    assert set(pairs(net.file(b, x))) == {(a, b)}


def test_copies_share_bytes_although_the_input_lives_on():
    net = Network()
    x = net.input(*MAP)
    flat = net.reshape(x, 1, 60, 16)
    top, bottom = net.split(flat, 2, 1)
    whole = net.concatenate([bottom, top], 1)
    found = pairs(net.file(whole, x, flat))
    assert found == {
        (x, flat): (1, None, 0),
        (flat, top): (2, None, 0),
        (flat, bottom): (2, None, -480),
        (bottom, whole): (3, None, 0),
        (top, whole): (3, None, 480),
    }


def test_constants_variables_and_scratch_are_in_no_pair():
    net = Network()
    x = net.input(*MAP)
    made = net.mean(net.binary("ADD", x, net.constant(*MAP)), (1, 2))
    content = net.file(made)
    problem = placement_problem(read(content))
    assert [(problem.buffers[p.input].tensor, problem.buffers[p.output].tensor) for p in problem.pairs] == [(x, x + 2)]
    assert any(buffer.tensor is None for buffer in problem.buffers)
    file = File(files.chain(2))
    file.main.tensors[1].isVariable = True
    assert pairs(file.packed()) == {}


def test_graphs_that_an_operator_runs_keep_their_tensors_apart():
    assert set(pairs(unusual.branches())) == {(1, 2), (2, 4), (3, 4)}
    assert set(pairs(unusual.loop())) == {(7, 8)}  # not the counter, whose sum is computed within the loop


def test_a_graph_may_be_longer_than_the_one_that_runs_it():
    net = Network()
    condition, x = net.input(1, dtype="bool"), net.input(1, 4, 4, 4)
    made = net.operator("IF", [condition, x], [net.like(x)], "If", thenSubgraphIndex=1, elseSubgraphIndex=1)
    net.graph.outputs = [made]
    net.subgraph()
    y = net.input(1, 4, 4, 4)
    for _ in range(4):
        y = net.unary("RELU", y)
    assert pairs(net.file(y)) == {}


def test_the_library_of_kernels_decides():
    net = Network()
    content = net.file(net.conv(net.unary("RELU", net.input(*MAP)), 16))
    assert len(pairs(content, "reference")) == 2
    assert len(pairs(content, "cmsis-nn")) == len(pairs(content, "any")) == len(pairs(content)) - 1
    with pytest.raises(ValueError, match="kernels must be one of"):
        placement_problem(read(content), "fast")


@pytest.mark.parametrize("seed", range(10))
def test_whoever_is_in_a_pair_meets_at_its_step(seed):
    problem = placement_problem(read(problems.small_file(seed, 8)), "reference")
    for pair in problem.pairs:
        source, output = problem.buffers[pair.input], problem.buffers[pair.output]
        assert source.first < pair.step == output.first <= source.last
        assert pair.least is None or (source.last == pair.step and pair.least % 16 == 0 <= pair.least)
        assert (pair.least is None) != (pair.same is None)


@pytest.mark.parametrize("a", [16, 48, 96])
@pytest.mark.parametrize("b", [16, 48, 96])
def test_what_a_pair_saves_is_the_most_that_can_overlap(a, b):
    time_line = Timeline((Buffer(0, 0, 1, a), Buffer(1, 1, 1, b)), ((0, 0, 0),))

    def most(distances):
        return max([0, *(a + b - (max(d + a, b) - min(d, 0)) for d in distances)])

    for least in range(0, 112, 16):
        pair = Pair(0, 1, 1, least, None)
        assert saved(PlacementProblem(time_line, (pair,)), pair) == most(range(least, 256, 16))
    pair = Pair(0, 1, 1, None, 0)
    assert saved(PlacementProblem(time_line, (pair,)), pair) == most([0])


def test_a_part_saves_all_of_itself():
    net = Network()
    x = net.input(1, 4, 1, 16)
    problem = placement_problem(read(net.file(*net.split(x, 4, 1))))
    assert [saved(problem, pair) for pair in problem.pairs] == [16] * 4
