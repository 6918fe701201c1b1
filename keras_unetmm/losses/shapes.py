# SPDX-License-Identifier: Apache-2.0
"""Which labels and shapes fit a prediction."""

from collections.abc import Iterable

from keras import ops

from keras_unetmm.types import Tensor


def where_label(y_true: Tensor, labels: Iterable[int], ignore: int | None) -> tuple[Tensor, Tensor]:
    """Returns 1.0 where a pixel is not ignored, else 0.0, `(N, ..., 1)`, and the same where it is each label.

    Args:
        y_true: labels `(N, ..., 1)`.
        labels: ints to look for; the second result has a channel for each.
        ignore: int, the label of ignored pixels, or None.

    Examples:
        >>> valid, flags = losses.where_label(np.array([[[0], [1], [255]]]), (0, 1), ignore=255)
        >>> valid.shape == (1, 3, 1), flags.shape == (1, 3, 2)
        (True, True)
    """
    y_true = ops.cast(y_true, "int32")
    flags = ops.cast(ops.equal(y_true, ops.convert_to_tensor(list(labels), "int32")), "float32")
    if ignore is None:
        return ops.ones_like(flags[..., :1]), flags
    return ops.cast(ops.not_equal(y_true, ignore), "float32"), flags


def foreground(classes: int) -> range:
    """The labels that are not background: 1 for one channel, else 1 to classes - 1.

    Examples:
        >>> list(losses.foreground(1)), list(losses.foreground(4))
        ([1], [1, 2, 3])
    """
    return range(1, max(classes, 2))


def check_mask_arguments(classes: int, ignore: int | None) -> None:
    """Raises ValueError for a number of classes or an ignored label that no mask has.

    Examples:
        >>> losses.check_mask_arguments(classes=3, ignore=255)
    """
    if not isinstance(classes, int) or classes < 1:
        raise ValueError(
            f"classes must be an integer of at least 1. Received: {classes!r}. Take the channels of the output."
        )
    if ignore is not None and ignore in range(max(classes, 2)):
        raise ValueError(
            f"ignore must be None or no class, so not 0 to {max(classes, 2) - 1}. Received: {ignore!r} with "
            f"classes={classes}. Give pixels that belong to no class a label such as 255."
        )


def check_masks(y_true: Tensor, y_pred: Tensor, classes: int) -> None:
    """Raises ValueError unless y_true is `(N, ..., 1)` and y_pred `(N, ..., classes)`, of the same size.

    Examples:
        >>> losses.check_masks(np.zeros((1, 8, 8, 1)), np.zeros((1, 8, 8, 3)), classes=3)
    """
    if not same_size(y_true, y_pred) or y_true.shape[-1] != 1 or y_pred.shape[-1] != classes:
        raise ValueError(
            f"y_true must be labels (N, ..., 1) and y_pred (N, ..., {classes}), of one size. Received: shapes "
            f"{tuple(y_true.shape)} and {tuple(y_pred.shape)}. Set classes to the channels of y_pred; y_true has one."
        )


def same_size(y_true, y_pred):
    """Whether all but the last dimensions are equal, as far as they are known."""
    if len(y_true.shape) != len(y_pred.shape):
        return False
    pairs = zip(y_true.shape[:-1], y_pred.shape[:-1], strict=True)
    return all(None in pair or pair[0] == pair[1] for pair in pairs)
