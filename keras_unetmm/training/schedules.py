"""How the learning rate falls over a run."""

from dataclasses import dataclass

import keras


@dataclass(frozen=True)
class Cosine:
    """Half a cosine from `start` to `end`.

    Args:
        start: float, learning rate of the first step.
        end: float, of the last.
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
    """

    start: float
    by: float = 10.0
    at: tuple = (0.3, 0.6, 0.9)

    def __call__(self, steps):
        """The schedule of a run of that many steps."""
        boundaries = [round(share * steps) for share in self.at]
        values = [self.start / self.by**i for i in range(len(self.at) + 1)]
        return keras.optimizers.schedules.PiecewiseConstantDecay(boundaries, values)
