"""Who waits in the arena at the peak, and what for."""

from tflite import files, unusual
from tflite.network import Network

from keras_unetmm.planner.skips import at_peak, kinds, waits_at
from keras_unetmm.tflite import plan


def waiting(content):
    """The tensors that wait at the peak, with the operators from and to which they live and their bytes."""
    return [(life.tensor, life.first, life.last, life.bytes) for life in at_peak(plan(content))]


def kinds_of(content):
    found = plan(content)
    return dict(zip((life.tensor for life in found.lifetimes), kinds(found.graph, found.lifetimes), strict=True))


def two_levels():
    """A U-Net of two levels whose peak is in the bottleneck, where both skips wait: t1 and t3."""
    net = Network()
    x = net.unary("RELU", net.input(1, 8, 8, 4))  # t1
    half = net.unary("RELU", net.pool("MAX_POOL_2D", x, stride=(2, 2)))  # t3
    wide = net.conv(net.pool("MAX_POOL_2D", half, stride=(2, 2)), 200)
    bottom = net.conv(wide, 4)
    up = net.binary("ADD", net.resize("RESIZE_NEAREST_NEIGHBOR", bottom, 4, 4), half)
    net.input(1, 2)
    return net.file(net.binary("ADD", net.resize("RESIZE_NEAREST_NEIGHBOR", up, 8, 8), x))


def test_the_peak_of_a_chain_keeps_nobody_waiting():
    assert waiting(files.chain(4)) == []


def test_what_the_operator_reads_or_writes_does_not_wait():
    found = plan(files.unet())
    assert found.peak == 5
    assert at_peak(found) == []


def test_the_skips_wait_in_the_bottleneck_and_the_largest_comes_first():
    content = two_levels()
    found = plan(content)
    assert found.graph.operators[found.peak].name == "CONV_2D"
    assert waiting(content) == [(1, 0, 9, 256), (3, 2, 7, 64)]
    assert [found.graph.tensors[life.tensor].shape for life in at_peak(found)] == [(1, 8, 8, 4), (1, 4, 4, 4)]


def test_an_input_that_is_read_late_and_an_output_that_is_made_early_wait():
    net = Network()
    early = net.unary("RELU", net.input(1, 4, 4, 4))
    large = net.conv(net.conv(net.unary("RELU", early), 100), 4)
    late = net.input(1, 4, 4, 8)
    content = net.file(net.concatenate([large, late], 3), early)
    assert [tensor for tensor, *_ in waiting(content)] == [late, early]


def test_scratch_does_not_wait_and_a_file_without_operators_has_no_peak():
    net = Network()
    x = net.input(1, 4, 4, 4)
    content = net.file(net.binary("ADD", net.transposed(net.unary("RELU", x), 4), net.transposed(x, 4)))
    found = plan(content)
    assert any(life.tensor is None for life in found.alive(found.peak))
    assert None not in [life.tensor for life in at_peak(found)]
    assert at_peak(plan(files.build([((1, 4), None)], [], [0], [0]))) == []


def test_only_the_main_graph_waits():
    found = plan(unusual.branches())
    assert all(life.tensor < len(found.graph.tensors) for life in at_peak(found))
    assert at_peak(plan(unusual.remembered())) is not None


def test_kinds_of_a_unet():
    assert kinds_of(files.unet()) == {0: "network input", 1: "skip", **dict.fromkeys(range(2, 7), "other")}
    kind = kinds_of(two_levels())
    assert {tensor for tensor, name in kind.items() if name == "skip"} == {1, 3}


def test_a_residual_at_one_size_is_no_skip_and_neither_is_one_around_a_global_mean():
    net = Network()
    x = net.unary("RELU", net.input(1, 4, 4, 4))
    y = net.binary("ADD", net.depthwise(net.conv(x, 4, (3, 3))), x)
    attention = net.conv(net.mean(y, (1, 2)), 4)
    kind = kinds_of(net.file(net.binary("MUL", y, attention)))
    assert set(kind.values()) == {"network input", "other", "scratch"}


def test_scratch_and_tensors_of_other_graphs_have_kinds_of_their_own():
    net = Network()
    content = net.file(net.unary("RELU", net.transposed(net.unary("RELU", net.input(1, 4, 4, 4)), 4)))
    assert kinds_of(content)[None] == "scratch"
    found = plan(unusual.branches())
    inner = [
        kind
        for life, kind in zip(found.lifetimes, kinds(found.graph, found.lifetimes), strict=True)
        if life.tensor is not None and life.tensor >= len(found.graph.tensors)
    ]
    assert inner
    assert set(inner) == {"other"}


def test_maps_without_rows_and_columns_are_no_skips():
    net = Network()
    x = net.unary("RELU", net.input(1, 64))
    small = net.dense(net.dense(x, 8), 64)
    row = net.unary("RELU", net.input(1, 16, 4))
    fewer = net.reshape(net.unary("RELU", net.reshape(row, 1, 4, 16)), 1, 16, 4)
    assert "skip" not in kinds_of(net.file(net.binary("ADD", x, small), net.binary("ADD", row, fewer))).values()


def test_what_is_made_small_at_once_is_no_skip():
    net = Network()
    x = net.unary("RELU", net.input(1, 8, 8, 4))
    assert "skip" not in kinds_of(net.file(net.pool("MAX_POOL_2D", x, stride=(2, 2)))).values()


def test_who_waits_at_an_operator():
    found = plan(files.unet())
    life = next(life for life in found.lifetimes if life.tensor == 1)
    assert [position for position in range(6) if waits_at(found.graph, life, position)] == [2, 3, 4]
