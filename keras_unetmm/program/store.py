# SPDX-License-Identifier: Apache-2.0
"""A program's folder: written whole or not at all, and refused if a file in it is damaged."""

import contextlib
import errno
import hashlib
import json
import os
import stat
from dataclasses import replace
from pathlib import Path

from keras_unetmm.atomic_write import atomic_folder, validate_place
from keras_unetmm.program import step
from keras_unetmm.program.description import FORMAT, digest
from keras_unetmm.program.parse import parsed
from keras_unetmm.program.program import Program
from keras_unetmm.tflite_file import json_text

DESCRIPTION = "program.json"
NAMES = {DESCRIPTION, *(f"{name}.tflite" for name in step.NAMES)}
_LONGEST = 2**20  # bytes of the description


class ProgramError(ValueError):
    """The folder holds no program, or a damaged one."""


def validate_folder(folder: str | os.PathLike[str]) -> None:
    """Checks that a program's folder can be written at a path, before any work is done.

    Raises:
        ValueError: if something else is there, or the folder around it is not.
    """
    folder = Path(folder)
    validate_place(folder)
    if folder.is_dir() and not {path.name for path in folder.iterdir()} <= NAMES:
        raise ValueError(
            f"{folder} must be new, empty, or hold a program alone, which is replaced. Received: a folder with other files. "
            "Choose another one."
        )


def save(program: Program, folder: str | os.PathLike[str]) -> None:
    """Writes a `Program` into a folder, in place of the program that is there: at no time a mixture, nor half of one.

    Raises:
        ValueError: as `validate_folder`.
        OSError: if it cannot be written; what was there before is then still there.
    """
    validate_folder(folder)
    folder = Path(folder).absolute()
    with atomic_folder(folder) as fresh:
        for name, content in {**program.files, DESCRIPTION: _json(program)}.items():
            with open(fresh / name, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())


def load(folder: str | os.PathLike[str]) -> Program:
    """Returns the `Program` of a folder.

    Raises:
        ProgramError: if there is none, or if one of its files is not the one that was written.
    """
    folder = Path(folder)
    try:
        description = json_text.parsed(_read(folder / DESCRIPTION, _LONGEST))
    except OSError as error:
        raise ProgramError(
            f"DIR must be a folder that `unetmm tile` wrote, with {DESCRIPTION} in it. Received: {folder}, {error.strerror}."
        ) from error
    except ValueError as error:
        raise ProgramError(f"{folder / DESCRIPTION} is damaged: {error}. Run unetmm tile again.") from error
    if not isinstance(description, dict) or description.get("format") != FORMAT:
        raise ProgramError(f"{folder / DESCRIPTION} is of no format that this version knows. Run unetmm tile again.")
    try:
        unchanged = description.get("sha256") == digest(description)
    except RecursionError:
        unchanged = False
    if not unchanged:
        raise ProgramError(f"{folder / DESCRIPTION} is not as it was written. Run unetmm tile again.")
    try:
        program = parsed(description)
    except ValueError as error:
        raise ProgramError(f"{folder / DESCRIPTION} makes no sense: {error}. Run unetmm tile again.") from error
    files = {}
    for part in program.steps:
        with contextlib.suppress(OSError):
            files[part.file] = _read(folder / part.file, part.flash_bytes)
        if hashlib.sha256(files.get(part.file, b"")).hexdigest() != part.sha256:
            raise ProgramError(
                f"{folder / part.file}, the {part.name}, is missing or not the file that was written with {DESCRIPTION}. "
                "Run unetmm tile again."
            )
    return replace(program, files=files)


def _read(path: Path, most: int) -> bytes:
    """The bytes of a file, no link, pipe or device, of at most so many bytes; an `OSError` for others."""
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW), "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode) or found.st_size > most:
            raise OSError(errno.EINVAL, f"not a file of at most {most:,} bytes")
        return file.read(most)


def _json(program: Program) -> bytes:
    return (json.dumps(program.description, indent=2) + "\n").encode()
