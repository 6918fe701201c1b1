"""Every network on images of several sizes in one process: TensorFlow traces a second size as an unknown one."""

import inspect

import keras
import numpy as np
import pytest
from checks import JIT

from keras_unetmm import losses, metrics, models, skips
from keras_unetmm.analysis import catalogue

SMALL = {"encoder_depths": (1, 0), "middle_depth": 0, "decoder_depths": (0, 1)}
MINUS = skips.UNetMinusMinus((4, 4))
SUNET = ("mcu_filters16",)
BLOCKS = {"modules": (1, 1, 1, 1), "filters": 4, "channels": (4, 6, 8, 8), "stem": 4}
MSCAN = {"channels": (4, 8, 8, 8), "depths": (1, 1, 1, 1), "expansions": (2, 2, 2, 2), "drop_path": 0.0}


def backbone():
    image = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(4, 3, strides=2, padding="same", activation="relu")(image)
    return keras.Model(image, keras.layers.Conv2D(6, 3, strides=2, padding="same", activation="relu")(x))


NETWORKS = {
    "NAFNet": lambda: models.NAFNet(width=4, **SMALL),
    "NAFNet for devices": lambda: models.NAFNet("mcu_width16_tiled", width=4, **SMALL, local_levels=1),
    "NAFNetUNetMinus": lambda: models.NAFNetUNetMinus(width=8, reductions=(4, 4), **SMALL),
    "NAFNetUNetMinus, figure 3c": lambda: models.NAFNetUNetMinus(width=8, reductions=(4, 4), level=0, **SMALL),
    "KBNet": lambda: models.KBNet(width=4, **SMALL),
    "KBNetUNetMinus": lambda: models.KBNetUNetMinus(width=8, reductions=(4, 4), **SMALL),
    "MSCAN": lambda: models.MSCAN(**MSCAN),
    "MSCANMatting": lambda: models.MSCANMatting(decoder=(4, 4, 4), **MSCAN),
    "MSCANMatting, SAT": lambda: models.MSCANMatting(decoder=(4, 4, 4), skips="sat", norm="batch", **MSCAN),
    "MSCANMattingUNetMinus": lambda: models.MSCANMattingUNetMinus("mcu_width16", reductions=(16, 16, 10), depths=(1,) * 4),
    "UNet": lambda: models.UNet(channels=2, levels=3),
    "UNet, ST": lambda: models.UNet("mcu_width8", channels=4, levels=3, up="nearest", skips="st"),
    "UNet, UNet--": lambda: models.UNet("mcu_width8", levels=3, skips=MINUS, up="keeping"),
    "UNet of volumes": lambda: models.UNet("cicek2016", channels=2, levels=3, skips="sat"),
    "LUnet": lambda: models.LUnet("mcu_width8", channels=2, levels=3),
    "LUnet of volumes": lambda: models.LUnet("harp_width2", levels=3),
    "VNet": lambda: models.VNet("sat", rank=2, channels=2, convolutions=(1, 1, 1), skips="sat"),
    "VNet of volumes": lambda: models.VNet(channels=2, convolutions=(1, 1, 1)),
    "Tiramisu": lambda: models.Tiramisu(growth=2, depths=(2, 2, 2), channels=4, skips="sat", dense_skips="sat"),
    "Tiramisu of volumes": lambda: models.Tiramisu(rank=3, growth=2, depths=(1, 1, 1), channels=4),
    "DI2IN": lambda: models.DI2IN("mcu_width8", channels=4, levels=3, skips="at"),
    "DI2IN of volumes": lambda: models.DI2IN(channels=4, levels=3),
    "SUNet": lambda: models.SUNet(*SUNET, classes=3, **BLOCKS),
    "SUNet, features": lambda: models.SUNet(*SUNET, include_top=False, pooling="max", skips="sat", **BLOCKS),
    "SUNetSegmentation": lambda: models.SUNetSegmentation(*SUNET, classes=3, **BLOCKS),
    "SUNetSegmentation, dilated": lambda: models.SUNetSegmentation(
        *SUNET, classes=3, output_stride=8, degridding=True, degridding_filters=4, skips="st", **BLOCKS
    ),
    "SUNetSegmentation, strided": lambda: models.SUNetSegmentation(
        *SUNET, classes=3, output_stride=8, multigrid=False, **BLOCKS
    ),
    "unet_on": lambda: models.unet_on(backbone(), channels=2, skips="sat"),
    "unet_on, UNet--": lambda: models.unet_on(backbone(), channels=2, skips=skips.UNetMinusMinus((1,))),
}
SIZES = {2: [(64, 96), (96, 64), (32, 128)], 3: [(8, 16, 24), (24, 8, 16), (16, 16, 8)]}
ON_JAX = keras.backend.backend() == "jax"
ON_JAX_TOO = ("UNet", "SUNet", "SUNetSegmentation")  # three sizes there, too: JAX compiles each by itself
TRAINED = [name for name in NETWORKS if "," not in name and "of volumes" not in name]
SEGMENTERS = [name for name in NETWORKS if name.startswith(("SUNetSeg", "UNet", "unet_on", "MSCANM")) and "vol" not in name]


def images(model, sizes=3):
    *open_sizes, channels = model.input_shape[1:]
    rng = np.random.default_rng(0)
    return [rng.random((1, *size, channels)).astype("float32") for size in SIZES[len(open_sizes)][:sizes]]


def how_many(name):
    return 1 if ON_JAX and name not in ON_JAX_TOO else 3


def test_every_network_is_here():
    built = {name.partition(",")[0].partition(" ")[0] for name in NETWORKS}
    assert built == {name for name in models.__all__ if "name" in inspect.signature(getattr(models, name)).parameters}
    assert built >= {network.build.__name__ for network in catalogue.NETWORKS}


@pytest.mark.parametrize("name", NETWORKS)
def test_three_sizes_are_predicted(name):
    keras.utils.set_random_seed(0)
    model = NETWORKS[name]()
    model.compile(jit_compile=JIT)
    for x in images(model, how_many(name)):
        got, want = model.predict_on_batch(x), keras.ops.convert_to_numpy(model(x, training=False))
        assert got.shape == want.shape
        np.testing.assert_allclose(got, want, atol=2e-5)


@pytest.mark.parametrize("name", TRAINED)
def test_three_sizes_are_trained_on(name):
    model = NETWORKS[name]()
    model.compile("sgd", "mse", jit_compile=JIT)
    for x in images(model, 1 if ON_JAX else 3):
        assert np.isfinite(model.train_on_batch(x, np.zeros(model.compute_output_shape(x.shape), "float32")))


def pixels(channels, activation):
    image = keras.Input((None, None, 3))
    return keras.Model(image, keras.layers.Conv2D(channels, 1, activation=activation)(image))


MEASURED = {
    "masks": (1, losses.SegmentationLoss(1), [metrics.Dice(), metrics.FalsePositiveRate(), metrics.MeanIoU(1)]),
    "classes": (3, losses.SegmentationLoss(3), [metrics.Dice(3), metrics.FalseNegativeRate(3), metrics.MeanIoU(3)]),
    "images": (
        3,
        losses.PSNRLoss(),
        [metrics.PSNR(luma=True, shave=4), metrics.SSIM(), metrics.PSNR(rounded=True, name="b")],
    ),
    "mattes": (1, losses.MattingLoss(2.0), [metrics.SAD(unknown=True), metrics.MattingMSE()]),
}


@pytest.mark.parametrize("kind", MEASURED)
def test_three_sizes_are_evaluated_in_one_graph_as_each_alone(kind):
    channels, loss, measured = MEASURED[kind]
    model = pixels(channels, "softmax" if kind == "classes" else "sigmoid")
    model.compile("sgd", loss, metrics=measured, jit_compile=JIT)
    rng = np.random.default_rng(0)
    for x in images(model):
        y = rng.integers(max(channels, 2), size=(*x.shape[:3], 2 if kind == "mattes" else 1))
        y = (
            rng.random(x.shape).astype("float32")
            if kind == "images"
            else y.astype("float32" if kind == "mattes" else "int32")
        )
        found = model.test_on_batch(x, y, return_dict=True)
        y_pred = keras.ops.convert_to_numpy(model(x))
        assert found["loss"] == pytest.approx(float(loss(y, y_pred)), rel=1e-4)
        for metric in measured:
            alone = type(metric).from_config(metric.get_config())
            assert found[metric.name] == pytest.approx(float(alone(y, y_pred)), rel=1e-4), metric.name
        model.reset_metrics()


@pytest.mark.parametrize("name", SEGMENTERS[: 1 if JIT else None])  # JAX compiles every operator at every scale
def test_images_of_several_sizes_are_predicted_at_several_scales(name):
    keras.utils.set_random_seed(0)
    model = NETWORKS[name]()
    for x in images(model)[:2]:
        got = models.predict_multi_scale(model, x, scales=(0.5, 1.5))
        assert got.shape[:3] == x.shape[:3]
        want = models.predict_multi_scale(model, x, scales=(1.0,), flip=False)
        np.testing.assert_allclose(want, keras.ops.convert_to_numpy(model(x, training=False)), atol=2e-5)
