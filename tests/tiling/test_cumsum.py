"""An operator that has nothing but its own file and its proof runs tile by tile, in place."""

import numpy as np
from tflite.network import Network

from keras_unetmm import tflite
from keras_unetmm.interpreters.runtime import run
from keras_unetmm.runtime.tiled import run_tiled
from keras_unetmm.tflite_file.graph import read

SIZE = (32, 32)


def summing():
    """Sums over channels before and behind a bottleneck of half the size."""
    net = Network(4)

    def summed(x):
        values = {"exclusive": False, "reverse": False}
        return net.operator("CUMSUM", [x, net.numbers(3)], [net.like(x)], "Cumsum", **values)

    image = net.input(1, *SIZE, 3, scale=1 / 255, zero_point=-128)
    x = kept = summed(net.conv(image, 4, (3, 3)))
    x = net.conv(net.conv(x, 8, (3, 3), stride=(2, 2)), 8, (3, 3))
    x = net.binary("ADD", kept, net.resize("RESIZE_NEAREST_NEIGHBOR", net.conv(x, 4), *SIZE))
    return net.file(net.conv(summed(x), 3, (3, 3), scale=1 / 255, zero_point=-128))


def test_sums_over_channels_run_tile_by_tile():
    content, image = summing(), np.random.default_rng(0).integers(-128, 128, (*SIZE, 3), "int8")
    program = tflite.tile(content, SIZE, tile=16, border="same")
    assert np.array_equal(run_tiled(program, image).output, run(content, image[None]).outputs[0][0])
    names = [operator.name for name in ("head", "tail") for operator in _operators(program, name)]
    assert names.count("CUMSUM") == 2


def _operators(program, name):
    return read(program.files[f"{name}.tflite"]).main.operators
