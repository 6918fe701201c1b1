# SPDX-License-Identifier: Apache-2.0
"""Where a preset's files come from: the package, its repository, a folder or address of one's own, or a download.

A folder that presets are served from holds a folder for each, with `card.json`, `weights.npz` and `model.tflite`; `unetmm
push` writes one. The variable KERAS_UNETMM_PRESETS names it: a path, an address (`https://...`) or `hf://user/name`.
"""

import contextlib
import hashlib
import json
import os
import sys
from pathlib import Path

from keras_unetmm.presets.store import CARD, FILE, FILES, FOLDER, WEIGHTS, PresetError, card, names

VARIABLE = "KERAS_UNETMM_PRESETS"
BASE = ""  # where a release serves its presets; empty until one does
HUGGING_FACE = "https://huggingface.co/{}/resolve/main"
CACHE = "keras_unetmm"  # below Keras's own folder of downloads


def located(name: str, file: str, sha256: str) -> Path:
    """Returns the path of a preset's file, downloaded if need be.

    Args:
        name: of the preset, a plain name.
        file: `"weights.npz"` or `"model.tflite"`.
        sha256: what the card says of the file.

    Raises:
        PresetError: a `ValueError`, if it is nowhere, cannot be fetched, or is not the file that the card knows.
    """
    beside = FOLDER / f"{name}.npz"
    if file == WEIGHTS and beside.is_file():
        return checked(beside, sha256, "Install keras_unetmm again")
    if (FILES / name / file).is_file():
        return checked(FILES / name / file, sha256, "Check the repository out again")
    base = os.environ.get(VARIABLE) or BASE
    if not base:
        raise PresetError(
            f"{file} of the preset {name} must be fetched: the package holds its card only. Received: no place to fetch it "
            f"from. Set {VARIABLE} to a folder that unetmm push wrote, or to the address at which one is served."
        )
    return found(base, f"{name}/{file}", sha256)


def found(base: str, file: str, sha256: str | None) -> Path:
    """Returns the path of a file below a base: in the folder itself, or downloaded into Keras's cache.

    Args:
        base: a path, an address or `hf://user/name`.
        file: path of the file below it.
        sha256: what the file must be, or None for a card, which is fetched each time that there is a network.

    Raises:
        PresetError: a `ValueError`, as for `located`.
    """
    address = _address(base)
    if address is not None:
        return _downloaded(f"{address}/{file}", sha256)
    path = Path(base) / file
    if not path.is_file():
        raise PresetError(f"{base} must hold {file}. Received: no such file. Write the folder with unetmm push.")
    return path if sha256 is None else checked(path, sha256, "Write the folder with unetmm push again")


def pushed_card(base: str) -> dict:
    """Returns the card of the one preset that a folder or address holds.

    Raises:
        PresetError: a `ValueError`, if there is none, or it is damaged.
    """
    path = found(base, CARD, None)
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        if not all(isinstance(said[key], str) for key in ("name", "weights_sha256")):
            raise TypeError
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise PresetError(
            f"{base}/{CARD} must be a preset's card. Received: a damaged one, {type(error).__name__}."
        ) from error
    return said


def file_of(name: str) -> Path:
    """Returns the path of a preset's .tflite file, downloaded if need be.

    Args:
        name: one of `keras_unetmm.presets.names()`.

    Raises:
        PresetError: a `ValueError`, for a name that is not there, or as for `located`.
    """
    if name not in names():
        raise PresetError(
            f"source must be a .tflite file, or a preset: one of {', '.join(map(repr, names()))}. Received: {name!r}, which "
            "is neither. Give the path of a file, or one of these names."
        )
    return located(name, FILE, card(name)["file"]["sha256"])


def weights_of(name: str) -> Path:
    """Returns the path of a preset's weights, downloaded if need be; errors as of `file_of`."""
    return located(name, WEIGHTS, card(name)["weights_sha256"])


def checked(path: Path, sha256: str, fix: str) -> Path:
    """Returns a path, if the file is the one with that SHA-256."""
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise PresetError(
            f"{path} must be the file with the SHA-256 {sha256[:12]}..., as its card says. Received: {len(content):,} bytes "
            f"with another one. {fix}."
        )
    return path


def _address(base):
    """The address that a base stands for, or None for a folder."""
    if base.startswith("hf://"):
        return HUGGING_FACE.format(base.removeprefix("hf://").strip("/"))
    return base.rstrip("/") if base.startswith(("https://", "http://", "file://")) else None


def _downloaded(address, sha256, again=True):
    """A file from the cache, or fetched into it; one that is damaged is fetched once more, then refused."""
    from keras.utils import get_file

    mark = hashlib.sha256(address.encode()).hexdigest() if sha256 is None else sha256
    name = f"{mark[:16]}-{address.rsplit('/', 1)[-1]}"
    home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    kept = home / CACHE / name
    before = kept.read_bytes() if sha256 is None and kept.is_file() else None
    options = {"force_download": True} if sha256 is None else {"file_hash": sha256, "hash_algorithm": "sha256"}
    try:
        home.mkdir(parents=True, exist_ok=True)  # or Keras takes another folder
        with contextlib.redirect_stdout(sys.stderr):  # its bar of progress
            return Path(get_file(name, address, cache_dir=str(home), cache_subdir=CACHE, **options))
    except Exception as error:  # get_file raises plain Exceptions for whatever the network does
        if before is not None:  # a card: without a network that of the last time is as good
            kept.write_bytes(before)
            return kept
        if not (isinstance(error, ValueError) and "corrupted" in str(error)):
            raise PresetError(
                f"{address} could not be fetched: {error}. Without a network set {VARIABLE} to a folder that unetmm push "
                "wrote. What was fetched before needs no network."
            ) from error
    kept.unlink(missing_ok=True)
    if again:
        return _downloaded(address, sha256, again=False)
    raise PresetError(
        f"{address} must be the file with the SHA-256 {sha256[:12]}..., as the card says. Received: another file, twice. It "
        "is damaged, or of another release."
    )
