# SPDX-License-Identifier: Apache-2.0
"""How far apart the borders of masks lie, and into how many pieces they fall: metrics of arrays, by scipy."""

import importlib

import keras
import numpy as np

from keras_unetmm.keras_types import Config
from keras_unetmm.losses import check_mask_arguments, check_masks, foreground
from keras_unetmm.metrics.overlap import check_labels


class _OfMasks(keras.metrics.Metric):
    """The mean over images of a function of two masks, mean over foreground classes first; NaN after a NaN.

    A class that is in neither mask of an image is left out there.

    Args:
        classes, ignore, label: as of `keras_unetmm.metrics.Dice`.
    """

    _direction = "up"

    def __init__(self, classes=1, ignore=None, label=None, name=None, dtype=None):
        super().__init__(name=name, dtype=dtype)
        check_mask_arguments(classes, ignore)
        if label is not None and label not in range(max(classes, 2)):
            raise ValueError(f"label must be None or one of 0 to {max(classes, 2) - 1}. Received: {label!r}.")
        self.classes, self.ignore, self.label = classes, ignore, label
        self.values = []

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Takes arrays: in a compiled step there is none."""
        if sample_weight is not None:
            raise ValueError("sample_weight must be None: images count once. Received: weights.")
        check_masks(y_true, y_pred, self.classes)
        try:
            y_true, y_pred = (np.asarray(keras.ops.convert_to_numpy(array)) for array in (y_true, y_pred))
        except Exception as error:
            raise ValueError(
                f"{type(self).__name__} measures arrays, not a compiled step. Received: a graph's. Call it on what predict "
                "returns, or compile with run_eagerly=True."
            ) from error
        check_labels(y_true, self.classes, self.ignore)
        labels = foreground(self.classes) if self.label is None else [self.label]
        for actual, scores in zip(y_true[..., 0], y_pred, strict=True):
            if np.isnan(scores).any():
                self.values.append(np.nan)
                continue
            predicted = (scores[..., 0] > 0.5).astype("int32") if self.classes == 1 else scores.argmax(-1)
            counted = np.ones(actual.shape, bool) if self.ignore is None else actual != self.ignore
            pairs = [((actual == label) & counted, (predicted == label) & counted) for label in labels]
            found = [self.of_pair(*pair) for pair in pairs if pair[0].any() or pair[1].any()]
            if found:
                self.values.append(float(np.mean(found)))

    def of_pair(self, actual: np.ndarray, predicted: np.ndarray) -> float:
        """The value of two masks, one of which at least marks something."""
        raise TypeError(f"{type(self).__name__} must define of_pair().")

    def result(self):
        """The mean; of no image with an object, the best value."""
        return float(np.mean(self.values)) if self.values else (1.0 if self._direction == "up" else 0.0)

    def reset_state(self):
        """Begins again."""
        self.values = []

    def get_config(self) -> Config:
        return {"classes": self.classes, "ignore": self.ignore, "label": self.label, "name": self.name}


@keras.saving.register_keras_serializable("keras_unetmm")
class BoundaryF1(_OfMasks):
    """How well borders agree (Csurka et al., BMVC 2013): the harmonic mean of the shares of both borders near the other.

    Args:
        tolerance: float, how near in pixels; None takes 0.75 % of the image's diagonal, at least 1, as the paper.
        classes, ignore, label: as of `keras_unetmm.metrics.Dice`.

    Shape: labels `(N, ..., 1)`, scores `(N, ..., classes) -> ()`, in [0, 1].

    Examples:
        >>> metric, mask = metrics.BoundaryF1(), np.zeros((1, 16, 16, 1))
        >>> mask[:, 4:12, 4:12] = 1
        >>> metric.update_state(mask, mask)
        >>> round(float(metric.result()), 2)
        1.0
    """

    def __init__(self, classes=1, ignore=None, label=None, tolerance=None, name="boundary_f1", dtype=None):
        super().__init__(classes, ignore, label, name, dtype)
        if tolerance is not None and not tolerance >= 0:
            raise ValueError(f"tolerance must be pixels, 0 or more, or None. Received: {tolerance!r}.")
        self.tolerance = tolerance

    def of_pair(self, actual: np.ndarray, predicted: np.ndarray) -> float:
        near = self.tolerance
        if near is None:
            near = max(1.0, 0.0075 * float(np.linalg.norm(actual.shape)))
        to_actual, to_predicted = _distances(actual, predicted)
        precision, recall = np.mean(to_actual <= near), np.mean(to_predicted <= near)
        return 2 * precision * recall / max(precision + recall, 1e-9)

    def get_config(self) -> Config:
        return {**super().get_config(), "tolerance": self.tolerance}


@keras.saving.register_keras_serializable("keras_unetmm")
class HausdorffDistance95(_OfMasks):
    """The distance in pixels below which 95 % of both borders lie from the other (Huttenlocher et al., TPAMI 1993).

    Where only one of both masks marks anything it is the diagonal of the image.

    Args:
        classes, ignore, label: as of `keras_unetmm.metrics.Dice`.

    Shape: labels `(N, ..., 1)`, scores `(N, ..., classes) -> ()`.

    Examples:
        >>> metric, mask = metrics.HausdorffDistance95(), np.zeros((1, 16, 16, 1))
        >>> mask[:, 4:12, 4:12] = 1
        >>> metric.update_state(mask, np.roll(mask, 2, axis=1))
        >>> round(float(metric.result()), 2)
        2.0
    """

    _direction = "down"

    def __init__(self, classes=1, ignore=None, label=None, name="hausdorff95", dtype=None):
        super().__init__(classes, ignore, label, name, dtype)

    def of_pair(self, actual: np.ndarray, predicted: np.ndarray) -> float:
        if not actual.any() or not predicted.any():
            return float(np.linalg.norm(actual.shape))
        return float(np.percentile(np.concatenate(_distances(actual, predicted)), 95))


@keras.saving.register_keras_serializable("keras_unetmm")
class ComponentError(_OfMasks):
    """By how many the connected components of both masks differ in number; neighbours share a side.

    Args:
        classes, ignore, label: as of `keras_unetmm.metrics.Dice`.

    Shape: labels `(N, ..., 1)`, scores `(N, ..., classes) -> ()`.

    Examples:
        >>> metric, mask = metrics.ComponentError(), np.zeros((1, 16, 16, 1))
        >>> mask[:, 4:12, 4:12] = 1
        >>> metric.update_state(mask, mask)
        >>> round(float(metric.result()), 2)
        0.0
    """

    _direction = "down"

    def __init__(self, classes=1, ignore=None, label=None, name="component_error", dtype=None):
        super().__init__(classes, ignore, label, name, dtype)

    def of_pair(self, actual: np.ndarray, predicted: np.ndarray) -> float:
        return abs(_scipy().label(actual)[1] - _scipy().label(predicted)[1])


def _distances(actual, predicted):
    """From each pixel of the predicted border to the actual one, and the other way."""
    borders = [mask & ~_scipy().binary_erosion(mask, border_value=1) for mask in (actual, predicted)]
    far = float(np.linalg.norm(actual.shape))
    found = []
    for border, other in (borders[::-1], borders):
        away = _scipy().distance_transform_edt(~other) if other.any() else np.full(other.shape, far)
        found.append(away[border] if border.any() else np.full(1, far))
    return found


def _scipy():
    try:
        return importlib.import_module("scipy.ndimage")
    except ImportError as error:
        raise ImportError(
            "Distances of borders and connected components need scipy. Run pip install keras-unetmm[data]."
        ) from error
