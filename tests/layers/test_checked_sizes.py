import keras
import numpy as np
import pytest
from checks import check_layer

from keras_unetmm.layers import CheckedSizes


def test_what_every_layer_owes(tmp_path):
    arguments = {"multiple": 4, "least": 5}
    check_layer(CheckedSizes, arguments, (2, 8, 12, 3), output_shape=(2, 8, 12, 3), weights=0, folder=tmp_path)


def test_maps_pass_as_they_are():
    x = np.random.default_rng(0).normal(size=(1, 4, 8, 12, 2)).astype("float32")
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(CheckedSizes(4)(x)), x)


@pytest.mark.parametrize("symbolic", [False, True])
@pytest.mark.parametrize(
    ("arguments", "sizes", "message"),
    [
        ((4, 1), (9, 15), r"divide by 4, .* 2 times. Received: \(9, 15, 3\).*nearest that fits is \(8, 16, 3\)"),
        ((8, 1), (1, 8, 8), r"divide by 8.*nearest that fits is \(8, 8, 8, 3\)"),
        ((1, 29), (28, 40), r"are at least 29 pixels\. Received: .*nearest that fits is \(29, 40, 3\)"),
        ((4, 6), (4, 9), r"divide by 4.* and are at least 6 pixels.*nearest that fits is \(8, 8, 3\)"),
    ],
)  # fmt: skip
def test_sizes_that_do_not_fit_are_refused(symbolic, arguments, sizes, message):
    shape = (1, *sizes, 3)
    with pytest.raises(ValueError, match=message):
        CheckedSizes(*arguments)(keras.KerasTensor(shape) if symbolic else np.zeros(shape, "float32"))


def test_a_map_passes_when_its_image_fits():
    x, image = np.ones((1, 2, 3, 5), "float32"), np.zeros((1, 8, 12, 3), "float32")
    layer = CheckedSizes(4)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(layer([x, image])), x)
    with pytest.raises(ValueError, match=r"divide by 4.*Received: \(8, 10, 3\)"):
        layer([x, image[:, :, :10]])


def test_open_sizes_are_refused_when_they_are_known():
    inputs = keras.Input((None, None, 1))
    model = keras.Model(inputs, CheckedSizes(4)(inputs))
    assert model.predict(np.zeros((1, 4, 8, 1)), verbose=0).shape == (1, 4, 8, 1)
    with pytest.raises(Exception, match=r"divide by 4|reshape"):  # TensorFlow has an error of its own in a graph
        model.predict(np.zeros((1, 4, 9, 1)), verbose=0)
    assert model.predict(np.zeros((1, 8, 12, 1)), verbose=0).shape == (1, 8, 12, 1)
