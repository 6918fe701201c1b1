import keras
import numpy as np
import pytest
from checks import randomize
from scipy.spatial.distance import pdist

from keras_unetmm import models
from keras_unetmm.analysis import representative_ability
from keras_unetmm.analysis.stages import stage_maps


@pytest.mark.parametrize("size", [(8, 12), (4, 6, 8)])
def test_equals_scipys_distances(size):
    model = randomize(models.LUnet(rank=len(size), channels=5, levels=2, convolutions=1, order="conv-relu"))
    for weight in model.get_layer("enc0_block").weights:  # a channel that is 0 everywhere
        weight.assign(keras.ops.convert_to_numpy(weight) * (np.arange(5) != 2))
    images = np.random.default_rng(0).random((3, *size, 1)).astype("float32")
    found = representative_ability(model, images)
    maps = stage_maps(model)
    assert list(found) == list(maps) == ["enc0", "mid", "dec0"]
    for stage, tensor in maps.items():
        array = keras.ops.convert_to_numpy(keras.Model(model.inputs[0], tensor)(images)).astype("float64")
        vectors = [image.reshape(-1, 5).T for image in array]
        want = [pdist(v[v.any(1)], "cosine").var() if v.any(1).sum() > 1 else 0 for v in vectors]
        assert found[stage] == pytest.approx(np.mean(want), rel=1e-4, abs=1e-9)
    assert found["enc0"] > 1e-4


def test_channels_that_are_alike_have_none():
    model = models.LUnet(rank=2, channels=1, levels=2, convolutions=1)
    assert representative_ability(model, np.ones((1, 8, 8, 1))) == {"enc0": 0, "mid": 0, "dec0": 0}
    model = models.LUnet(rank=2, channels=3, levels=2, convolutions=1, order="conv-relu")
    kernel = model.get_layer("enc0_block").weights[0]
    kernel.assign(np.ones(kernel.shape) * [1, 2, 3])
    assert representative_ability(model, np.ones((1, 8, 8, 1)))["enc0"] == pytest.approx(0, abs=1e-12)
