import keras
import numpy as np
import peers
import pytest
import torch
from checks import check_layer

from keras_unetmm.layers import ResizeLike

SHAPES = [(2, 3, 5, 4), (2, 7, 20, 1)]


def test_layer(tmp_path):
    check_layer(ResizeLike, {}, SHAPES, output_shape=(2, 7, 20, 4), weights=0, folder=tmp_path)


@pytest.mark.parametrize("size", [(7, 20), (6, 10), (2, 9), (3, 5)], ids=str)
def test_equals_pytorch_without_aligned_corners(size):
    x = np.random.default_rng(0).normal(size=SHAPES[0]).astype("float32")
    want = peers.called(torch.nn.Upsample(size, mode="bilinear", align_corners=False), x)
    got = ResizeLike()([x, np.zeros((2, *size, 1), "float32")])
    np.testing.assert_allclose(keras.ops.convert_to_numpy(got), want, atol=1e-5)


def test_open_sizes():
    inputs = [keras.Input((None, None, 4)), keras.Input((None, None, 1))]
    model = keras.Model(inputs, ResizeLike()(inputs))
    assert model.output_shape == (None, None, None, 4)
    assert model.predict([np.ones(shape, "float32") for shape in SHAPES], verbose=0).shape == (2, 7, 20, 4)


@pytest.mark.parametrize("sizes", [[(7, 20), (6, 10), (2, 9), (3, 5)], [(1, 1), (12, 3), (3, 50)]], ids=str)
def test_every_size_in_one_process_equals_pytorch(sizes):
    inputs = [keras.Input((None, None, 4)), keras.Input((None, None, 1))]
    model = keras.Model(inputs, ResizeLike()(inputs))
    for height, width in ((3, 5), (4, 2), (1, 6)):
        x = np.random.default_rng(0).normal(size=(2, height, width, 4)).astype("float32")
        for size in sizes:
            want = peers.called(torch.nn.Upsample(size, mode="bilinear", align_corners=False), x)
            got = model.predict_on_batch([x, np.zeros((2, *size, 1), "float32")])
            np.testing.assert_allclose(got, want, atol=1e-5)
