import keras
import numpy as np
import pytest
from checks import check_layer

from keras_unetmm.layers import RepeatChannels


@pytest.mark.parametrize("shape", [(2, 6, 10, 3), (2, 3, 4, 5, 1), (1, 4, 6, 7)], ids=str)
def test_layer(shape, tmp_path):
    check_layer(RepeatChannels, {"channels": 7}, shape, output_shape=(*shape[:-1], 7), weights=0, folder=tmp_path)


def test_channels_come_in_turn():
    x = np.arange(3.0, dtype="float32").reshape(1, 1, 1, 3)
    assert keras.ops.convert_to_numpy(RepeatChannels(7)(x)).ravel().tolist() == [0, 1, 2, 0, 1, 2, 0]


def test_channels_are_never_left_out():
    with pytest.raises(ValueError, match=r"channels=2\) cannot leave channels out\. Received: 3 channels\. Use at least 3"):
        RepeatChannels(2)(np.zeros((1, 4, 4, 3), "float32"))
