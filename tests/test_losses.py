import keras
import numpy as np
import pytest
from checks import FIRST
from keras import ops
from skimage.metrics import peak_signal_noise_ratio

from keras_unetmm import losses

RNG = np.random.default_rng(0)
IMAGE, VOLUME = (6, 9), (3, 4, 5)


def masks(classes, size, ignored=0.3):
    """Labels with 255 here and there, and probabilities that fit them."""
    labels = RNG.integers(max(classes, 2), size=(3, *size, 1)).astype("int32")
    labels[RNG.random(labels.shape) < ignored * np.arange(3).reshape(3, *[1] * len(size), 1)] = 255  # unlike in each image
    scores = RNG.random((3, *size, classes)).astype("float32")
    return labels, scores if classes == 1 else scores / scores.sum(-1, keepdims=True)


def probability_of(label, scores):
    return scores[label] if len(scores) > 1 else scores[0] if label else 1 - scores[0]


def dice_loss(labels, scores, classes, ignore):
    """Pixel by pixel."""
    values = []
    for reference, image in zip(labels, scores, strict=True):
        for c in range(1, max(classes, 2)):
            both, either = 1.0, 1.0
            for label, score in zip(reference.ravel(), image.reshape(-1, classes), strict=True):
                if label != ignore:
                    both += 2 * probability_of(c, score) * (label == c)
                    either += probability_of(c, score) + (label == c)
            values.append(1 - both / either)
    return np.mean(values)


def cross_entropy(labels, scores, classes, ignore):
    pixels = zip(labels.ravel(), scores.reshape(-1, classes), strict=True)
    return np.mean([-np.log(probability_of(label, score)) for label, score in pixels if label != ignore])


def gradient(loss, y_true, y_pred):
    """The gradient of a loss with respect to y_pred."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        scores = tf.Variable(y_pred)
        with tf.GradientTape() as tape:
            value = loss(y_true, scores)
        return tape.gradient(value, scores).numpy()
    if keras.backend.backend() == "jax":
        import jax

        return np.asarray(jax.jit(jax.grad(lambda scores: loss(y_true, scores)))(ops.convert_to_tensor(y_pred)))
    scores = ops.convert_to_tensor(y_pred).requires_grad_()
    loss(y_true, scores).backward()
    return scores.grad.numpy()


def test_psnr_loss_is_the_negative_psnr():
    x, y = RNG.random((2, 3, 20, 14, 3)).astype("float32")
    want = np.mean([peak_signal_noise_ratio(a, b, data_range=1) for a, b in zip(x, y, strict=True)])
    assert float(losses.PSNRLoss()(x, y)) == pytest.approx(-want, abs=1e-4)


def test_equal_images_have_a_bounded_loss():
    x = np.ones((2, 8, 8, 3), "float32")
    assert float(losses.PSNRLoss()(x, x)) == pytest.approx(-80)


@pytest.mark.parametrize(("classes", "size"), [(1, IMAGE), (2, IMAGE), (4, VOLUME)])
def test_mask_losses_equal_sums_over_single_pixels(classes, size):
    y_true, y_pred = masks(classes, size)
    dice, entropy = (want(y_true, y_pred, classes, 255) for want in (dice_loss, cross_entropy))
    assert float(losses.DiceLoss(classes, ignore=255)(y_true, y_pred)) == pytest.approx(dice, abs=1e-5)
    assert float(losses.CrossEntropy(classes, ignore=255)(y_true, y_pred)) == pytest.approx(entropy, abs=1e-5)
    assert float(losses.SegmentationLoss(classes, ignore=255)(y_true, y_pred)) == pytest.approx(dice + entropy, abs=1e-5)


def test_without_ignored_pixels_cross_entropy_is_keras_own():
    y_true, y_pred = masks(4, IMAGE, ignored=0)
    want = keras.losses.SparseCategoricalCrossentropy()(y_true, y_pred)
    assert float(losses.CrossEntropy(4)(y_true, y_pred)) == pytest.approx(float(want), abs=1e-5)
    y_true, y_pred = masks(1, IMAGE, ignored=0)
    want = keras.losses.BinaryCrossentropy()(y_true, y_pred)
    assert float(losses.CrossEntropy()(y_true, y_pred)) == pytest.approx(float(want), abs=1e-5)


def test_a_perfect_mask_has_no_loss_and_an_empty_one_neither():
    y_true = RNG.integers(2, size=(2, 5, 7, 1)).astype("int32")
    for labels in (y_true, 0 * y_true):
        assert float(losses.SegmentationLoss()(labels, labels.astype("float32"))) == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("classes", [1, 3])
@pytest.mark.parametrize("loss", [losses.DiceLoss, losses.CrossEntropy, losses.SegmentationLoss])
def test_gradients_of_masks_are_finite_and_pass_by_ignored_pixels(loss, classes):
    y_true, y_pred = masks(classes, IMAGE)
    y_pred[0] = np.eye(max(classes, 2))[y_true[0, ..., 0]][..., -classes:]  # certain and right
    y_pred[1] = 1 - y_pred[1].round()  # certain and often wrong
    y_true[2] = 255
    slope = gradient(loss(classes, ignore=255), y_true, y_pred)
    assert np.isfinite(slope).all()
    assert np.abs(slope[:2]).max() > 0
    assert not slope[np.broadcast_to(y_true == 255, slope.shape)].any()
    nothing = np.full_like(y_true, 255)
    assert float(loss(classes, ignore=255)(nothing, y_pred)) == 0
    assert not gradient(loss(classes, ignore=255), nothing, y_pred).any()


def test_cross_entropy_descends_along_its_gradient():
    y_true, y_pred = masks(1, IMAGE)
    y_pred = 0.2 + 0.6 * y_pred  # far from where the logarithm is bounded
    loss = losses.CrossEntropy(ignore=255)
    slope = gradient(loss, y_true, y_pred)
    numeric = float(loss(y_true, y_pred + 0.003 * slope)) - float(loss(y_true, y_pred - 0.003 * slope))
    assert numeric == pytest.approx(0.006 * (slope**2).sum(), rel=0.05)


@pytest.mark.parametrize("weight", [1.0, 3.0, 0.0])
def test_matting_loss_is_a_weighted_mean(weight):
    y_true = RNG.random((3, 6, 9, 2)).astype("float32")
    y_true[..., 1] = y_true[..., 1] < 0.4
    y_pred = RNG.random((3, 6, 9, 1)).astype("float32")
    want = [
        np.average(np.abs(true[..., 0] - alpha[..., 0]), weights=np.where(true[..., 1] == 1, weight, 1))
        for true, alpha in zip(y_true, y_pred, strict=True)
    ]
    loss = losses.MattingLoss(unknown_weight=weight)
    assert float(loss(y_true, y_pred)) == pytest.approx(np.mean(want), abs=1e-6)
    assert np.isfinite(gradient(loss, y_true, y_pred)).all()
    y_true[..., 1] = 1
    assert np.isfinite(gradient(loss, y_true, y_pred)).all()


@pytest.mark.parametrize(
    "loss",
    [
        losses.PSNRLoss(epsilon=1e-6),
        losses.DiceLoss(3, ignore=255),
        losses.CrossEntropy(ignore=7, reduction="sum"),
        losses.SegmentationLoss(2),
        losses.MattingLoss(unknown_weight=2.0),
    ],
    ids=lambda loss: type(loss).__name__,
)
def test_losses_survive_a_round_trip(loss):
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert type(again) is type(loss)
    assert again.get_config() == loss.get_config()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: losses.DiceLoss(0), r"classes must be an integer of at least 1\. Received: 0\."),
        (lambda: losses.CrossEntropy(3, ignore=2), r"ignore must be None or no class, so not 0 to 2\. Received: 2 "),
        (lambda: losses.SegmentationLoss(ignore=1), r"not 0 to 1\. Received: 1 "),
        (lambda: losses.MattingLoss(-1), r"unknown_weight must be at least 0\. Received: -1\."),
        (lambda: losses.DiceLoss(3)(ops.zeros((1, 4, 5, 1)), ops.zeros((1, 4, 5, 2))), r"y_pred \(N, \.\.\., 3\).*Received"),
        (lambda: losses.CrossEntropy()(ops.zeros((1, 4, 5)), ops.zeros((1, 4, 5, 1))), r"shapes \(1, 4, 5\) and"),
        (lambda: losses.CrossEntropy()(ops.zeros((1, 4, 5, 1)), ops.zeros((1, 4, 1, 1))), "of one size"),
        (
            lambda: losses.MattingLoss(2)(ops.zeros((1, 4, 5, 1)), ops.zeros((1, 4, 5, 1))),
            r"must be \(N, H, W, 2\).*Received",
        ),
    ],
)
def test_what_does_not_fit_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(("classes", "activation"), [(1, "sigmoid"), (3, "softmax")][:FIRST])
def test_model_compile_takes_a_mask_loss(classes, activation, tmp_path):
    y_true, _ = masks(classes, IMAGE)
    images = np.where(y_true == 255, 0, y_true).astype("float32") + RNG.normal(scale=0.1, size=(3, 6, 9, 2)).astype(
        "float32"
    )
    inputs = keras.Input((None, None, 2))
    model = keras.Model(inputs, keras.layers.Conv2D(classes, 1, activation=activation)(inputs))
    model.compile(keras.optimizers.SGD(0.3), losses.SegmentationLoss(classes, ignore=255))
    first, *_, last = model.fit(images, y_true, batch_size=3, epochs=8, verbose=0).history["loss"]
    assert last < first
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.evaluate(images, y_true, verbose=0) == pytest.approx(model.evaluate(images, y_true, verbose=0), abs=1e-6)


def network(classes):
    inputs = keras.Input((8, 8, 3))
    kind = "sigmoid" if classes == 1 else "softmax"
    return keras.Model(inputs, keras.layers.Conv2D(classes, 1, activation=kind, kernel_initializer="ones")(inputs))


@pytest.mark.parametrize("classes", [1, 3])
def test_weights_of_pixels_are_those_of_the_equation(classes):
    y_true, y_pred = masks(classes, IMAGE)
    weights = RNG.random((*y_true.shape[:-1], 1)).astype("float32")
    counted = (y_true != 255)[..., 0]
    labels = np.where(counted, y_true[..., 0], 0)
    chosen = np.take_along_axis(y_pred if classes > 1 else np.concatenate([1 - y_pred, y_pred], -1), labels[..., None], -1)
    values = -np.log(np.clip(chosen[..., 0], 1e-7, 1)) * weights[..., 0]
    loss = losses.CrossEntropy(classes, ignore=255)
    for given in (weights, weights[..., 0]):
        assert float(loss(y_true, y_pred, given)) == pytest.approx(values[counted].sum() / counted.sum(), rel=1e-5)
    whole = losses.SegmentationLoss(classes, ignore=255)
    assert float(whole(y_true, y_pred, np.ones_like(weights))) == pytest.approx(float(whole(y_true, y_pred)), rel=1e-6)
    hidden = np.where(y_true == 255, 0, y_true)  # a weight of 0 hides a pixel of Dice as ignore does
    dice = float(losses.DiceLoss(classes)(hidden, y_pred, (y_true != 255).astype("float32")))
    assert dice == pytest.approx(float(losses.DiceLoss(classes, ignore=255)(y_true, y_pred)), rel=1e-5)
    assert float(loss(y_true, y_pred, np.float32([1, 0, 0]))) != pytest.approx(float(loss(y_true, y_pred)))
    with pytest.raises(ValueError, match=r"sample_weight must be \(N,\), of images, or \(N, 6, 9\)"):
        loss(y_true, y_pred, weights[:, :4])


def test_classes_weigh_what_they_are_given_or_evenly():
    y_true, y_pred = masks(3, IMAGE, 0)
    flat = y_pred.reshape(-1, 3)[np.arange(y_true.size), y_true.ravel()]
    weights = np.array([0.5, 1, 4])
    want = np.mean(-np.log(flat) * weights[y_true.ravel()])
    for given in ((0.5, 1, 4), {0: 0.5, 2: 4}):
        assert float(losses.CrossEntropy(3, class_weight=given)(y_true, y_pred)) == pytest.approx(want, rel=1e-5)
    even = losses.balanced_weights(np.bincount(y_true.ravel(), minlength=3))
    balanced = float(losses.CrossEntropy(3, class_weight="balanced")(y_true, y_pred))
    assert balanced == pytest.approx(float(losses.CrossEntropy(3, class_weight=even)(y_true, y_pred)), rel=1e-3)
    assert balanced == pytest.approx(np.mean([-np.log(flat[y_true.ravel() == c]).mean() for c in range(3)]), rel=1e-5)
    assert losses.balanced_weights((990, 10, 0)) == (0.5051, 50.0, 1.0)
    for wrong in ((1, 2), {3: 1}, (1, -1, 1), 5):
        with pytest.raises(ValueError, match="class_weight must be"):
            losses.CrossEntropy(3, class_weight=wrong)


def test_focal_and_tversky():
    y_true, y_pred = masks(1, IMAGE, 0)
    p = np.where(y_true == 1, y_pred, 1 - y_pred)
    want = np.mean(-((1 - p) ** 2) * np.log(p))
    assert float(losses.CrossEntropy(focal=2.0)(y_true, y_pred)) == pytest.approx(want, rel=1e-4)
    sums = [(y_pred * y_true, y_pred * (1 - y_true), (1 - y_pred) * y_true)[i].sum((1, 2, 3)) for i in range(3)]
    want = np.mean(1 - (sums[0] + 0.5) / (sums[0] + 0.3 * sums[1] + 0.7 * sums[2] + 0.5))
    assert float(losses.DiceLoss(tversky=(0.3, 0.7))(y_true, y_pred)) == pytest.approx(want, rel=1e-5)
    assert np.isfinite(
        gradient(losses.CrossEntropy(focal=0.5), np.ones((1, 2, 2, 1)), np.ones((1, 2, 2, 1), "float32"))
    ).all()
    for name, wrong in (("focal", -1), ("tversky", (0, 0)), ("tversky", 3)):
        with pytest.raises(ValueError, match=f"{name} must be"):
            losses.SegmentationLoss(**{name: wrong})
    whole = losses.SegmentationLoss(3, 255, (1, 2, 3), 2.0, (0.3, 0.7))
    again = keras.losses.deserialize(keras.losses.serialize(whole))
    assert again.get_config() == whole.get_config()


@pytest.mark.parametrize("form", ["(N,)", "(N, H, W)", "(N, H, W, 1)", "class_weight", "class_weight one-hot"])
def test_fit_takes_weights(form):
    x, y = RNG.random((4, 8, 8, 3)).astype("float32"), RNG.integers(0, 2, (4, 8, 8, 1)).astype("uint8")
    model, given = network(1), {}
    model.compile(keras.optimizers.SGD(0.0), losses.SegmentationLoss())
    if form == "class_weight one-hot":
        model = network(2)
        model.compile(keras.optimizers.SGD(0.0), "categorical_crossentropy")
        want = model.evaluate(x, np.eye(2)[y[..., 0]], sample_weight=1 + 4 * y[..., 0], verbose=0)
        got = model.fit(x, np.eye(2)[y[..., 0]], class_weight={1: 5}, verbose=0).history["loss"][0]
        assert got == pytest.approx(want, rel=1e-5)
        return
    weights = {"(N,)": np.float32([1, 2, 0, 1]), "class_weight": 1.0 + 4 * y}.get(form, RNG.random((4, 8, 8, 1)))
    want = float(losses.SegmentationLoss()(y, model.predict(x, verbose=0), weights))
    given = {"class_weight": {0: 1.0, 1: 5.0}} if form == "class_weight" else {"sample_weight": weights}
    if form == "(N, H, W)":
        given = {"sample_weight": weights[..., 0]}
    assert model.fit(x, y, verbose=0, **given).history["loss"][0] == pytest.approx(want, rel=1e-5)


@pytest.mark.parametrize(("classes", "ignore", "wrong"), [(1, None, 255), (3, 255, 3), (3, None, -1)])
def test_fit_refuses_labels_that_are_none(classes, ignore, wrong):
    x, y = RNG.random((4, 8, 8, 3)).astype("float32"), np.zeros((4, 8, 8, 1), "int32")
    model = network(classes)
    model.compile("sgd", losses.SegmentationLoss(classes, ignore))
    if ignore is not None:
        y[1, 2, 3] = ignore
    model.fit(x, y, verbose=0)
    y[0, 5, 5] = wrong
    with pytest.raises(Exception, match=f"(?s)y_true must hold labels from 0 to {max(classes, 2) - 1}.*{wrong}"):
        model.fit(x, y, verbose=0)
