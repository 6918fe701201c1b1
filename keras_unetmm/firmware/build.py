# SPDX-License-Identifier: Apache-2.0
"""Builds a board's project with CMake, and reads from what comes out how much each memory holds."""

import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from keras_unetmm.engine.cross import deepest
from keras_unetmm.engine.process import HostError
from keras_unetmm.firmware.boards.board import BoardError
from keras_unetmm.firmware.boards.boards import lacks
from keras_unetmm.firmware.boards.c_library import without_library
from keras_unetmm.firmware.linker import SECTIONS

PROGRAM = "firmware.elf"
_OVERFLOW = re.compile(r"region `(\w+)' overflowed by (\d+) bytes")
_SECTION = re.compile(r"^(\.[\w.]+)\s+(\d+)\s+(\d+)", re.M)
_CALLBACKS = ("give", "take")


@dataclass(frozen=True)
class Built:
    """What a build of a project takes.

    Attributes:
        memories: dict from the names of a board's memories to dicts of `bytes` and `used`.
        stack: int, bytes of the deepest chain of calls of the whole firmware; None if nobody knows.
    """

    memories: dict
    stack: int | None


def lacking(board):
    """Returns what is not installed to build for a `Board`, as a str for people; empty if it can be built."""
    missing = lacks(board)
    if missing or not board.prefix:
        return missing
    return without_library(board, "string.h")


def built(folder, build, board, flags=(), definitions=()):
    """Builds a project's folder and returns the path of its program.

    Args:
        folder: path of the project.
        build: path of the folder to build in.
        board: `Board`.
        flags: more flags for the C compiler.
        definitions: more definitions for CMake, as `"NAME=value"`.

    Raises:
        BoardError: if a tool is missing, or the compiler or linker refuses it; what does not fit is told in bytes.
    """
    if missing := lacking(board):
        raise BoardError(f"building for {board.name} needs its compiler and CMake. Received: {missing}. Install it.")
    ours = [f"-DUNETMM_FLAGS={';'.join(flags)}"] if flags else []
    ours += [f"-D{definition}" for definition in definitions]
    _run(["cmake", "-S", str(folder), "-B", str(build), *ours], board)
    _run(["cmake", "--build", str(build), "--parallel", "2"], board)
    return Path(build) / PROGRAM


def _run(command, board):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return done.stdout
    over = _OVERFLOW.findall(done.stdout + done.stderr)
    if over:
        region = board.region(over[0][0])
        raise BoardError(
            f"the firmware does not fit on {board.name}: {region.name} has {region.bytes:,} bytes. Received: "
            f"{int(over[0][1]):,} bytes too many. Place something elsewhere with --place, or take a smaller network."
        )
    raise BoardError(f"{command[0]} could not build the firmware for {board.name}:\n{(done.stderr or done.stdout)[-3000:]}")


def measured(board, files, made, flags=()):
    """Builds a project in a folder that goes away; returns what it `Built`.

    Args:
        board: `Board`.
        files: dict from paths to texts.
        made: `Folder` of the network.
        flags: more flags for the C compiler.

    Raises:
        BoardError: as `built`.
    """
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        for file, text in files.items():
            path = work / "fw" / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        flags = (*flags, "-fcallgraph-info=su") if board.prefix else flags
        program = built(work / "fw", work / "build", board, flags)
        if not board.prefix:
            return Built({}, None)
        graphs = "".join(path.read_text() for path in sorted((work / "build").rglob("*.ci")))
        return Built(used(program, board), _stack(graphs, made))


def _stack(graphs, made):
    kernels = {op["kernel"] for op in made.description["figures"]["operators"]} - {None}
    own = set(re.findall(r'node: \{ title: "([^"]+)"', graphs))
    callbacks = {name for name in own if name.rpartition(":")[2] in _CALLBACKS}
    root = "board_start" if "board_start" in own else "board_reset"
    try:
        return deepest(graphs, root, kernels | callbacks)
    except HostError:  # a compiler that makes a circle of a loop
        return None


def used(program, board):
    """Returns a dict from the names of a board's memories to dicts of `bytes` and `used`."""
    size = shutil.which(f"{board.prefix}size")
    done = subprocess.run([size, "-A", str(program)], capture_output=True, text=True, check=True)
    memories = {region.name: {"bytes": region.bytes, "used": 0} for region in board.regions}
    code = None
    for name, size_, address in _SECTION.findall(done.stdout):
        if name not in SECTIONS:
            continue
        place = int(address) % 2**32  # RISC-V's tools print it with its sign
        for region in board.regions:
            if region.origin <= place < region.origin + region.bytes:
                memories[region.name]["used"] += int(size_)
                code = region.name if name == ".text" else code
        if name == ".data":
            memories[code]["used"] += int(size_)  # where it is copied from
    return memories
