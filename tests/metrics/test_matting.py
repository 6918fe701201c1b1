import keras
import numpy as np
import pytest
from skimage.metrics import mean_squared_error

from keras_unetmm import losses, metrics

RNG = np.random.default_rng(0)


@pytest.fixture
def mattes():
    y_true = RNG.random((5, 6, 9, 2)).astype("float32")
    y_true[..., 1] = y_true[..., 1] < np.linspace(0, 0.8, 5)[:, None, None]  # none unknown in the first image
    return y_true, RNG.random((5, 6, 9, 1)).astype("float32")


def regions(y_true, y_pred, unknown):
    """Of each image the two alphas as lists of pixels."""
    for true, alpha in zip(y_true, y_pred, strict=True):
        region = true[..., 1] == 1 if unknown else np.ones(true.shape[:2], bool)
        yield true[region, 0], alpha[region, 0]


@pytest.mark.parametrize("unknown", [False, True])
def test_errors_equal_those_of_the_region(mattes, unknown):
    sad = np.mean([np.linalg.norm(a - b, 1) / 1000 for a, b in regions(*mattes, unknown)])
    mse = np.mean([mean_squared_error(a, b) if a.size else 0 for a, b in regions(*mattes, unknown)])
    y_true, y_pred = mattes
    for metric, want in ((metrics.SAD(unknown), sad), (metrics.MattingMSE(unknown), mse)):
        metric.update_state(y_true[:2], y_pred[:2])
        assert float(metric(y_true[2:], y_pred[2:])) == pytest.approx(want, rel=1e-4)


def test_units():
    white, black = np.ones((1, 40, 50, 2), "float32"), np.zeros((1, 40, 50, 1), "float32")
    assert float(metrics.SAD()(white, black)) == 2
    assert float(metrics.MattingMSE(unknown=True)(white, black)) == 1
    white[..., 1] = 0
    assert float(metrics.SAD(unknown=True)(white, black)) == float(metrics.MattingMSE(unknown=True)(white, black)) == 0


def test_a_matte_without_trimap_has_no_unknown_region(mattes):
    y_true, y_pred = mattes
    assert float(metrics.SAD()(y_true[..., :1], y_pred)) == float(metrics.SAD()(y_true, y_pred))
    with pytest.raises(ValueError, match=r"y_true must be \(N, H, W, 2\).*Received: shapes \(5, 6, 9, 1\)"):
        metrics.SAD(unknown=True)(y_true[..., :1], y_pred)
    with pytest.raises(ValueError, match="of one size"):
        metrics.MattingMSE()(y_true, y_pred[:, :1])


def test_model_compile_takes_them_and_keeps_them(mattes, tmp_path):
    y_true, images = (array[:4] for array in mattes)
    inputs = keras.Input((None, None, 1))
    model = keras.Model(inputs, keras.layers.Conv2D(1, 1, activation="sigmoid")(inputs))
    names = "sad", "sad_unknown", "matting_mse", "matting_mse_unknown"
    kinds = {name: metrics.SAD if name.startswith("sad") else metrics.MattingMSE for name in names}
    measured = [kind("unknown" in name, name=name) for name, kind in kinds.items()]
    model.compile("sgd", losses.MattingLoss(unknown_weight=2.0), metrics=measured)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    found = again.evaluate(images, y_true, batch_size=2, verbose=0, return_dict=True)
    y_pred = model.predict(images, verbose=0)
    for name, kind in kinds.items():
        assert found[name] == pytest.approx(float(kind("unknown" in name)(y_true, y_pred)), rel=1e-4)
