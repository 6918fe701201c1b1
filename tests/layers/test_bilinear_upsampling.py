import keras
import numpy as np
import pytest
from checks import check_layer

from keras_unetmm.layers import BilinearUpsampling


@pytest.mark.parametrize(("arguments", "output"), [({}, (2, 6, 10, 4)), ({"size": (3, 1)}, (2, 9, 5, 4))], ids=str)
def test_layer(arguments, output, tmp_path):
    check_layer(BilinearUpsampling, arguments, (2, 3, 5, 4), output_shape=output, weights=0, folder=tmp_path)


@pytest.mark.parametrize("size", [2, (3, 2)])
def test_every_size_in_one_process_equals_keras_own_layer(size):
    inputs = keras.Input((None, None, 2))
    model = keras.Model(inputs, BilinearUpsampling(size)(inputs))
    for shape in ((3, 5), (4, 2), (1, 6)):
        x = np.random.default_rng(0).normal(size=(2, *shape, 2)).astype("float32")
        want = keras.ops.convert_to_numpy(keras.layers.UpSampling2D(size, interpolation="bilinear")(x))
        np.testing.assert_allclose(model.predict_on_batch(x), want, atol=1e-6)


@pytest.mark.parametrize("wrong", [{"interpolation": "nearest"}, {"data_format": "channels_first"}], ids=str)
def test_what_it_cannot_do_is_refused(wrong):
    with pytest.raises(ValueError, match=r"BilinearUpsampling takes .* only. Received: .*UpSampling2D"):
        BilinearUpsampling(**wrong)
