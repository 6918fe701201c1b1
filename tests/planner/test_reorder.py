import functools
import time
from dataclasses import replace

import numpy as np
import pytest
from tflite import files, unusual
from tflite.network import Network

from keras_unetmm.interpreters.runtime import run
from keras_unetmm.planner import reorder as reordering
from keras_unetmm.planner.bound import lower_bound
from keras_unetmm.planner.lifetimes import timeline
from keras_unetmm.planner.operator_graph import OperatorGraph
from keras_unetmm.planner.placement_problem import placement_problem
from keras_unetmm.planner.reorder import reorder
from keras_unetmm.tflite_file.edit import File
from keras_unetmm.tflite_file.graph import Graph, Model, Operator, Tensor, read

PLAIN = "BATCH_MATMUL"  # an operator without scratch, whose input and output never overlap


def random_graph(seed, count, widest=3, elementwise=False, reach=8):
    """Operators of one to three inputs, among the latest so many, and one or two outputs; some are ADD of equal shapes."""
    rng = np.random.default_rng(seed)
    sizes = [int(size) for size in rng.integers(1, 20, 2)]
    operators = []
    for _ in range(count):
        inputs = tuple(
            dict.fromkeys(int(i) for i in rng.integers(max(0, len(sizes) - reach), len(sizes), rng.integers(1, widest + 1)))
        )
        made = int(rng.integers(1, 3))
        alike = [i for i, size in enumerate(sizes) if size == sizes[inputs[0]]]
        if elementwise and rng.random() < 0.6:
            inputs, name, new = (inputs[0], int(rng.choice(alike))), "ADD", [sizes[inputs[0]]]
        else:
            name, new = PLAIN, [int(size) for size in rng.integers(1, 20, made)]
        operators.append(Operator(name, inputs, tuple(range(len(sizes), len(sizes) + len(new))), None))
        sizes += new
    used = {i for operator in operators for i in operator.inputs}
    outputs = [i for i in range(2, len(sizes)) if i not in used and rng.random() < 0.8] or [len(sizes) - 1]
    outputs += [i for i in {int(rng.integers(len(sizes)))} if i not in outputs and rng.random() < 0.3]
    return model_of(sizes, operators, (0, 1), outputs)


def model_of(sizes, operators, inputs, outputs):
    """A model of tensors that take so many times 16 bytes."""
    tensors = tuple(Tensor(f"t{i}", (1, size, 16), "INT8", None, (), (), False) for i, size in enumerate(sizes))
    return Model((Graph(tensors, tuple(operators), tuple(inputs), tuple(outputs)),), 0)


def reordered(model, positions):
    operators = tuple(model.main.operators[position] for position in positions)
    return replace(model, graphs=(replace(model.main, operators=operators), *model.graphs[1:]))


def peak(model, positions):
    """The live bytes of an order at their most, less what an ADD saves that works in place of an input that dies there."""
    graph = reordered(model, positions).main
    sizes = [tensor.arena_bytes for tensor in graph.tensors]
    exist, most = set(graph.inputs), sum(sizes[i] for i in graph.inputs)
    for position, operator in enumerate(graph.operators):
        later = {i for after in graph.operators[position + 1 :] for i in after.inputs} | set(graph.outputs)
        alive = (exist & later) | set(operator.inputs) | set(operator.outputs)
        saved = 0
        if operator.name == "ADD" and any(i not in later for i in operator.inputs):
            saved = sizes[operator.outputs[0]]
        most = max(most, sum(sizes[i] for i in alive) - saved)
        exist = (exist & later) | set(operator.outputs)
    return most


def best_of_all(model):
    """The smallest peak over all orders."""
    operators = model.main.operators
    made_by = {index: position for position, operator in enumerate(operators) for index in operator.outputs}

    @functools.cache
    def orders(done):
        if len(done) == len(operators):
            return [()]
        ready = [
            position
            for position, operator in enumerate(operators)
            if position not in done and all(made_by.get(i, position) in {*done, position} for i in operator.inputs)
        ]
        return [(position, *rest) for position in ready for rest in orders(frozenset({*done, position}))]

    return min(peak(model, positions) for positions in orders(frozenset()))


def check(model, order):
    """Asserts what is true of every order."""
    assert sorted(order.positions) == list(range(len(model.main.operators)))
    made = set(model.main.inputs)
    maker = {i for operator in model.main.operators for i in operator.outputs}
    for operator in reordered(model, order.positions).main.operators:
        assert all(i in made or i not in maker for i in operator.inputs)
        made |= set(operator.outputs)
    assert order.bound <= order.peak
    assert order.exact == (order.bound == order.peak)


@pytest.mark.parametrize("elementwise", [False, True])
@pytest.mark.parametrize("group", range(5))
def test_small_graphs_get_the_best_of_all_orders(group, elementwise):
    for seed in range(12 * group, 12 * group + 12):
        model = random_graph(seed, 3 + seed % 6, elementwise=elementwise)
        order = reorder(model, "reference", seconds=60)
        check(model, order)
        assert order.peak == peak(model, order.positions) == best_of_all(model), seed
        assert order.exact


@pytest.mark.parametrize("seed", range(20))
def test_the_peak_is_that_of_the_timeline(seed):
    model = random_graph(seed, 12)
    order = reorder(model, "any", seconds=0.2)
    assert order.peak == max(timeline(reordered(model, order.positions)).live())


@pytest.mark.parametrize("count", [20, 60, 150])
@pytest.mark.parametrize("seed", range(3))
def test_larger_graphs_get_no_worse(seed, count):
    model = random_graph(seed, count)
    order = reorder(model, "any", seconds=0.2)
    check(model, order)
    own = peak(model, range(count))
    assert order.peak == peak(model, order.positions) <= own
    assert order.bound > 0


def test_some_get_better():
    gains = [
        peak(model, range(20)) - reorder(model, "any", seconds=0.5).peak
        for model in (random_graph(seed, 20, widest=2) for seed in range(10))
    ]
    assert min(gains) >= 0
    assert sum(gain > 0 for gain in gains) > 5


def unet_of(blocks, seed=0):
    """A U-Net of gated blocks whose skips are squeezed and grown again, and the same in a senseless order."""
    sizes, operators, skips = [64], [], []

    def add(*inputs, made):
        operators.append(Operator(PLAIN, inputs, (len(sizes),), None))
        sizes.append(made)
        return len(sizes) - 1

    def block(x):
        normed = add(x, made=sizes[x])
        halves = [add(add(normed, made=sizes[x]), made=sizes[x]) for _ in range(2)]
        gated = add(*halves, made=sizes[x])
        weights = add(add(gated, made=1), made=1)
        return add(add(gated, weights, made=sizes[x]), x, made=sizes[x])

    x = 0
    for _ in range(4):
        for _ in range(blocks):
            x = block(x)
        skips.append((add(x, made=max(1, sizes[x] // 16)), sizes[x]))
        x = add(x, made=sizes[x] - 8)
    for skip, size in reversed(skips):
        x = add(add(x, made=size), add(add(skip, made=size), made=size), made=size)
        for _ in range(blocks):
            x = block(x)
    model = model_of(sizes, operators, [0], [x])
    rng, order, done, left = np.random.default_rng(seed), [], {0}, list(range(len(operators)))
    while left:
        ready = [position for position in left if set(operators[position].inputs) <= done]
        order.append(int(rng.choice(ready)))
        left.remove(order[-1])
        done |= set(operators[order[-1]].outputs)
    return model, reordered(model, order)


@pytest.mark.parametrize(
    "model",
    [random_graph(0, 500, reach=500), unet_of(6)[1]],
    ids=["wide", "unet"],
)
def test_500_operators_take_ten_seconds_at_most(model):
    assert 490 <= len(model.main.operators) <= 520
    begin = time.thread_time()
    order = reorder(model, "any")
    assert time.thread_time() - begin < 10
    check(model, order)
    assert order.peak == peak(model, order.positions) <= peak(model, range(len(order.positions)))


def test_a_unet_is_put_into_its_sensible_order():
    sensible, senseless = unet_of(2)
    order = reorder(senseless, "any")
    assert order.exact
    assert order.peak <= peak(sensible, range(len(order.positions))) < peak(senseless, range(len(order.positions)))


def test_an_order_that_cannot_be_improved_is_kept(monkeypatch):
    for seed in range(30):
        model = random_graph(seed, 6)
        if peak(model, range(6)) == best_of_all(model):
            monkeypatch.setattr(reordering, "_beam", None)  # there is nothing to look for
            assert reorder(model, seconds=60).positions == tuple(range(6))


def test_an_operator_needs_what_lives_through_it_in_every_order():
    """In a U-Net whose order is forced, the skip counts at the operators that neither make nor read it."""
    net = Network()
    skip = net.conv(net.input(1, 8, 8, 16), 16, (3, 3))
    low = net.conv(net.pool("MAX_POOL_2D", skip, stride=(2, 2)), 64, (3, 3))
    low = net.conv(low, 16, (3, 3))
    model = read(net.file(net.binary("ADD", net.resize("RESIZE_NEAREST_NEIGHBOR", low, 8, 8), skip)))
    floors = OperatorGraph(model.main, "reference").floors
    live = timeline(model).live()[1:]  # the first is the input, before any operator
    small, large, kept = 4 * 4 * 16, 4 * 4 * 64, 8 * 8 * 16
    assert [op.name for op in model.main.operators] == [
        "CONV_2D",
        "MAX_POOL_2D",
        "CONV_2D",
        "CONV_2D",
        "RESIZE_NEAREST_NEIGHBOR",
        "ADD",
    ]
    assert live[2] == live[3] == kept + small + large
    assert all(live[i] - small <= floors[i] <= live[i] for i in (2, 3)), "less what overlaps at most"
    assert floors[2] > small + large


def test_where_time_runs_out_a_heuristic_answers_and_says_so():
    for seed in range(5):
        model = random_graph(seed, 60, reach=30)
        order = reorder(model, "any", seconds=0)
        check(model, order)
        assert order.peak == peak(model, order.positions) <= peak(model, range(60))
        assert order.bound < order.peak
        assert not order.exact


# what keeps its order


@pytest.mark.parametrize("seed", range(10))
def test_operators_with_state_keep_their_order(seed):
    model, rng = random_graph(seed, 30), np.random.default_rng(seed)
    operators, tensors = list(model.main.operators), list(model.main.tensors)
    state = len(tensors)
    tensors.append(replace(tensors[0], variable=True))
    kinds = ({"name": "READ_VARIABLE"}, {"name": "ASSIGN_VARIABLE"}, {"name": "IF"}, {"name": "secret", "custom": True}, {})
    chosen = sorted(int(position) for position in rng.choice(30, 8, replace=False))
    for position in chosen:
        change = kinds[rng.integers(len(kinds))]
        inputs = operators[position].inputs
        operators[position] = replace(operators[position], inputs=inputs if change else (*inputs, state), **change)
    changed = Model((replace(model.main, operators=tuple(operators), tensors=tuple(tensors)),), 0)
    positions = reorder(changed, seconds=0.5).positions
    assert [position for position in positions if position in chosen] == chosen
    assert sorted(positions) == list(range(30))


def memories():
    """Two SVDF and a variable that is read, set and read again, beside branches that are better taken first."""
    net = Network()
    x = net.input(1, 8)
    first, second = (net.pad(x, (0, 0), (0, 100 * n)) for n in (1, 4))
    states = [unusual.add_svdf(net, source, filters=4, rank=1, scale=1 / 4) for source in (first, second)]
    handle = net.operator(
        "VAR_HANDLE", [], [net.tensor((), None, dtype="resource")], "VarHandle", container="", sharedName="v"
    )

    def assign(value):
        net.operator("ASSIGN_VARIABLE", [handle, value], [-1], "AssignVariable")
        net.graph.operators[-1].outputs = []

    assign(states[0])
    before = net.operator("READ_VARIABLE", [handle], [net.like(states[0])], "ReadVariable")
    large = net.unary("RELU", net.unary("RELU6", net.pad(states[1], (0, 0), (0, 300))))
    assign(net.binary("ADD", states[1], before))
    after = net.operator("READ_VARIABLE", [handle], [net.like(states[0])], "ReadVariable")
    return net.file(net.binary("SUB", before, after), net.mean(large, (1,)))


def test_state_is_the_same_on_TFLM():
    content = memories()
    model = read(content)
    order = reorder(model, "reference")
    assert order.peak < max(timeline(model).live())
    names = [model.main.operators[position].name for position in order.positions]
    assert [name for name in names if "VARIABLE" in name] == ["ASSIGN_VARIABLE", "READ_VARIABLE"] * 2
    assert sorted(p for p in order.positions if model.main.operators[p].name == "SVDF") == [
        p for p in order.positions if model.main.operators[p].name == "SVDF"
    ]
    file = File(content)
    file.reorder(order.positions)
    several = np.concatenate([files.inputs(content, seed)[0] for seed in range(4)])
    before, after = (run(which, several).outputs for which in (content, file.packed()))
    assert [output.tobytes() for output in before] == [output.tobytes() for output in after]
    assert len({row.tobytes() for row in before[0]}) > 1


# real files


@pytest.mark.parametrize("seed", range(12))
def test_reordered_files_give_the_same_outputs(seed):
    content = files.tangle(seed, 14)
    model = read(content)
    order = reorder(model, "reference", seconds=0.5)
    check(model, order)
    file = File(content)
    file.reorder(order.positions)
    assert files.outputs(file.packed()) == files.outputs(content)
    assert order.peak <= max(timeline(model).live())
    assert lower_bound(placement_problem(read(file.packed()), "reference")) <= order.peak


@pytest.mark.parametrize("make", [unusual.branches, unusual.remembered, unusual.svdf, unusual.spectrum])
def test_small_files_with_state_or_control_flow(make):
    model = read(make())
    check(model, reorder(model))
