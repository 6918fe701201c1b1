import keras
import numpy as np
import pytest

from keras_unetmm import analysis, models, skips
from keras_unetmm.analysis import switched_off


@pytest.mark.parametrize("kind", [skips.SAT, skips.ST])
def test_the_share_of_channels_at_or_below_zero(kind):
    model = models.LUnet(rank=2, channels=4, levels=3, convolutions=1, skips=kind(initializer=0.5))
    assert switched_off(model) == {"skip0_keep": 0, "skip1_keep": 0, "total": 0}
    for level, weight in enumerate([[-1, 0, 0.2, 3], [0.1, 0.1, 0.1, -0.1]]):
        model.get_layer(f"skip{level}_keep").trainable_weights[0].assign(np.array(weight, "float32"))
    assert switched_off(model) == {"skip0_keep": 0.5, "skip1_keep": 0.25, "total": 0.375}


def test_gates_inside_dense_blocks_and_unet_modules_weigh_by_their_channels():
    model = models.Tiramisu(growth=2, depths=(2, 2), channels=6, skips="full", dense_skips=skips.ST(initializer=0.5))
    shares = switched_off(model)
    assert set(shares) == {"enc0_block_gate0", "mid_block_gate0", "dec0_block_gate0", "total"}
    gate = next(part for part in model.get_layer("enc0_block")._flatten_layers() if part.name == "gate0")
    gate.weight.assign(np.zeros(6, "float32"))
    shares = switched_off(model)
    assert (shares["enc0_block_gate0"], shares["mid_block_gate0"]) == (1, 0)
    channels = 6 + 10 + (4 + 10)  # of the block before each gate: intro, encoder; up and the skip
    assert shares["total"] == pytest.approx(6 / channels)
    assert "block1_unet0_keep" in switched_off(models.SUNet("mcu_filters16", modules=(1, 1, 1, 1), skips="sat"))


def test_half_of_the_channels_are_off_where_the_paper_starts():
    keras.utils.set_random_seed(0)
    model = models.UNet("mcu_width8", channels=16, skips="sat")
    assert 0.35 < switched_off(model)["total"] < 0.65


def test_without_gates():
    with pytest.raises(ValueError, match=r"gates that select channels\. Received: 'lunet', which has none.*skips='sat' or"):
        switched_off(models.LUnet(rank=2, channels=2, levels=2, skips="at"))


def test_channels_before_and_after_they_are_selected(tmp_path):
    model = models.UNet("mcu_width8", levels=2, input_shape=(16, 24, 3), skips="sat")
    weight = model.get_layer("skip0_keep").select.weight
    weight.assign(np.array([0.5, -0.5, 2, 0, 0.25, 1, -3, 0.75], "float32"))
    images = np.random.default_rng(0).random((2, 16, 24, 3)).astype("float32")
    before, after, scales = analysis.selected_channels(model, images)
    assert scales.tolist() == [0.5, 0, 1, 0, 0.25, 1, 0, 0.75]
    assert before.shape == (2, 16, 24, 8)
    np.testing.assert_allclose(after, before * scales, rtol=1e-6)
    assert np.abs(before[..., 1]).max() > 0
    analysis.draw_selection(before[0], after[0], scales, tmp_path / "selection.png", "selected")
    assert (tmp_path / "selection.png").stat().st_size > 1000
    with pytest.raises(ValueError, match=r"gate must be one of skip0_keep, a layer of the model\. Received: 'skip7'"):
        analysis.selected_channels(model, images, "skip7")
    with pytest.raises(ValueError, match=r"before and after must be maps \(H, W, C\)"):
        analysis.draw_selection(before, after, scales, tmp_path / "selection.png")
