# SPDX-License-Identifier: Apache-2.0
"""Writes presets into a folder that can be served, or put on Hugging Face."""

import json
from pathlib import Path

from keras_unetmm.atomic_write import atomic_folder
from keras_unetmm.presets import fetch
from keras_unetmm.presets.page import page
from keras_unetmm.presets.store import CARD, FILE, FILES, WEIGHTS, PresetError, card

PICTURES = ("samples.png", "arena.png")


def push(name: str, folder: str | Path) -> Path:
    """Writes the files of a preset into a folder of its name; returns that folder.

    Serve the folder around it with any web server and set KERAS_UNETMM_PRESETS to its address, or use it as it is.
    A preset's own folder is what a repository on Hugging Face holds.

    Args:
        name: one of `keras_unetmm.presets.names()`.
        folder: exists, or is made.

    Raises:
        PresetError: a `ValueError`, for an unknown name, files that are not at hand, or a folder that cannot be written or
            holds something else.
    """
    said = card(name)
    content = {file: path.read_bytes() for file, path in ((WEIGHTS, fetch.weights_of(name)), (FILE, fetch.file_of(name)))}
    pictures = [FILES / name / picture for picture in PICTURES if (FILES / name / picture).is_file()]
    content |= {path.name: path.read_bytes() for path in pictures}
    content[CARD] = (json.dumps(said, indent=1) + "\n").encode()
    content["README.md"] = page(said, content[FILE], [path.name for path in pictures]).encode()
    target = Path(folder).absolute() / name
    if target.exists() and not (target / CARD).is_file():
        raise PresetError(
            f"{target} must be new, or a preset's folder, which is replaced. Received: a folder or file without {CARD}. "
            "Choose another folder."
        )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with atomic_folder(target) as fresh:
            for file, data in content.items():
                (fresh / file).write_bytes(data)
    except OSError as error:
        raise PresetError(
            f"{target} cannot be written: {error.strerror or error}. What was there before is still there. Free some space, "
            "or choose a folder on another disk."
        ) from error
    return target
