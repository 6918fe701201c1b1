# SPDX-License-Identifier: Apache-2.0
"""Ports to a device: a serial one by pyserial, or a TCP socket such as an emulated board has."""

import select
import socket

from keras_unetmm.firmware.boards.board import BoardError

BAUD = 115200
_ADVICE = "Plug the board in, or give another --port."


class DeviceError(BoardError):
    """The port cannot be opened, went away, or what answers is no firmware of ours."""


def opened(name, baud=BAUD):
    """Opens a port.

    Args:
        name: str: `/dev/ttyACM0`, `COM3`, a pty, or `socket://HOST:PORT`.
        baud: int, bits a second of a serial port.

    Returns:
        An object with `read()`, which waits a little and returns what came, `write(data)` and `close()`.

    Raises:
        DeviceError: if it is not there, not allowed, or in use.
    """
    if name.startswith("socket://"):
        return SocketPort(name)
    return SerialPort(name, baud)


class SocketPort:
    """A TCP connection."""

    wait = 0.02  # seconds

    def __init__(self, name, connection=None):
        self.name = name
        self.connection = connection or self._connected(name)
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @staticmethod
    def _connected(name):
        host, _, port = name.removeprefix("socket://").rpartition(":")
        if not host or not port.isdigit() or not 0 < int(port) < 2**16:
            raise DeviceError(f"--port must be a serial port, or socket://HOST:PORT. Received: {name!r}.")
        try:
            return socket.create_connection((host, int(port)), timeout=5)
        except OSError as error:
            reason = error.strerror or str(error)
            raise DeviceError(
                f"{name} must be a port on which a device answers. Received: {reason}. Start it first."
            ) from None

    def read(self):
        """Returns what came, maybe nothing."""
        ready, _, _ = select.select([self.connection], [], [], self.wait)
        if not ready:
            return b""
        try:
            data = self.connection.recv(65536)
        except OSError as error:
            raise _lost(self.name, error) from None
        if not data:
            raise _lost(self.name, "closed by the other side")
        return data

    def write(self, data):
        """Sends all of it."""
        try:
            self.connection.sendall(data)
        except OSError as error:
            raise _lost(self.name, error) from None

    def close(self):
        """Closes it."""
        self.connection.close()


class SerialPort:
    """A serial port."""

    def __init__(self, name, baud):
        import serial

        self.name = name
        try:
            self.port = serial.serial_for_url(name, baudrate=baud, timeout=0.02, write_timeout=10, do_not_open=True)
            if "://" not in name:
                self.port.exclusive = True
            self.port.open()
            self.port.reset_input_buffer()
        except (OSError, ValueError) as error:
            reason = _reason(error)
            raise DeviceError(
                f"--port must be a port of this computer that nobody else uses: {_ports()}. Received: {name!r}, "
                f"{reason}. {_ADVICE}"
            ) from None

    def read(self):
        """Returns what came, maybe nothing."""
        try:
            return self.port.read(max(1, self.port.in_waiting))
        except (OSError, TypeError) as error:  # pyserial gives a TypeError for a port that is closed under it
            raise _lost(self.name, error) from None

    def write(self, data):
        """Sends all of it."""
        try:
            self.port.write(data)
        except OSError as error:
            raise _lost(self.name, error) from None

    def close(self):
        """Closes it."""
        self.port.close()


def _lost(name, error):
    return DeviceError(
        f"{name} must stay open until the device has answered. Received: {_reason(error)}. Was it unplugged, or the "
        "emulator stopped?"
    )


def _reason(error):
    """Why, in a few words: pyserial's messages repeat the port and the number."""
    text = str(error)
    number = getattr(error, "errno", None)
    if "exclusively lock" in text or number in (11, 16):
        return "which another program has open"
    if number == 2:
        return "which is not there"
    if number == 13:
        return "which you may not open (on Linux: join the group dialout)"
    return text


def _ports():
    from serial.tools import list_ports

    names = [port.device for port in list_ports.comports()]
    return ", ".join(names) if names else "there is none now"
