# SPDX-License-Identifier: Apache-2.0
"""How the learning rate falls over a run."""

from dataclasses import dataclass

import keras


@dataclass(frozen=True)
class Cosine:
    """Half a cosine from `start` to `end`.

    Args:
        start: float, learning rate of the first step.
        end: float, of the last.

    Examples:
        >>> schedule = training.Cosine(0.001)(steps=100)
        >>> round(float(schedule(50)), 6)
        0.0005
    """

    start: float
    end: float = 0.0

    def __call__(self, steps):
        """The schedule of a run of that many steps."""
        return keras.optimizers.schedules.CosineDecay(self.start, steps, alpha=self.end / self.start)


@dataclass(frozen=True)
class Divided:
    """Divided by a number at equal parts of the run.

    Args:
        start: float, learning rate of the first part.
        by: float.
        at: tuple of floats, shares of the run after which it is divided, such as `(0.3, 0.6, 0.9)`.

    Examples:
        >>> schedule = training.Divided(0.001, by=10.0, at=(0.5,))(steps=100)
        >>> round(float(schedule(99)), 6)
        0.0001
    """

    start: float
    by: float = 10.0
    at: tuple = (0.3, 0.6, 0.9)

    def __call__(self, steps):
        """The schedule of a run of that many steps."""
        boundaries = [round(share * steps) for share in self.at]
        values = [self.start / self.by**i for i in range(len(self.at) + 1)]
        return keras.optimizers.schedules.PiecewiseConstantDecay(boundaries, values)


@keras.saving.register_keras_serializable("keras_unetmm")
class Accumulated(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule of steps for an optimizer that counts the batches of a step: Keras 3.15 asks for the rate of each batch.

    Args:
        schedule: `LearningRateSchedule` of steps.
        count: int, batches a step.
    """

    def __init__(self, schedule, count):
        self.schedule, self.count = schedule, count

    def __call__(self, step):
        return self.schedule(step // self.count)

    def get_config(self):
        return {"schedule": keras.saving.serialize_keras_object(self.schedule), "count": self.count}

    @classmethod
    def from_config(cls, config):
        """Builds it from what `get_config` returned."""
        return cls(keras.saving.deserialize_keras_object(config["schedule"]), config["count"])


@keras.saving.register_keras_serializable("keras_unetmm")
class WarmedUp(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule whose first steps are scaled by `(step + 1) / steps`.

    Args:
        schedule: `LearningRateSchedule`.
        steps: int, at least 1.
    """

    def __init__(self, schedule, steps):
        self.schedule, self.steps = schedule, steps

    def __call__(self, step):
        share = keras.ops.minimum((keras.ops.cast(step, "float32") + 1) / self.steps, 1.0)
        return self.schedule(step) * share

    def get_config(self):
        return {"schedule": keras.saving.serialize_keras_object(self.schedule), "steps": self.steps}

    @classmethod
    def from_config(cls, config):
        """Builds it from what `get_config` returned."""
        return cls(keras.saving.deserialize_keras_object(config["schedule"]), config["steps"])
