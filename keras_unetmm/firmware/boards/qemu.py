# SPDX-License-Identifier: Apache-2.0
"""Runs the self-test of a network's folder on cores that QEMU emulates, and counts instructions."""

import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from keras_unetmm.engine.store import load
from keras_unetmm.firmware.boards.c_library import without_library

FILES = Path(__file__).parent / "qemu"
FLAGS = (
    "-std=c11",
    "-O3",
    "-Wall",
    "-Wextra",
    "-Wpedantic",
    "-Wconversion",
    "-Werror",
    "-ffunction-sections",
    "-fdata-sections",
)
_CLOCK = re.compile(r"clock (\d+) \* 1000000 \+ (\d+)")
_USED = re.compile(r"arena (\d+) of (\d+), carried (\d+) of (\d+), stack (\d+)")


class BoardError(ValueError):
    """A board is unknown, its compiler or emulator is missing, or the network does not build for it."""


@dataclass(frozen=True)
class Board:
    """An emulated board.

    Attributes:
        core: str.
        compiler, emulator: str, commands.
        source: str, its file of C.
        flags: tuple of str, for the compiler.
        link: tuple of str, for the linker.
        machine: tuple of str, for the emulator.
    """

    core: str
    compiler: str
    emulator: str
    source: str
    flags: tuple
    link: tuple
    machine: tuple


@dataclass(frozen=True)
class Emulated:
    """What a self-test found on a board.

    Attributes:
        good: bool, whether all outputs were as expected and nothing was written outside the memory.
        text: str, what it printed.
        instructions: int, of one run, with those that make the test's input and compare its output; None if it did not end.
        arena, carried: int, bytes of each memory up to the last one that was written.
        stack: int, bytes.
    """

    good: bool
    text: str
    instructions: int | None
    arena: int
    carried: int
    stack: int


def _cortex_m(core, cpu, fpu, machine, regions, picoseconds):
    """A board of Arm's MPS family; `regions` are addresses and sizes of code, ram and large."""
    names = ("code", "code_bytes", "ram", "ram_bytes", "large", "large_bytes")
    symbols = tuple(f"-Wl,--defsym=board_{name}={value:#x}" for name, value in zip(names, regions, strict=True))
    return Board(
        core,
        "arm-none-eabi-gcc",
        "qemu-system-arm",
        "cortex_m.c",
        (f"-mcpu={cpu}", "-mthumb", "-mfloat-abi=hard", *fpu, f"-DBOARD_PICOSECONDS={picoseconds}u"),
        ("--specs=rdimon.specs", "-nostartfiles", "-Wl,--gc-sections", *symbols, f"-Wl,-T,{FILES / 'cortex_m.ld'}"),
        ("-M", machine, "-semihosting", "-nographic", "-monitor", "none", "-icount", "shift=0"),
    )


_K, _M = 2**10, 2**20
_RISCV_REGIONS = {"flash": 0x80000000, "flash_size": 4 * _M, "ram": 0x80400000, "ram_size": 8 * _M, "stack_size": 64 * _K}
BOARDS = {
    "cortex-m4": _cortex_m(
        "Cortex-M4",
        "cortex-m4",
        ("-mfpu=fpv4-sp-d16",),
        "mps2-an386",
        (0, 4 * _M, 0x20000000, 4 * _M, 0x21000000, 16 * _M),
        40000,
    ),
    "cortex-m7": _cortex_m(
        "Cortex-M7",
        "cortex-m7",
        ("-mfpu=fpv5-d16",),
        "mps2-an500",
        (0, 4 * _M, 0x20000000, 4 * _M, 0x60000000, 16 * _M),
        40000,
    ),
    "cortex-m55": _cortex_m(
        "Cortex-M55", "cortex-m55", (), "mps3-an547", (0, 512 * _K, 0x20000000, 512 * _K, 0x60000000, 16 * _M), 31250
    ),
    "riscv32": Board(
        "RV32IMAC",
        "riscv64-unknown-elf-gcc",
        "qemu-system-riscv32",
        "riscv.c",
        ("-march=rv32imac", "-mabi=ilp32", "--specs=picolibc.specs"),
        (
            "--oslib=semihost",
            "--crt0=hosted",
            *(f"-Wl,--defsym=__{name}={value:#x}" for name, value in _RISCV_REGIONS.items()),
        ),
        ("-M", "virt", "-bios", "none", "-semihosting", "-nographic", "-monitor", "none", "-icount", "shift=0"),
    ),
}


def missing(name):
    """Returns what a board lacks on this computer, as a str for people; empty if it can be run."""
    board = _board(name)
    for command in (board.compiler, board.emulator):
        if shutil.which(command) is None:
            return f"{command} is not installed"
    return without_library(board, "stdio.h")


def run(folder, name, runs=6, flags=(), timeout=600):
    """Builds the self-test of a folder for a board, runs it there and returns what it `Emulated`.

    Examples:
        >>> qemu.run("denoiser", "cortex-m7", runs=1).instructions

    Args:
        folder: path of a folder that `unetmm firmware` wrote.
        name: one of `BOARDS`.
        runs: int, how many of the six inputs.
        flags: more flags for the compiler.
        timeout: float, seconds for the emulator.

    Raises:
        BoardError: for an unknown board, a missing tool, C that its compiler refuses, or an emulation that does not end.
        FolderError: if the folder is not as it was written.
    """
    board, made = _board(name), load(folder)
    if lacks := missing(name):
        raise BoardError(f"board {name} needs its compiler and emulator. Received: {lacks}. Install it.")
    with tempfile.TemporaryDirectory() as temporary:
        return emulated(build(made, board, Path(temporary), (f"-DUNETMM_SELFTEST_RUNS={runs}", *flags)), board, timeout)


def emulated(program, board, timeout=600):
    """Runs a program that `build` made on a `Board` and returns what it `Emulated`.

    Raises:
        BoardError: if it does not end.
    """
    try:
        done = subprocess.run(
            [board.emulator, *board.machine, "-kernel", str(program)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise BoardError(f"the self-test must end on {board.core}. Received: nothing after {timeout} seconds.") from error
    return _read(done.stdout + done.stderr, done.returncode)


def build(made, board, work, flags=()):
    """Builds the self-test of a `keras_unetmm.engine.folder.Folder` in a folder; returns the program's path.

    Raises:
        BoardError: if the compiler refuses it.
    """
    for file, text in made.files.items():
        (work / file).write_text(text)
    sources = [file for file in made.files if file.endswith(".c")]
    command = [board.compiler, *FLAGS, *board.flags, "-DUNETMM_SELFTEST_CLOCK", *flags, *sources, str(FILES / board.source)]
    done = subprocess.run(
        [*command, *board.link, "-o", "selftest.elf"], cwd=work, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BoardError(f"{board.compiler} refused the network's C:\n{done.stderr[-2000:]}")
    return work / "selftest.elf"


def _board(name):
    if name not in BOARDS:
        raise BoardError(f"board must be one of {', '.join(map(repr, BOARDS))}. Received: {name!r}.")
    return BOARDS[name]


def _read(text, status):
    clock, used = _CLOCK.search(text), _USED.search(text)
    instructions = int(clock[1]) * 1_000_000 + int(clock[2]) if clock else None
    arena, _, carried, _, stack = map(int, used.groups()) if used else (0,) * 5
    return Emulated(status == 0 and used is not None, text, instructions, arena, carried, stack)
