"""The rules for the Edge TPU. No compiler stands behind them: they are the documentation's and its users'."""

import numpy as np
import pytest
from tflite import operators
from tflite.network import Network

from keras_unetmm.targets import coral
from keras_unetmm.targets.targets import check
from keras_unetmm.tflite_file.edit import File


def rule(name, *constants, shape=None, options=None, **values):
    """An operator on the map and constants."""

    def make(net, x):
        inputs = [x, *(net.numbers(*numbers) for numbers in constants)]
        return net.operator(name, inputs, [net.like(x, *(shape or net.shape(x)))], options, **values)

    return make


def padded(*amounts):
    return lambda net, x: net.pad(x, *amounts)


def beside(value):
    """CONCATENATION with a constant."""

    def make(net, x):
        constant = net.tensor(net.shape(x), data=np.full(net.shape(x), value, "int8"))
        return net.concatenate([x, constant], 3)

    return make


def sloped(*shape):
    return lambda net, x: net.operator("PRELU", [x, net.constant(*shape)], [net.like(x)])


def sliced(*steps):
    def make(net, x):
        shape = [-(-size // step) for size, step in zip(net.shape(x), steps, strict=True)]
        inputs = [x, net.numbers(0, 0, 0, 0), net.numbers(*net.shape(x)), net.numbers(*steps)]
        return net.operator("STRIDED_SLICE", inputs, [net.like(x, *shape)], "StridedSlice")

    return make


BOTH = {  # what keeps within a limit and what breaks it, on a map of 1x8x8x8
    "mean over rows": (lambda n, x: n.mean(x, (1, 2)), lambda n, x: n.mean(x, (0,))),
    "mean over channels": (lambda n, x: n.mean(x, (3,)), lambda n, x: n.mean(n.conv(x, 6), (-1,))),
    "sum": (rule("SUM", (1,), shape=(1, 1, 8, 8), options="Reducer", keepDims=True), rule("SUM", (0,), options="Reducer")),
    "padding": (padded((0, 0), (1, 1), (1, 1), (1, 0)), padded((1, 0), (0, 0), (0, 0), (0, 0))),
    "activation": (lambda n, x: n.pool("MAX_POOL_2D", x), lambda n, x: n.pool("MAX_POOL_2D", x, activation="RELU")),
    "zeros": (beside(0), beside(1)),
    "slopes": (sloped(1, 1, 8), sloped(8, 8, 8)),
    "steps": (sliced(1, 1, 1, 1), sliced(1, 2, 2, 1)),
    "split": (lambda n, x: n.split(x, 2, 3)[0], lambda n, x: n.split(x, 1, 0)[0]),
    "groups": (lambda n, x: n.conv(x, 8, (3, 3)), lambda n, x: n.conv(x, 8, (3, 3), inner=4)),
    "dilation": (lambda n, x: n.conv(x, 8, (3, 3), dilation=(2, 2)), lambda n, x: n.conv(x, 8, (3, 3), dilation=(1, 2))),
    "resizing": (
        lambda n, x: n.resize("RESIZE_BILINEAR", x, 128, 128),
        lambda n, x: n.resize("RESIZE_BILINEAR", x, 256, 256),
    ),
    "dense": (lambda n, x: n.dense(n.reshape(x, 1, 512), 4), lambda n, x: n.dense(n.reshape(x, 64, 8), 4)),
    "softmax": (lambda n, x: n.unary("SOFTMAX", n.reshape(x, 1, 512)), lambda n, x: n.unary("SOFTMAX", x)),
}


def made(make, *shape, dtype="int8"):
    net = Network(0, dtype)
    return net.file(make(net, net.input(*shape or (1, 8, 8, 8))))


def last(content):
    return check(content, "coral", compile=False).operators[-1]


@pytest.mark.parametrize("name", BOTH)
def test_limits(name):
    good, bad = BOTH[name]
    assert last(made(good)).verdict == "supported"
    assert last(made(bad)).verdict == "cpu"
    assert "no operator after" not in last(made(bad)).why


def test_what_the_edge_tpu_runs_and_what_it_lacks():
    for name in operators.NAMES:
        verdict = last(operators.file_of(name)).verdict
        if name not in coral.TPU:
            assert verdict in ("cpu", "unsupported"), name
        elif name not in ("SOFTMAX", "SHAPE", "FULLY_CONNECTED", "PACK"):
            assert verdict == "supported", name


def test_only_the_last_three_sizes_may_be_more_than_one():
    relu = lambda net, x: net.unary("RELU", x)  # noqa: E731
    assert last(made(relu, 1, 1, 4, 4, 4)).verdict == "supported"
    for shape in ((2, 4, 4, 4), (1, 2, 4, 4, 4)):
        assert last(made(relu, *shape)).verdict == "cpu"
        assert "x".join(map(str, shape)) in last(made(relu, *shape)).why


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16"])
def test_maps_have_8_bits(dtype):
    assert last(made(lambda net, x: net.unary("RELU", x), dtype=dtype)).verdict == (
        "cpu" if dtype == "int16" else "supported"
    )


def test_parameters_are_constants():
    net = Network()
    x, weights = net.input(1, 8, 8, 4), net.input(4, 1, 1, 4)
    content = net.file(net.operator("CONV_2D", [x, weights], [net.tensor((1, 8, 8, 4))], "Conv2D", strideH=1, strideW=1))
    assert last(content).why == "input 1 must be a constant, and is computed"


def test_depth_to_space_names_what_convert_writes():
    operator = last(made(lambda net, x: net.shuffled("DEPTH_TO_SPACE", x)))
    assert operator.verdict == "cpu"
    assert (
        operator.instead == "a transposed convolution with a fixed one-hot kernel: unetmm convert --target coral writes it"
    )


def test_nothing_maps_after_the_first_that_does_not():
    net = Network()
    y = net.unary("RELU", net.shuffled("DEPTH_TO_SPACE", net.conv(net.input(1, 4, 4, 8), 8)))
    verdict = check(net.file(net.unary("LEAKY_RELU", y)), "coral", compile=False)
    assert [operator.verdict for operator in verdict.operators] == ["supported", "cpu", "cpu", "cpu"]
    assert verdict.operators[2].why.endswith("the first that it cannot map: operator 1, DEPTH_TO_SPACE")
    assert verdict.operators[3].why == "the Edge TPU has no LEAKY_RELU"
    assert verdict.runs
    assert "not compiled" in verdict.note


def test_what_the_processor_lacks_too_cannot_run():
    operator = last(made(lambda net, x: net.unary("SQUARE", x)))
    assert operator.verdict == "unsupported"
    assert "the Edge TPU has no SQUARE; and on the processor LiteRT" in operator.why
    assert operator.instead == "x * x"


@pytest.mark.parametrize("name", coral.REFUSED)
def test_versions_that_the_compiler_refuses(name):
    for version, refused in ((coral.REFUSED[name] - 1, False), (coral.REFUSED[name], True)):
        file = File(operators.file_of(name))
        file.model.operatorCodes[-1].version = version
        operator = last(file.packed())
        assert (operator.verdict == "unsupported") == refused
        assert not refused or f"{name} of version {version}" in operator.why


def test_operators_newer_than_the_compiler():
    operator = last(made(lambda net, x: net.unary("GELU", x)))
    assert operator.verdict == "unsupported"
    assert "does not know GELU and refuses the whole file" in operator.why
    operator = last(made(lambda net, x: net.operator("Mystery", [x], [net.like(x)])))
    assert "custom operator Mystery" in operator.why
