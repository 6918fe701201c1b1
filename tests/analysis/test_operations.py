import keras
import pytest

from keras_unetmm import analysis, models, skips


@pytest.fixture(scope="module")
def published():
    return models.NAFNet("sidd_width32"), models.NAFNetUNetMinus("sidd_width32", header="pointwise")


def test_macs_are_the_papers(published):
    # 128 less than the 16,228,611,840 in our specification: ptflops 0.6.9 on the PyTorch network says this figure too
    full, small = (analysis.macs(model, (256, 256)) for model in published)
    assert full == 16_228_611_712
    assert round(small / 1e9, 2) == 17.50
    separable_to_stage = sum((256 // 2**i) ** 2 * (c * c + c) for i, c in enumerate((32, 64, 128, 256)))
    assert round((small - separable_to_stage) / 1e9, 2) == 17.23, "without the header's last convolution"


def test_macs_of_single_layers():
    inputs = keras.Input((6, 8, 3))
    x = keras.layers.Conv2D(4, 3, strides=2, padding="same")(inputs)  # 3x4 pixels
    x = keras.layers.DepthwiseConv2D(3, padding="same", use_bias=False)(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(inputs, keras.layers.Dense(5)(x))
    assert analysis.macs(model) == 12 * (27 * 4 + 4) + 12 * 9 * 4 + 12 * 4 + (4 * 5 + 5)


def test_skip_memory_is_the_papers(published):
    full, small = (analysis.skip_memory(model, (256, 256)) / 2**20 for model in published)
    assert (full, small) == (3.75, 0.25)
    assert analysis.skip_memory(models.NAFNet("mcu_width16", input_shape=(64, 64, 3))) == 122_880


@pytest.mark.parametrize(
    ("kind", "kept"),
    [
        ("none", {}),
        (skips.Only(2), {"enc2_block0_residual2": (16, 24, 64)}),
        ("unet--", {"skips_share_mix": (8, 12, 128)}),
    ],
    ids=["none", "only", "unet--"],
)
def test_kept_maps(kind, kept):
    model = models.NAFNet("mcu_width16", skips=kind)
    assert analysis.kept_maps(model, (64, 96)) == kept
    expected = sum(h * w * c for h, w, c in kept.values())
    assert analysis.skip_memory(model, (64, 96), bytes_per_value=4) == 4 * expected
