"""What all segmentation networks owe, and what they share."""

import subprocess
import sys

import keras
import numpy as np
import pytest
from checks import JIT, ON_TORCH, called, randomize

from keras_unetmm import skips
from keras_unetmm.graph.abstract_build import abstract_build
from keras_unetmm.graph.expand import expand
from keras_unetmm.models import DI2IN, KBNetUNetMinus, LUnet, SUNetSegmentation, Tiramisu, UNet, VNet, segmentation

# small networks of two levels above the bottom and four channels, which reductions divide, at every level
NETWORKS = {
    "unet": (UNet, {"variant": "mcu_width8", "channels": 4, "levels": 3, "classes": 2}),
    "lunet": (LUnet, {"variant": "harp_width4", "levels": 3, "convolutions": 2}),
    "di2in": (DI2IN, {"channels": 4, "levels": 2, "classes": 2}),
    "vnet": (VNet, {"variant": "sat", "channels": 4, "convolutions": (1, 1, 1), "classes": 2, "kernel_size": 3}),
    "tiramisu": (Tiramisu, {"growth": 2, "depths": (2, 2, 2), "channels": 4, "classes": 2, "dropout": 0.0}),
}
SHALLOW = {
    "unet": {"levels": 2, "convolutions": 1}, "lunet": {"levels": 2, "convolutions": 1}, "di2in": {"levels": 1},
    "vnet": {"convolutions": (1, 1)}, "tiramisu": {"depths": (1, 1)},
}  # fmt: skip
KINDS = {
    "full": "full", "none": "none", "sat": "sat", "at": "at", "st": "st", "only": skips.Only(1),
    "unet--": skips.UNetMinusMinus((2, 1)),
}  # fmt: skip
EACH = pytest.mark.parametrize("network", list(NETWORKS))


def small(network, **changes):
    builder, arguments = NETWORKS[network]
    return builder(**{**arguments, **changes})


def drawn(network, **changes):
    """The network without values in its weights, which cost more time than all else."""
    return abstract_build(small, network, **changes)


def maps(model, *sizes, seed=0):
    return np.random.default_rng(seed).random((2, *sizes, model.input_shape[-1])).astype("float32")


@EACH
@pytest.mark.parametrize("kind", list(KINDS))
def test_every_kind_of_skip(network, kind):
    model = drawn(network, rank=2, skips=KINDS[kind])
    fused = sum(layer.name.endswith("_fuse") for layer in model.layers)
    assert fused == {"none": 0, "only": 1}.get(kind, 2)
    assert model.output_shape == (None, None, None, 2)
    if kind == "unet--":
        assert model.get_layer("skip0_restore").norm == "batch"  # as the network's own blocks, so that it folds


@EACH
@pytest.mark.parametrize("kind", ["none", "sat"])
def test_volumes(network, kind):
    model = drawn(network, rank=3, skips=kind, input_shape=(4, 8, 12, 1))
    assert model.output_shape == (None, 4, 8, 12, 2)


@EACH
def test_volumes_are_not_shuffled(network):
    with pytest.raises(ValueError, match=r"two spatial dimensions.*Use skips='sat' or 'full'"):
        drawn(network, rank=3, skips=KINDS["unet--"])


@pytest.mark.parametrize("network", ["unet", "tiramisu"])
def test_static_and_open_sizes_agree(network):
    model = randomize(small(network, rank=2, skips=KINDS["unet--"]))
    fixed = small(network, rank=2, skips=KINDS["unet--"], input_shape=(8, 12, model.input_shape[-1]))
    fixed.set_weights(model.get_weights())
    assert fixed.output_shape == (None, 8, 12, 2)
    x = maps(model, 8, 12)
    np.testing.assert_allclose(called(fixed, x), called(model, x), atol=1e-6)


@EACH
@pytest.mark.parametrize("kind", ["none", "full"])
def test_open_sizes_that_do_not_fit_are_refused(network, kind):
    model = small(network, rank=2, skips=kind, **SHALLOW[network])
    with pytest.raises(ValueError, match=r"divide by 2.*Received: \(8, 9, .\).*nearest that fits is \(8, 10, .\)"):
        called(model, maps(model, 8, 9))


@EACH
def test_fit_learns(network):
    keras.utils.set_random_seed(0)
    rank = 3 if network in ("di2in", "vnet") else 2
    model = small(network, rank=rank, skips="sat", **SHALLOW[network])
    model.compile(keras.optimizers.Adam(0.05), "categorical_crossentropy", run_eagerly=not JIT, jit_compile=JIT)
    x = maps(model, *(8, 8, 4)[:rank])
    y = np.stack([x[..., 0] > 0.5, x[..., 0] <= 0.5], -1).astype("float32")
    history = model.fit(x, y, epochs=20, batch_size=2, verbose=0).history["loss"]
    assert history[-1] < 0.8 * history[0]


@ON_TORCH  # a class is found by its name, whatever the backend
def test_saved_networks_are_the_same_in_a_fresh_process(tmp_path):
    models = {"kbnet": KBNetUNetMinus(width=8, encoder_depths=(1,), middle_depth=0, decoder_depths=(0,), reductions=(4,))}
    sunet = {"filters": 3, "modules": (1, 1, 1, 1), "channels": (6, 8, 9, 10), "stem": 4, "degridding_filters": 5}
    models["sunet"] = SUNetSegmentation(**sunet, output_stride=8, degridding=True, skips="sat")
    for network in NETWORKS:
        models[network] = small(network, rank=3 if network == "vnet" else 2, skips="sat", **SHALLOW[network])
    for network, model in models.items():
        x = maps(randomize(model), *(8, 12, 4)[: len(model.input_shape) - 2])
        model.save(tmp_path / f"{network}.keras")
        np.savez(tmp_path / f"{network}.npz", x=x, y=called(model, x))
    code = (
        "import sys, pathlib, keras, numpy, keras_unetmm.layers\n"
        "for file in sorted(pathlib.Path(sys.argv[1]).glob('*.keras')):\n"
        "    model, data = keras.models.load_model(file), numpy.load(file.with_suffix('.npz'))\n"
        "    y = keras.ops.convert_to_numpy(model(data['x'], training=False))\n"
        "    print(file.stem, abs(y - data['y']).max() < 1e-6)\n"
    )
    child = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert child.stdout.split("\n")[:-1] == [f"{network} True" for network in sorted(models)]


@EACH
def test_mixed_precision_keeps_probabilities_in_full(network):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = small(network, rank=2) if network == "lunet" else drawn(network, rank=2, skips="sat")
    finally:
        keras.config.set_dtype_policy("float32")
    computed = {layer.compute_dtype for layer in model.layers if layer.weights}
    assert (computed, model.output.dtype) == ({"bfloat16"}, "float32")
    if network == "lunet":
        got = called(model, maps(model, 8, 12))
        np.testing.assert_allclose(got.sum(-1), 1, atol=1e-5)


@pytest.mark.parametrize("network", ["vnet", "tiramisu"])
def test_networks_are_laid_out_in_parts(network):
    arguments = {"dense_skips": "sat"} if network == "tiramisu" else {}
    model = randomize(small(network, rank=2, **SHALLOW[network], **arguments))
    x = maps(model, 8, 12)
    np.testing.assert_allclose(called(expand(model), x), called(model, x), atol=1e-6)


def test_config_round_trip():
    model = drawn("tiramisu", rank=2, skips=KINDS["unet--"], dense_skips="st")
    again = abstract_build(keras.Model.from_config, model.get_config())
    assert [w.path for w in again.weights] == [w.path for w in model.weights]


@EACH
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"variant": "unknown"}, r"variant must be one of '.*Received: 'unknown'"),
        ({"rank": 4}, r"rank must be 2 .*Received: 4"),
        ({"rank": 2, "input_shape": (8, 8)}, r"must be \(height, width, channels\) for rank=2.*Received: \(8, 8\)"),
        ({"rank": 3, "input_shape": (8, 8, 1)}, r"\(depth, height, width, channels\) for rank=3.*or rank=2"),
        ({"rank": 2, "input_shape": (8, 8, None)}, r"input_shape must be"),
        ({"rank": 2, "input_shape": (9, 15, 3)}, r"divide by 4.*halves them 2 times.*nearest that fits is \(8, 16, 3\)"),
        ({"rank": 2, "input_shape": (1, None, 3)}, r"nearest that fits is \(4, None, 3\)"),
        ({"classes": 0}, r"classes must be a positive integer\. Received: 0"),
        ({"activation": "relu"}, r"activation must be one of 'auto', 'sigmoid', 'softmax', None\. Received: 'relu'"),
        ({"skips": "sum"}, r"skips must be one of"),
        ({"rank": 2, "skips": skips.UNetMinusMinus()}, r"each of the network's 2 levels"),
        ({"rank": 2, "skips": skips.UNetMinusMinus((64, 64))}, r"multiple of 64"),
    ],
    ids=[
        "row",
        "rank",
        "sizes",
        "other rank",
        "channels",
        "depth",
        "small",
        "classes",
        "activation",
        "skips",
        "levels",
        "divide",
    ],
)
def test_what_does_not_fit_is_refused(network, arguments, message):
    with pytest.raises(ValueError, match=message):
        drawn(network, **arguments)


@pytest.mark.parametrize(
    ("classes", "activation", "used"),
    [(1, "auto", "sigmoid"), (3, "auto", "softmax"), (3, "sigmoid", "sigmoid"), (1, None, "linear")],
)
def test_activation_of_the_head(classes, activation, used):
    x = keras.KerasTensor((None, 8, 12, 4))
    prediction = segmentation.head(x, classes, activation)
    assert prediction.shape == (None, 8, 12, classes)
    assert prediction._keras_history.operation.activation is keras.activations.get(used)
