"""Files that are legal and odd, and files that are damaged in one number: each command answers, or names what is wrong."""

import re

import numpy as np
import pytest
from fuzzing.fuzz import reported
from tflite.network import Network
from tflite.test_damaged_commands import checked, cut, generated, planned, tabled, traced

from keras_unetmm.engine.lower import EngineError
from keras_unetmm.interpreters.runtime import run
from keras_unetmm.planner import report as reports
from keras_unetmm.planner.planner import plan
from keras_unetmm.targets.targets import check
from keras_unetmm.tflite_file.graph import TFLiteFileError, read
from keras_unetmm.tiling.analyse import TilingError

ASKS = (planned, checked, reported, cut, tabled, generated, traced)


def convolved(**options):
    net = Network()
    net.graph.outputs = [net.conv(net.input(1, 8, 8, 4), 4, (3, 3))]
    vars(net.graph.operators[0].builtinOptions).update(options)
    return net


def reshaped(net, place, shape, operator=0):
    """The network's file with another shape of an operator's tensor; outputs have negative places."""
    names = net.graph.operators[operator]
    net.graph.tensors[names.inputs[place] if place >= 0 else names.outputs[-1 - place]].shape = shape
    return net.file()


def moved(name, shape, made, options):
    net = Network()
    x = net.input(*shape)
    return net.file(net.operator(name, [x], [net.like(x, *made)], options, blockSize=2))


def pooled(**options):
    net = Network()
    net.graph.outputs = [net.pool("MAX_POOL_2D", net.input(1, 8, 8, 4))]
    vars(net.graph.operators[0].builtinOptions).update(options)
    return net.file()


def resized(*size):
    net = Network()
    return net.file(net.resize("RESIZE_BILINEAR", net.input(1, 8, 8, 4), *size))


def joined(axis):
    net = Network()
    x = net.input(1, 8, 8, 4)
    net.graph.outputs = [net.concatenate([x, net.unary("RELU", x)], 3)]
    net.graph.operators[-1].builtinOptions.axis = axis
    return net.file()


DAMAGED = {
    "DEPTH_TO_SPACE of no rows": lambda: moved("DEPTH_TO_SPACE", (1, 0, 4, 8), (1, 0, 8, 2), "DepthToSpace"),
    "SPACE_TO_DEPTH of no columns": lambda: moved("SPACE_TO_DEPTH", (1, 4, 0, 2), (1, 2, 0, 8), "SpaceToDepth"),
    "CONV_2D that stands still": lambda: convolved(strideW=0).file(),
    "CONV_2D that goes backwards": lambda: convolved(strideH=-1).file(),
    "CONV_2D dilated by 0": lambda: convolved(dilationHFactor=0).file(),
    "CONV_2D of weights of three axes": lambda: reshaped(convolved(), 1, [4, 9, 4]),
    "CONV_2D that gives one axis": lambda: reshaped(convolved(), -1, [256]),
    "CONV_2D without options": lambda: _without_options(convolved()),
    "MAX_POOL_2D of windows of no rows": lambda: pooled(filterHeight=0),
    "MAX_POOL_2D that stands still": lambda: pooled(strideH=0),
    "RESIZE_BILINEAR to nothing": lambda: resized(0, 8),
    "CONCATENATION along an axis that is none": lambda: joined(7),
}


def _without_options(net):
    net.graph.operators[0].builtinOptions, net.graph.operators[0].builtinOptionsType = None, 0
    return net.file()


@pytest.mark.parametrize("what", DAMAGED)
def test_one_number_that_makes_no_sense_is_named_by_every_command(what):
    content, name = DAMAGED[what](), what.split()[0]
    for ask in ASKS:
        with pytest.raises(TFLiteFileError, match=rf"operator \d+, {name}"):
            ask(content)


def without_inputs():
    net = Network()
    net.graph.outputs = [net.conv(net.constant(1, 8, 8, 4), 4, (3, 3))]
    return net.file()


def given(change):
    """A convolution and an addition; `change` says what the file calls its inputs, of the image, a constant and a map."""
    net = Network()
    image, constant = net.input(1, 8, 8, 4), net.constant(1, 8, 8, 4)
    made = net.conv(image, 4, (3, 3))
    output = net.binary("ADD", made, constant)
    net.graph.inputs = change(image, constant, made)
    return net.file(output)


def test_a_file_without_inputs_is_planned_checked_and_run():
    content = without_inputs()
    assert plan(content, seconds=0.1).planned.head > 0
    verdict = check(content, "tflm")
    assert verdict.runs
    assert "prepared and ran it" in verdict.note
    outputs = [run(content, [], runtime).outputs[0] for runtime in ("tflm", "litert-reference")]
    np.testing.assert_array_equal(*outputs)
    assert outputs[0].shape == (1, 8, 8, 4)
    assert reported(content)
    assert len(traced(content)) == 0
    with pytest.raises(EngineError, match=r"must follow from an input. Received: '.*', a constant, of which CONV_2D"):
        generated(content)
    with pytest.raises(TilingError, match=r"one image and give one map. Received: inputs of the shapes \[\]"):
        cut(content)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda image, constant, made: [image, constant], r"input 1, '.*', a constant"),
        (lambda image, constant, made: [image, image], r"input 1, '.*', which is one already"),
        (lambda image, constant, made: [image, made], r"input 1, '.*', which an operator computes"),
    ],
)
def test_inputs_that_are_none_are_named_by_the_engine(change, said):
    content = given(change)
    assert "is computed by an operator, but it is" in plan(content, seconds=0.1).why_not_planned
    assert reported(content)
    with pytest.raises(EngineError, match=rf"given from outside, once. Received: {said}"):
        generated(content)


def test_an_image_that_is_a_constant_or_empty_is_named_by_the_tiler():
    net = Network()
    net.graph.inputs = [net.constant(1, 8, 8, 4)]
    constant = net.file(net.conv(net.graph.inputs[0], 4, (3, 3)))
    net = Network()
    empty = net.file(net.unary("RELU", net.input(1, 0, 8, 4)))
    for ask in (cut, tabled):
        with pytest.raises(TilingError, match=r"image from outside. Received: the constant '.*' for one"):
            ask(constant)
        with pytest.raises(TilingError, match=r"image that is not empty. Received: one of the shape \(1, 0, 8, 4\)"):
            ask(empty)
    assert not check(empty, "tflm").runs
    with pytest.raises(EngineError, match="maps that are not empty"):
        generated(empty)


def test_names_that_are_no_text_damage_nothing():
    net = convolved()
    net.graph.tensors[net.graph.outputs[0]].name = b"\xc4\xe3\xba\xc3"  # of a converter that writes another code
    content = net.file()
    assert re.search("\ufffd", read(content).main.tensors[-1].name)
    assert check(content, "tflm").runs
    for ask in (planned, reported, generated):
        assert ask(content)


def of_no_rows(operators):
    """A file whose maps hold nothing, with an operator or without."""
    net = Network(dtype="float32")
    x = net.input(0, 4)
    return net.file(net.unary("RELU", x) if operators else x)


def test_files_of_empty_maps_are_judged_as_the_runtimes_take_them():
    for operators, target in ((False, "tflm"), (False, "litert"), (True, "litert")):
        assert check(of_no_rows(operators), target).runs
        runtime = "tflm" if target == "tflm" else "litert-reference"
        assert run(of_no_rows(operators), np.zeros((0, 4), "float32"), runtime).outputs[0].size == 0
    verdict = check(of_no_rows(True), "tflm")
    assert not verdict.runs
    assert "TFLM" in verdict.operators[0].why
    assert plan(of_no_rows(True), seconds=0.1).greedy_head == 0


def of_any_size():
    net = Network()
    x = net.input(1, 1, 1, 3)
    made = net.conv(x, 3, (3, 3))
    for tensor in (x, made):
        net.graph.tensors[tensor].shapeSignature = [-1, -1, -1, 3]
    return net.file(made)


def test_what_open_sizes_are_taken_for_is_said_with_the_plan():
    said = reports.report(of_any_size(), seconds=0.1)[1]["open_sizes"]
    assert "in 2 tensors" in said
    assert "of ?x?x?x3" in said
    assert "fixed size" in said
    assert said.split(". ")[0] in check(of_any_size(), "tflm", compile=False).note
    assert said in reported(of_any_size()).replace("&#39;", "'")
    assert "open_sizes" not in reports.report(convolved().file(), seconds=0.1)[1]
