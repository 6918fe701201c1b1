import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from tflite import files

from keras_unetmm.tflite import plan
from keras_unetmm.tflite.graph import TFLiteFileError
from keras_unetmm.tflite.lifetimes import aligned
from keras_unetmm.tflite.runtime import measure

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
    with pytest.raises(ValueError, match=r"kernels must be one of 'any', 'reference', 'cmsis-nn'. Received: 'fast'"):
        plan(files.chain(2), kernels="fast")
