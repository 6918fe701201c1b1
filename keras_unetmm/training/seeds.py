# SPDX-License-Identifier: Apache-2.0
"""The scores of several runs, of a recipe with other seeds for instance, beside each other."""

import json
from collections.abc import Sequence
from pathlib import Path

from keras_unetmm.metrics.spread import spread
from keras_unetmm.training.folder import SCORES, TrainingError, read_json

Spread = dict[str, dict[str, dict[str, float]]]


def scores_over_runs(runs: Sequence[str | Path]) -> Spread:
    """Returns the spread of each score over finished runs, `{data set: {metric: spread}}`.

    Args:
        runs: folders of finished runs, at least one, evaluated on the same sets by the same metrics.

    Raises:
        TrainingError: a `ValueError`, for a folder without `scores.json`, or with other sets or metrics than the first.

    Examples:
        >>> training.scores_over_runs(["runs/seed0", "runs/seed1"])["kodak24"]["psnr"]["median"]  # doctest: +SKIP
    """
    if not runs:
        raise TrainingError("runs must be folders of finished runs, at least one. Received: none.")
    found = [means(read_json(Path(run) / SCORES)) for run in runs]
    first = {name: list(scores) for name, scores in found[0].items()}
    for run, scores in zip(runs, found, strict=True):
        if {name: list(each) for name, each in scores.items()} != first:
            raise TrainingError(
                f"{run} must have the sets and metrics of {runs[0]}, {json.dumps(first)}. "
                f"Received: {json.dumps({name: list(each) for name, each in scores.items()})}."
            )
    return {
        name: {metric: spread([scores[name][metric] for scores in found]) for metric in metrics}
        for name, metrics in first.items()
    }


def means(scores: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """What `scores.json` holds without the spread over images."""
    return {name: {key: value for key, value in of.items() if key != "spread"} for name, of in scores.items()}
