import keras
import numpy as np
import pytest
import reference
from checks import check_layer

from keras_unetmm.layers import PixelShuffle, PixelUnshuffle


def test_layers(tmp_path):
    shape, output = (2, 3, 5, 12), (2, 6, 10, 3)
    check_layer(PixelShuffle, {"factor": 2}, shape, output_shape=output, weights=0, folder=tmp_path)
    check_layer(PixelUnshuffle, {"factor": 2}, output, output_shape=shape, weights=0, folder=tmp_path)


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_both_equal_their_definition_and_are_inverse(factor):
    x = np.random.default_rng(0).normal(size=(1, 3, 5, 2 * factor**2)).astype("float32")
    y = keras.ops.convert_to_numpy(PixelShuffle(factor)(x))
    np.testing.assert_array_equal(y, reference.shuffle(x, factor))
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(PixelUnshuffle(factor)(y)), x)


def test_what_does_not_divide_is_refused_with_the_nearest_that_does():
    with pytest.raises(ValueError, match=r"multiple of 4\. Received: 6 channels.*fit: 4 or 8"):
        PixelShuffle(2)(np.zeros((1, 2, 2, 6), "float32"))
    with pytest.raises(ValueError, match=r"width that is a multiple of 4\. Received: 6.*fit: 4 or 8"):
        PixelUnshuffle(4)(np.zeros((1, 8, 6, 1), "float32"))
    with pytest.raises(ValueError, match=r"factor must be an integer of at least 2\. Received: 1"):
        PixelShuffle(1)
    with pytest.raises(ValueError, match="expected ndim=4, found ndim=5"):
        PixelShuffle(2)(np.zeros((1, 2, 2, 2, 4), "float32"))
