"""What a run saves: weights, optimizer and random states in one file that is either whole or the one before."""

import json
import math
import zipfile

import numpy as np

from keras_unetmm.training.folder import RunError, writing


def save_state(path, model, step, history, examples, dropped=None):
    """Writes everything that a run needs to go on.

    Args:
        path: of the file, replaced in one move when the new one is on the disk.
        model: compiled `keras.Model` with a built optimizer.
        step: int, updates done.
        history: list of dicts, what has been logged.
        examples: int, how many there are to train on.
        dropped: dict of the channels that the model was built without, of a network that is pruned.

    Raises:
        RunError: if it cannot be written; the file before stays.
    """
    arrays = {f"v{i}": np.asarray(value) for i, value in enumerate(_values(model))}
    about = {"step": step, "history": history, "examples": examples, "shapes": _shapes(model), "dropped": dropped}
    with writing(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, about=np.frombuffer(json.dumps(about).encode(), "uint8"), **arrays)


def load_state(path):
    """Returns `(about, restore)` of a saved state: a dict, and a function that puts the values into a compiled model.

    Raises:
        RunError: if the file is damaged (its parts have checksums), or `restore` is given another network.
    """
    try:
        with open(path, "rb") as raw, np.load(raw, allow_pickle=False) as file:
            about = json.loads(file["about"].tobytes())
            arrays = [file[f"v{i}"] for i in range(len(about["shapes"]))]
    except (OSError, ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile) as error:
        raise RunError(f"{path} is damaged: {error}. Delete the run's folder, or put a copy back.") from error

    def restore(model):
        if _shapes(model) != about["shapes"]:
            raise RunError(f"{path} holds the state of another network. Choose another --out.")
        for variable, value in zip(_variables(model), arrays, strict=True):
            variable.assign(value)

    return about, restore


def state_bytes(model):
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
