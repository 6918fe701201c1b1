import json

import keras
import numpy as np
import pytest
from checks import randomize
from PIL import Image
from scipy.spatial.distance import pdist
from typer.testing import CliRunner

from keras_unetmm import models, skips
from keras_unetmm.analysis import representative_ability, restored_diversity
from keras_unetmm.analysis.stages import stage_maps
from keras_unetmm.cli.commands import app


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


def test_table_3_has_both_maps_and_the_means_beside_the_variances(tmp_path):
    model = randomize(models.UNet("mcu_width8", levels=3, skips=skips.UNetMinusMinus((4, 4))))
    images = np.random.default_rng(0).random((3, 64, 64, 3)).astype("float32")
    found = restored_diversity(model, images)
    assert list(found) == [0, 1]
    for level, row in found.items():
        maps = {"encoder": model.get_layer(f"skip{level}_keep").input, "iem": model.get_layer(f"skip{level}_restore").output}
        for name, tensor in maps.items():
            array = keras.ops.convert_to_numpy(keras.Model(model.inputs[0], tensor)(images)).astype("float64")
            vectors = [image.reshape(-1, image.shape[-1]).T for image in array]
            want = [pdist(v[v.any(1)], "cosine") for v in vectors]
            assert row[f"{name}_mean"] == pytest.approx(np.mean([each.mean() for each in want]), rel=1e-3, abs=1e-6)
            assert row[f"{name}_variance"] == pytest.approx(np.mean([each.var() for each in want]), rel=1e-3, abs=1e-6)
    model.save(tmp_path / "model.keras")
    (tmp_path / "images").mkdir()
    for i, image in enumerate(images):
        Image.fromarray((255 * image).astype("uint8")).save(tmp_path / "images" / f"{i}.png")
    command = ["analyze", str(tmp_path / "model.keras"), str(tmp_path / "images"), "--size", "64", "--limit", "2", "--json"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)
    assert list(rows) == ["1", "2"]
    assert set(rows["1"]) == {"ssim", "encoder_mean", "encoder_variance", "iem_mean", "iem_variance"}
    assert rows["2"]["iem_variance"] == pytest.approx(restored_diversity(model, images[:2])[1]["iem_variance"], rel=0.1)
