# SPDX-License-Identifier: Apache-2.0
"""A preset's network as its int8 file computes, trained on: it lies beside the file, so that the file can be made again."""

import hashlib
import json
import shutil

import keras

from keras_unetmm.atomic_write import atomic_write
from keras_unetmm.presets import store
from keras_unetmm.training.folder import BEST, RUN, SCORES, hours

FILE = "quantized.keras"


def take_quantized(name, run, there, recipe, folder=store.FOLDER):
    """Takes the network of a run of `unetmm train --quantize`, which began at the preset's weights.

    Args:
        name: str, of a preset that has weights.
        run: path of a finished run.
        there: path, the folder of the preset's file.
        recipe: str, the recipe's name.
        folder: path, of the presets.

    Raises:
        PresetError: if it is no such run, or began elsewhere.
    """
    if not (run / SCORES).is_file():
        raise store.PresetError(f"{run} must be a finished run of unetmm train --quantize. Received: none. Train it first.")
    about, known = json.loads((run / RUN).read_text()), store.card(name, folder)
    start = about.get("quantize") and keras.models.load_model(about["quantize"], compile=False)
    if not start or _checksum(start) != known["weights_sha256"]:
        raise store.PresetError(
            f"{run} must have begun at the weights of {name}. Received: a run that began at {about.get('quantize')}. "
            "Train those with --quantize."
        )
    there.mkdir(parents=True, exist_ok=True)
    with atomic_write(there / FILE) as temporary:
        shutil.copyfile(run / BEST, temporary)
    variant = "" if about["variant"] is None else f" --variant {about['variant']}"
    arguments = f"--data DATA --out RUN-int8{variant} --quantize RUN/{BEST} --steps {about['steps']}"
    found = {"command": f"unetmm train recipes/{recipe} {arguments}", "hours": hours(run)}
    found["weights_sha256"] = known["weights_sha256"]
    store.write(name, {**known, "quantized": found}, folder=folder)


def network_of_file(name, there, model, folder=store.FOLDER):
    """Returns what a preset's file is made of: the network that was trained as integers, if there is one, or the preset's.

    Args:
        name, there, folder: as for `take_quantized`.
        model: `keras.Model`, the preset's.

    Returns:
        `(model, whether it was trained as integers)`.

    Raises:
        PresetError: if that network is missing, or has begun at other weights.
    """
    known = store.card(name, folder)
    if "quantized" not in known:
        return model, False
    path = there / FILE
    if not path.is_file() or known["quantized"]["weights_sha256"] != known["weights_sha256"]:
        raise store.PresetError(
            f"{path} must be the weights of {name}, trained on as integers. Received: "
            f"{'one of other weights' if path.is_file() else 'none'}. Pass --runs with {name}-int8 in it."
        )
    return keras.models.load_model(path, compile=False), True


def _checksum(model):
    return hashlib.sha256(store.packed_weights(model.get_weights())).hexdigest()
