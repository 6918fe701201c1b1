# SPDX-License-Identifier: Apache-2.0
"""Weights and cards of presets: written whole, and read only if they are what was written.

The package carries every card, and the weights of the smallest two; those of the others lie in the repository, in `tflite/`.
"""

import hashlib
import io
import json
import zipfile
from pathlib import Path

import numpy as np

from keras_unetmm.atomic_write import atomic_write
from keras_unetmm.types import JsonObject

FOLDER = Path(__file__).parent
FILES = FOLDER.parent.parent / "tflite"  # where a preset's files lie in the repository, a folder for each
CARRIED = ("hippocampus-lunet", "scenes-sunet")  # whose weights are part of the package: the smallest
CARD, WEIGHTS, FILE = "card.json", "weights.npz", "model.tflite"  # in a folder that presets are served from


class PresetError(ValueError):
    """A preset that is not there, or whose files are damaged."""


def names(folder: Path = FOLDER) -> list[str]:
    """Returns the names of the presets that have a card.

    Examples:
        >>> "denoise-tiled" in presets.names()
        True
    """
    return sorted(path.stem for path in folder.glob("*.json"))


def card(name: str, folder: Path = FOLDER) -> JsonObject:
    """Returns the card of a preset: a dict of its task, data, training, sizes and measured quality.

    Raises:
        PresetError: a `ValueError`, for a name that is not there, which lists those that are, or a damaged card.

    Examples:
        >>> presets.card("lesions-sat")["task"]
        'the outline of a skin lesion in a photograph, as a probability at each pixel'
    """
    if name not in names(folder):
        raise PresetError(f"name must be one of {', '.join(map(repr, names(folder))) or '(none)'}. Received: {name!r}.")
    path = folder / f"{name}.json"
    try:
        found = json.loads(path.read_text())
        if not isinstance(found["weights_sha256"], str):
            raise TypeError
    except (ValueError, KeyError, TypeError) as error:
        raise PresetError(f"{path} must be a preset's card. It is damaged. Install keras_unetmm again.") from error
    return found


def written_weights(name, folder=FOLDER):
    """Returns the path at which the weights of a preset are written."""
    return FILES / name / WEIGHTS if folder == FOLDER and name not in CARRIED else folder / f"{name}.npz"


def unpacked_weights(content):
    """Returns the float32 arrays of a file of weights, in the order of the model.

    Args:
        content: bytes of a file whose SHA-256 was checked.
    """
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        return [file[key].astype("float32") for key in sorted(file.files)]


def packed_weights(arrays):
    """Returns the bytes of a file of weights: kernels as float16, vectors, which are few, as float32."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for i, array in enumerate(arrays):
            part = io.BytesIO()
            np.save(part, array.astype("float16" if array.ndim > 1 else "float32"), allow_pickle=False)
            archive.writestr(
                zipfile.ZipInfo(f"{i:04d}.npy"), part.getvalue()
            )  # whose date is fixed: equal weights, equal bytes
    return buffer.getvalue()


def write(name, card, weights=None, folder=FOLDER):
    """Writes a card, and weights of which it then knows the checksum.

    Args:
        name: str.
        card: dict.
        weights: list of arrays in the order of the model, or None where those of before stay.
        folder: path.
    """
    if weights is not None:
        content = packed_weights(weights)
        card = {**card, "weights_sha256": hashlib.sha256(content).hexdigest(), "weights_bytes": len(content)}
        path = written_weights(name, folder)
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as temporary:
            Path(temporary).write_bytes(content)
    with atomic_write(folder / f"{name}.json") as temporary:
        Path(temporary).write_text(json.dumps(card, indent=1) + "\n")
