# SPDX-License-Identifier: Apache-2.0
"""Frames of the device protocol, as unetmm_frame.h says: length, type and CRC-32, stuffed by COBS between zeros."""

import struct
import zlib
from dataclasses import dataclass

VERSION = 1
MOST = 528  # bytes of a payload
_HEADER = struct.Struct("<BBBH")
_BLOCK = 254

HELLO, PING, RUN, SELFTEST, STOP, ROWS, TAKEN = range(1, 8)
ANSWER = 0x80
DONE, NEED, RESULT, ALIVE, ERROR = 0x83, 0x86, 0x87, 0x88, 0xFF
DAMAGED, FOREIGN, UNKNOWN, MALFORMED = range(1, 5)


@dataclass(frozen=True)
class Frame:
    """A frame.

    Attributes:
        type, sequence: int.
        payload: bytes.
        version: int, of the protocol.
    """

    type: int
    sequence: int
    payload: bytes = b""
    version: int = VERSION


def encoded(frame):
    """Returns the bytes of a `Frame` on the wire."""
    body = _HEADER.pack(frame.version, frame.type, frame.sequence, len(frame.payload)) + frame.payload
    body += struct.pack("<I", zlib.crc32(body))
    return b"\0" + stuffed(body) + b"\0"


def stuffed(body):
    """Returns bytes without zeros: blocks of up to 254 bytes, each behind its length plus one; a zero ends shorter ones."""
    made = bytearray()
    for piece in body.split(b"\0"):
        whole = len(piece) // _BLOCK * _BLOCK
        for at in range(0, whole, _BLOCK):
            made += bytes([_BLOCK + 1]) + piece[at : at + _BLOCK]
        made += bytes([len(piece) - whole + 1]) + piece[whole:]
    return bytes(made)


def unstuffed(text):
    """Returns what was stuffed, or None if a block is cut."""
    made, at = bytearray(), 0
    while at < len(text):
        size = text[at]
        block = text[at + 1 : at + size]
        if len(block) < size - 1:
            return None
        made += block
        at += size
        if size <= _BLOCK and at < len(text):
            made.append(0)
    return bytes(made)


def decoded(text):
    """Returns the `Frame` that stood between two zeros, or None if it is damaged."""
    body = unstuffed(text)
    if body is None or len(body) < _HEADER.size + 4 or zlib.crc32(body[:-4]) != struct.unpack("<I", body[-4:])[0]:
        return None
    version, kind, sequence, length = _HEADER.unpack_from(body)
    payload = body[_HEADER.size : -4]
    return Frame(kind, sequence, payload, version) if length == len(payload) <= MOST else None


class Decoder:
    """Takes bytes as they come and gives whole frames.

    Attributes:
        damaged: int, how often something else stood between two zeros.
        stray: bytes, the beginning of what that was.
    """

    def __init__(self):
        self.damaged, self.stray, self._open = 0, b"", bytearray()

    def feed(self, data):
        """Takes bytes; returns the list of the frames that they end."""
        found = []
        *ended, rest = data.split(b"\0")
        for piece in ended:
            text = bytes(self._open) + piece
            self._open.clear()
            frame = decoded(text) if text else None
            if frame is not None:
                found.append(frame)
            elif text:
                self.damaged += 1
                self._keep(text)
        self._open += rest
        if len(self._open) > 4 * MOST:  # no frame is as long: another firmware that talks
            self.damaged += 1
            self._keep(bytes(self._open))
            self._open.clear()
        return found

    def seen(self):
        """Returns the beginning of all that was no frame."""
        return (self.stray + bytes(self._open))[:64]

    def _keep(self, text):
        self.stray = (self.stray + text)[:64]
