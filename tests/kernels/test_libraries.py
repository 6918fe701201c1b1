"""What the libraries of kernels say, and that plans and programs made for them hold there."""

from dataclasses import replace

import numpy as np
import pytest
from tflite.network import Network
from tflite.tiling.networks import encoder_decoder

from keras_unetmm import tflite
from keras_unetmm.interpreters.runtime import measure
from keras_unetmm.kernels.libraries import LIBRARIES, library_of
from keras_unetmm.planner.fits import fitted
from keras_unetmm.planner.lifetimes import aligned, timeline
from keras_unetmm.planner.plan import as_it_is
from keras_unetmm.planner.report import as_dict, as_table
from keras_unetmm.planner.verify import KERNELS, verify
from keras_unetmm.runtime.tiled import run_tiled
from keras_unetmm.tflite_file.graph import read

MAP = (1, 16, 16, 8)
HELIUM = 4 * 124 * 3 * 3  # bytes of a depthwise convolution of 3x3, as measured on a Cortex-M55


def one(method, *arguments, shape=MAP, dtype="int8", **values):
    net = Network(dtype=dtype)
    return net.file(getattr(net, method)(net.input(*shape), *arguments, **values))


def scratch(content, kernels):
    graph = read(content).main
    return library_of(kernels).scratch(graph, graph.operators[0])


def test_the_verifier_knows_the_same_names():
    assert tuple(LIBRARIES) == KERNELS
    assert all(library.name == name for name, library in LIBRARIES.items())


@pytest.mark.parametrize("name", ["fast", "", None, ["any"]])
def test_unknown_kernels_are_refused(name):
    with pytest.raises(ValueError, match=r"kernels must be one of 'any', .*, 'none'\. Received: "):
        library_of(name)


def test_helium_gathers_windows_of_124_channels_in_depthwise_convolutions():
    assert scratch(one("depthwise"), "cmsis-nn-helium") == (HELIUM,) == (4464,)
    assert scratch(one("depthwise", (5, 3), shape=(1, 16, 16, 130)), "cmsis-nn-helium") == (4 * 124 * 15,)
    assert scratch(one("depthwise", dtype="float32"), "cmsis-nn-helium") == ()
    for name in ("any", "reference", "cmsis-nn", "none"):
        assert scratch(one("depthwise"), name) == ()


def test_helium_gathers_four_windows_in_other_kernels_than_1x1():
    assert scratch(one("conv", 5, (3, 3)), "cmsis-nn-helium") == (4 * 80,)  # 72 elements, padded to 80
    assert scratch(one("conv", 5), "cmsis-nn-helium") == ()
    assert scratch(one("conv", 5, (3, 3), dtype="float32"), "cmsis-nn-helium") == ()
    assert scratch(one("dense", 7), "cmsis-nn-helium") == (8 * 7,)
    assert scratch(one("transposed", 3), "cmsis-nn-helium") == (4 * 32 * 32 * 3, 3 * 2 * 2 * 8)


def test_what_the_reference_kernels_ask_for_helium_s_do_not_ask_less():
    """Sums stay as they are: CMSIS-NN has no kernel for them."""
    content = one("mean", (1, 2))
    assert scratch(content, "cmsis-nn-helium") == scratch(content, "reference") != ()


def test_helium_s_overlaps_are_those_of_the_other_cores():
    for content in (one("conv", 8, (3, 3)), one("conv", 8), one("depthwise"), one("depthwise", shape=(1, 4, 4, 125))):
        graph = read(content).main
        a, b = (LIBRARIES[name].overlaps(graph, graph.operators[0]) for name in ("cmsis-nn", "cmsis-nn-helium"))
        assert a == b


def block(width=8):
    """A residual block whose peak is at its depthwise convolution."""
    net = Network()
    x = net.input(1, 16, 16, width)
    y = net.depthwise(net.conv(x, 2 * width))
    return net.file(net.binary("ADD", x, net.conv(y, width)))


def test_a_plan_for_helium_counts_its_scratch():
    content = block()
    plans = {name: tflite.plan(content, name) for name in LIBRARIES}
    x, y, distance = 16 * 16 * 8, 16 * 16 * 16, (16 + 2) * 16  # the depthwise convolution's output is a row behind its input
    assert plans["cmsis-nn-helium"].planned.head == x + y + distance + aligned(HELIUM) > plans["cmsis-nn"].planned.head
    assert plans["cmsis-nn-helium"].greedy_head > plans["any"].greedy_head == measure(content).head
    buffers = timeline(read(plans["cmsis-nn-helium"].planned.content), "cmsis-nn-helium").buffers
    assert [buffer.bytes for buffer in buffers if buffer.tensor is None] == [aligned(HELIUM)]
    assert plans["cmsis-nn-helium"].planned.bound == plans["cmsis-nn-helium"].planned.head


def test_a_plan_for_any_kernels_is_short_of_that_on_helium():
    planned = tflite.plan(block(), "any").planned
    assert as_it_is(planned.content, "cmsis-nn-helium").greedy_head > planned.head


def test_a_report_says_that_other_kernels_measured():
    found = tflite.plan(block(), "cmsis-nn-helium")
    table = as_table("block", as_dict(found, measure(block()), measure(found.planned.content)))
    assert "arena head, measured on TFLM with the reference kernels" in list(table.columns[0].cells)


def test_an_arena_must_hold_helium_s_scratch_too():
    found, measured = replace(tflite.plan(block(), "cmsis-nn-helium"), planned=None), measure(block())
    result = as_dict(found, measured)
    result["as_is"]["runs"] = True  # as check says
    needed = fitted(block(), found, result, 2**20)["needed"]
    assert needed >= found.greedy_head + measured.tail > measured.total


def test_nothing_overlaps_with_kernels_that_nobody_has_looked_at():
    content = block()
    planned = tflite.plan(content, "none").planned
    assert planned.head > tflite.plan(content, "any").planned.head
    verify(planned.content, "none")
    live = [(b.first, b.last, a, a + b.bytes) for b, a in _placed(planned)]
    assert not any(
        a[0] <= b[1] and b[0] <= a[1] and a[2] < b[3] and b[2] < a[3] for i, a in enumerate(live) for b in live[:i]
    )


def _placed(planned):
    return zip(timeline(planned.model, "none").buffers, planned.placement.addresses, strict=True)


@pytest.mark.parametrize("kernels", ["cmsis-nn-helium", "none"])
def test_programs_for_them_hold_there(kernels):
    content = encoder_decoder(3, (64, 64), zeros=True)
    image = np.random.default_rng(0).integers(-128, 128, (64, 64, 3), "int8")
    program, usual = (tflite.tile(content, (64, 64), tile=16, kernels=name) for name in (kernels, "any"))
    assert program.description["kernels"] == kernels
    assert program.description["ram_bytes"] >= usual.description["ram_bytes"]
    for part in program.description["parts"].values():
        assert part["head"] == as_it_is(program.files[part["file"]], kernels).greedy_head
        assert part["head"] >= measure(program.files[part["file"]]).head
    assert np.array_equal(run_tiled(program, image).output, run_tiled(usual, image).output)
