"""Products that end at 6 beside equal ones that do not."""

import numpy as np
from tflite.network import Network

from keras_unetmm.conversion.unshare_multiplies import unshare_multiplies
from keras_unetmm.tflite import run
from keras_unetmm.tflite_file.graph import read


def joined(*more):
    """A square, what RELU6 leaves of it, and further readers of the square."""
    net = Network(dtype="float32")
    x = net.input(1, 8, 8, 4)
    square = net.binary("MUL", x, x)
    return net.file(net.unary("RELU6", square), *(net.unary(name, square) for name in more))


def test_a_product_that_ends_becomes_an_operator_of_its_own():
    before = joined("ABS")
    after = unshare_multiplies(before, read(before).main)
    assert [operator.name for operator in read(after).main.operators].count("MUL") == 2
    assert "RELU6" not in [operator.name for operator in read(after).main.operators]
    x = np.random.default_rng(0).normal(scale=3, size=(1, 8, 8, 4)).astype("float32")
    for got, want in zip(run(after, x, "litert").outputs, run(before, x, "litert").outputs, strict=True):
        np.testing.assert_array_equal(got, want)
    assert want.max() > 6


def test_a_product_that_nothing_else_reads_stays():
    before = joined()
    names = [operator.name for operator in read(unshare_multiplies(before, read(before).main)).main.operators]
    assert names == ["MUL", "RELU6"]
