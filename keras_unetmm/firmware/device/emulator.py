# SPDX-License-Identifier: Apache-2.0
"""Starts the firmware of a project here: in QEMU, or as a program of this computer's."""

import json
import re
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

from keras_unetmm.engine.folder import MANIFEST
from keras_unetmm.firmware.boards.board import BoardError
from keras_unetmm.firmware.boards.boards import board as board_of
from keras_unetmm.firmware.boards.boards import lacks
from keras_unetmm.firmware.build import built
from keras_unetmm.firmware.device.ports import DeviceError, SocketPort

_PATIENCE = 60  # seconds
_SLOW = 120.0  # seconds that an emulated board may be silent: it says that it lives by its own clock


def project_board(folder):
    """Returns the `Board` of a project's folder.

    Raises:
        BoardError: if it is none that `unetmm firmware --board` wrote.
    """
    try:
        name = json.loads((Path(folder) / MANIFEST).read_text())["board"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BoardError(
            f"{folder} must be a project that unetmm firmware --board wrote. Received: {type(error).__name__} on reading "
            f"its {MANIFEST}. Write it first."
        ) from None
    return board_of(name)


class Emulated:
    """A project's firmware, built and running; its `port` is open.

    Args:
        folder: path of a project for an emulated board or for this computer; it is built in its folder `build`.
        build: path to build in; by default `build` in the project's folder.

    Raises:
        BoardError: if the board is a real one, a tool is missing, or the firmware does not build or start.
    """

    def __init__(self, folder, build=None):
        self.board = project_board(folder)
        self.process = self.port = None
        if not self.board.runs_here:
            raise BoardError(
                f"--port must be a project for an emulated board, or the port of a real one. Received: {folder}, a project "
                f"for {self.board.name}. Flash it with unetmm flash {folder}, and give its port, such as /dev/ttyACM0."
            )
        if missing := lacks(self.board, ("compiler", "cmake", "emulator")):
            raise BoardError(f"{self.board.name} needs its compiler, CMake and emulator. Received: {missing}. Install it.")
        program = built(folder, Path(folder) / "build" if build is None else build, self.board)
        self.log = tempfile.TemporaryFile()  # noqa: SIM115, closed by close()
        try:
            self.port = self._emulator(program) if self.board.emulator else self._program(program)
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Ends it."""
        if self.port is not None:
            self.port.close()
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        self.log.close()

    def _emulator(self, program):
        """QEMU connects to a port that we listen on, so that no two ask for the same."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.settimeout(_PATIENCE)
            host, port = server.getsockname()
            emulator = self.board.emulator
            command = [emulator.command, *emulator.arguments, "-serial", f"tcp:{host}:{port}", "-kernel", str(program)]
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
            try:
                connection, _ = server.accept()
            except OSError:
                raise self._failed() from None
        port = SocketPort(f"{self.board.name} (emulated)", connection)
        port.silence = _SLOW
        return port

    def _program(self, program):
        self.process = subprocess.Popen([str(program)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log)
        line = self.process.stdout.readline().decode(errors="replace")
        self.process.stdout.close()
        found = re.search(r"listening on ([\d.]+:\d+)", line)
        if found is None:
            raise self._failed()
        return SocketPort(f"socket://{found[1]}")

    def _failed(self):
        self.log.seek(0)
        said = self.log.read().decode(errors="replace")[-500:]
        command = shutil.which(self.board.emulator.command) if self.board.emulator else "the firmware"
        return DeviceError(f"{self.board.name} did not start. Received from {command}: {said.strip() or 'nothing'}.")
