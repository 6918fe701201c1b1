import keras
import numpy as np
import pytest
import reference
from checks import JIT, called, randomize

from keras_unetmm import layers, models
from keras_unetmm import skips as skip_connections
from keras_unetmm.graph.abstract_build import abstract_build
from keras_unetmm.models.nafnet import VARIANTS

SMALL = {"width": 8, "encoder_depths": (1, 2), "middle_depth": 1, "decoder_depths": (2, 1)}


def image(*shape, seed=0):
    return np.random.default_rng(seed).random(shape)


def test_parameters_are_the_published_ones():
    assert models.NAFNet("sidd_width32").count_params() == 29_159_715
    assert models.NAFNetUNetMinus("sidd_width32").count_params() == 29_982_701
    assert models.NAFNetUNetMinus("sidd_width32", header="plain").count_params() == 29_895_181


@pytest.mark.parametrize("size", [(12, 20), (13, 18)], ids=["divides", "padded"])
def test_small_network_equals_the_equations_in_float64(size):
    model = randomize(models.NAFNet(**SMALL))
    weights = reference.Weights(model)
    x = image(2, *size, 3)
    want = reference.nafnet(weights, x, SMALL["encoder_depths"], SMALL["middle_depth"], SMALL["decoder_depths"])
    assert weights.used == set(weights.values)
    np.testing.assert_allclose(called(model, x), want, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("builder", [models.NAFNet, models.NAFNetUNetMinus])
def test_published_network_equals_the_equations_in_float64(builder):
    model = randomize(builder("sidd_width32"))
    weights = reference.Weights(model)
    x = image(1, 16, 32, 3)
    unet_minus = builder is models.NAFNetUNetMinus
    want = reference.nafnet(weights, x, (2, 2, 4, 8), 12, (2, 2, 2, 2), unet_minus=unet_minus)
    assert weights.used == set(weights.values)
    scale = np.abs(want).max()
    np.testing.assert_allclose(called(model, x) / scale, want / scale, atol=1e-4)


def test_rows_differ_as_published():
    assert VARIANTS["gopro_width64"].encoder_depths == (1, 1, 1, 28)
    model = models.NAFNet("mcu_width16", norm="layer", input_skip=False)
    names = [layer.name for layer in model.layers]
    assert sum("_block" in name for name in names) == 9
    assert "input_skip" not in names
    assert "input_skip" in [layer.name for layer in models.NAFNet("mcu_width16").layers]


def test_the_untrained_network_differs_from_its_input_by_the_head_only():
    model = models.NAFNet("mcu_width16")
    model.get_layer("head").set_weights([np.zeros((3, 3, 16, 3)), np.full(3, 0.25)])
    x = image(1, 21, 18, 3)
    np.testing.assert_allclose(called(model, x), x + 0.25, atol=1e-6)


@pytest.mark.parametrize("bounded", [True, False])
def test_bounded_gates_keep_values_finite_where_products_of_products_do_not(bounded):
    model = randomize(models.NAFNet("mcu_width16", bounded=bounded))
    y = called(model, 1e4 * image(1, 16, 16, 3))  # far from anything that it has seen
    assert np.isfinite(y).all() == bounded


def test_gates_are_cut_at_one(tmp_path):
    block = layers.NAFBlock(bounded=True)
    x = 100 * np.random.default_rng(0).normal(size=(1, 6, 10, 8)).astype("float32")
    block.build(x.shape)
    randomize(block)
    wide = keras.ops.convert_to_numpy(block.gate2(block.conv4(x)))
    assert np.abs(wide).max() == 1
    model = keras.Sequential([keras.Input(x.shape[1:]), block])
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(called(again, x), called(model, x))


@pytest.mark.parametrize("skips", ["unet--", "full", "none"])
def test_the_tiled_row_sees_a_neighbourhood_in_every_level(skips):
    """Only the bottleneck has channel attention; without it, far pixels do not change."""
    whole = models.NAFNet("mcu_width16_tiled", skips=skips)
    attention = 2 * sum(c * c + c for c in (16, 32, 64, 128))
    response = 2 * sum(4 * c for c in (2, 8, 32, 128)) if skips == "unet--" else 0
    assert models.NAFNet("mcu_width16", skips=skips).count_params() - whole.count_params() == attention + response
    attention = [layer.name for layer in whole.layers if getattr(layer, "channel_attention", False)]
    assert attention == ["mid_block0"]

    x = image(1, 16, 160, 3)
    changed = x.copy()
    changed[:, :, 0] += 1
    for row, local in (("mcu_width16_tiled", True), ("mcu_width16", False)):
        model = randomize(models.NAFNet(row, skips=skips, middle_depth=0))
        same = (called(model, x) == called(model, changed)).all(axis=(0, 1, 3))
        assert not same[0]
        assert same[130:].all() == local


@pytest.mark.parametrize("local_levels", [5, -1, "all"])
def test_local_levels_that_do_not_fit_are_refused(local_levels):
    with pytest.raises(ValueError, match=r"local_levels must be a number of the network's 4 levels, or 0\. Received"):
        models.NAFNet("mcu_width16", local_levels=local_levels)
    with pytest.raises(ValueError, match="local_levels must be a number of levels, or None"):
        skip_connections.UNetMinusMinus(local_levels=-1)


def test_static_and_open_sizes_agree():
    network = randomize(models.NAFNetUNetMinus("mcu_width16"))
    fixed = models.NAFNetUNetMinus("mcu_width16", input_shape=(24, 36, 3))
    fixed.set_weights(network.get_weights())
    assert fixed.output_shape == (None, 24, 36, 3)
    x = image(2, 24, 36, 3)
    np.testing.assert_allclose(called(fixed, x), called(network, x), atol=1e-5)


def test_both_ways_to_ask_for_unet_minus_are_one_network():
    by_name, by_function = abstract_build(
        lambda: (models.NAFNet("mcu_width16", skips="unet--"), models.NAFNetUNetMinus("mcu_width16"))
    )
    assert [w.path for w in by_name.weights] == [w.path for w in by_function.weights]


def test_gray_images():
    model = abstract_build(models.NAFNet, "mcu_width16", input_shape=(None, None, 1))
    assert model.output_shape == (None, None, None, 1)


def test_save_and_load(tmp_path):
    model = randomize(models.NAFNetUNetMinus("mcu_width16", norm="layer"))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    x = image(1, 20, 16, 3)
    np.testing.assert_array_equal(called(model, x), called(again, x))


def test_mixed_precision_keeps_the_image_in_full():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        small = {"encoder_depths": (1,), "middle_depth": 1, "decoder_depths": (1,), "reductions": (8,)}
        model = models.NAFNetUNetMinus("mcu_width16", **small)
    finally:
        keras.config.set_dtype_policy("float32")
    model.get_layer("head").set_weights([np.zeros((3, 3, 16, 3)), np.zeros(3)])
    assert model.get_layer("mid_block0").compute_dtype == "bfloat16"
    x = image(1, 16, 32, 3)
    np.testing.assert_array_equal(called(model, x), x.astype("float32"))
    model.compile("sgd", "mse", run_eagerly=not JIT, jit_compile=JIT)
    loss = model.train_on_batch(x.astype("float32"), np.zeros((1, 16, 32, 3), "float32"))
    assert np.isfinite(loss)


def test_fit_learns():
    keras.utils.set_random_seed(0)
    model = models.NAFNet(**SMALL, norm="batch")
    model.compile(keras.optimizers.Adam(3e-3), "mse", run_eagerly=not JIT, jit_compile=JIT)
    clean = np.full((8, 16, 16, 3), 0.5, "float32")
    noisy = clean + np.random.default_rng(0).normal(scale=0.2, size=clean.shape).astype("float32")
    history = model.fit(noisy, clean, epochs=12, batch_size=8, verbose=0).history["loss"]
    assert history[-1] < 0.5 * history[0]


def test_plot_model_draws_every_layer():
    model = abstract_build(models.NAFNetUNetMinus, "mcu_width16")
    dot = keras.utils.model_to_dot(model, show_shapes=True).to_string()
    assert all(layer.name in dot for layer in model.layers)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"variant": "sidd"}, r"variant must be one of 'sidd_width32', .*Received: 'sidd'"),
        ({"norm": "group"}, r"norm must be one of 'layer', 'batch'\. Received: 'group'"),
        ({"input_shape": (64, 64)}, r"input_shape must be \(height, width, channels\).*Received: \(64, 64\)"),
        ({"input_shape": (0, 64, 3)}, r"input_shape must be"),
        ({"input_shape": (64, 64, None)}, r"input_shape must be"),
        ({"encoder_depths": (1, 1)}, r"one entry for each level.*Received: \(1, 1\) and \(2, 2, 2, 2\)"),
        ({"width": 0}, r"width must be a positive number of channels\. Received: 0"),
        ({"width": 1.5}, r"width must be a positive number of channels\. Received: 1\.5"),
        ({"middle_depth": -1}, r"middle_depth must be a number of blocks, 0 or more\. Received: -1"),
        ({"decoder_depths": 3}, r"must be tuples of numbers of blocks"),
        ({"variant": ["sidd_width32"]}, r"variant must be one of"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_does_not_fit_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        models.NAFNet(**arguments)


def test_a_width_that_msiam_cannot_divide_is_refused():
    with pytest.raises(ValueError, match=r"multiple of 16\. Received: 24 channels\. Use 16 or 32 channels"):
        models.NAFNetUNetMinus("sidd_width32", width=24)


def test_a_wrong_rank_is_refused_at_the_call():
    with pytest.raises(ValueError, match="incompatible"):
        models.NAFNet("mcu_width16")(np.zeros((16, 16, 3), "float32"))
