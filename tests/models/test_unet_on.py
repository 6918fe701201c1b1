import keras
import numpy as np
import pytest
import reference
import segmenters
from backbones import Pyramid, encoder
from checks import JIT, called, computed, randomize

from keras_unetmm import analysis, skips
from keras_unetmm.graph.abstract_build import abstract_build
from keras_unetmm.models import unet_on

KINDS = {
    "full": "full", "none": "none", "sat": "sat", "at": "at", "st": "st", "only": skips.Only(1), "unet--": "unet--",
    "unet-- fine": skips.UNetMinusMinus((2, 2, 1), level=0),
}  # fmt: skip
SMALL = {"channels": 2, "classes": 3}


def images(*sizes, channels=3, seed=0):
    return np.random.default_rng(seed).random((2, *sizes, channels)).astype("float32")


@pytest.mark.parametrize(("skip", "order"), [("full", "conv-norm-relu"), ("sat", "conv-relu-norm"), ("unet--", "conv-relu")])
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_the_decoder_equals_the_equations_in_float64(skip, order, padding):
    backbone = encoder((64, 48, 3), padding=padding)
    model = randomize(unet_on(backbone, **SMALL, order=order, skips=skip))
    x = images(64, 48)
    maps = computed(keras.Model(backbone.input, [backbone.get_layer(f"stage{i}").output for i in range(4)]), x)
    maps = [keras.ops.convert_to_numpy(found).astype("float64") for found in maps]
    if padding == "valid":  # 31x23 where half of the size would be 32x24
        maps = [np.pad(found, ((0, 0), (0, 1), (0, 1), (0, 0))) for found in maps]
    w, (*kept, x_up) = reference.Weights(model), maps
    if skip == "sat":
        kept = [segmenters.gate(w, found, f"skip{i}_keep") for i, found in enumerate(kept)]
    if skip == "unet--":
        shared = reference.msiam(w, kept, "skip", "_keep", share="skips_share")
        kept = [reference.iem(w, shared, 2 - i, f"skip{i}_restore") for i in range(3)]
    for name, found in (("dec2", kept[2]), ("dec1", kept[1]), ("dec0", kept[0]), ("out0", None)):
        x_up = segmenters.transposed(x_up, w(f"{name}_up", "kernel"), w(f"{name}_up", "bias"))
        x_up = x_up if found is None else np.concatenate([x_up, found], -1)
        x_up = segmenters.convolution_block(w, x_up, 2, order, f"{name}_block")
    want = segmenters.softmax(segmenters.convolved(w, x_up, "head"))
    own = {weight.path for weight in backbone.weights}
    assert w.used == set(w.values) - own
    np.testing.assert_allclose(called(model, x), want, atol=1e-4)


@pytest.mark.parametrize("kind", ["full", "none", "sat", "at", "st", "only", "unet--"])
def test_every_kind_of_skip_on_every_size(kind):
    backbone = encoder((None, None, 3))
    model = randomize(unet_on(backbone, **SMALL, skips=KINDS[kind]))
    fused = [layer.name for layer in model.layers if layer.name.endswith("_fuse")]
    assert len(fused) == {"none": 0, "only": 1}.get(kind, 3)
    fixed = unet_on(encoder((32, 48, 3)), **SMALL, skips=KINDS[kind])
    fixed.set_weights(model.get_weights())
    assert (model.output_shape, fixed.output_shape) == ((None, None, None, 3), (None, 32, 48, 3))
    x = images(32, 48)
    np.testing.assert_allclose(called(fixed, x), called(model, x), atol=1e-5)


@pytest.mark.parametrize("network", ["MobileNetV2", "MobileNetV3Small"])
def test_every_kind_of_skip_on_networks_of_keras(network):
    builder = getattr(keras.applications, network)
    backbone = abstract_build(builder, include_top=False, weights=None, input_shape=(64, 96, 3))
    for kind in ("full", "none", "sat", "at", "st", "only", "unet--"):
        model = abstract_build(unet_on, backbone, skips=KINDS[kind], classes=3)
        assert (model.output_shape, model.name) == ((None, 64, 96, 3), f"unet_on_{backbone.name}")
    reductions = tuple(model.get_layer(f"skip{i}_keep").reduction for i in range(4))
    assert reductions == {"MobileNetV2": (16, 16, 16, 9), "MobileNetV3Small": (16, 18, 12, 9)}[network]
    assert model.get_layer("skip0_restore").norm == "batch"  # as the decoder's own blocks, so that it folds


@pytest.mark.parametrize("attribute", ["pyramid_outputs", "pyramid_level_inputs"])
@pytest.mark.parametrize("kind", ["full", "at", "unet-- fine"])
def test_levels_of_keras_hub_and_keras_cv(attribute, kind):
    source = encoder()
    names = {f"P{i + 1}": f"stage{i}" for i in range(4)}
    tensors = {level: source.get_layer(name).output for level, name in names.items()}
    backbone = Pyramid(source, **{attribute: names if attribute == "pyramid_level_inputs" else tensors})
    model = abstract_build(unet_on, backbone, **SMALL, skips=KINDS[kind])
    assert model.output_shape == (None, 32, 48, 3)


def test_the_backbone_is_shared_and_left_as_it_is():
    backbone = encoder()
    backbone.trainable = False
    weights = backbone.get_weights()
    model = unet_on(backbone, **SMALL)
    assert model.input is backbone.input
    assert all(model.get_layer(layer.name) is layer for layer in backbone.layers)
    assert not {id(w) for w in model.trainable_weights} & {id(w) for w in backbone.weights}
    for before, after in zip(weights, backbone.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


def test_a_step_of_fit_trains_backbone_and_decoder():
    backbone = encoder((16, 32, 3), widths=(4, 4))
    model = unet_on(backbone, channels=4, skips=skips.UNetMinusMinus((2,)))
    before = [keras.ops.convert_to_numpy(weight) for weight in model.trainable_weights]
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy", run_eagerly=not JIT, jit_compile=JIT)
    x = images(16, 32)
    history = model.fit(x, (x[..., :1] > 0.5).astype("float32"), epochs=10, batch_size=2, verbose=0).history["loss"]
    assert history[-1] < 0.9 * history[0]
    for old, weight in zip(before, model.trainable_weights, strict=True):
        # batch norm takes the bias in front of it away
        assert np.abs(old - keras.ops.convert_to_numpy(weight)).max() > 0, weight.path


def test_saved_models_are_the_same(tmp_path):
    model = randomize(unet_on(encoder((32, 48, 3), (8, 8, 4), "valid"), **SMALL, skips="unet--"))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    x = images(32, 48)
    np.testing.assert_allclose(called(again, x), called(model, x), atol=1e-6)


def test_mixed_precision_keeps_probabilities_in_full():
    backbone = encoder()  # in full precision itself
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = unet_on(backbone, **SMALL, skips="sat")
    finally:
        keras.config.set_dtype_policy("float32")
    assert model.get_layer("dec0_block").compute_dtype == model.get_layer("skip0_keep").compute_dtype == "bfloat16"
    assert model.output.dtype == "float32"
    np.testing.assert_allclose(called(model, images(32, 48)).sum(-1), 1, atol=1e-5)


@pytest.mark.parametrize("kind", ["full", "none", "sat"])
def test_volumes(kind):
    model = abstract_build(unet_on, encoder((16, 16, 32, 1)), **SMALL, skips=KINDS[kind])
    assert model.output_shape == (None, 16, 16, 32, 3)


def test_channels_and_maps_at_full_and_at_a_quarter_of_the_size():
    quarter = abstract_build(unet_on, encoder(), layers=("stage2", "stage1"), channels=(3, 5, 7))
    image = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(8, 3, padding="same", name="full")(image)
    full = unet_on(keras.Model(image, keras.layers.MaxPooling2D(name="pool")(x)), channels=6)
    widths = {name: quarter.get_layer(f"{name}_block").output.shape for name in ("dec0", "out1", "out0")}
    assert widths == {"dec0": (None, 8, 12, 7), "out1": (None, 16, 24, 5), "out0": (None, 32, 48, 3)}
    assert full.get_layer("dec0_fuse").output.shape == (None, 16, 16, 6 + 8)
    assert not any(layer.name.startswith("out") for layer in full.layers)


def test_analysis_sees_what_is_kept():
    backbone = encoder()
    bytes_kept = [16 * 24 * 8, 8 * 12 * 8, 4 * 6 * 16]

    def on_it(**kind):
        return abstract_build(unet_on, backbone, **SMALL, **kind)

    assert analysis.skip_memory(on_it()) == sum(bytes_kept)
    assert analysis.skip_memory(on_it(skips="none")) == 0
    assert analysis.skip_memory(on_it(skips="sat")) == 16 * 24 + 8 * 12 + 4 * 6
    small = on_it(skips=skips.UNetMinusMinus((2, 2, 1)))
    assert analysis.skip_memory(small) == (16 * 24 * 8 + 8 * 12 * 8) // 2 + 4 * 6 * 16
    assert analysis.macs(small) > analysis.macs(backbone) > 0


def with_a_head():
    image = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(8, 3, strides=2, padding="same", name="head")(image)
    return keras.Model(image, keras.layers.MaxPooling2D(name="pool")(x), name="busy")


@pytest.mark.parametrize("kind", ["none", "full"])
def test_open_sizes_that_do_not_fit_are_refused(kind):
    model = unet_on(encoder((None, None, 3)), **SMALL, skips=KINDS[kind])
    with pytest.raises(ValueError, match=r"the image must .*divide by 16.*Received: \(32, 50, 3\)"):
        called(model, images(32, 50))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"order": "relu-conv"}, r"order must be one of 'conv-relu', .*Received: 'relu-conv'"),
        ({"channels": 0}, r"channels must be a positive integer, or 4 of them.*Received: 0\. The default is \(16, 32"),
        ({"channels": (8, 8)}, r"or 4 of them, one for each stage of the decoder, full resolution first\. Rec"),
        ({"classes": 0}, r"classes must be a positive integer\. Received: 0"),
        ({"activation": "relu"}, r"activation must be one of 'auto', 'sigmoid', 'softmax', None\. Received: 'relu'"),
        ({"skips": "sum"}, r"skips must be one of"),
        ({"skips": skips.Only(3)}, r"level must lie between 0 \(full resolution\) and 2\. Received: 3"),
        ({"skips": skips.UNetMinusMinus()}, r"must be 3, one for each map.*\(8, 8, 16\) channels\. The nearest that fit"),
        ({"skips": skips.UNetMinusMinus((3, 2, 1))}, r"The nearest that fit are reductions=\(4, 2, 1\)"),
        ({"skips": skips.UNetMinusMinus((2, 2, 1), level=3)}, r"level must lie between 0 .* and 2\. Received: 3"),
        ({"backbone": encoder(widths=(5, 7, 9, 8)), "skips": "unet--"}, r"\(5, 7, 9\) channels\. None fit: take other"),
        ({"backbone": encoder((16, 16, 32, 1)), "skips": skips.UNetMinusMinus((2, 2, 1))}, r"two spatial dimensions"),
        ({"backbone": with_a_head()}, r"The backbone busy has layers with names that the decoder needs\. .*head"),
        ({"backbone": encoder((30, 48, 3))}, r"The nearest that fits is \(32, 48, 3\)"),
        ({"levels": 7}, r"levels must be a number of maps from 2 to 4"),
        ({"layers": ("stage7", "stage0")}, r"Received: 'stage7'\. Near ones are 'stage"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        abstract_build(unet_on, **{"backbone": encoder(), **arguments})
