import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from tflite import files, unusual
from tflite.claims import check
from tflite.network import Network

from keras_unetmm.interpreters.runtime import TFLMError, measure
from keras_unetmm.kernels.libraries import LIBRARIES
from keras_unetmm.planner import planner
from keras_unetmm.planner.lifetimes import aligned
from keras_unetmm.planner.report import report
from keras_unetmm.planner.verify import PlanRefused, verify
from keras_unetmm.runtime.cross_check import OutputsDifferError, cross_check
from keras_unetmm.tflite import plan
from keras_unetmm.tflite_file.edit import File
from keras_unetmm.tflite_file.graph import PLAN, TFLiteFileError, read

MAP = 8 * 8 * 4  # bytes of the files' full-size maps


def test_a_chain_needs_two_maps_as_it_is_and_one_planned():
    found = plan(files.chain(5))
    assert found.live == (2 * MAP,) * 5
    assert found.order_bound == found.greedy_head == 2 * MAP == measure(files.chain(5)).head
    assert found.planned.head == found.planned.bound == MAP == measure(found.planned.content).head


def test_a_skip_is_alive_across_the_branch():
    found = plan(files.unet())
    lives = {life.tensor: (life.first, life.last) for life in found.lifetimes}
    assert lives == {0: (0, 0), 1: (0, 5), 2: (1, 2), 3: (2, 3), 4: (3, 4), 5: (4, 5), 6: (5, 5)}
    half = MAP // 4
    assert found.live == (2 * MAP, MAP + half, MAP + 2 * half, MAP + 2 * half, 2 * MAP + half, 3 * MAP)
    assert (found.peak, found.order_bound) == (5, 3 * MAP)
    assert {life.tensor for life in found.alive(5)} == {1, 5, 6}
    assert measure(files.unet()).head == found.greedy_head >= found.order_bound


def test_constants_need_no_arena_and_are_flash():
    found = plan(files.convolutions())
    assert {life.tensor for life in found.lifetimes} == {0, 3, 5}
    assert found.flash_bytes == len(files.convolutions())


def test_macs_are_weights_times_positions():
    assert plan(files.convolutions()).macs == 4 * 6 * (3 * 3 * 2 * 4) + 4 * 6 * (3 * 3 * 4)
    assert plan(files.chain(2)).macs == 0
    assert plan(unusual.svdf()).macs == 6 * (8 + 5)


@pytest.mark.parametrize("seed", range(5))
def test_live_bytes_of_random_graphs_equal_a_simulation(seed):
    rng = np.random.default_rng(seed)
    sizes = [int(size) for size in rng.integers(1, 40, 12)]
    tensors = [((1, 1, size), None) for size in sizes]
    operators = []
    for i in range(1, len(tensors)):
        sources = sorted({int(s) for s in rng.integers(0, i, 2)})
        operators.append(("CONCATENATION", sources, [i], schema.ConcatenationOptionsT()))
    found = plan(files.build(tensors, operators, [0], [len(tensors) - 1]))

    for position, (_, sources, made, _) in enumerate(operators):
        later = {s for _, inputs, _, _ in operators[position + 1 :] for s in inputs} | {len(tensors) - 1}
        existing = {0, *range(1, position + 2)}
        alive = (existing & later) | set(sources) | set(made)
        alive -= {0} if 0 not in later and 0 not in sources and position > 0 else set()
        assert found.live[position] == sum(aligned(sizes[i]) for i in alive)


def test_an_operator_without_its_kernel_is_refused():
    broken = files.build([((1, 4, 4, 1), None), ((1, 4, 4, 1), None)], [("CONV_2D", [0], [1], None)], [0], [1])
    with pytest.raises(TFLiteFileError, match="lacks a tensor"):
        plan(broken)


def test_an_empty_graph_has_no_peak():
    found = plan(files.build([((1, 4), None)], [], [0], [0]))
    assert (found.order_bound, found.peak, found.macs) == (16, None, 0)


def test_unknown_kernels_are_refused():
    with pytest.raises(ValueError, match=r"kernels must be one of 'any', .*, 'none'\. Received: 'fast'"):
        plan(files.chain(2), kernels="fast")


def block(dtype="int8", channels=8):
    """What NAFNet repeats: norm, expansion, depthwise convolution, gate, attention to channels, reduction, residual."""
    net = Network(dtype=dtype)
    x = net.input(1, 12, 10, channels)
    normed = net.binary("MUL", x, net.constant(channels))
    left, right = net.split(net.depthwise(net.conv(normed, 2 * channels)))
    gate = net.binary("MUL", left, right, scale=1 / 16)
    gate = net.binary("MUL", gate, net.conv(net.mean(gate, (1, 2)), channels))
    return net.file(net.binary("ADD", net.conv(gate, channels), x))


def mixed(outside="uint8", inside="int8"):
    """Inputs and outputs of one type, and operators of another."""
    net = Network(dtype=inside)
    there = "DEQUANTIZE" if inside == "float32" else "QUANTIZE"
    x = net.operator(there, [net.input(1, 8, 8, 4, dtype=outside, zero_point=128)], [net.tensor((1, 8, 8, 4))])
    y = net.binary("ADD", x, net.conv(x, 4, (3, 3)))
    return net.file(net.operator("QUANTIZE", [y], [net.tensor((1, 8, 8, 4), dtype=outside, zero_point=128)]))


def everything_at_once():
    """Inputs that nothing reads, or that are outputs, outputs that others read, results that nothing reads."""
    net = Network()
    x, passed, _ = net.input(1, 8, 8, 4), net.input(1, 3), net.input(1, 50)
    early = net.conv(x, 8, (3, 3))
    net.unary("RELU", early)
    return net.file(net.pool("MAX_POOL_2D", net.depthwise(early), stride=(2, 2)), passed, early)


UNUSUAL = {
    **{f.__name__: f() for f in (unusual.branches, unusual.loop, unusual.remembered, unusual.svdf, unusual.spectrum)},
    "svdf, float32": unusual.svdf("float32"),
    **{f"block, {kind}": block(kind) for kind in ("int8", "int16", "float32")},
    "uint8 outside": mixed(),
    "float32 inside": mixed("int8", "float32"),
    "everything at once": everything_at_once(),
    **{f"tangle {seed}": files.tangle(seed) for seed in range(4)},
}


@pytest.mark.parametrize("kernels", LIBRARIES)
@pytest.mark.parametrize("name", UNUSUAL)
def test_whatever_the_file_holds_the_plan_is_what_it_says(name, kernels):
    check(UNUSUAL[name], kernels)


@pytest.mark.parametrize(
    ("name", "content"), [(name, UNUSUAL[name]) for name in ("branches", "block, int8", "tangle 1", "everything at once")]
)
def test_a_plan_in_the_file_is_replaced_and_the_next_is_no_worse(name, content):
    first = check(content).planned
    again = check(first.content)
    assert again.greedy_head == first.head
    file = File(again.planned.content)
    assert [entry.name for entry in file.model.metadata] == [PLAN]
    assert len(again.planned.content) <= len(first.content)


def test_a_plan_of_a_part_of_the_tensors_is_replaced():
    file = File(files.unet())
    file.set_plan({1: 2048, 5: 1024})
    found = check(file.packed())
    assert found.greedy_head == 2048 + MAP
    assert found.planned.head <= plan(files.unet()).greedy_head


def test_an_unsafe_plan_in_the_file_is_replaced_by_a_safe_one():
    file = File(files.unet())
    file.set_plan(dict.fromkeys(range(7), 0))
    found = plan(file.packed())
    assert found.greedy_head == MAP == measure(file.packed()).head
    assert found.planned.head == measure(found.planned.content).head > MAP
    cross_check(files.unet(), found.planned.content)
    with pytest.raises(OutputsDifferError):
        cross_check(files.unet(), file.packed())


def test_an_output_is_not_written_over_by_the_last_operator():
    net = Network()
    early = net.unary("RELU", net.input(1, 8, 8, 4))
    found = check(net.file(net.unary("RELU6", early), early))
    assert found.planned.head == 2 * MAP


@pytest.mark.parametrize("name", ["GELU", "TILE", "CONV_3D", "SOME_CUSTOM_OPERATOR"])
def test_a_file_that_TFLM_cannot_run_is_planned_and_the_operator_named(name):
    net = Network()
    x = net.input(1, 8, 8, 4)
    weights = [net.constant(1, 1, 1, 4, 4)] if name == "CONV_3D" else []
    y = net.operator(name, [x, *weights], [net.like(x)])
    content = net.file(net.binary("MUL", *net.split(net.conv(y, 16))))
    with pytest.raises(TFLMError, match=name):
        measure(content)
    found, result = report(content)
    assert name in result["why_not_measured"]
    assert result["as_is"] == {"greedy_head": 2 * 16 * 64, "order_bound": 2 * 16 * 64, "measured": None}
    assert found.planned.rewrites == ("SPLIT of 1x8x8x16 pushed up through CONV_2D",)
    assert (result["planned"]["head"], result["planned"]["measured"]) == (found.planned.head, None)
    verify(found.planned.content, "any")
    assert name in [operator.name for operator in found.planned.graph.operators]


def test_the_order_of_what_remembers_is_kept():
    for content in (unusual.remembered(), custom_operators()):
        names = [operator.name for operator in read(content).main.operators]
        planned = [operator.name for operator in plan(content).planned.graph.operators]
        kept = {"CALL_ONCE", "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE", "FIRST", "SECOND"}
        assert [name for name in planned if name in kept] == [name for name in names if name in kept]


def custom_operators():
    """The second of two operators that nothing is known about would better come first."""
    net = Network()
    x = net.input(1, 64)
    large = net.operator("FIRST", [x], [net.tensor((1, 512))])
    small = net.operator("SECOND", [x], [net.tensor((1, 16))])
    return net.file(net.dense(large, 4), small)


def test_a_file_too_large_for_offsets_is_analysed_and_not_planned():
    found = plan(files.chain(2, (1, 40_000, 30_000, 1)))
    assert found.order_bound == 2 * 40_000 * 30_000
    assert found.planned is None
    assert found.why_not_planned == "It needs 2,400,000,000 bytes at once, more than offsets can express."


def test_what_the_verifier_refuses_is_no_plan(monkeypatch):
    def refuse(content, kernels):
        raise PlanRefused("tensor 1 is destroyed")

    monkeypatch.setattr(planner, "verify", refuse)
    found = plan(files.unet())
    assert (found.planned, found.order_bound) == (None, 3 * MAP)
    assert found.why_not_planned == "The plan did not pass its verifier: tensor 1 is destroyed"


def test_a_block_needs_three_maps_with_the_reference_kernels():
    heads = {kernels: check(block(), kernels).planned.head for kernels in LIBRARIES}
    one = 12 * 10 * 8
    assert heads["reference"] <= 3.2 * one < heads["any"] <= 4.2 * one
    assert heads["none"] >= heads["any"] >= heads["cmsis-nn"]
    assert plan(block()).greedy_head >= 5 * one


def test_the_bound_counts_a_place_once():
    """A map whose copy is an output cannot be written over, and two copies of it that are outputs are two maps."""
    net = Network()
    x = net.unary("RELU", net.input(1, 8, 8, 4))
    for copies in (1, 2):
        outputs = [net.reshape(x, 1, 64 * copies, 4 // copies) for _ in range(copies)]
        found = check(net.file(net.unary("RELU6", x), *outputs))
        assert found.planned.head == found.planned.bound == (copies + 1) * MAP
        net = Network()
        x = net.unary("RELU", net.input(1, 8, 8, 4))


def test_sums_take_the_place_of_what_they_sum():
    net = Network()
    x = net.input(1, 8, 8, 4)
    made = net.operator("CUMSUM", [x, net.numbers(3)], [net.like(x)], "Cumsum", exclusive=False, reverse=False)
    assert check(net.file(made)).planned.head == 8 * 8 * 4
