"""What conversion puts before and behind a file: bytes of a picture, and numbers of classes."""

import numpy as np
from tflite.network import Network

from keras_unetmm.conversion.indices import with_indices
from keras_unetmm.conversion.io_quantization import with_byte_io
from keras_unetmm.interpreters.runtime import run
from keras_unetmm.tflite_file.graph import read


def file(channels=3, **ends):
    """A convolution to some channels whose input and output have these scales and zero points."""
    net = Network(3)
    x = net.input(1, 6, 8, 3, **ends)
    made = net.conv(x, channels, (3, 3))
    return net.file(net.unary("QUANTIZE", made, **ends))


def ends_of(content):
    graph = read(content).main
    tensors = (graph.tensors[i] for i in (*graph.inputs, *graph.outputs))
    return [(np.float32(tensor.scales[0]), tensor.zero_points[0]) for tensor in tensors]


def test_other_scales_get_a_quantize_at_either_end():
    content = file(scale=1 / 127.5, zero_point=5)
    made = with_byte_io(content, images=[True])
    assert ends_of(made) == [(np.float32(1 / 255), -128)] * 2
    x = np.random.default_rng(0).integers(-128, 128, (1, 6, 8, 3)).astype("int8")
    given = np.clip(np.floor((x + 128.0) / 2 + 0.5) + 5, -128, 127).astype("int8")
    want = (run(content, given).outputs[0] - 5.0) / 127.5 * 255 - 128
    assert np.abs(run(made, x).outputs[0] - np.clip(want, -128, 127)).max() <= 2, "a step of the coarser scale"


def test_an_output_that_is_no_image_keeps_its_scale():
    made = with_byte_io(file(scale=1 / 127.5, zero_point=5), images=[False])
    assert ends_of(made) == [(np.float32(1 / 255), -128), (np.float32(1 / 127.5), 5)]


def test_bytes_of_a_picture_stay_as_they_are():
    content = file(scale=1 / 255, zero_point=-128)
    assert len(read(with_byte_io(content, images=[True])).main.operators) == len(read(content).main.operators)
    shifted = file(scale=1 / 255, zero_point=-127)
    assert len(read(with_byte_io(shifted, images=[True])).main.operators) == len(read(shifted).main.operators) + 2


def test_numbers_of_classes_are_those_of_the_largest_score():
    content = file(channels=5, scale=1 / 64)
    x = np.random.default_rng(1).integers(-128, 128, (1, 6, 8, 3)).astype("int8")
    scores, found = run(content, x).outputs[0], run(with_indices(content), x).outputs[0]
    assert found.dtype == "int8"
    np.testing.assert_array_equal(found, scores.argmax(axis=-1))
    assert len(np.unique(found)) == 5
