# SPDX-License-Identifier: Apache-2.0
"""A network's folder on the disk: written whole or not at all, with the files that a user put there."""

import json
import os
import shutil
from pathlib import Path

from keras_unetmm.atomic_write import atomic_folder, validate_place
from keras_unetmm.engine.folder import FORMAT, MANIFEST, Folder, sha256


class FolderError(ValueError):
    """The folder holds no network of ours, or a damaged one."""


NETWORK = "network"  # the folder of the network in a board's project


def validate_folder(folder, name, board=None):
    """Refuses a path at which the folder of a network, or a board's project, cannot be written, before any work is done.

    Raises:
        FolderError: if something else is there, or the folder around it is not.
    """
    folder = Path(folder)
    validate_place(folder, FolderError)
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    if not (folder / MANIFEST).is_file():
        raise FolderError(
            f"{folder} must be new, empty, or a folder that unetmm firmware wrote, whose files are replaced. Received: a "
            f"folder without {MANIFEST}. Choose another one."
        )
    before = _description(folder)
    if before["name"] != name:
        raise FolderError(
            f"{folder} must hold the network {name}, to replace it. Received: the folder of {before['name']}. Choose "
            "another folder, or the same --name."
        )
    if before.get("board") != board:
        was = f"a project for {before['board']}" if before.get("board") else "a network without a board"
        raise FolderError(
            f"{folder} must hold {f'a project for {board}' if board else 'a network without a board'}, to replace it. "
            f"Received: {was}. Choose another folder."
        )
    changed = [
        file for file, digest in before["files"].items() if (folder / file).exists() and _digest(folder / file) != digest
    ]
    if changed:
        raise FolderError(
            f"the files that unetmm firmware wrote into {folder} must be as they were written, for they are replaced. "
            f"Received: {', '.join(sorted(changed))}, changed since. Rename what you want to keep, and delete the rest."
        )


def save(made, folder):
    """Writes a `Folder`, in place of the network that is there; all other files in it stay.

    Raises:
        FolderError: as `validate_folder`, if a user's file has the name of one of the network's, or if the disk is
            full or read-only; what was there before is then still there.
    """
    validate_folder(folder, made.name, made.description.get("board"))
    folder = Path(folder).absolute()
    ours = {*_description(folder)["files"], MANIFEST} if (folder / MANIFEST).is_file() else set()
    taken = [file for file in made.files if _taken(folder, file, ours)]
    if taken:
        raise FolderError(
            f"{folder} must have no files of yours that are called as the network's. Received: {', '.join(taken)}. Rename "
            "them."
        )
    try:
        _replaced(made, folder, ours)
    except OSError as error:
        raise FolderError(
            f"{folder} cannot be written: {error.strerror or error}. What was there before is still there. Free some space, "
            "or choose a folder on another disk."
        ) from error


def _replaced(made, folder, ours):
    with atomic_folder(folder) as fresh:
        for file, text in made.files.items():
            (fresh / file).parent.mkdir(parents=True, exist_ok=True)
            if not _same(folder / file, text):
                _write(fresh / file, text)
            else:  # keeps the time of its last change, so that it is not compiled again
                _copied(folder / file, fresh / file)
        if folder.is_dir():
            _keep_users(folder, fresh, ours)
            fresh.chmod(folder.stat().st_mode & 0o7777)


def load(folder):
    """Returns the `Folder` that was written; of a board's project, that of its network.

    Raises:
        FolderError: if there is none, or if one of its files is not the one that was written.
    """
    folder = Path(folder)
    if not (folder / MANIFEST).is_file():
        raise FolderError(
            f"file must be a .tflite file, or a folder that unetmm firmware wrote, with {MANIFEST} in it. Received: "
            f"{folder}, which is neither."
        )
    description, files = _description(folder), {}
    if description.get("board") is not None:
        return load(folder / NETWORK)
    for file, digest in description["files"].items():
        path = folder / file
        if not path.is_file() or _digest(path) != digest:
            raise FolderError(f"{path} is missing or not as it was written. Run unetmm firmware again.")
        files[file] = path.read_text(encoding="utf-8")
    return Folder(description["name"], files, description)


def _description(folder):
    """The manifest of a folder, whatever wrote it: checked to be of our form, with plain names of files."""
    path = folder / MANIFEST
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        plain = all(_plain(file) and isinstance(digest, str) for file, digest in found["files"].items())
        sound = found["format"] == FORMAT and isinstance(found["name"], str) and plain
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise FolderError(f"{path} is damaged or not ours: {type(error).__name__}. Choose another folder.") from error
    if not sound:
        raise FolderError(f"{path} is damaged, or of a format that this version does not know. Choose another folder.")
    return found


def _plain(file):
    """Whether a name stays in its folder."""
    return "\\" not in file and all(part not in ("", ".", "..") for part in file.split("/"))


def _digest(path):
    try:
        return sha256(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return ""


def _same(path, text):
    return path.is_file() and not path.is_symlink() and _digest(path) == sha256(text)


def _write(path, text):
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _copied(source, target):
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)


def _taken(folder, file, ours):
    """Whether something of a user's stands where a file, or a folder around it, is to be."""
    around = [folder / parent for parent in Path(file).parents if parent != Path()]
    blocked = any(os.path.lexists(path) and (path.is_symlink() or not path.is_dir()) for path in around)
    return blocked or (file not in ours and os.path.lexists(folder / file))


def _keep_users(folder, fresh, ours, above=""):
    """Takes over what is in a folder and not ours."""
    for path in folder.iterdir():
        name = f"{above}{path.name}"
        if path.is_dir() and not path.is_symlink() and any(file.startswith(f"{name}/") for file in ours):
            (fresh / path.name).mkdir(exist_ok=True)
            _keep_users(path, fresh / path.name, ours, f"{name}/")
            if not any((fresh / path.name).iterdir()):
                (fresh / path.name).rmdir()
        elif name not in ours:
            _keep(path, fresh / path.name)


def _keep(source, target):
    """Takes a user's file or folder over; the bytes are not copied where the disk can give a file a second name."""
    if source.is_dir() and not source.is_symlink():
        shutil.copytree(source, target, symlinks=True, copy_function=_copied)
    elif source.is_symlink():
        os.symlink(os.readlink(source), target)
    else:
        _copied(source, target)
