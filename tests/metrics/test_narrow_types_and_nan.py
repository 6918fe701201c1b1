"""What every metric makes of NaN, of types too narrow for its sums, and of images without a flaw."""

import keras
import numpy as np
import pytest
from checks import JIT

from keras_unetmm import losses, metrics

RNG = np.random.default_rng(0)
LARGE = (1, 512, 512)


def maps(classes, shape):
    labels = RNG.integers(max(classes, 2), size=(*shape, 1)).astype("int32")
    return labels, RNG.random((*shape, classes)).astype("float32")


def images(channels, shape):
    clean = RNG.random((*shape, channels)).astype("float32")
    return clean, np.clip(clean + RNG.normal(scale=0.1, size=clean.shape), 0, 1).astype("float32")


def mattes(shape):
    alpha, guess = images(1, shape)
    return np.concatenate([alpha, RNG.integers(2, size=alpha.shape)], -1).astype("float32"), guess


CASES = {
    "dice": (metrics.Dice, lambda shape: maps(1, shape)),
    "dice of classes": (lambda **k: metrics.Dice(4, **k), lambda shape: maps(4, shape)),
    "false positive rate": (metrics.FalsePositiveRate, lambda shape: maps(1, shape)),
    "false negative rate": (lambda **k: metrics.FalseNegativeRate(3, **k), lambda shape: maps(3, shape)),
    "mean IoU": (lambda **k: metrics.MeanIoU(1, **k), lambda shape: maps(1, shape)),
    "mean IoU of classes": (lambda **k: metrics.MeanIoU(5, **k), lambda shape: maps(5, shape)),
    "PSNR": (metrics.PSNR, lambda shape: images(3, shape)),
    "PSNR of bytes": (lambda **k: metrics.PSNR(rounded=True, luma=True, **k), lambda shape: images(3, shape)),
    "SSIM": (metrics.SSIM, lambda shape: images(3, shape)),
    "SAD": (metrics.SAD, mattes),
    "SAD of the unknown": (lambda **k: metrics.SAD(unknown=True, **k), mattes),
    "MSE": (metrics.MattingMSE, mattes),
    "MSE of the unknown": (lambda **k: metrics.MattingMSE(unknown=True, **k), mattes),
}
EVERY = pytest.mark.parametrize("case", CASES)


@EVERY
def test_NaN_in_a_prediction_is_NaN_in_the_metric_until_it_is_reset(case):
    make, pair = CASES[case]
    y_true, y_pred = pair((2, 16, 24))
    broken = y_pred.copy()
    broken[1, 3, 5, -1] = np.nan
    metric = make()
    for given in (broken, keras.ops.convert_to_tensor(broken)):
        assert np.isnan(float(metric(y_true, given)))
        metric.update_state(y_true, y_pred)
        assert np.isnan(float(metric.result())), "later images do not hide it"
        metric.reset_state()
        assert np.isfinite(float(metric(y_true, y_pred)))
        metric.reset_state()


@EVERY
def test_a_prediction_of_nothing_but_NaN_is_no_success(case):
    make, pair = CASES[case]
    y_true, y_pred = pair((2, 16, 24))
    y_true = np.zeros_like(y_true)  # background only, and nothing unknown
    assert np.isnan(float(make()(y_true, np.full_like(y_pred, np.nan))))


@EVERY
def test_NaN_in_a_reference_is_NaN_or_refused(case):
    make, pair = CASES[case]
    y_true, y_pred = pair((2, 16, 24))
    y_true = y_true.astype("float32")
    y_true[0, 2, 3, 0] = np.nan
    if "dice" in case or "rate" in case or "IoU" in case:
        with pytest.raises(ValueError, match=r"y_true must hold labels from 0 to .*Received: \[nan\]"):
            make()(y_true, y_pred)
        y_true = keras.ops.convert_to_tensor(y_true)  # as in a graph, where nothing can be looked at
    assert np.isnan(float(make()(y_true, y_pred)))


@EVERY
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "mixed_float16"][: 1 if JIT else 3])  # JAX compiles each
def test_narrow_types_give_the_same_at_512x512(case, dtype):
    make, pair = CASES[case]
    y_true, y_pred = pair(LARGE)
    want, metric = float(make()(y_true, y_pred)), make(dtype=dtype)
    assert float(metric(y_true, y_pred)) == pytest.approx(want, rel=1e-3)
    again = keras.metrics.deserialize(keras.metrics.serialize(metric))
    assert float(again(y_true, y_pred)) == pytest.approx(want, rel=1e-3)


@EVERY
def test_predictions_in_float16_are_measured_in_full(case):
    make, pair = CASES[case]
    y_true, y_pred = pair(LARGE)
    half = keras.ops.convert_to_tensor(y_pred.astype("float16"))
    assert float(make(dtype="float16")(y_true, half)) == pytest.approx(float(make()(y_true, half)), rel=1e-4)
    assert float(make()(y_true, half)) == pytest.approx(float(make()(y_true, y_pred)), rel=0.02)


def test_many_images_are_counted_in_float16():
    metric, (y_true, y_pred) = metrics.PSNR(dtype="float16"), images(1, (500, 4, 4))
    for _ in range(10):  # float16 counts to 2,048, and ends at 65,504, 3,000 images of 20 dB
        metric.update_state(y_true, y_pred)
    assert float(metric.result()) == pytest.approx(float(metrics.PSNR()(y_true, y_pred)), rel=1e-4)


def test_an_integer_type_of_few_bits_counts_all_pixels():
    y_true, y_pred = maps(1, LARGE)
    want = float(metrics.MeanIoU(1)(y_true, y_pred))
    for dtype in ("int8", "uint8", "int16", "int32"):
        assert float(metrics.MeanIoU(1, dtype=dtype)(y_true, y_pred)) == pytest.approx(want, rel=1e-6)


def test_an_image_equal_to_its_reference_counts_a_hundred_decibels():
    y_true, y_pred = images(3, (3, 16, 24))
    y_pred[1] = y_true[1]
    each = keras.ops.convert_to_numpy(metrics.psnr(y_true, y_pred))
    assert np.isinf(each[1])
    for metric in (metrics.PSNR(), metrics.PSNR(dtype="float16")):
        assert float(metric(y_true, y_pred)) == pytest.approx((each[0] + each[2] + 100) / 3, rel=1e-5)
    assert float(metrics.PSNR(255.0)(255 * y_true, 255 * y_true)) == 100
    whole = np.rint(255 * y_true) / 255
    assert float(metrics.PSNR(rounded=True)(whole, whole + np.float32(1e-4))) == 100, "equal once they are bytes"


@pytest.mark.parametrize("kind", [losses.DiceLoss, losses.CrossEntropy, losses.SegmentationLoss])
@pytest.mark.parametrize("classes", [1, 3])
def test_losses_in_float16_are_those_of_float32_and_NaN_stays(kind, classes):
    y_true, y_pred = maps(classes, LARGE)
    want = float(kind(classes)(y_true, y_pred))
    assert float(kind(classes, dtype="float16")(y_true, y_pred)) == pytest.approx(want, rel=5e-3)
    y_pred[0, 3, 4, -1] = np.nan
    assert np.isnan(float(kind(classes)(y_true, y_pred)))
