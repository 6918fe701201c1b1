# SPDX-License-Identifier: Apache-2.0
"""A network as C, from a file or the name of a preset."""

from collections.abc import Callable
from pathlib import Path

from keras_unetmm.firmware.project import write_project
from keras_unetmm.firmware.write import Wanted, default_name, write
from keras_unetmm.presets.fetch import file_of
from keras_unetmm.types import FileLike, JsonObject, PathLike, Size


def firmware(
    source: FileLike,
    output: PathLike,
    name: str | None = None,
    schedule: str = "auto",
    size: Size = None,
    ram: int | None = None,
    memories: int = 1,
    progress: Callable[[str], object] | None = None,
    board: str | None = None,
    place: str = "",
) -> JsonObject:
    """Writes a network as plain C11 in a folder that compiles anywhere, and gives the file's bytes without an interpreter.

    With a board it writes a project around that folder: start-up code, linker's script and the device protocol.

    The folder is written only after the C, compiled for this computer, gave the bytes of TensorFlow Lite for
    Microcontrollers on six inputs. Where that is not installed, LiteRT's reference kernels take its place: `"cross_check"`
    of what is returned names which.

    Examples:
        >>> figures = tflite.firmware("model.tflite", "denoiser", schedule="whole")
        >>> figures["ram_bytes"] > 0
        True

    Args:
        source: path or bytes of an integer .tflite file, or the name of a preset.
        output: path of the folder: new, empty, or written by this function before. Other files in it stay.
        name: str, a C identifier that the names of files, macros and functions begin with; by default made of the source's.
        schedule: `"whole"`, by whole maps; `"rows"`, row by row; `"auto"`, what takes less memory.
        size: `(height, width)` of the image, where none of the network's operators is bound to the file's.
        ram: int, bytes that the memory may take: the fewest multiply-accumulates within it. By default the least memory.
        memories: 1, or 2: maps that are carried from pass to pass then lie in a memory of their own, which may be slow.
        progress: function called with a str before each of the slow steps.
        board: str, a board to write a project for.
        place: str, where parts lie in the board's memories, such as `"fast=DTCM,carried=SDRAM,weights=QSPI"`.

    Returns:
        dict of figures, as `unetmm firmware --json` prints it.

    Raises:
        ValueError: for a name that is no C identifier, an unknown schedule, a foreign folder, an operator without a kernel,
            maps of floats, an unknown board, a size or memory that does not fit, no C compiler, or C that
            does not give the file's bytes.
        TFLiteFileError: if the file is damaged.
        RunError: if the interpreter, whose bytes the C must give, cannot run the file.
    """
    content = source
    if not isinstance(source, (bytes, bytearray)):
        path = Path(source)
        content = path if path.exists() or path.suffix == ".tflite" else file_of(str(source))
        name = default_name(source) if name is None else name
    name, wanted = "network" if name is None else name, Wanted(schedule, size, ram, memories)
    if board is None:
        if place:
            raise ValueError(f"place is for the memories of a board. Received: {place!r} without one. Name the board too.")
        return write(content, output, name, wanted, progress)
    called = str(source) if not isinstance(source, (bytes, bytearray)) else None
    return write_project(content, output, name, board, wanted, place, progress, called)
