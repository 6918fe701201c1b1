import math

import keras
import numpy as np
import peers
import pytest
import sunets
from checks import JIT, called, computed, randomize
from sunets import images, trained

from benchmarks import pytorch_sunet
from keras_unetmm import models
from keras_unetmm.graph.abstract_build import abstract_build

SMALL = {**sunets.SMALL, "degridding_filters": 7}


def small(**arguments):
    return models.SUNetSegmentation("sunet64", **{"classes": 4, **SMALL, **arguments})


@pytest.mark.parametrize(
    ("variant", "plain", "degridding"),
    [
        ("sunet64", 5_906_773, 12_976_981),
        ("sunet128", 22_698_389, 34_465_685),
        ("sunet7128", 36_857_237, 49_798_805),
    ],
)
def test_published_counts(variant, plain, degridding):
    counts = [trained(abstract_build(models.SUNetSegmentation, variant, degridding=on)) for on in (False, True)]
    assert counts == [plain, degridding]


def test_a_row_for_microcontrollers_is_small():
    assert trained(models.SUNetSegmentation("mcu_filters16", classes=3, degridding=True)) == 214_819


@pytest.mark.parametrize(
    ("output_stride", "sizes", "rates"),
    [
        (32, [(64, 96), (32, 48), (16, 24), (8, 12)], [1, 1, 1, 1]),
        (16, [(64, 96), (32, 48), (16, 24), (16, 24)], [1, 1, 1, 2]),
        (8, [(64, 96), (32, 48), (32, 48), (32, 48)], [1, 1, 2, 4]),
    ],
)
def test_output_strides_change_sizes_and_rates_and_no_weight(output_stride, sizes, rates):
    model = abstract_build(small, output_stride=output_stride, input_shape=(256, 384, 3))
    modules = [model.get_layer(f"block{i}_unet0") for i in range(1, 5)]
    assert [module.output.shape[1:3] for module in modules] == sizes
    assert [module.rate for module in modules] == rates
    assert model.output_shape == (None, 256, 384, 4)
    assert [w.shape for w in model.weights] == [w.shape for w in abstract_build(small).weights]


@pytest.mark.parametrize(
    ("output_stride", "degridding", "multigrid", "size"),
    [(32, False, True, (61, 45)), (16, True, True, (64, 96)), (8, False, True, (45, 61)), (8, True, False, (45, 61))],
)
def test_equals_pytorch_by_order_of_the_weights(output_stride, degridding, multigrid, size):
    modules = (1, 1, 2, 1)
    row = (SMALL["filters"], modules, SMALL["channels"])
    filters = 7 if degridding else None
    peer = peers.randomized(pytorch_sunet.SUNet(row, 4, output_stride, filters, stem=4, multigrid=multigrid))
    how = {"output_stride": output_stride, "degridding": degridding, "multigrid": multigrid}
    model = small(modules=modules, activation=None, **how)
    model.set_weights(peers.weights(peer))
    x = images(2, *size, 3)
    np.testing.assert_allclose(called(model, x), peers.called(peer, x), atol=1e-4)


def test_every_kernel_starts_as_he_et_al_have_it():
    model = small(filters=24, channels=(32, 40, 48, 56), stem=16, degridding=True, degridding_filters=24)
    kernels = [w for w in model.trainable_weights if w.path.endswith("kernel") and math.prod(w.shape) > 500]
    assert len(kernels) > 40
    for kernel in kernels:
        height, width, _, last = kernel.shape  # outputs; of a transposed convolution inputs, as PyTorch counts
        deviation = math.sqrt(2 / (height * width * last))
        found = keras.ops.convert_to_numpy(kernel)
        assert found.std() == pytest.approx(deviation, rel=0.15), kernel.path
        assert np.abs(found).max() > 2.3 * deviation, "it must not be truncated"


class Offset(keras.layers.Layer):
    """Adds a weight to every pixel: a step of SGD shows the gradient there, on every backend."""

    def build(self, input_shape):
        self.offset = self.add_weight(name="offset", shape=input_shape[1:], initializer="zeros")

    def call(self, x):
        return x + self.offset


def fields(output_stride, multigrid=True, height=32, width=1536, columns=(768, 800)):
    """The first and the last column of the image that the features over each of these columns depend on."""
    row = {**SMALL, "filters": 1, "stem": 1, "channels": (2, 3, 4, 5)}
    network = small(**row, output_stride=output_stride, multigrid=multigrid, input_shape=(height, width, 1))
    features = keras.Model(network.input, network.get_layer("tail_relu").output)
    for weight in features.weights:
        if weight.path.endswith("kernel"):  # positive, so that nothing cancels and no ReLU is shut
            weight.assign(np.full(weight.shape, 1 / 3 / math.sqrt(math.prod(weight.shape[2:]))))
    features.trainable = False
    image, offset = keras.Input((height, width, 1)), Offset()
    model = keras.Model(image, features(offset(image)))
    model.compile(
        keras.optimizers.SGD(1.0), lambda chosen, y: keras.ops.sum(chosen * y), run_eagerly=not JIT, jit_compile=JIT
    )
    for column in columns:
        chosen = np.zeros((1, *model.output_shape[1:]), "float32")
        chosen[0, 0, column // output_stride] = 1e-3
        offset.offset.assign(np.zeros(offset.offset.shape))
        model.train_on_batch(np.ones((1, height, width, 1), "float32"), chosen)
        seen = np.flatnonzero(keras.ops.convert_to_numpy(offset.offset).any(axis=(0, 2)))
        yield seen[0], seen[-1]


def test_the_dilated_form_sees_as_far_as_the_strided_one():
    for strided, half, quarter in zip(fields(32), fields(16), fields(8), strict=True):
        assert 0 < quarter[0] <= half[0] <= strided[0]
        assert strided[1] <= half[1] <= quarter[1] < 1535, "the image must be wider than the field"
        assert strided[1] - strided[0] > 1000


def test_without_multigrid_every_module_is_strided():
    model = abstract_build(small, output_stride=8, multigrid=False, input_shape=(256, 384, 3))
    assert model.get_layer("tail_relu").output.shape == (None, 32, 48, 10)
    assert {model.get_layer(f"block{i}_unet0").rate for i in range(1, 5)} == {1}


def test_strided_modules_behind_dropped_pools_see_less():
    for first, last in fields(8, multigrid=False):
        assert last - first < 700


@pytest.mark.parametrize(("classes", "activation", "last"), [(1, "auto", "sigmoid"), (4, "auto", "softmax")])
def test_activations(classes, activation, last):
    logits, model = small(classes=classes, activation=None), small(classes=classes, activation=activation)
    model.set_weights(randomize(logits).get_weights())
    x = images(1, 32, 40, 3)
    want = getattr(keras.ops, last)(computed(logits, x))
    np.testing.assert_allclose(called(model, x), keras.ops.convert_to_numpy(want), atol=1e-6)


@pytest.mark.parametrize(("kind", "joined"), [("none", 3), ("sat", 4), ("st", 6)])
def test_kinds_of_skip(kind, joined):
    module = abstract_build(small, skips=kind, output_stride=8).get_layer("block3_unet0")
    assert module.decoder1.conv1.convolution.kernel.shape[-1] == joined


@pytest.mark.parametrize(("output_stride", "least"), [(32, 29), (16, 13), (8, 5)])
def test_the_smallest_size(output_stride, least):
    model = abstract_build(small, output_stride=output_stride, input_shape=(least, 40, 3))
    assert model.output_shape == (None, least, 40, 4)
    message = rf"at least {least} pixels\. .*The nearest that fits is \({least}, 40, 3\)"
    with pytest.raises(ValueError, match=message):
        small(output_stride=output_stride, input_shape=(least - 1, 40, 3))


def test_static_and_open_sizes_agree():
    model = randomize(small(output_stride=8))
    fixed = small(output_stride=8, input_shape=(45, 38, 3))
    fixed.set_weights(model.get_weights())
    x = images(1, 45, 38, 3)
    np.testing.assert_allclose(called(fixed, x), called(model, x), atol=1e-6)


def test_fit_learns():
    keras.utils.set_random_seed(0)
    model = small(classes=2, output_stride=8, degridding=True)
    model.compile(keras.optimizers.SGD(0.05, momentum=0.9), "categorical_crossentropy", run_eagerly=not JIT, jit_compile=JIT)
    labels = np.zeros((4, 32, 48, 2), "float32")
    labels[:, :, :24, 0] = labels[:, :, 24:, 1] = 1
    x = 0.3 * images(4, 32, 48, 3) + labels[..., 1:]
    history = model.fit(x, labels, epochs=12, batch_size=4, verbose=0).history["loss"]
    assert history[-1] < 0.7 * history[0]


def test_save_and_load(tmp_path):
    model = randomize(small(output_stride=8, degridding=True))
    model.save(tmp_path / "model.keras")
    x = images(1, 32, 40, 3)
    np.testing.assert_array_equal(called(keras.models.load_model(tmp_path / "model.keras"), x), called(model, x))


def test_mixed_precision_ends_in_full():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = small(output_stride=8)
    finally:
        keras.config.set_dtype_policy("float32")
    assert model.get_layer("head").compute_dtype == "bfloat16"
    x = images(1, 32, 40, 3)
    assert keras.backend.standardize_dtype(computed(model, x).dtype) == "float32"
    np.testing.assert_allclose(called(model, x).sum(-1), 1.0, atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"output_stride": 4}, r"output_stride must be one of 8, 16, 32\. Received: 4"),
        ({"variant": "sunet_64"}, r"variant must be one of 'sunet64'"),
        ({"activation": "relu"}, r"activation must be one of 'auto', 'sigmoid', 'softmax', None\. Received: 'relu'"),
        ({"classes": 2.0}, r"classes must be a positive integer\. Received: 2\.0"),
        ({"degridding_filters": -1}, r"degridding_filters must be a positive number of channels\. Received: -1"),
        ({"input_shape": (64, 64)}, r"input_shape must be"),
        ({"skips": "unet--"}, r"one connection inside each U-Net module"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_does_not_fit_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        models.SUNetSegmentation(**arguments)
