import keras
import numpy as np
import pytest

from keras_unetmm.layers import GELU
from keras_unetmm.layers.activation import activation


def test_by_name():
    assert isinstance(activation("gelu"), GELU)
    relu = activation("relu", name="relu1", dtype="bfloat16")
    assert (type(relu), relu.name, relu.compute_dtype) == (keras.layers.ReLU, "relu1", "bfloat16")
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(activation("relu")(np.array([-1.0, 2.0]))), [0, 2])


def test_an_unknown_name_is_refused():
    with pytest.raises(ValueError, match=r"activation must be one of 'gelu', 'relu'\. Received: 'swish'"):
        activation("swish")
