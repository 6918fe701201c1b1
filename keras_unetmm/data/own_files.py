# SPDX-License-Identifier: Apache-2.0
"""The files of a user's own folders: found at any depth, named by their path, split by a seed."""

import os
from pathlib import Path

import numpy as np

from keras_unetmm.data.layout import MissingDataError
from keras_unetmm.data.left_out import SUFFIXES, dangling, warn_left_out

IMAGES = SUFFIXES
VOLUMES = (".nii.gz", ".nii")
SPLITS = ("train", "validation")
MADE = ("run.json", "predict.json")  # in a folder that unetmm train or unetmm predict made
SHOWN = 10  # names in a message


def own_files(folder, suffixes=IMAGES, what="images", without=None):
    """Finds the files of some kinds in a folder and the folders below it.

    Suffixes match in any case. Hidden files and folders are passed over, and below the folder those that hold a run of
    `unetmm train` or results of `unetmm predict`. Other images and volumes, and links to nothing, are warned of by name.

    Args:
        folder: str or path.
        suffixes: tuple of str, in lower case.
        what: str, for the message.
        without: str or path of a folder below it that is passed over, such as that of masks, or None.

    Returns:
        dict from the name of each file, its path below the folder without suffix, to its path; sorted by name.

    Raises:
        MissingDataError: if there is no such folder, or no such file in it.
        ValueError: if two files differ by their suffix alone.
    """
    root = Path(folder)
    if not root.is_dir():
        reason = "a file" if root.exists() else "no such folder"
        raise MissingDataError(f"{folder} must be a folder of {what}. Received: {reason}. Give the folder's path.")
    found, others, passed = {}, [], None if without is None else Path(without).resolve()
    for parent, folders, names in os.walk(root, followlinks=True):
        if Path(parent) != root and (Path(parent).resolve() == passed or any(mark in names for mark in MADE)):
            folders.clear()
            continue
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__MACOSX")))
        for name in sorted(names):
            path = Path(parent) / name
            suffix = next((end for end in suffixes if name.lower().endswith(end)), None)
            if name.startswith("."):
                continue
            if suffix is None or dangling(path):
                others.append(path)
                continue
            key = (path.parent / name[: -len(suffix)]).relative_to(root).as_posix()
            if key in found:
                raise ValueError(
                    f"{folder} must hold one file of a name. Received: {found[key].name} and {name}. Take one of them away."
                )
            found[key] = path
    warn_left_out(folder, others, f"only {', '.join(suffixes)} are read")
    if not found:
        raise MissingDataError(
            f"{folder} must hold at least one of {what} ({', '.join(suffixes)}), at any depth. Received: none."
        )
    return dict(sorted(found.items()))


def split_of(items, split, validation, seed, folder):
    """The part of some items that a split has: every item is in one, drawn by a seed.

    Args:
        items: list, in a fixed order.
        split: `"train"`, `"validation"`, or None for all.
        validation: float above 0 and below 1, share of the items that is for validation, at least one; or int, their number.
        seed: int.
        folder: str or path, for messages.

    Raises:
        ValueError: for another split, or a share or number that leaves one of both empty.
    """
    if split is None:
        return list(items)
    if split not in SPLITS:
        raise ValueError(f"split must be one of {', '.join(map(repr, SPLITS))} or None. Received: {split!r}.")
    if len(items) < 2:
        raise MissingDataError(
            f"{folder} must hold at least two examples: one to train on, one to validate with. Received: {len(items)}. Add "
            "examples, or name a folder for validation (--validation DIR)."
        )
    share = isinstance(validation, float) and 0 < validation < 1
    number = type(validation) is int and 0 < validation < len(items)
    if not share and not number:
        raise ValueError(
            f"validation must be a share above 0 and below 1, or a number of examples below the {len(items):,} there are. "
            f"Received: {validation!r}."
        )
    count = min(len(items) - 1, max(1, round(validation * len(items)))) if share else validation
    chosen = set(np.random.default_rng(seed).permutation(len(items))[:count].tolist())
    return [item for i, item in enumerate(items) if (i in chosen) == (split == "validation")]


def few(names):
    """Some names in a line, and how many more there are."""
    names = sorted(map(str, names))
    return ", ".join(names[:SHOWN]) + (f", ... ({len(names) - SHOWN:,} more)" if len(names) > SHOWN else "")
