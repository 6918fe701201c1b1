import subprocess
import sys
import warnings
from dataclasses import replace

import keras
import numpy as np
import onnxruntime
import peers
import pytest
import torch
from checks import JIT, ON_TORCH, called, computed, randomize
from segmenters import parameters

from benchmarks import pytorch_mscan
from keras_unetmm import analysis, models, skips, tflite
from keras_unetmm.graph.abstract_build import abstract_build
from keras_unetmm.models.mscan_matting import VARIANTS
from keras_unetmm.tflite_file.graph import read

SMALL = {"channels": (8, 4, 8, 6), "depths": (1, 1, 1, 1), "expansions": (2, 2, 1, 1), "decoder": (4, 6, 8)}
BUILDERS = (models.MSCANMatting, models.MSCANMattingUNetMinus)
UNET_MINUS = skips.UNetMinusMinus(reductions=(4, 2, 1))


def images(*shape, seed=0):
    return np.random.default_rng(seed).random(shape).astype("float32")


@pytest.mark.parametrize(
    ("variant", "count", "unet_minus"),
    [("tiny", 3_947_376, 3_992_098), ("mcu_width16", 266_688, 279_177)],
)
def test_parameters(variant, count, unet_minus):
    assert parameters(models.MSCANMatting, variant) == count
    assert parameters(models.MSCANMattingUNetMinus, variant) == unet_minus


def test_larger_rows_have_one_decoder():
    """What it adds to the counts of their encoders, which are tested alone."""
    shallow = {"depths": (1, 1, 1, 1)}
    assert parameters(models.MSCANMatting, "base", **shallow) - parameters(models.MSCAN, "base", **shallow) == 165_392
    for variant in ("base", "large"):
        assert VARIANTS[variant] == replace(VARIANTS["small"], encoder=variant)


def test_skip_memory():
    full, small = (builder("mcu_width16", channels=(32, 64, 160, 8)) for builder in BUILDERS)
    pixels = 832 * 832
    assert analysis.kept_maps(full, (64, 96)) == {
        "enc0_norm": (16, 24, 32),
        "enc1_norm": (8, 12, 64),
        "enc2_norm": (4, 6, 160),
    }
    assert analysis.kept_maps(small, (64, 96)) == {"skips_share_mix": (4, 6, 64)}
    kept = analysis.skip_memory(full, (832, 832))
    assert (kept, analysis.skip_memory(small, (832, 832))) == (pixels * 29 // 8, pixels // 4)
    # the table's 2.56 MB, if the bottom counts as a fourth map
    assert round((kept + 256 * pixels // 32**2) / 2**20, 2) == 2.56


def with_weights_of(peer, model):
    with torch.no_grad():
        for module in peers.randomized(peer).modules():
            if isinstance(module, pytorch_mscan.Scale):
                module.weight.uniform_(0.5, 1.5)
    model.set_weights([w.reshape(v.shape) for w, v in zip(peers.weights(peer), model.weights, strict=True)])
    return model


def test_small_network_equals_a_plain_PyTorch_one():
    peer = pytorch_mscan.MSCANMatting((*(SMALL[k] for k in ("channels", "depths", "expansions", "decoder")),))
    model = with_weights_of(peer, models.MSCANMatting(**SMALL))
    x = images(2, 64, 96, 3)
    want = peers.called(peer, x)
    assert want.std() > 0.01
    np.testing.assert_allclose(called(model, x), want, atol=1e-4)


def test_published_network_equals_a_plain_PyTorch_one():
    peer = pytorch_mscan.MSCANMatting("tiny")
    assert sum(p.numel() for p in peer.encoder.parameters()) == 3_903_584
    model = with_weights_of(peer, models.MSCANMatting("tiny"))
    x = images(1, 64, 32, 3)
    np.testing.assert_allclose(called(model, x), peers.called(peer, x), atol=1e-4)


@pytest.mark.parametrize(
    ("kind", "fused"),
    [
        ("full", {2: 8 + 8, 1: 6 + 4, 0: 4 + 8}),
        ("none", {}),
        ("sat", {2: 8 + 1, 1: 6 + 1, 0: 4 + 1}),
        ("at", {2: 8 + 1, 1: 6 + 1, 0: 4 + 1}),
        ("st", {2: 8 + 8, 1: 6 + 4, 0: 4 + 8}),
        (skips.Only(1), {1: 6 + 4}),
        (UNET_MINUS, {2: 8 + 8, 1: 6 + 6, 0: 4 + 4}),
    ],
    ids=str,
)
def test_every_kind_of_skip(kind, fused):
    model = models.MSCANMatting(**SMALL, skips=kind)
    names = {layer.name: layer for layer in model.layers}
    assert {n: names[n].output.shape[-1] for n in names if n.endswith("_fuse")} == {
        f"dec{level}_fuse": channels for level, channels in fused.items()
    }
    y = called(model, images(1, 32, 64, 3))
    assert y.shape == (1, 32, 64, 1)
    assert y.min() >= 0
    assert y.max() <= 1


@pytest.mark.parametrize(("level", "shape"), [(None, (2, 4, 48)), (1, (4, 8, 12)), (0, (8, 16, 3))])
def test_where_the_shared_map_lies(level, shape):
    changes = {**SMALL, "channels": (16, 16, 32, 4)}
    changes |= {"reductions": (16, 4, 2), "level": level, "input_shape": (32, 64, 3)}
    model = abstract_build(models.MSCANMattingUNetMinus, **changes)
    assert model.get_layer("skips_share").output.shape[1:] == shape
    assert model.output_shape == (None, 32, 64, 1)


def test_both_ways_to_ask_for_unet_minus_are_one_network():
    by_name, by_function = abstract_build(
        lambda: (models.MSCANMatting("mcu_width16", skips="unet--"), models.MSCANMattingUNetMinus("mcu_width16"))
    )
    assert [w.path for w in by_name.weights] == [w.path for w in by_function.weights]
    assert [w.shape for w in by_name.weights] == [w.shape for w in by_function.weights]
    assert by_name.get_layer("skip0_restore").norm == "batch", "as the network's own blocks have it"
    assert (by_name.name, by_function.name) == ("mscan_matting", "mscan_matting_unet_minus")


def test_names_and_the_encoder():
    model, encoder = abstract_build(models.MSCANMatting, "tiny"), abstract_build(models.MSCAN, "tiny")
    names = [layer.name for layer in model.layers]
    assert {"stem", "enc0_block0", "enc0_norm", "enc2_down", "mid_block1", "mid_norm", "dec2_up", "head", "alpha"} <= set(
        names
    )
    names.remove("sizes")  # must divide here, not in the encoder
    own = [layer.name.replace("enc3", "mid") for layer in encoder.layers]
    assert names[: len(own)] == own
    model = abstract_build(models.MSCANMatting, **SMALL, drop_path=0.0)
    assert not any(layer.drop_path for layer in model.layers if "_block" in layer.name)


@pytest.mark.parametrize("kind", ["full", UNET_MINUS], ids=["full", "unet--"])
def test_static_and_open_sizes_agree(kind):
    model = randomize(models.MSCANMatting(**SMALL, skips=kind, input_shape=(None, None, 1)))
    fixed = models.MSCANMatting(**SMALL, skips=kind, input_shape=(32, 64, 1))
    fixed.set_weights(model.get_weights())
    x = images(2, 32, 64, 1)
    assert fixed.output_shape == (None, 32, 64, 1)
    np.testing.assert_allclose(called(fixed, x), called(model, x), atol=1e-5)


def test_fit_learns():
    keras.utils.set_random_seed(0)
    model = models.MSCANMatting(**SMALL)
    model.compile(keras.optimizers.SGD(1.0), "binary_crossentropy", jit_compile=JIT)  # Adam's graph takes TensorFlow longer
    alpha = np.zeros((4, 32, 64, 1), "float32")
    alpha[:, :, 32:] = 1
    x = 0.3 * images(4, 32, 64, 3) + 0.5 * alpha
    before = [weight.copy() for weight in model.get_weights()]
    history = model.fit(x, alpha, epochs=40, batch_size=4, verbose=0).history["loss"]
    assert history[-1] < 0.5 * history[0]
    still = [w.path for w, b, a in zip(model.weights, before, model.get_weights(), strict=True) if (a == b).all()]
    assert not still, "weights that did not move"


@ON_TORCH  # a class is found by its name, whatever the backend
def test_save_and_load_in_a_fresh_process(tmp_path):
    model = randomize(models.MSCANMatting(**SMALL, skips=UNET_MINUS))
    x = images(1, 32, 64, 3)
    np.savez(tmp_path / "arrays.npz", x=x, y=called(model, x))
    model.save(tmp_path / "model.keras")
    code = (
        "import keras, numpy as np, keras_unetmm.layers; a = np.load('arrays.npz'); "
        "y = keras.models.load_model('model.keras')(a['x'], training=False); "
        "np.testing.assert_allclose(keras.ops.convert_to_numpy(y), a['y'], atol=1e-6)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, capture_output=True)


def test_mixed_precision_ends_in_full():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = models.MSCANMatting(**SMALL)
    finally:
        keras.config.set_dtype_policy("float32")
    assert model.get_layer("enc0_block0").msca.mix.compute_dtype == "bfloat16"
    x = images(1, 32, 64, 3)
    assert keras.backend.standardize_dtype(computed(model, x).dtype) == "float32"
    model.compile("sgd", "mae", run_eagerly=not JIT, jit_compile=JIT)
    assert np.isfinite(model.train_on_batch(x, np.zeros((1, 32, 64, 1), "float32")))


@pytest.mark.skipif(keras.backend.backend() == "jax", reason="jax2onnx: resizing with an open batch")
def test_onnx_export_gives_the_same_alpha(tmp_path):
    model = randomize(models.MSCANMatting(**SMALL, input_shape=(64, 32, 3)))
    x = images(1, 64, 32, 3)
    want = called(model, x)
    # LayerNormalization on torch exports for a fixed shape only
    fixed = {"input_signature": [keras.InputSpec(shape=x.shape, dtype="float32")]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporters' own
        arguments = fixed if keras.backend.backend() == "torch" else {}
        model.export(str(tmp_path / "model.onnx"), format="onnx", verbose=False, **arguments)
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"), providers=["CPUExecutionProvider"])
    (got,) = session.run(None, {session.get_inputs()[0].name: x})
    np.testing.assert_allclose(got, want, atol=1e-4)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="tests/tflite/test_convert.py comes from all backends")
def test_a_row_for_microcontrollers_becomes_integers_and_runs_on_TFLM():
    model = randomize(models.MSCANMatting("mcu_width16"))
    x = images(2, 64, 64, 3)
    content = tflite.convert(model, x, size=(64, 64))
    graph = read(content).main
    assert {tensor.type for tensor in graph.tensors} <= {"INT8", "INT32"}
    run = tflite.run(content, x)
    want = called(model, x)
    assert run.outputs[0].shape == (2, 64, 64, 1)
    assert want.std() > 0.01
    assert np.corrcoef(run.values[0].ravel(), want.ravel())[0, 1] > 0.98


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"variant": "mini"}, r"variant must be one of 'tiny', 'small', .*Received: 'mini'"),
        ({"decoder": (8, 8)}, r"decoder must be a tuple of 3 positive integers.*Received: \(8, 8\).*\(32, 32, 64\)"),
        ({"decoder": 8}, r"decoder must be a tuple"),
        ({"depths": (1, 1)}, r"depths must be a tuple of 4 positive integers"),
        (
            {"input_shape": (100, 64, 3)},
            r"divide by 32.*5 times.*Received: \(100, 64, 3\).*nearest that fits is \(96, 64, 3\)",
        ),
        ({"input_shape": (64, 64)}, r"input_shape must be \(height, width, channels\)"),
        ({"skips": "some"}, r"skips must be one of"),
        ({"skips": skips.UNetMinusMinus()}, r"one reduction for each of the network's 3 levels"),
        ({"skips": skips.Only(3)}, r"level must lie between 0 .* and 2\. Received: 3"),
        ({"skips": "unet--", "channels": (24, 64, 160, 8)}, r"multiple of 16\. Received: 24 channels"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_does_not_fit_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        models.MSCANMatting(**arguments)
