# SPDX-License-Identifier: Apache-2.0
"""What a run saves: weights, optimizer and random states in one file that is either whole or the one before."""

import dataclasses
import json
import math
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_unetmm.training.folder import TrainingError, writing
from keras_unetmm.types import JsonObject


@dataclasses.dataclass
class RunState:
    """How far a run is, without the values of its network.

    Args:
        step: int, updates done.
        history: list of dicts, what has been logged.
        examples: int, how many there are to train on.
        dropped: dict of the channels that the model was built without, of a network that is pruned.
    """

    step: int = 0
    history: list[JsonObject] = dataclasses.field(default_factory=list)
    examples: int = 0
    dropped: dict[str, list[int]] | None = None


def save_state(path: Path, model: keras.Model, state: RunState) -> None:
    """Writes everything that a run needs to go on.

    Args:
        path: of the file, replaced in one move when the new one is on the disk.
        model: compiled `keras.Model` with a built optimizer.
        state: how far the run is.

    Raises:
        TrainingError: if it cannot be written; the file before stays.
    """
    contents: dict[str, Any] = {f"v{i}": np.asarray(value) for i, value in enumerate(_values(model))}
    about = vars(state) | {"shapes": _shapes(model)}
    with writing(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, about=np.frombuffer(json.dumps(about).encode(), "uint8"), **contents)


def load_state(path: Path) -> tuple[RunState, Callable[[keras.Model], None]]:
    """Returns `(state, restore)` of a saved state: how far the run is, and what puts the values into a compiled model.

    Raises:
        TrainingError: if the file is damaged (its parts have checksums), or `restore` is given another network.
    """
    try:
        with open(path, "rb") as raw, np.load(raw, allow_pickle=False) as file:
            about = json.loads(file["about"].tobytes())
            arrays = [file[f"v{i}"] for i in range(len(about["shapes"]))]
            state = RunState(about["step"], about["history"], about["examples"], about.get("dropped"))
    except (OSError, ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile) as error:
        raise TrainingError(f"{path} is damaged: {error}. Delete the run's folder, or put a copy back.") from error

    def restore(model: keras.Model) -> None:
        if _shapes(model) != about["shapes"]:
            raise TrainingError(f"{path} holds the state of another network. Choose another --out.")
        for variable, value in zip(_variables(model), arrays, strict=True):
            variable.assign(value)

    return state, restore


def state_bytes(model: keras.Model) -> int:
    """What a state of the model takes on disk."""
    return sum(math.prod(shape) for shape in _shapes(model)) * 4


def _variables(model):
    """Weights, states of random generators (which are no weights) and the optimizer's variables, in a fixed order."""
    counted = {id(v) for metric in model.metrics for v in metric.variables}
    return [v for v in model.variables if id(v) not in counted] + list(model.optimizer.variables)


def _values(model):
    for variable in _variables(model):
        value = variable.numpy()
        yield value.astype("float32") if value.dtype.name == "bfloat16" else value  # npz knows no bfloat16


def _shapes(model):
    return [[*variable.shape] for variable in _variables(model)]
