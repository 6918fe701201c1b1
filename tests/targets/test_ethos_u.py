"""The rules for the Ethos-U at their limits, and against the real Vela where it is installed."""

import pytest
from tflite.compilers import with_vela
from tflite.network import Network

from keras_unetmm.targets.targets import check


def transposed(net, x, stride):
    batch, height, width, channels = net.shape(x)
    size, weights = (batch, height * stride, width * stride, 4), net.constant(4, stride, stride, channels)
    inputs = [net.numbers(*size), weights, x]
    return net.operator(
        "TRANSPOSE_CONV", inputs, [net.tensor(size)], "TransposeConv", strideH=stride, strideW=stride, padding=0
    )


def resized(net, x, height, width, name="RESIZE_BILINEAR", centred=False):
    made = net.resize(name, x, height, width)
    net.graph.operators[-1].builtinOptions.halfPixelCenters = centred
    return made


def stepped(net, x, *steps):
    shape = [-(-size // step) for size, step in zip(net.shape(x), steps, strict=True)]
    inputs = [x, net.numbers(0, 0, 0, 0), net.numbers(*net.shape(x)), net.numbers(*steps)]
    return net.operator("STRIDED_SLICE", inputs, [net.like(x, *shape)], "StridedSlice")


def of_two_scales(net, x):
    return net.binary("MAXIMUM", x, net.unary("QUANTIZE", x, scale=1 / 32), scale=1 / 32)


NEAREST = "RESIZE_NEAREST_NEIGHBOR"
CASES = {  # what is made of a map of 1x16x16x8; what becomes of it on U55 and on U85
    "stride 3": (lambda n, x: n.conv(x, 4, (3, 3), stride=(3, 3)), "supported", "supported"),
    "stride 4, nothing padded": (lambda n, x: n.conv(x, 4, (3, 3), stride=(4, 4)), "supported", "supported"),
    "stride 4, padded": (lambda n, x: n.conv(x, 4, (5, 5), stride=(4, 4)), "cpu", "supported"),
    "stride 4, depthwise": (lambda n, x: n.depthwise(x, stride=(4, 4), padding="VALID"), "cpu", "supported"),
    "grouped": (lambda n, x: n.conv(x, 8, (3, 3), inner=4), "supported", "supported"),
    "pool of 9, padded": (lambda n, x: n.pool("AVERAGE_POOL_2D", x, (9, 9)), "cpu", "cpu"),
    "pool of 9": (lambda n, x: n.pool("AVERAGE_POOL_2D", x, (9, 9), padding="VALID"), "supported", "supported"),
    "mean over rows": (lambda n, x: n.mean(x, (1, 2)), "supported", "supported"),
    "mean over channels": (lambda n, x: n.mean(x, (3,)), "cpu", "cpu"),
    "transposed by 1": (lambda n, x: transposed(n, x, 1), "supported", "supported"),
    "transposed by 2": (lambda n, x: transposed(n, x, 2), "supported", "supported"),
    "transposed by 3": (lambda n, x: transposed(n, x, 3), "cpu", "supported"),
    "resized by 2, centred": (lambda n, x: resized(n, x, 32, 32, centred=True), "supported", "supported"),
    "resized by 3": (lambda n, x: resized(n, x, 48, 48), "cpu", "cpu"),
    "resized by 4, centred": (lambda n, x: resized(n, x, 64, 64, centred=True), "cpu", "supported"),
    "resized by 4": (lambda n, x: resized(n, x, 64, 64), "supported", "supported"),
    "resized by 2 and 4": (lambda n, x: resized(n, x, 32, 64), "cpu", "supported"),
    "nearest by 3": (lambda n, x: resized(n, x, 48, 48, NEAREST), "cpu", "supported"),
    "nearest by 8": (lambda n, x: resized(n, x, 128, 128, NEAREST), "supported", "supported"),
    "smaller": (lambda n, x: resized(n, x, 8, 8), "cpu", "cpu"),
    "two scales": (of_two_scales, "cpu", "cpu"),
    "every other pixel": (lambda n, x: stepped(n, x, 1, 2, 2, 1), "supported", "supported"),
    "every other channel": (lambda n, x: stepped(n, x, 1, 1, 1, 2), "cpu", "cpu"),
    "division": (lambda n, x: n.binary("DIV", x, x), "cpu", "supported"),
    "custom": (lambda n, x: n.operator("CIRCULAR_BUFFER", [x], [n.like(x)]), "cpu", "cpu"),
    "mystery": (lambda n, x: n.operator("Mystery", [x], [n.like(x)]), "unsupported", "unsupported"),
    "square": (lambda n, x: n.unary("SQUARE", x), "unsupported", "unsupported"),
    "gelu": (lambda n, x: n.unary("GELU", x), "supported", "supported"),
}


def made(name):
    net = Network()
    return net.file(CASES[name][0](net, net.input(1, 16, 16, 8)))


@pytest.mark.parametrize("name", CASES)
def test_limits(name):
    _, small, large = CASES[name]
    for target, expected in (("ethos-u55", small), ("ethos-u65", small), ("ethos-u85", large)):
        verdict = check(made(name), target, compile=False)
        assert verdict.operators[-1].verdict == expected, target
        assert verdict.runs == (expected != "unsupported")


@with_vela
@pytest.mark.parametrize("name", CASES)
def test_the_real_vela_draws_the_same_limits(name):
    for target in ("ethos-u55", "ethos-u65", "ethos-u85"):
        ruled, asked = check(made(name), target, compile=False), check(made(name), target)
        assert [operator.verdict for operator in asked.operators] == [operator.verdict for operator in ruled.operators], (
            target
        )


def test_a_mean_over_one_row_of_images_stays_on_the_npu():
    net = Network()
    assert (
        check(net.file(net.mean(net.input(1, 16, 1, 8), (3,))), "ethos-u55", compile=False).operators[0].verdict
        == "supported"
    )
    net = Network()
    assert (
        check(net.file(net.mean(net.input(2, 16, 16, 8), (1, 2))), "ethos-u55", compile=False).operators[0].verdict == "cpu"
    )


def test_maps_of_32_bits_fall_back_but_for_a_few_operators():
    for name, small in (("MUL", "supported"), ("MAXIMUM", "cpu")):
        net = Network(0, "int32")
        x = net.input(1, 4)
        content = net.file(net.binary(name, x, x))
        assert check(content, "ethos-u55", compile=False).operators[0].verdict == small
        assert check(content, "ethos-u85", compile=False).operators[0].verdict == "supported"
