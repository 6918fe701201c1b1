import keras
import numpy as np
import pytest
from checks import FIRST

from keras_unetmm import losses, metrics

RNG = np.random.default_rng(0)
IMAGE, VOLUME = (6, 9), (3, 4, 5)


def masks(classes, size=IMAGE, images=4):
    """Labels with 255 here and there, and scores; the first reference is all background, the first two lack some classes."""
    labels = RNG.integers(max(classes, 2), size=(images, *size, 1)).astype("int32")
    labels[0], labels[1] = 0, np.minimum(labels[1], 1)
    labels[RNG.random(labels.shape) < 0.1] = 255
    scores = RNG.random((images, *size, classes)).astype("float32")
    scores[0] *= 0.4  # nothing predicted in one channel
    scores[0, ..., 0] += 0.6 * (classes > 1)
    return labels, scores


def pairs(labels, scores, classes, ignore=255):
    """Of each image the sets of pixels of each class, `(reference, prediction, all)`, without those ignored."""
    for mask, image in zip(labels, scores, strict=True):
        reference = mask.ravel()
        pixels = image.reshape(-1, classes)
        predicted = [int(np.argsort(pixel)[-1]) if classes > 1 else int(pixel[0] > 0.5) for pixel in pixels]
        counted = {i for i, label in enumerate(reference) if label != ignore}
        yield lambda c, reference=reference, predicted=predicted, counted=counted: (
            {i for i in counted if reference[i] == c},
            {i for i in counted if predicted[i] == c},
            counted,
        )


def dice(reference, prediction, _):
    return 2 * len(reference & prediction) / (len(reference) + len(prediction)) if reference or prediction else 1


def false_positive_rate(reference, prediction, counted):
    return len(prediction - reference) / len(counted - reference) if counted - reference else 0


def false_negative_rate(reference, prediction, _):
    return len(reference - prediction) / len(reference) if reference else 0


PER_IMAGE = [
    (metrics.Dice, dice),
    (metrics.FalsePositiveRate, false_positive_rate),
    (metrics.FalseNegativeRate, false_negative_rate),
]


def in_two_calls(metric, y_true, y_pred):
    metric.update_state(y_true[:2], y_pred[:2])
    return float(metric(y_true[2:], y_pred[2:]))


@pytest.mark.parametrize(
    ("classes", "label", "size"),
    [(1, None, IMAGE), (1, 0, IMAGE), (2, None, IMAGE), (4, None, VOLUME), (4, 2, VOLUME)],
)
@pytest.mark.parametrize(("metric", "want"), PER_IMAGE, ids=lambda case: getattr(case, "__name__", None))
def test_overlap_equals_sets_of_pixels(metric, want, classes, label, size):
    y_true, y_pred = masks(classes, size)
    labels = [label] if label is not None else [1] if classes == 1 else range(1, classes)
    expected = np.mean([np.mean([want(*sets(c)) for c in labels]) for sets in pairs(y_true, y_pred, classes)])
    assert in_two_calls(metric(classes, ignore=255, label=label), y_true, y_pred) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(("classes", "size"), [(1, IMAGE), (4, VOLUME), (30, IMAGE)])
def test_mean_iou_pools_the_pixels_of_all_images(classes, size):
    y_true, y_pred = masks(classes, size)
    y_true[y_true == 20] = 0  # a class that occurs nowhere
    y_pred[..., 20:21] = 0
    both, either = np.zeros(max(classes, 2)), np.zeros(max(classes, 2))
    for sets in pairs(y_true, y_pred, classes):
        for c in range(max(classes, 2)):
            reference, prediction, _ = sets(c)
            both[c] += len(reference & prediction)
            either[c] += len(reference | prediction)
    want = np.mean(both[either > 0] / either[either > 0])
    assert in_two_calls(metrics.MeanIoU(classes, ignore=255), y_true, y_pred) == pytest.approx(want, abs=1e-5)
    y_true[y_true == 255] = -1
    assert in_two_calls(metrics.MeanIoU(classes, ignore=-1), y_true, y_pred) == pytest.approx(want, abs=1e-5)


def test_images_without_the_object():
    empty, full = np.zeros((1, 4, 6, 1), "int32"), np.ones((1, 4, 6, 1), "int32")
    none, everywhere = empty.astype("float32"), full.astype("float32")
    for y_true, y_pred, *want in [
        (empty, none, 1, 0, 0),
        (empty, everywhere, 0, 1, 0),
        (full, none, 0, 0, 1),
        (full, everywhere, 1, 0, 0),
        (255 * full, everywhere, 1, 0, 0),  # nothing counts
    ]:
        assert [float(metric(ignore=255)(y_true, y_pred)) for metric, _ in PER_IMAGE] == want


def test_one_half_is_not_hit():
    y_true, y_pred = np.ones((1, 4, 6, 1), "int32"), np.full((1, 4, 6, 1), 0.5, "float32")
    assert float(metrics.Dice()(y_true, y_pred)) == 0
    assert float(metrics.Dice()(y_true, y_pred + 0.01)) == 1


def test_many_pixels_are_counted_exactly():
    metric = metrics.MeanIoU(1)
    y_true = np.zeros((1, 512, 640, 1), "uint8")  # Keras's own counting takes 17 s for it on torch
    y_true[:, 100:] = 1
    for _ in range(3):
        metric.update_state(y_true, y_true.astype("float32"))
    assert keras.ops.convert_to_numpy(metric.total_cm).tolist() == [[3 * 100 * 640, 0], [0, 3 * 412 * 640]]


MASK = np.zeros((2, 4, 5, 1), "int32")
SCORES = np.zeros((2, 4, 5, 3), "float32")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: metrics.Dice(0), r"classes must be an integer of at least 1\. Received: 0\."),
        (lambda: metrics.Dice(3, label=3), r"label must be None or one of 0 to 2\. Received: 3 with classes=3\."),
        (lambda: metrics.FalsePositiveRate(label=-1), r"one of 0 to 1\. Received: -1 "),
        (lambda: metrics.MeanIoU(3, ignore=0), r"ignore must be None or no class, so not 0 to 2\. Received: 0 "),
        (lambda: metrics.Dice(2)(MASK, SCORES), r"y_pred \(N, \.\.\., 2\), of one size\. Received: shapes"),
        (lambda: metrics.MeanIoU(3)(MASK[:, :1], SCORES), r"of one size\. Received: shapes"),
        (lambda: metrics.Dice(3)(MASK + 3, SCORES), r"labels from 0 to 2\. Received: \[3\]"),
        (lambda: metrics.FalseNegativeRate(3, ignore=255)(MASK + 254, SCORES), r"2 or ignore=255\. Received: \[254\]"),
        (lambda: metrics.MeanIoU(3, ignore=255)(MASK - 1, SCORES), r"Received: \[-1\]"),
        (lambda: metrics.MeanIoU(3)(MASK, SCORES, np.ones(2)), r"sample_weight must be None"),
    ],
)
def test_what_does_not_fit_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(("classes", "activation"), [(1, "sigmoid"), (3, "softmax")][:FIRST])
def test_model_compile_takes_them_and_keeps_them(classes, activation, tmp_path):
    y_true, _ = masks(classes)
    images = RNG.random((4, 6, 9, 2)).astype("float32")
    inputs = keras.Input((None, None, 2))
    model = keras.Model(inputs, keras.layers.Conv2D(classes, 1, activation=activation)(inputs))
    kinds = metrics.Dice, metrics.FalsePositiveRate, metrics.FalseNegativeRate, metrics.MeanIoU
    model.compile("sgd", losses.CrossEntropy(classes, ignore=255), metrics=[kind(classes, ignore=255) for kind in kinds])
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    found = again.evaluate(images, y_true, batch_size=2, verbose=0, return_dict=True)
    y_pred = model.predict(images, verbose=0)
    for kind in kinds:
        metric = kind(classes, ignore=255)
        assert found[metric.name] == pytest.approx(float(metric(y_true, y_pred)), abs=1e-5)
