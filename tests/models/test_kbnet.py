import math
import warnings

import keras
import numpy as np
import onnxruntime
import pytest
import reference
from checks import JIT, called, randomize
from kb_reference import kbnet

from keras_unetmm import analysis, models, skips
from keras_unetmm.graph.abstract_build import abstract_build
from keras_unetmm.layers import KBBlock
from keras_unetmm.models.kbnet import VARIANTS

SMALL = {"width": 8, "encoder_depths": (1, 1), "middle_depth": 1, "decoder_depths": (1, 1)}
TINY = {"width": 8, "encoder_depths": (1,), "middle_depth": 0, "decoder_depths": (0,)}
UNET_MINUS = skips.UNetMinusMinus(reductions=(8, 2))


def image(*shape, seed=0):
    return np.random.default_rng(seed).random(shape)


def parameters(builder, *args, **kwargs):
    """How many there are in all, and without kernel bases, scales and LayerNorm: UNet--'s rule."""
    model = abstract_build(builder, *args, **kwargs)
    left_out = ("kba", "ga1", "attgamma", "beta", "gamma", "norm1", "norm2", "normalization")
    counted = [w for w in model.weights if w.path.split("/")[-2] not in left_out]
    return tuple(sum(math.prod(w.shape) for w in weights) for weights in (model.weights, counted))


@pytest.mark.parametrize(
    ("builder", "variant", "counts"),
    [
        (models.KBNet, "sidd_width64", (128_403_395, 104_925_251)),
        (models.KBNet, "gaussian_width64", (141_966_659, 118_488_515)),
        (models.KBNetUNetMinus, "sidd_width64", (131_641_815, 108_162_311)),
    ],
)
def test_parameters_are_the_published_ones(builder, variant, counts):
    assert parameters(builder, variant) == counts


def test_the_header_for_the_published_count_adds_a_square_a_level():
    added = sum((64 << level) * ((64 << level) + 1) for level in range(4))
    assert added == 108_162_311 - 107_813_191
    bare = {"encoder_depths": (0,) * 4, "middle_depth": 0, "decoder_depths": (0,) * 4}
    plain, pointwise = (parameters(models.KBNetUNetMinus, header=header, **bare)[1] for header in ("plain", "pointwise"))
    assert pointwise - plain == added


def test_macs_are_the_published_ones():
    """Those of a network without blocks, and of each level's block as often as it occurs."""
    bare = {"encoder_depths": (0,) * 4, "middle_depth": 0, "decoder_depths": (0,) * 4}
    full, small = (analysis.macs(builder(**bare), (256, 256)) for builder in (models.KBNet, models.KBNetUNetMinus))
    row, blocks = VARIANTS["sidd_width64"], 0
    counts = [*np.add(row.encoder_depths, row.decoder_depths[::-1]), row.middle_depth]
    for level, count in enumerate(counts):
        inputs = keras.Input((256 >> level, 256 >> level, 64 << level))
        blocks += int(count) * analysis.macs(keras.Model(inputs, KBBlock()(inputs)))
    assert full + blocks == 58_191_645_952
    assert round((small + blocks) / 1e9, 2) == 63.13


def test_skip_memory_is_the_published_one():
    bare = {"encoder_depths": (0,) * 4, "middle_depth": 0, "decoder_depths": (0,) * 4}
    full, small = (analysis.skip_memory(builder(**bare), (256, 256)) for builder in (models.KBNet, models.KBNetUNetMinus))
    assert (full / 2**20, small / 2**20) == (7.5, 0.5)


@pytest.mark.parametrize("kind", ["full", UNET_MINUS], ids=["full", "unet--"])
@pytest.mark.parametrize("lightweight", [True, False])
def test_small_network_equals_the_equations_in_float64(kind, lightweight):
    model = randomize(models.KBNet(**SMALL, skips=kind, lightweight=lightweight))
    weights = reference.Weights(model)
    x = image(2, 7, 10, 3)
    want = kbnet(weights, x, (1, 1), 1, (1, 1), unet_minus=kind is UNET_MINUS)
    assert weights.used == set(weights.values)
    scale = np.abs(want).max()
    np.testing.assert_allclose(called(model, x) / scale, want / scale, atol=1e-4)


@pytest.mark.parametrize("kind", ["full", "none", "st", skips.Only(1), UNET_MINUS], ids=str)
def test_every_kind_of_skip_that_is_added_up(kind):
    model = models.KBNet(**{**SMALL, "middle_depth": 0, "decoder_depths": (0, 0)}, skips=kind)
    assert called(model, image(1, 9, 6, 3)).shape == (1, 9, 6, 3)


def test_a_skip_of_one_channel_is_refused():
    with pytest.raises(ValueError, match=r"adds its skips, so dec0_fuse needs 8 channels of them\. Received: 1"):
        models.KBNet(**TINY, skips="sat")


def test_static_and_open_sizes_agree():
    network = randomize(models.KBNetUNetMinus(**TINY, reductions=(8,)))
    fixed = models.KBNetUNetMinus(**TINY, reductions=(8,), input_shape=(8, 12, 3))
    fixed.set_weights(network.get_weights())
    assert fixed.output_shape == (None, 8, 12, 3)
    x = image(2, 8, 12, 3)
    np.testing.assert_allclose(called(fixed, x), called(network, x), atol=1e-5)


def test_gray_images_and_names():
    model = abstract_build(models.KBNetUNetMinus, **TINY, reductions=(8,), input_shape=(None, None, 1))
    assert (model.output_shape, model.name) == ((None, None, None, 1), "kbnet_unet_minus")
    assert {"enc0_block0", "enc0_down", "dec0_up", "dec0_fuse", "skip0_keep", "head"} <= {x.name for x in model.layers}


def test_save_and_load(tmp_path):
    model = randomize(models.KBNet(**TINY, lightweight=False))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    x = image(1, 6, 8, 3)
    np.testing.assert_array_equal(called(model, x), called(again, x))


@pytest.mark.skipif(keras.backend.backend() == "jax", reason="jax2onnx knows no custom gradients")
def test_onnx_export_gives_the_same_images(tmp_path):
    model = randomize(models.KBNet(**TINY))
    x = image(1, 7, 10, 3).astype("float32")
    # LayerNormalization on torch exports for a fixed shape only
    fixed = {"input_signature": [keras.InputSpec(shape=x.shape, dtype="float32")]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporters' own
        arguments = fixed if keras.backend.backend() == "torch" else {}
        want = called(model, x)
        model.export(str(tmp_path / "model.onnx"), format="onnx", verbose=False, **arguments)
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"), providers=["CPUExecutionProvider"])
    (got,) = session.run(None, {session.get_inputs()[0].name: x})
    np.testing.assert_allclose(got, want, atol=1e-5)


def test_mixed_precision_keeps_the_image_in_full():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = models.KBNet(**TINY)
    finally:
        keras.config.set_dtype_policy("float32")
    model.get_layer("head").set_weights([np.zeros((3, 3, 8, 3)), np.zeros(3)])
    assert model.get_layer("enc0_block0").kba.compute_dtype == "bfloat16"
    x = image(1, 8, 12, 3)
    np.testing.assert_array_equal(called(model, x), x.astype("float32"))
    model.compile("sgd", "mse", run_eagerly=not JIT, jit_compile=JIT)
    assert np.isfinite(model.train_on_batch(x.astype("float32"), np.zeros((1, 8, 12, 3), "float32")))


def test_fit_learns():
    keras.utils.set_random_seed(0)
    model = models.KBNet(**{**SMALL, "encoder_depths": (1,), "middle_depth": 0, "decoder_depths": (1,)})
    model.compile(keras.optimizers.Adam(3e-3), "mse", run_eagerly=not JIT, jit_compile=JIT)
    clean = np.full((8, 8, 12, 3), 0.5, "float32")
    noisy = clean + np.random.default_rng(0).normal(scale=0.2, size=clean.shape).astype("float32")
    before = [weight.copy() for weight in model.get_weights()]
    history = model.fit(noisy, clean, epochs=15, batch_size=8, verbose=0).history["loss"]
    assert history[-1] < 0.5 * history[0]
    assert all((a != b).any() for a, b in zip(before, model.get_weights(), strict=True)), "a weight did not move"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"variant": "sidd"}, r"variant must be one of 'sidd_width64', 'gaussian_width64'\. Received: 'sidd'"),
        ({"width": 12}, r"width must give every level .* Received: 12\. The nearest that fit 4 levels: 8 or 16\."),
        ({"width": 2}, r"Received: 2\. The nearest that fit 4 levels: 4\."),
        ({"width": 0}, r"width must be a positive number of channels\. Received: 0"),
        ({"ffn_scale": 0.1}, r"ffn_scale must give an even number of channels.*Use 1\.5 or 2"),
        ({"ffn_scale": "2"}, r"ffn_scale must be a positive number\. Received: '2'\. Use 1\.5 or 2"),
        ({"ffn_scale": -1}, r"Received: -1\."),
        ({"ffn_scale": math.nan}, r"Received: nan\."),
        ({"ffn_scale": math.inf}, r"Received: inf\."),
        ({"input_shape": (64, 64)}, r"input_shape must be \(height, width, channels\).*Received: \(64, 64\)"),
        ({"encoder_depths": (1, 1)}, r"one entry for each level.*Received: \(1, 1\) and \(2, 2, 2, 2\)"),
        ({"middle_depth": -1}, r"middle_depth must be a number of blocks, 0 or more\. Received: -1"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_does_not_fit_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        models.KBNet(**arguments)


def test_a_wrong_rank_is_refused_at_the_call():
    with pytest.raises(ValueError, match="incompatible"):
        models.KBNet(**TINY)(np.zeros((16, 16, 3), "float32"))
