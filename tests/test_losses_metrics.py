import keras
import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from keras_unetmm import losses, metrics


@pytest.fixture
def pair():
    rng = np.random.default_rng(0)
    clean = np.clip(rng.random((3, 40, 52, 3)).cumsum(1) / 20, 0, 1)  # smooth downwards, noisy sideways
    return clean.astype("float32"), np.clip(clean + rng.normal(scale=0.1, size=clean.shape), 0, 1).astype("float32")


def test_psnr_equals_scikit_image(pair):
    want = np.mean([peak_signal_noise_ratio(x, y, data_range=1) for x, y in zip(*pair, strict=True)])
    assert float(metrics.PSNR()(*pair)) == pytest.approx(want, abs=1e-4)
    assert float(losses.PSNRLoss()(*pair)) == pytest.approx(-want, abs=1e-4)
    in_bytes = [image * 255 for image in pair]
    assert float(metrics.PSNR(max_value=255)(*in_bytes)) == pytest.approx(want, abs=1e-3)


@pytest.mark.parametrize("channels", [1, 3])
def test_ssim_equals_scikit_image(pair, channels):
    x, y = (image[..., :channels] for image in pair)
    window = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    want = [structural_similarity(a, b, channel_axis=-1, data_range=1, **window) for a, b in zip(x, y, strict=True)]
    np.testing.assert_allclose(keras.ops.convert_to_numpy(metrics.ssim(x, y)), want, atol=1e-4)
    assert float(metrics.SSIM()(x, y)) == pytest.approx(np.mean(want), abs=1e-4)


def test_ssim_survives_bright_flat_images():
    rng = np.random.default_rng(0)
    x = (0.98 + 1e-4 * rng.normal(size=(1, 32, 32, 1))).astype("float32")
    y = (x + 1e-4 * rng.normal(size=x.shape)).astype("float32")
    window = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    want = structural_similarity(x[0, ..., 0].astype("float64"), y[0, ..., 0].astype("float64"), data_range=1, **window)
    assert float(metrics.SSIM()(x, y)) == pytest.approx(want, abs=1e-4)


def test_bytes_do_not_wrap_around():
    x, y = np.full((1, 16, 16, 3), 10, "uint8"), np.full((1, 16, 16, 3), 50, "uint8")
    assert float(metrics.PSNR(max_value=255)(x, y)) == pytest.approx(20 * np.log10(255 / 40), abs=1e-3)


def test_an_image_smaller_than_the_window_is_refused():
    with pytest.raises(ValueError, match=r"at least 11x11 pixels\. Received: 8x32"):
        metrics.ssim(np.zeros((1, 8, 32, 3), "float32"), np.zeros((1, 8, 32, 3), "float32"))


def test_equal_images_have_a_bounded_loss():
    x = np.ones((2, 8, 8, 3), "float32")
    assert float(losses.PSNRLoss()(x, x)) == pytest.approx(-80)


def test_model_compile_takes_them_and_keeps_them(pair, tmp_path):
    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, keras.layers.Conv2D(3, 1)(inputs))
    model.compile("sgd", losses.PSNRLoss(epsilon=1e-6), metrics=[metrics.PSNR(), metrics.SSIM()])
    model.fit(*pair, epochs=1, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    before, after = (m.evaluate(*pair, verbose=0, return_dict=True) for m in (model, again))
    assert set(before) == {"loss", "psnr", "ssim"}
    assert before == after
