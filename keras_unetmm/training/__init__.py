# SPDX-License-Identifier: Apache-2.0
"""Recipes, the runs made of them, and how well those do."""

from keras_unetmm.training.config import RunConfig
from keras_unetmm.training.distillation import Distillation
from keras_unetmm.training.evaluation import evaluate
from keras_unetmm.training.finished import evaluate_run
from keras_unetmm.training.recipe import Recipe, load_recipe
from keras_unetmm.training.run import run_config, train
from keras_unetmm.training.schedules import Cosine, Divided
from keras_unetmm.training.seeds import scores_over_runs

__all__ = [
    "Cosine",
    "Distillation",
    "Divided",
    "Recipe",
    "RunConfig",
    "evaluate",
    "evaluate_run",
    "load_recipe",
    "run_config",
    "scores_over_runs",
    "train",
]
