# SPDX-License-Identifier: Apache-2.0
"""Mean intersection over union."""

import keras
from keras import ops

from keras_unetmm.keras_types import Config, DType
from keras_unetmm.losses import check_mask_arguments, check_masks
from keras_unetmm.metrics.overlap import check_labels, predicted_labels
from keras_unetmm.metrics.precision import not_a_number, summing_type
from keras_unetmm.types import Tensor


@keras.saving.register_keras_serializable("keras_unetmm")
class MeanIoU(keras.metrics.MeanIoU):
    """Intersection over union, `TP / (TP + FP + FN)`, of each class over the pixels of all images, mean over classes.

    This is what Pascal VOC, Cityscapes and CamVid report; background counts as a class. Classes that occur in neither
    reference nor prediction are left out. State and result are Keras's own; its counting is not, for on torch that takes
    17 s for a million pixels. Once a prediction holds a NaN the result is NaN.

    Args:
        classes: int, channels of y_pred: 1 for the probability of label 1, which is hit above 0.5; K for scores of labels 0
            to K - 1, of which the highest counts.
        ignore: int, the label of pixels that count nowhere, or None.
        dtype: of the sum over batches, which takes at least 32 bits whatever is asked for. Keras's default, int32 on JAX and
            torch, wraps around after 2**31 pixels of a class, one training set of Cityscapes; float32 rounds, to 6e-8 of the
            sum in a batch.

    Raises:
        ValueError: for arguments out of range, shapes that do not fit, and numpy arrays with other labels. In a graph
            pixels of such labels count nowhere: the readers of `data` must refuse them.

    Shape: labels `(N, ..., 1)`, scores `(N, ..., classes) -> ()`.

    Examples:
        >>> metric = metrics.MeanIoU(classes=2)
        >>> sure = np.eye(2)[[[0, 1, 1, 1]]]
        >>> metric.update_state(np.array([[[0], [0], [1], [1]]]), sure)
        >>> round(float(metric.result()), 4)
        0.5833
    """

    def __init__(self, classes: int, ignore: int | None = None, name: str = "mean_iou", dtype: DType = "float32") -> None:
        check_mask_arguments(classes, ignore)
        super().__init__(max(classes, 2), name=name, dtype=summing_type(dtype), ignore_class=ignore)
        self.classes = classes
        self.broken = self.add_variable((), keras.initializers.Zeros(), "float32", name="broken")  # NaN after a NaN

    def update_state(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> None:
        if sample_weight is not None:
            raise ValueError(
                "sample_weight must be None: pixels count once. Received: weights. Give some the label `ignore`."
            )
        check_masks(y_true, y_pred, self.classes)
        check_labels(y_true, self.classes, self.ignore_class)
        actual = ops.reshape(ops.cast(y_true, "int32"), (-1,))
        predicted = ops.reshape(ops.cast(predicted_labels(y_pred, self.classes), "int32"), (-1,))
        cells = self.num_classes**2
        known = ops.logical_and(actual >= 0, actual < self.num_classes)  # which neither ignored nor wrong labels are
        cell = ops.where(known, actual * self.num_classes + predicted, cells)
        pixels = ops.segment_sum(ops.ones_like(cell), cell, num_segments=cells + 1)[:cells]
        self.broken.assign_add(ops.sum(not_a_number(y_true, y_pred) + ops.zeros(())))
        self.total_cm.assign_add(ops.cast(ops.reshape(pixels, self.total_cm.shape), self.total_cm.dtype))

    def result(self) -> Tensor:
        return super().result() + ops.cast(self.broken, "float32")

    def reset_state(self) -> None:
        super().reset_state()
        self.broken.assign(0.0)

    def get_config(self) -> Config:
        return {"classes": self.classes, "ignore": self.ignore_class, "name": self.name, "dtype": self.dtype}
