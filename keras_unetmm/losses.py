"""Losses of the papers, and what they share with the metrics: which labels and mattes fit a prediction."""

import math

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_unetmm")
class PSNRLoss(keras.losses.Loss):
    """The negative PSNR of each image, the loss of NAFNet and UNet-- : `10 log10(mean((x - y)**2) + epsilon)`.

    Args:
        epsilon: float, bounds the loss where both images are equal.

    Shape: two of `(N, H, W, C)` with values in [0, 1] `-> (N,)` before the reduction, in dB.
    """

    def __init__(self, epsilon=1e-8, reduction="sum_over_batch_size", name="psnr_loss", dtype=None):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.epsilon = epsilon

    def call(self, y_true, y_pred):
        return 10 / math.log(10) * ops.log(mean_squared_error(y_true, y_pred) + self.epsilon)

    def get_config(self):
        return {**super().get_config(), "epsilon": self.epsilon}


class MaskLoss(keras.losses.Loss):
    """A loss of label masks; `DiceLoss`, `CrossEntropy` and `SegmentationLoss` say of what in their `call`.

    Args:
        classes: int, channels of y_pred: 1 for the probability of label 1, K for probabilities of labels 0 to K - 1.
        ignore: int, the label of pixels that count nowhere, or None.

    Raises:
        ValueError: for arguments out of range and shapes that do not fit. Labels that are no class are not seen here and
            match no channel: the readers of `data` must refuse them.

    Shape: labels `(N, ..., 1)`, probabilities `(N, ..., classes) -> (N,)` before the reduction.
    """

    def __init__(self, classes=1, ignore=None, reduction="sum_over_batch_size", name=None, dtype=None):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        check_mask_arguments(classes, ignore)
        self.classes = classes
        self.ignore = ignore

    def get_config(self):
        return {**super().get_config(), "classes": self.classes, "ignore": self.ignore}


@keras.saving.register_keras_serializable("keras_unetmm")
class DiceLoss(MaskLoss):
    """Soft Dice loss: `1 - (2 sum(p t) + 1) / (sum(p) + sum(t) + 1)`, mean over foreground classes, then over images.

    The sums are over the pixels of an image; the 1 gives a class that is not there a gradient. Foreground is all but 0.
    Arguments, errors and shapes are those of `MaskLoss`.
    """

    def call(self, y_true, y_pred):
        return soft_dice_loss(y_true, y_pred, self.classes, self.ignore)


@keras.saving.register_keras_serializable("keras_unetmm")
class CrossEntropy(MaskLoss):
    """Cross entropy of probabilities: `-log p(label)`, mean over the pixels of the batch that are not ignored.

    Probabilities are bounded below by `keras.config.epsilon()`; if all pixels are ignored the loss is 0. Arguments, errors
    and shapes are those of `MaskLoss`.
    """

    def call(self, y_true, y_pred):
        return cross_entropy(y_true, y_pred, self.classes, self.ignore)


@keras.saving.register_keras_serializable("keras_unetmm")
class SegmentationLoss(MaskLoss):
    """`DiceLoss` plus `CrossEntropy`, with equal weights; arguments, errors and shapes are those of `MaskLoss`."""

    def call(self, y_true, y_pred):
        arguments = (y_true, y_pred, self.classes, self.ignore)
        return soft_dice_loss(*arguments) + cross_entropy(*arguments)


@keras.saving.register_keras_serializable("keras_unetmm")
class MattingLoss(keras.losses.Loss):
    """Weighted mean absolute difference of alpha: `sum(w |a - b|) / sum(w)` over an image, mean over images.

    Args:
        unknown_weight: float, w where the trimap is unknown; elsewhere w is 1.

    Raises:
        ValueError: for a negative weight and for shapes that do not fit.

    Shape: alpha in [0, 1] and, needed for other weights than 1, 1 where the trimap is unknown `(N, H, W, 2)`; alpha
    `(N, H, W, 1) -> (N,)` before the reduction.
    """

    def __init__(self, unknown_weight=1.0, reduction="sum_over_batch_size", name="matting_loss", dtype=None):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        if unknown_weight < 0:
            raise ValueError(f"unknown_weight must be at least 0. Received: {unknown_weight}. Take 1 for a plain mean.")
        self.unknown_weight = unknown_weight

    def call(self, y_true, y_pred):
        difference, unknown = alpha_difference(y_true, y_pred, with_unknown=self.unknown_weight != 1)
        if unknown is None:
            return ops.mean(difference, axis=(1, 2, 3))
        weights = 1 + (self.unknown_weight - 1) * unknown
        total = ops.maximum(ops.sum(weights, axis=(1, 2, 3)), keras.config.epsilon())
        return ops.sum(weights * difference, axis=(1, 2, 3)) / total

    def get_config(self):
        return {**super().get_config(), "unknown_weight": self.unknown_weight}


def mean_squared_error(y_true, y_pred):
    """The mean squared error of each image, `(N, ...) -> (N,)`."""
    difference = ops.cast(y_true, "float32") - ops.cast(y_pred, "float32")  # bytes would wrap around
    return ops.mean(ops.square(difference), axis=tuple(range(1, len(difference.shape))))


def soft_dice_loss(y_true, y_pred, classes, ignore):
    """The soft Dice loss of each image, `(N,)`."""
    check_masks(y_true, y_pred, classes)
    counted, target = where_label(y_true, foreground(classes), ignore)
    y_pred = _in_full(y_pred)
    probability = counted * (y_pred if classes == 1 else y_pred[..., 1:])
    pixels = tuple(range(1, len(target.shape) - 1))
    overlap, marked = ops.sum(probability * target, axis=pixels), ops.sum(probability + target, axis=pixels)
    return 1 - ops.mean((2 * overlap + 1) / (marked + 1), axis=1)


def cross_entropy(y_true, y_pred, classes, ignore):
    """The cross entropy of each image, `(N,)`, weighted so that their mean is the mean over the batch's counted pixels."""
    check_masks(y_true, y_pred, classes)
    counted, target = where_label(y_true, range(max(classes, 2)), ignore)
    y_pred = _in_full(y_pred)
    if classes == 1:
        y_pred = ops.concatenate([1 - y_pred, y_pred], axis=-1)
    logarithm = ops.log(ops.clip(y_pred, keras.config.epsilon(), 1.0))
    total = ops.sum(target * logarithm, axis=tuple(range(1, len(target.shape))))
    return -total * ops.cast(ops.shape(y_true)[0], total.dtype) / ops.maximum(ops.sum(counted), 1)


def _in_full(y_pred):
    """Predictions in at least float32: in float16, which a loss of that type is given, sums over pixels overflow."""
    return ops.cast(y_pred, keras.backend.result_type(y_pred.dtype, "float32"))


def where_label(y_true, labels, ignore):
    """Returns 1.0 where a pixel is not ignored, else 0.0, `(N, ..., 1)`, and the same where it is each label.

    Args:
        y_true: labels `(N, ..., 1)`.
        labels: ints to look for; the second result has a channel for each.
        ignore: int, the label of ignored pixels, or None.
    """
    y_true = ops.cast(y_true, "int32")
    flags = ops.cast(ops.equal(y_true, ops.convert_to_tensor(list(labels), "int32")), "float32")
    if ignore is None:
        return ops.ones_like(flags[..., :1]), flags
    return ops.cast(ops.not_equal(y_true, ignore), "float32"), flags


def foreground(classes):
    """The labels that are not background: 1 for one channel, else 1 to classes - 1."""
    return range(1, max(classes, 2))


def check_mask_arguments(classes, ignore):
    """Raises ValueError for a number of classes or an ignored label that no mask has."""
    if not isinstance(classes, int) or classes < 1:
        raise ValueError(
            f"classes must be an integer of at least 1. Received: {classes!r}. Take the channels of the output."
        )
    if ignore is not None and ignore in range(max(classes, 2)):
        raise ValueError(
            f"ignore must be None or no class, so not 0 to {max(classes, 2) - 1}. Received: {ignore!r} with "
            f"classes={classes}. Give pixels that belong to no class a label such as 255."
        )


def check_masks(y_true, y_pred, classes):
    """Raises ValueError unless y_true is `(N, ..., 1)` and y_pred `(N, ..., classes)`, of the same size."""
    if not _same_size(y_true, y_pred) or y_true.shape[-1] != 1 or y_pred.shape[-1] != classes:
        raise ValueError(
            f"y_true must be labels (N, ..., 1) and y_pred (N, ..., {classes}), of one size. Received: shapes "
            f"{tuple(y_true.shape)} and {tuple(y_pred.shape)}. Set classes to the channels of y_pred; y_true has one."
        )


def alpha_difference(y_true, y_pred, with_unknown):
    """Returns `|alpha - y_pred|` and, if asked, 1 where the trimap is unknown, else None; each `(N, H, W, 1)`.

    Raises:
        ValueError: unless y_true is `(N, H, W, 2)`, or 1 channel without the trimap, and y_pred `(N, H, W, 1)`.
    """
    channels = (2,) if with_unknown else (1, 2)
    if len(y_true.shape) != 4 or not _same_size(y_true, y_pred) or y_true.shape[-1] not in channels or y_pred.shape[-1] != 1:
        raise ValueError(
            "y_true must be (N, H, W, 2), alpha and the unknown region, and y_pred (N, H, W, 1), of one size. "
            f"Received: shapes {tuple(y_true.shape)} and {tuple(y_pred.shape)}. Stack both maps of y_true in its channels."
        )
    y_true = ops.cast(y_true, "float32")
    difference = ops.abs(y_true[..., :1] - ops.cast(y_pred, "float32"))
    return difference, y_true[..., 1:] if with_unknown else None


def _same_size(y_true, y_pred):
    """Whether all but the last dimensions are equal, as far as they are known."""
    if len(y_true.shape) != len(y_pred.shape):
        return False
    pairs = zip(y_true.shape[:-1], y_pred.shape[:-1], strict=True)
    return all(None in pair or pair[0] == pair[1] for pair in pairs)
