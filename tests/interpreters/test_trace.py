"""What every operator made, on the reference kernels."""

import numpy as np
import pytest
from tflite import files
from tflite.network import Network

from keras_unetmm import tflite
from keras_unetmm.interpreters.runtime import trace
from keras_unetmm.tflite_file.graph import TFLiteFileError, read


def image(seed=0):
    return np.random.default_rng(seed).integers(-128, 128, (8, 8, 4)).astype("int8")


def test_the_tensors_in_between_are_what_the_operators_say():
    net = Network(dtype="float32")
    x = net.input(1, 4, 6, 2)
    y = net.unary("RELU", x)
    total = net.binary("ADD", x, y)
    content = net.file(net.unary("ABS", total))
    values = np.random.default_rng(0).normal(size=(3, 4, 6, 2)).astype("float32")
    for given, found in zip(values, trace(content, values), strict=True):
        assert set(found) == {1, 2, 3}
        np.testing.assert_array_equal(found[y][0], np.maximum(given, 0))
        np.testing.assert_array_equal(found[total][0], given + np.maximum(given, 0))


def test_every_tensor_is_the_output_of_the_file_that_ends_there():
    content = files.unet()
    graph = read(content).main
    (found,) = trace(content, [image()])
    assert set(found) == {i for operator in graph.operators for i in operator.outputs}
    (output,) = graph.outputs
    np.testing.assert_array_equal(found[output], tflite.run(content, image(), "litert-reference").outputs[0])
    assert all(found[i].shape == graph.tensors[i].shape for i in found)
    (alone,) = trace(content, [image()], [output])
    assert list(alone) == [output]


def test_other_files_may_run_in_between():
    """Inputs are taken when their turn comes, and the file is prepared again where another has taken its place."""
    content, taken = files.unet(), []

    def images():
        for seed in range(3):
            taken.append(seed)
            yield image(seed)

    want = [found for seed in range(3) for found in trace(content, [image(seed)])]
    for turn, found in enumerate(trace(content, images())):
        assert len(taken) == turn + 1
        tflite.run(files.chain(1), image(), "litert")
        assert all((found[i] == want[turn][i]).all() for i in want[turn])


def test_what_does_not_fit_is_refused():
    with pytest.raises(TFLiteFileError, match=r"must be a \.tflite file"):
        trace(b"these are not tensors", [])
    with pytest.raises(ValueError, match=r"wanted must hold indices of tensors that operators compute.*Received: \[99\]"):
        trace(files.unet(), [], [99])
    with pytest.raises(ValueError, match="x must have the shape"):
        list(trace(files.unet(), [np.zeros((3, 3, 4), "float32")]))
    with pytest.raises(ValueError, match=r"one image each\. Received: 2 at once"):
        list(trace(files.unet(), [np.stack([image(), image()])]))
    assert list(trace(files.unet(), [])) == []
