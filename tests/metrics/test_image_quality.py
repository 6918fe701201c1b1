import keras
import numpy as np
import pytest
from checks import FIRST
from skimage.color import rgb2ycbcr
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from keras_unetmm import losses, metrics

WINDOW = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}


@pytest.fixture
def pair():
    rng = np.random.default_rng(0)
    clean = np.clip(rng.random((3, 40, 52, 3)).cumsum(1) / 20, 0, 1)  # smooth downwards, noisy sideways
    return clean.astype("float32"), np.clip(clean + rng.normal(scale=0.1, size=clean.shape), 0, 1).astype("float32")


def test_psnr_equals_scikit_image(pair):
    want = np.mean([peak_signal_noise_ratio(x, y, data_range=1) for x, y in zip(*pair, strict=True)])
    assert float(metrics.PSNR()(*pair)) == pytest.approx(want, abs=1e-4)
    in_bytes = [image * 255 for image in pair]
    assert float(metrics.PSNR(max_value=255)(*in_bytes)) == pytest.approx(want, abs=1e-3)


@pytest.mark.parametrize("channels", [3, 1][:FIRST])
def test_ssim_equals_scikit_image(pair, channels):
    x, y = (image[..., :channels] for image in pair)
    want = [structural_similarity(a, b, channel_axis=-1, data_range=1, **WINDOW) for a, b in zip(x, y, strict=True)]
    np.testing.assert_allclose(keras.ops.convert_to_numpy(metrics.ssim(x, y)), want, atol=1e-4)
    assert float(metrics.SSIM()(x, y)) == pytest.approx(np.mean(want), abs=1e-4)


@pytest.mark.parametrize(
    ("luma", "shave", "rounded"),
    [(True, 4, True), (True, 0, False), (False, 4, False), (False, 0, True)][:FIRST],
    ids=["all", "luma", "shave", "rounded"][:FIRST],
)
def test_images_are_prepared_as_papers_do(pair, luma, shave, rounded):
    x, y = pair[0].astype("float64"), 1.2 * pair[1].astype("float64") - 0.1  # beyond [0, 1]
    prepared = [x, y]
    if rounded:
        prepared = [np.rint(255 * image.clip(0, 1)) / 255 for image in prepared]
    if luma:
        prepared = [rgb2ycbcr(image)[..., :1] / 255 for image in prepared]
    first, second = (image[:, shave : 40 - shave, shave : 52 - shave] for image in prepared)
    images = list(zip(first, second, strict=True))
    psnr = np.mean([peak_signal_noise_ratio(a, b, data_range=1) for a, b in images])
    ssim = np.mean([structural_similarity(a, b, channel_axis=-1, data_range=1, **WINDOW) for a, b in images])
    arguments = {"luma": luma, "shave": shave, "rounded": rounded}
    x, y = x.astype("float32"), y.astype("float32")
    assert float(metrics.PSNR(**arguments)(x, y)) == pytest.approx(psnr, abs=1e-4)
    assert float(metrics.SSIM(**arguments)(x, y)) == pytest.approx(ssim, abs=1e-4)
    if luma and rounded:
        assert float(metrics.PSNR(255, **arguments)(255 * x, 255 * y)) == pytest.approx(psnr, abs=1e-3)


def test_luma_is_of_studio_range():
    white, black = np.ones((1, 16, 16, 3), "float32"), np.zeros((1, 16, 16, 3), "float32")
    want = 20 * np.log10(255 / (235 - 16))
    assert float(metrics.PSNR(luma=True)(white, black)) == pytest.approx(want, abs=1e-4)


def test_several_calls_and_batches_average_over_images(pair):
    metric = metrics.PSNR()
    metric.update_state(pair[0][:2], pair[1][:2])
    metric.update_state(pair[0][2:], pair[1][2:])
    want = np.mean([peak_signal_noise_ratio(x, y, data_range=1) for x, y in zip(*pair, strict=True)])
    assert float(metric.result()) == pytest.approx(want, abs=1e-4)


def test_ssim_survives_bright_flat_images():
    rng = np.random.default_rng(0)
    x = (0.98 + 1e-4 * rng.normal(size=(1, 32, 32, 1))).astype("float32")
    y = (x + 1e-4 * rng.normal(size=x.shape)).astype("float32")
    want = structural_similarity(x[0, ..., 0].astype("float64"), y[0, ..., 0].astype("float64"), data_range=1, **WINDOW)
    assert float(metrics.SSIM()(x, y)) == pytest.approx(want, abs=1e-4)


def test_bytes_do_not_wrap_around():
    x, y = np.full((1, 16, 16, 3), 10, "uint8"), np.full((1, 16, 16, 3), 50, "uint8")
    assert float(metrics.PSNR(max_value=255)(x, y)) == pytest.approx(20 * np.log10(255 / 40), abs=1e-3)


IMAGES = np.zeros((1, 8, 32, 3), "float32")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: metrics.ssim(IMAGES, IMAGES), r"at least 11x11 pixels\. Received: 8x32\."),
        (lambda: metrics.ssim(np.zeros((1, 14, 32, 3)), np.zeros((1, 14, 32, 3)), shave=2), r"10x28 after shave=2\."),
        (lambda: metrics.psnr(IMAGES, IMAGES, shave=4), r"shave=4 needs .* of at least 9x9 pixels\. Received: .*8, 32"),
        (lambda: metrics.psnr(IMAGES[..., :1], IMAGES[..., :1], luma=True), r"luma=True needs .*Received: .*32, 1\)"),
        (lambda: metrics.PSNR(shave=-1), r"shave must be an integer of at least 0\. Received: -1\."),
        (lambda: metrics.SSIM(shave=1.5), r"shave must be an integer of at least 0\. Received: 1\.5\."),
        (lambda: metrics.SSIM(max_value=0), r"max_value must be above 0\. Received: 0\."),
    ],
)
def test_what_does_not_fit_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_model_compile_takes_them_and_keeps_them(pair, tmp_path):
    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, keras.layers.Conv2D(3, 1)(inputs))
    published = [metrics.PSNR(luma=True, shave=4, rounded=True, name="psnr_y"), metrics.SSIM(luma=True, name="ssim_y")]
    model.compile("sgd", losses.PSNRLoss(epsilon=1e-6), metrics=[metrics.PSNR(), metrics.SSIM(), *published])
    model.fit(*pair, epochs=1, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    before, after = (m.evaluate(*pair, verbose=0, return_dict=True) for m in (model, again))
    assert set(before) == {"loss", "psnr", "ssim", "psnr_y", "ssim_y"}
    assert before == after
    want = float(metrics.PSNR(luma=True, shave=4, rounded=True)(pair[1], model.predict(pair[0], verbose=0)))
    assert before["psnr_y"] == pytest.approx(want, abs=1e-4)
    assert abs(want - before["psnr"]) > 0.1
