# SPDX-License-Identifier: Apache-2.0
"""All boards that a project can be written for."""

import shutil

from keras_unetmm.firmware.boards.board import BoardError
from keras_unetmm.firmware.boards.hardware import F746, H743, NRF52840, RP2350
from keras_unetmm.firmware.boards.host import HOST
from keras_unetmm.firmware.boards.mps import AN386, AN500, AN547, RISCV32
from keras_unetmm.firmware.boards.npus import NPUS
from keras_unetmm.firmware.boards.packages import ARDUINO, CMAKE, CORALMICRO, ESP_IDF, ZEPHYR

BOARDS = {board.name: board for board in (AN386, AN500, AN547, RISCV32, HOST, H743, F746, NRF52840, RP2350)}
PACKAGES = {board.name: board for board in (ARDUINO, ESP_IDF, ZEPHYR, CMAKE, CORALMICRO)}


def board(name):
    """Returns the `Board` of a name.

    Raises:
        BoardError: for an unknown one; the message names them all.
    """
    known = {**BOARDS, **PACKAGES, **NPUS}
    if name not in known:
        raise BoardError(
            f"board must be one of {', '.join(BOARDS)}, a package: {', '.join(PACKAGES)}, or an NPU: {', '.join(NPUS)}. "
            f"Received: {name!r}."
        )
    return known[name]


def lacks(found, tools=("compiler", "cmake")):
    """Returns what is not installed of what a `Board` needs, as a str for people; empty if all is there.

    Args:
        found: `Board`.
        tools: what is asked for: `"compiler"`, `"cmake"`, `"emulator"`.
    """
    commands = {
        "compiler": found.compiler or "cc",
        "cmake": "cmake",
        "emulator": found.emulator.command if found.emulator is not None else None,
    }
    missing = [commands[tool] for tool in tools if commands[tool] is not None and shutil.which(commands[tool]) is None]
    return f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed" if missing else ""
