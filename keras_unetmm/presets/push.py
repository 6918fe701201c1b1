"""Writes presets into a folder that can be served, or put on Hugging Face."""

import json
import os
import shutil
import tempfile
from pathlib import Path

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
        _replaced(target, content)
    except OSError as error:
        raise PresetError(
            f"{target} cannot be written: {error.strerror or error}. What was there before is still there. Free some space, "
            "or choose a folder on another disk."
        ) from error
    return target


def _replaced(target, content):
    fresh = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}-"))
    old = fresh.with_name(f"{fresh.name}-old")
    try:
        for file, data in content.items():
            (fresh / file).write_bytes(data)
        fresh.chmod(0o755)
        if target.exists():
            os.replace(target, old)
        os.replace(fresh, target)
    except BaseException:  # control-C too
        if old.exists():
            os.replace(old, target)
        raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
