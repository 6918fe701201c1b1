# SPDX-License-Identifier: Apache-2.0
"""Losses of label masks: cross entropy, focal, Dice, Tversky, and sums of them."""

from collections.abc import Sequence

import keras
from keras import ops

from keras_unetmm.keras_types import Config, DType
from keras_unetmm.losses.label_checks import checked_labels
from keras_unetmm.losses.shapes import check_mask_arguments, check_masks, foreground, where_label
from keras_unetmm.losses.weights import ClassWeight, of_classes, of_pixels, validate_class_weight
from keras_unetmm.types import Tensor


class MaskLoss(keras.losses.Loss):
    """A loss of label masks; `DiceLoss`, `CrossEntropy` and `SegmentationLoss` say of what.

    `sample_weight` may be `(N,)`, a weight of each image, or `(N, ...)` or `(N, ..., 1)`, of each pixel. As Keras has it,
    sums are divided by how many count, not by their weights.

    Args:
        classes: int, channels of y_pred: 1 for the probability of label 1, K for probabilities of labels 0 to K - 1.
        ignore: int, the label of pixels that count nowhere, or None.

    Raises:
        ValueError: for arguments out of range and shapes that do not fit, and for labels that are no class, in `fit` too: at
            its first batch, in a compiled step as an error of the backend that says the same.

    Shape: labels `(N, ..., 1)`, probabilities `(N, ..., classes) -> (N,)` before the reduction.

    Examples:
        >>> losses.DiceLoss(classes=3).classes
        3
    """

    def __init__(
        self,
        classes: int = 1,
        ignore: int | None = None,
        reduction: str = "sum_over_batch_size",
        name: str | None = None,
        dtype: DType = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        check_mask_arguments(classes, ignore)
        self.classes = classes
        self.ignore = ignore

    def __call__(self, y_true, y_pred, sample_weight=None):
        y_true = ops.convert_to_tensor(y_true)
        of_images, self._pixels = of_pixels(sample_weight, y_true)
        try:
            return super().__call__(y_true, y_pred, of_images)
        finally:
            self._pixels = None

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        check_masks(y_true, y_pred, self.classes)
        broken = checked_labels(y_true, self.classes, self.ignore)
        return self.of_images(y_true, _in_full(y_pred), getattr(self, "_pixels", None)) + broken

    def of_images(self, y_true: Tensor, y_pred: Tensor, weights: Tensor) -> Tensor:
        """The loss of each image, `(N,)`, where `weights` `(N, ..., 1)` says what each pixel counts, or is None."""
        raise TypeError(f"{type(self).__name__} must define of_images().")

    def get_config(self) -> Config:
        return {**super().get_config(), "classes": self.classes, "ignore": self.ignore}


@keras.saving.register_keras_serializable("keras_unetmm")
class DiceLoss(MaskLoss):
    """Soft Dice loss: `1 - (2 sum(p t) + 1) / (sum(p) + sum(t) + 1)`, mean over foreground classes, then over images.

    The sums are over the pixels of an image; the 1 gives a class that is not there a gradient. Foreground is all but 0.
    With `tversky=(a, b)` it is the Tversky loss (Salehi et al., arXiv 1706.05721):
    `1 - (sum(p t) + 1/2) / (sum(p t) + a sum(p (1 - t)) + b sum((1 - p) t) + 1/2)`, of which Dice is the case (1/2, 1/2).

    Args:
        tversky: `(a, b)`, what a pixel that is wrongly marked and one that is missed count; a large b finds small objects.
        classes, ignore: and errors and shapes as of `MaskLoss`.

    Examples:
        >>> labels, sure = np.array([[[0], [1]]]), np.array([[[0.0], [1.0]]], "float32")
        >>> round(float(losses.DiceLoss()(labels, sure)), 4)
        0.0
    """

    def __init__(
        self,
        classes: int = 1,
        ignore: int | None = None,
        tversky: Sequence[float] = (0.5, 0.5),
        reduction: str = "sum_over_batch_size",
        name: str | None = None,
        dtype: DType = None,
    ) -> None:
        super().__init__(classes, ignore, reduction, name, dtype)
        self.tversky = validate_tversky(tversky)

    def of_images(self, y_true: Tensor, y_pred: Tensor, weights: Tensor) -> Tensor:
        return overlap_loss(y_true, y_pred, self.classes, self.ignore, self.tversky, weights)

    def get_config(self) -> Config:
        return {**super().get_config(), "tversky": list(self.tversky)}


@keras.saving.register_keras_serializable("keras_unetmm")
class CrossEntropy(MaskLoss):
    """Cross entropy of probabilities: `-log p(label)`, mean over the pixels of the batch that are not ignored.

    Probabilities are bounded below by `keras.config.epsilon()`; if all pixels are ignored the loss is 0. With `focal` it is
    the focal loss (Lin et al., arXiv 1708.02002, equation 4): `-(1 - p)**focal log p`.

    Args:
        class_weight: what a pixel of each class counts: a number a label, a dict, `"balanced"` (rarer classes count more, by
            each batch), or None. `balanced_weights` makes them of the whole data.
        focal: float, gamma, at least 0; 2 is the paper's.
        classes, ignore: and errors and shapes as of `MaskLoss`.

    Examples:
        >>> labels, sure = np.array([[[0], [1]]]), np.array([[[0.1], [0.9]]], "float32")
        >>> round(float(losses.CrossEntropy()(labels, sure)), 4)
        0.1054
    """

    def __init__(
        self,
        classes: int = 1,
        ignore: int | None = None,
        class_weight: ClassWeight = None,
        focal: float = 0.0,
        reduction: str = "sum_over_batch_size",
        name: str | None = None,
        dtype: DType = None,
    ) -> None:
        super().__init__(classes, ignore, reduction, name, dtype)
        self.class_weight = validate_class_weight(class_weight, classes)
        self.focal = validate_focal(focal)

    def of_images(self, y_true: Tensor, y_pred: Tensor, weights: Tensor) -> Tensor:
        return cross_entropy(y_true, y_pred, self.classes, self.ignore, self.class_weight, self.focal, weights)

    def get_config(self) -> Config:
        return {**super().get_config(), "class_weight": self.class_weight, "focal": self.focal}


@keras.saving.register_keras_serializable("keras_unetmm")
class SegmentationLoss(MaskLoss):
    """`DiceLoss` plus `CrossEntropy`, with equal weights.

    Args:
        class_weight, focal: as of `CrossEntropy`.
        tversky: as of `DiceLoss`.
        classes, ignore: and errors and shapes as of `MaskLoss`.

    Examples:
        >>> loss = losses.SegmentationLoss(classes=3, class_weight="balanced", focal=2.0)
        >>> loss.name
        'segmentation_loss'
    """

    def __init__(
        self,
        classes: int = 1,
        ignore: int | None = None,
        class_weight: ClassWeight = None,
        focal: float = 0.0,
        tversky: Sequence[float] = (0.5, 0.5),
        reduction: str = "sum_over_batch_size",
        name: str | None = None,
        dtype: DType = None,
    ) -> None:
        super().__init__(classes, ignore, reduction, name, dtype)
        self.class_weight = validate_class_weight(class_weight, classes)
        self.focal, self.tversky = validate_focal(focal), validate_tversky(tversky)

    def of_images(self, y_true: Tensor, y_pred: Tensor, weights: Tensor) -> Tensor:
        arguments = (y_true, y_pred, self.classes, self.ignore)
        entropy = cross_entropy(*arguments, self.class_weight, self.focal, weights)
        return overlap_loss(*arguments, self.tversky, weights) + entropy

    def get_config(self) -> Config:
        own = {"class_weight": self.class_weight, "focal": self.focal, "tversky": list(self.tversky)}
        return {**super().get_config(), **own}


def overlap_loss(y_true, y_pred, classes, ignore, tversky=(0.5, 0.5), weights=None):
    """The Tversky loss of each image, `(N,)`; its arguments are those of `DiceLoss`."""
    counted, target = where_label(y_true, foreground(classes), ignore)
    counted = counted if weights is None else counted * weights
    y_pred = y_pred if classes == 1 else y_pred[..., 1:]
    pixels = tuple(range(1, len(target.shape) - 1))
    both = ops.sum(counted * y_pred * target, axis=pixels)
    extra = ops.sum(counted * y_pred, axis=pixels) - both
    missed = ops.sum(counted * target, axis=pixels) - both
    wrongly, missing = tversky
    return 1 - ops.mean((both + 0.5) / (both + wrongly * extra + missing * missed + 0.5), axis=1)


def cross_entropy(y_true, y_pred, classes, ignore, class_weight=None, focal=0.0, weights=None):
    """The cross entropy of each image, `(N,)`, weighted so that their mean is the mean over the batch's counted pixels."""
    counted, target = where_label(y_true, range(max(classes, 2)), ignore)
    if classes == 1:
        y_pred = ops.concatenate([1 - y_pred, y_pred], axis=-1)
    probability = ops.clip(y_pred, keras.config.epsilon(), 1.0)
    values = target * ops.log(probability)
    if focal:
        values = values * ops.power(1 - probability + keras.config.epsilon(), focal)  # whose slope at 0 is finite
    if class_weight is not None:
        values = values * of_classes(class_weight, y_true, classes, ignore)
    if weights is not None:
        values = values * weights
    total = ops.sum(values, axis=tuple(range(1, len(target.shape))))
    return -total * ops.cast(ops.shape(y_true)[0], total.dtype) / ops.maximum(ops.sum(counted), 1)


def validate_focal(focal):
    """Returns gamma of the focal loss; raises ValueError if it is none."""
    if not isinstance(focal, (int, float)) or not 0 <= focal <= 10:
        raise ValueError(f"focal must be a number from 0 to 10, gamma of the focal loss. Received: {focal!r}. 2 is usual.")
    return float(focal)


def validate_tversky(tversky):
    """Returns the weights of the Tversky loss; raises ValueError if they are none."""
    sound = isinstance(tversky, (tuple, list)) and len(tversky) == 2 and all(isinstance(w, (int, float)) for w in tversky)
    if not sound or min(tversky) < 0 or max(tversky) <= 0:
        raise ValueError(
            "tversky must be (a, b), what a pixel that is wrongly marked and one that is missed count, not negative, not "
            f"both 0. Received: {tversky!r}. (0.5, 0.5) is Dice."
        )
    return tuple(map(float, tversky))


def _in_full(y_pred):
    """Predictions in at least float32: in float16, which a loss of that type is given, sums over pixels overflow."""
    return ops.cast(y_pred, keras.backend.result_type(y_pred.dtype, "float32"))
