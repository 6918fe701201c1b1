"""What is said to need less, held against what does it: the planner, the engine, the tiler and the network in 8 bits."""

import functools

import numpy as np
import pytest
from tflite import files
from tflite.network import Network
from tflite.tiling.networks import encoder_decoder

from keras_unetmm.advice import advice as room
from keras_unetmm.advice.option import KINDS
from keras_unetmm.advice.text import as_lines
from keras_unetmm.firmware.write import Wanted, candidates, resized, scheduled
from keras_unetmm.planner.planner import plan
from keras_unetmm.tflite_file.graph import read
from keras_unetmm.tiling.tile import tile

SIZE = (48, 32)


advice = functools.partial(room.advice, seconds=0.1)


@functools.cache
def network():
    return encoder_decoder(1, SIZE, zeros=True)


@functools.cache
def advised(arena):
    return {option.kind: option for option in advice(network(), "a.tflite", arena=arena, tail=1000)}


def of_16_bits(dtype="int16"):
    net = Network(0, dtype)
    return net.file(net.conv(net.unary("RELU", net.conv(net.input(1, 8, 8, 4), 8)), 4))


def test_the_options_come_in_their_order_and_each_says_whether_it_fits():
    found = advised(12_000)
    assert list(found) == [kind for kind in KINDS if kind in found]
    assert {"kernels", "engine", "tiles", "peak", "size"} <= set(found)
    for option in found.values():
        assert option.said
        if option.bytes is not None and option.how == "measured":
            assert option.fits == (option.bytes <= 12_000)
    assert all(option.fits is None for option in advice(of_16_bits(), "b"))


def test_where_tflm_does_not_run_a_file_neither_other_kernels_nor_another_size_fit():
    found = {option.kind: option for option in advice(network(), "a.tflite", arena=12_000, tail=1000, runs=False)}
    assert (found["kernels"].bytes, found["kernels"].command) == (None, "")
    assert found["size"].bytes == advised(12_000)["size"].bytes
    assert (found["size"].fits, advised(12_000)["size"].fits) == (None, True)
    assert found["engine"] == advised(12_000)["engine"]


def test_other_kernels_take_what_their_plan_takes():
    option = advised(12_000)["kernels"]
    heads = {kernels: plan(network(), kernels, seconds=0.5).planned.head for kernels in ("any", "reference", "cmsis-nn")}
    best = min(heads.values())
    if best < heads["any"]:
        assert option.bytes == best + 1000
        assert next(k for k, head in heads.items() if head == best and k != "any") in option.command
    else:
        assert option.bytes is None


def test_the_engine_takes_what_its_schedule_takes():
    made, _ = scheduled(candidates(network()), Wanted())
    assert advised(12_000)["engine"].bytes == made.layout.total
    floats = Network(dtype="float32")
    content = floats.file(floats.conv(floats.input(1, 16, 16, 4), 4))
    (option,) = (option for option in advice(content, "a.tflite") if option.kind == "engine")
    assert option.bytes is None
    assert "does not run it" in option.said


def test_the_tiles_are_those_that_the_tiler_makes():
    option = advised(12_000)["tiles"]
    words = option.command.split()
    side, levels = (words[words.index(name) + 1] for name in ("--tile", "--levels"))
    program = tile(network(), SIZE, tile=tuple(map(int, side.split("x"))), levels=int(levels))
    assert program.description["ram_bytes"] == option.bytes
    assert f"--size {SIZE[0]}x{SIZE[1]}" in option.command


def test_the_size_that_fits_fits_and_the_next_one_does_not():
    arena = plan(network()).planned.head // 2 + 1000
    option = advised(arena)["size"]
    height, width = map(int, option.said.split()[0].split("x"))
    assert option.how == "measured"
    assert option.bytes == plan(resized(network(), (height, width)), seconds=0.5).planned.head + 1000 <= arena
    assert plan(resized(network(), (height + 4, width + 4)), seconds=0.5).planned.head + 1000 > arena
    net = Network()
    content = net.file(net.dense(net.reshape(net.pool("MAX_POOL_2D", net.input(1, 32, 32, 4), stride=(2, 2)), 1, 1024), 4))
    (option,) = (o for o in advice(content, "a.tflite", arena=2000, tail=500) if o.kind == "size")
    assert option.how == "estimated"
    assert "about" in option.said


def test_8_bits_are_bounded_by_what_the_network_takes_in_8_bits():
    (option,) = (option for option in advice(of_16_bits(), "a.tflite", tail=0) if option.kind == "int8")
    assert option.how == "bounded"
    planned = plan(of_16_bits("int8"), seconds=0.1).planned
    assert planned.order_bound == option.bytes <= planned.head < plan(of_16_bits(), seconds=0.1).planned.head
    assert not [option for option in advice(of_16_bits("int8"), "a.tflite") if option.kind == "int8"]
    floats = plan(of_16_bits("float32"), seconds=0.1)
    (of_floats,) = (option for option in advice(of_16_bits("float32"), "a.tflite", tail=0) if option.kind == "int8")
    assert of_floats.how == "bounded"
    assert of_floats.bytes == option.bytes < floats.planned.head // 3


def test_the_peak_names_its_operator_and_its_largest_map():
    option, found = advised(12_000)["peak"], plan(network()).planned
    position = found.live.index(max(found.live))
    assert f"operator {position}, {found.graph.operators[position].name}" in option.said
    largest = max((life for life in found.lifetimes if life.first <= position <= life.last), key=lambda life: life.bytes)
    assert f"({largest.bytes:,} bytes)" in option.said


def waiting(skip):
    """A network of two levels, with a skip or without."""
    net = Network()
    kept = net.conv(net.input(1, 16, 16, 2), 8)
    y = net.conv(net.pool("MAX_POOL_2D", kept, stride=(2, 2)), 32)
    y = net.conv(net.resize("RESIZE_NEAREST_NEIGHBOR", y, 16, 16), 8)
    return net.file(net.binary("ADD", y, kept) if skip else y)


def test_light_skips_are_named_where_skips_wait_at_the_peak():
    (option,) = (option for option in advice(waiting(True), "a.tflite", tail=0) if option.kind == "skips")
    assert "1 skip that waits at the peak holds 2,048 bytes" in option.said
    assert option.bytes == plan(waiting(False)).planned.order_bound
    for content in (waiting(False), files.chain(2)):
        assert not [option for option in advice(content, "a.tflite") if option.kind == "skips"]


def test_light_skips_are_not_advised_for_the_residual_of_a_block():
    net = Network()
    kept = net.conv(net.input(1, 16, 16, 2), 8)
    y = net.conv(net.conv(net.conv(kept, 16), 16), 8)
    content = net.file(net.binary("ADD", y, kept))
    assert not [option for option in advice(content, "a.tflite") if option.kind == "skips"]


def test_lines_for_people():
    lines = list(as_lines([option.as_json() for option in advised(12_000).values()]))
    assert any(line.startswith("the engine, without an interpreter: ") and "fits" in line for line in lines)
    assert "    unetmm firmware a.tflite -o a_c" in lines


@pytest.mark.parametrize("made", [files.unet, lambda: files.chain(0), of_16_bits])
def test_small_and_empty_networks_are_advised(made):
    options = advice(made(), "a.tflite", arena=16)
    assert all(option.kind in KINDS for option in options)
    assert read(made()).main.operators or np.all([option.bytes is None or option.bytes >= 0 for option in options])


def test_a_network_without_products_is_advised():
    net = Network()
    content = net.file(net.unary("RELU", net.pool("MAX_POOL_2D", net.input(1, 32, 32, 4), stride=(2, 2))))
    options = {option.kind: option for option in advice(content, "a.tflite", arena=16)}
    assert options["engine"].bytes > 0
    assert "tiles" in options
