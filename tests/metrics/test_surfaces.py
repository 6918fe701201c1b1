"""Distances of borders and connected components, against brute force and figures that can be counted."""

import keras
import numpy as np
import pytest

from keras_unetmm import metrics

RNG = np.random.default_rng(0)


def box(top, left, height, width, size=(40, 50)):
    mask = np.zeros(size, "int32")
    mask[top : top + height, left : left + width] = 1
    return mask


def batch(*masks):
    return np.stack(masks)[..., None]


def border(mask):
    """Pixels with a neighbour outside, one by one; the image's border is no border of the mask."""
    inside = np.pad(mask, 1, mode="edge").astype(bool)
    kept = inside[2:, 1:-1] & inside[:-2, 1:-1] & inside[1:-1, 2:] & inside[1:-1, :-2]
    return np.argwhere(mask.astype(bool) & ~kept)


def distances(a, b):
    return np.sqrt(((border(a)[:, None] - border(b)[None]) ** 2).sum(-1)).min(1)


def test_hausdorff_and_boundary_f1_against_brute_force():
    actual = (RNG.random((2, 24, 30)) < 0.3).astype("int32")
    scores = RNG.random((2, 24, 30, 1)).astype("float32")
    predicted = (scores[..., 0] > 0.5).astype("int32")
    pairs = [(distances(a, p), distances(p, a)) for a, p in zip(actual, predicted, strict=True)]
    want = np.mean([np.percentile(np.concatenate(pair), 95) for pair in pairs])
    assert float(metrics.HausdorffDistance95()(actual[..., None], scores)) == pytest.approx(want)
    found = []
    for recall, precision in pairs:
        r, p = np.mean(recall <= 1.5), np.mean(precision <= 1.5)
        found.append(2 * r * p / (r + p))
    assert float(metrics.BoundaryF1(tolerance=1.5)(actual[..., None], scores)) == pytest.approx(np.mean(found))


def test_boxes():
    actual, moved = batch(box(5, 5, 20, 20)), batch(box(5, 8, 20, 20)).astype("float32")
    assert float(metrics.HausdorffDistance95()(actual, moved)) == 3
    assert float(metrics.HausdorffDistance95()(actual, actual.astype("float32"))) == 0
    assert float(metrics.BoundaryF1(tolerance=3)(actual, moved)) == 1
    assert 0 < float(metrics.BoundaryF1(tolerance=1)(actual, moved)) < 1
    nothing = np.zeros_like(moved)
    assert float(metrics.HausdorffDistance95()(actual, nothing)) == pytest.approx(np.hypot(40, 50))
    assert float(metrics.BoundaryF1()(actual, nothing)) == 0
    assert float(metrics.BoundaryF1()(nothing.astype("int32"), nothing)) == 1, "no object anywhere"
    volume = np.zeros((1, 8, 8, 8, 1), "int32")
    volume[:, 2:5, 2:5, 2:5] = 1
    further = np.roll(volume, 2, axis=1).astype("float32")
    assert float(metrics.HausdorffDistance95()(volume, further)) == 2


def test_components_classes_and_ignored_pixels():
    actual = batch(box(2, 2, 5, 5) + box(20, 20, 5, 5) + 2 * box(30, 2, 4, 4))
    scores = np.eye(3)[batch(box(2, 2, 5, 5) + 2 * box(30, 2, 4, 4))[..., 0]].astype("float32")
    assert float(metrics.ComponentError(3)(actual, scores)) == 0.5  # one of two missed, and none of the other class
    assert float(metrics.ComponentError(3, label=1)(actual, scores)) == 1
    assert float(metrics.HausdorffDistance95(3, label=2)(actual, scores)) == 0
    hidden = actual.copy()
    hidden[0, 20:25, 20:25] = 255
    assert float(metrics.ComponentError(3, ignore=255)(hidden, scores)) == 0


def test_state_arguments_and_graphs():
    actual = batch(box(5, 5, 20, 20))
    broken = np.full(actual.shape, np.nan, "float32")
    metric = metrics.BoundaryF1()
    assert np.isnan(float(metric(actual, broken)))
    metric.update_state(actual, actual.astype("float32"))
    assert np.isnan(float(metric.result()))
    metric.reset_state()
    assert float(metric(actual, actual.astype("float32"))) == 1
    again = keras.metrics.deserialize(keras.metrics.serialize(metrics.HausdorffDistance95(3, 255, 2)))
    assert again.get_config() == metrics.HausdorffDistance95(3, 255, 2).get_config()
    for wrong in ({"label": 5}, {"tolerance": -1}):
        with pytest.raises(ValueError, match="must be"):
            metrics.BoundaryF1(**wrong)
    with pytest.raises(ValueError, match=r"Received: \[255\]"):
        metric(actual * 255, actual.astype("float32"))
