# SPDX-License-Identifier: Apache-2.0
"""Skips removed step by step while a full network teaches: the row "Tailor" of UNet-- (arXiv 2412.18276, Table 5).

Tailor is Weng et al., arXiv 2301.07247: skip connections go one after the other during training, and the network as it was
teaches by its outputs. Written from that description.
"""

from collections.abc import Callable
from dataclasses import dataclass

import keras


@dataclass(frozen=True)
class Distillation:
    """A teacher and the networks that the student becomes, one after the other.

    Args:
        teacher: function that returns the network whose weights `unetmm train --teacher MODEL.keras` loads; the student
            begins with them.
        removals: tuple of functions that return the student's networks after the first one, which is the recipe's model:
            each has the weights of the one before, and an equal share of the steps.
        weight: float in [0, 1], share of the loss that the teacher's output has; the reference has the rest.
        loss: function that returns the Keras loss between both outputs.

    Examples:
        >>> training.Distillation(teacher=lambda: models.UNet(channels=8, levels=2), weight=0.7).weight
        0.7
    """

    teacher: Callable
    removals: tuple = ()
    weight: float = 0.5
    loss: Callable = keras.losses.MeanSquaredError

    def distiller(self, teacher: keras.Model, student: keras.Model) -> keras.distillation.Distiller:
        """The `keras.distillation.Distiller` of two models."""
        losses = keras.distillation.LogitsDistillation(temperature=1.0, loss=self.loss())
        return keras.distillation.Distiller(teacher, student, losses, student_loss_weight=1 - self.weight)
