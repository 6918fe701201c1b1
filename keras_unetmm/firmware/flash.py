# SPDX-License-Identifier: Apache-2.0
"""Flashes a project with the tool of its board, and runs its self-test: thin, for it was not tried on hardware."""

import shutil
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

from keras_unetmm.firmware.boards.board import BoardError
from keras_unetmm.firmware.build import built
from keras_unetmm.firmware.device.emulator import project_board

_UF2 = {"rp2350": 0xE48BFF59}  # families of Arm programs in secure mode (UF2 specification; RP2350 Datasheet, 5.5.3)
_UF2_MAGIC = 0x0A324655, 0x9E5D5157, 0x0AB16F30
_UF2_FAMILY = 0x2000
_UF2_BYTES = 256
_DRIVES = ("/media", "/run/media", "/Volumes")


@dataclass(frozen=True)
class Step:
    """One step of flashing.

    Attributes:
        said: str, for people.
        command: tuple of str to run, or empty for a copy.
        copy: tuple of the paths from and to, or empty.
    """

    said: str
    command: tuple = ()
    copy: tuple = ()


def planned(folder, port=None, board=None, build=None, which=shutil.which, drives=_DRIVES):
    """Returns the list of `Step`s that flash a project; nothing is done to the board yet, but the project is built.

    Args:
        folder: path of a project.
        port: str, the serial port, where the tool needs one.
        board: str, what Arduino or Zephyr call the board; by default what they are set to.
        build: path of the folder to build in; by default `build` in the project's folder.
        which: function from a command to its path, or None if it is not installed.
        drives: folders below which boards that show up as a drive are looked for.

    Raises:
        BoardError: for an emulated board, a tool that is not installed, a board that is not found, or a build that fails.
    """
    target = project_board(folder)
    if target.package:
        return _package(target, Path(folder), port, board, which)
    if target.flash is None:
        raise BoardError(
            f"flash takes a project for a real board. Received: one for {target.name}, which is started, not flashed. Run "
            f"unetmm device test --port {folder}."
        )
    program = built(folder, Path(folder) / "build" if build is None else build, target)
    kind, chip = target.flash
    if kind == "pyocd":
        tool = _tool("pyocd", "pip install pyocd", which)
        return [
            Step(f"flash {program} to the {chip} that the debugger is on", (tool, "flash", "--target", chip, str(program)))
        ]
    return _uf2(program, chip, which, drives)


def _uf2(program, chip, which, drives):
    image = program.with_suffix(".uf2")
    image.write_bytes(uf2(program.with_suffix(".bin").read_bytes(), 0x10000000, _UF2[chip]))
    if tool := which("picotool"):
        return [Step(f"flash {image} with picotool and start it", (tool, "load", "--verify", "--execute", str(image)))]
    found = sorted(info.parent for drive in drives for info in Path(drive).glob("**/INFO_UF2.TXT") if Path(drive).is_dir())
    if not found:
        raise BoardError(
            f"{chip} must be connected with its BOOTSEL button held, so that it is a drive, or picotool be installed. "
            f"Received: neither. Or copy {image} to it yourself."
        )
    return [Step(f"copy {image} to the drive {found[0]}", copy=(image, found[0] / image.name))]


def uf2(data, address, family):
    """Returns bytes as a UF2 file (Microsoft's specification): blocks of 512 bytes that hold 256 each.

    Args:
        data: bytes.
        address: int, where they belong.
        family: int, of the chip.
    """
    pieces = [data[at : at + _UF2_BYTES] for at in range(0, len(data), _UF2_BYTES)]
    first, second, last = _UF2_MAGIC
    blocks = b""
    for i, piece in enumerate(pieces):
        head = first, second, _UF2_FAMILY, address + i * _UF2_BYTES, _UF2_BYTES, i, len(pieces), family
        blocks += struct.pack("<8I", *head) + piece.ljust(476, b"\0") + struct.pack("<I", last)
    return blocks


def _package(target, folder, port, board, which):
    """A package is flashed by its framework: an example of it."""
    if target.name == "esp-idf":
        tool = _tool("idf.py", "source export.sh of ESP-IDF", which)
        example = folder / "examples" / "device"
        return [
            Step(f"build {example} for an ESP32-S3", (tool, "-C", str(example), "set-target", "esp32s3", "build")),
            Step("flash it with esptool", (tool, "-C", str(example), *_port("-p", port), "flash")),
        ]
    if target.name == "zephyr":
        tool = _tool("west", "pip install west, in a Zephyr workspace", which)
        example = folder / "samples" / "device"
        return [
            Step(
                f"build {example} for {board or 'the board that west is set to'}",
                (tool, "build", *(() if board is None else ("-b", board)), "-d", str(folder / "build"), str(example)),
            ),
            Step("flash it with west's runner", (tool, "flash", "-d", str(folder / "build"))),
        ]
    if target.name == "arduino":
        tool = _tool("arduino-cli", "from arduino.github.io/arduino-cli", which)
        if port is None:
            raise BoardError(
                "--port must name the board's serial port, for arduino-cli. Received: none. arduino-cli board list"
            )
        sketch = folder / "examples" / "Device"
        command = tool, "compile", "--upload", "--library", str(folder), "--port", port, *_board_name(board), str(sketch)
        return [Step(f"compile {sketch} and upload it to {port}", command)]
    how = "its README.md says how" if target.name == "coralmicro" else "flash the firmware that uses it"
    raise BoardError(f"flash takes a project for a board. Received: {target.title}; {how}.")


def _port(flag, port):
    return () if port is None else (flag, port)


def _board_name(board):
    return () if board is None else ("--fqbn", board)


def _tool(name, how, which):
    found = which(name)
    if found is None:
        raise BoardError(f"flashing this board needs {name}. Received: it is not installed ({how}).")
    return found


def run(step):
    """Does a `Step`.

    Raises:
        BoardError: if its tool fails.
    """
    if step.copy:
        shutil.copyfile(*step.copy)
        return
    done = subprocess.run(step.command, check=False)
    if done.returncode:
        raise BoardError(
            f"{Path(step.command[0]).name} must end well. Received: status {done.returncode}; see what it printed."
        )
