# SPDX-License-Identifier: Apache-2.0
"""A run whose network loses channels while it trains: one graph after the other."""

from dataclasses import dataclass

import keras

from keras_unetmm.data.batches import Batches
from keras_unetmm.pruning.gradual import GradualPruning
from keras_unetmm.training.folder import TrainingError
from keras_unetmm.training.recipe import Recipe


def validate_pruning(recipe: Recipe, precision: str, distribute: bool) -> None:
    """Refuses what does not go with a recipe's `prune`.

    Raises:
        TrainingError: for a precision whose optimizer scales the loss, or several devices.
    """
    if recipe.prune and precision == "mixed_float16":
        raise TrainingError("precision must be float32 or mixed_bfloat16 for a recipe with prune. Received: mixed_float16.")
    if recipe.prune and distribute:
        raise TrainingError(
            "distribute (--distribute) must be off for a recipe with prune, which changes the network. Leave it out."
        )


@dataclass(frozen=True)
class PrunedGraph:
    """A graph that loses channels, and the batches by which they are chosen.

    Args:
        graph: the network and its channels.
        batches: of the run.
        accumulate: int, batches a step.
    """

    graph: GradualPruning
    batches: Batches
    accumulate: int

    def counts(self) -> dict[str, int]:
        """What the log says: channels, and those of each block."""
        return self.graph.counts()

    def shares_reached(self) -> list[float]:
        """The shares of the channels that have been reached, of those at which the recipe keeps the network, and 1.0."""
        total, left, keep = sum(self.graph.whole.values()), self.graph.left(), self.graph.pruning.keep
        return [share for share in ((1.0, *keep) if keep else ()) if left <= round(share * total)]

    def clean(self) -> keras.Model:
        """The network without the channels that are gone."""
        return self.graph.clean()

    def after(self, step: int) -> bool:
        """Switches channels off if it is time; whether the graph should be built again without them."""
        return self.graph.after(step, self.batches, step * self.accumulate)
