"""Weights and cards of presets, as files of the package: written whole, and read only if they are what was written."""

import hashlib
import io
import json
import zipfile
from pathlib import Path

import numpy as np

from keras_unetmm.atomic_write import atomic_write

FOLDER = Path(__file__).parent
MOST = 4_000_000  # bytes of a preset's weights


class PresetError(ValueError):
    """A preset that is not there, or whose files are damaged."""


def names(folder=FOLDER):
    """Returns the names of the presets that have weights and a card."""
    return sorted(path.stem for path in folder.glob("*.json") if path.with_suffix(".npz").is_file())


def card(name, folder=FOLDER):
    """Returns the card of a preset: a dict of its task, data, training, sizes and measured quality.

    Raises:
        PresetError: a `ValueError`, for a name that is not there, which lists those that are, or a damaged card.
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


def read_weights(name, folder=FOLDER):
    """Returns the weights of a preset, a list of float32 arrays in the order of the model.

    Raises:
        PresetError: if the file is not the one that the card knows by its checksum.
    """
    path, wanted = folder / f"{name}.npz", card(name, folder)["weights_sha256"]
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != wanted:
        raise PresetError(
            f"{path} must be the file with the SHA-256 {wanted[:12]}..., as its card says. Received: {len(content):,} bytes "
            "with another one. Install keras_unetmm again."
        )
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        return [file[key].astype("float32") for key in sorted(file.files)]


def packed_weights(arrays):
    """Returns the bytes of a file of weights: kernels as float16, vectors, which are few, as float32.

    Raises:
        PresetError: if they are more than a preset may have.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for i, array in enumerate(arrays):
            part = io.BytesIO()
            np.save(part, array.astype("float16" if array.ndim > 1 else "float32"), allow_pickle=False)
            archive.writestr(
                zipfile.ZipInfo(f"{i:04d}.npy"), part.getvalue()
            )  # whose date is fixed: equal weights, equal bytes
    if buffer.tell() > MOST:
        raise PresetError(
            f"weights must have at most {MOST:,} bytes, packed. Received: {buffer.tell():,}. Choose a smaller row."
        )
    return buffer.getvalue()


def write(name, card, weights=None, folder=FOLDER):
    """Writes a card, and weights of which it then knows the checksum.

    Args:
        name: str.
        card: dict.
        weights: list of arrays in the order of the model, or None where those of before stay.
        folder: path.

    Raises:
        PresetError: if the weights are too large.
    """
    if weights is not None:
        content = packed_weights(weights)
        card = {**card, "weights_sha256": hashlib.sha256(content).hexdigest(), "weights_bytes": len(content)}
        with atomic_write(folder / f"{name}.npz") as temporary:
            Path(temporary).write_bytes(content)
    with atomic_write(folder / f"{name}.json") as temporary:
        Path(temporary).write_text(json.dumps(card, indent=1) + "\n")
