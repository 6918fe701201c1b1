"""A run whose network loses channels while it trains: one graph after the other."""

from keras_unetmm.pruning.gradual import GradualPruning
from keras_unetmm.training.folder import RunError


def refuse_to_prune(recipe, precision, distribute):
    """Refuses what does not go with a recipe's `prune`.

    Raises:
        RunError: for a precision whose optimizer scales the loss, or several devices.
    """
    if recipe.prune and precision == "mixed_float16":
        raise RunError("precision must be float32 or mixed_bfloat16 for a recipe with prune. Received: mixed_float16.")
    if recipe.prune and distribute:
        raise RunError(
            "distribute (--distribute) must be off for a recipe with prune, which changes the network. Leave it out."
        )


def train_pruned(run):
    """Trains a run's network to the end of its steps, each graph built from the last save.

    Args:
        run: what trains, with its recipe, step and the channels that were `dropped` by now; `gradual` becomes its graph.
    """
    recipe, whole, savings = run.recipe, run.recipe.model(), None
    while run.step < recipe.steps:
        run.gradual = GradualPruning(recipe.prune, whole, run.dropped, recipe.loss(), recipe.seed, savings)
        savings = run.gradual.savings
        run.fit(run.gradual.model, run.learner(run.gradual.model), 0, recipe.steps)
    if run.gradual and run.gradual.left() > recipe.prune.until:
        left, wanted = run.gradual.left(), recipe.prune.until
        run.console.print(f"{left:,} channels are left, not {wanted:,}: there were too few steps, or none that can go")
