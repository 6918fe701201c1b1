"""DEPTH_TO_SPACE and SPACE_TO_DEPTH as convolutions: the same bytes."""

import numpy as np
import pytest
from tflite.network import Network

from keras_unetmm.interpreters.runtime import run
from keras_unetmm.targets.shuffles import without_shuffles
from keras_unetmm.tflite_file.graph import read


def shuffled(name, block, channels, size=(8, 16)):
    """A convolution, the shuffle, a convolution."""
    net = Network(block)
    x = net.conv(net.input(1, *size, 3), channels, (3, 3))
    return net.file(net.conv(net.shuffled(name, x, block), 3))


@pytest.mark.parametrize(
    ("name", "block", "channels"),
    [("DEPTH_TO_SPACE", 2, 12), ("DEPTH_TO_SPACE", 4, 48), ("SPACE_TO_DEPTH", 2, 5), ("SPACE_TO_DEPTH", 4, 2)],
)
def test_the_bytes_are_those_of_the_shuffle(name, block, channels):
    content = shuffled(name, block, channels)
    made, count = without_shuffles(content)
    assert count == 1
    assert name not in [operator.name for operator in read(made).main.operators]
    image = np.random.default_rng(0).integers(-128, 128, (1, 8, 16, 3)).astype("int8")
    outputs = [run(each, image).outputs[0] for each in (content, made)]
    assert np.array_equal(*outputs)
    assert len(np.unique(outputs[0])) > 10


def test_what_no_transposed_convolution_by_two_gives_stays():
    content = shuffled("DEPTH_TO_SPACE", 3, 27)
    assert without_shuffles(content) == (content, 0)
    net = Network(0)
    content = net.file(net.conv(net.input(1, 8, 8, 3), 4))
    assert without_shuffles(content) == (content, 0)
