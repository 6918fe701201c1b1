# SPDX-License-Identifier: Apache-2.0
"""What a device is asked for: who it is, a run, its self-test."""

import json
import struct
import time
from dataclasses import dataclass

import numpy as np

from keras_unetmm.engine.ports import DTYPES
from keras_unetmm.firmware.device import frames
from keras_unetmm.firmware.device.frames import ANSWER, Decoder, Frame, encoded
from keras_unetmm.firmware.device.ports import DeviceError, opened

CASES = 6
PAINTS = (0x5A, 0xA5)
_SILENCE = 15.0  # seconds without a frame after which a device is given up; a port may say otherwise
_AGAIN = 1.0  # seconds after which a request is sent again
_STATUS = {2: "bad argument", 3: "too little memory", 4: "another version of the engine", 6: "rows did not come",
           7: "results were not taken"}  # fmt: skip
_WRONG = {1: "it wrote outside its memory", 2: "other bytes than expected"}


@dataclass(frozen=True)
class Hello:
    """What a device says of itself.

    Attributes:
        clock_hz: int, hertz of its core; 0 if it does not know.
        tick_hz: int, ticks of its counter a second.
        description: dict: `network`, `board`, `core`, `ram_bytes`, `macs`, `inputs`, `outputs` and so on.
    """

    clock_hz: int
    tick_hz: int
    description: dict


@dataclass(frozen=True)
class Ran:
    """What a run took.

    Attributes:
        outputs: list of numpy arrays.
        ticks: int, all of it; `transfer`: of it waiting for rows and sending results.
        seconds: float, on this computer's clock.
        arena, carried: int, bytes of each memory up to the last one that was written.
        stack: int, most bytes of stack that the firmware used since its start; 0 if it does not know.
        retries: int, how often something had to be sent again.
    """

    outputs: list
    ticks: int
    transfer: int
    seconds: float
    arena: int
    carried: int
    stack: int
    retries: int


@dataclass(frozen=True)
class Tested:
    """What one input of the self-test gave.

    Attributes:
        case: int.
        wrong: str, empty if all is well.
        ticks: int.
        arena, carried, stack: int, as of `Ran`.
        checksums: tuple of int, of the outputs.
    """

    case: int
    wrong: str
    ticks: int
    arena: int
    carried: int
    stack: int
    checksums: tuple


class Device:
    """A device behind a port.

    Examples:
        >>> with Device("/dev/ttyACM0") as device:
        ...     clean = device.run([image]).outputs[0]

    Args:
        port: name of a port, as `opened` takes it, or an open one.
        baud: int, bits a second.
        silence: float, seconds without a frame after which it is given up; by default what the port says, or 15.

    Raises:
        DeviceError: if the port cannot be opened, or no firmware of ours answers there.
    """

    def __init__(self, port, baud=115200, silence=None):
        self.port = opened(port, baud) if isinstance(port, str) else port
        self.name = self.port.name
        self.silence = getattr(self.port, "silence", _SILENCE) if silence is None else silence
        self.decoder, self.waiting, self._sequence = Decoder(), [], 0
        try:
            self.hello = self._hello()
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Closes the port."""
        self.port.close()

    def ping(self, payload=b""):
        """Returns what the device gives back of some bytes: the same."""
        return self._asked(frames.PING, payload).payload

    def run(self, inputs, fresh=True, progress=lambda sent, taken: None):
        """Runs the network on one list of arrays and returns what it `Ran`.

        Args:
            inputs: list of numpy arrays, of the shapes and types that the device says.
            fresh: bool, whether a network that remembers forgets earlier runs.
            progress: function called with the bytes that were sent and taken so far.

        Raises:
            ValueError: for arrays of other shapes or types.
            DeviceError: if it goes silent, or says that the run failed.
        """
        data = _checked(inputs, self.hello.description["inputs"])
        results = [bytearray(port_bytes(port)) for port in self.hello.description["outputs"]]
        missing = [np.ones(len(result), bool) for result in results]
        start, sent = time.monotonic(), 0
        frame = self._request(frames.RUN, bytes([int(fresh)]))
        while (said := self._next(frame)).type != frames.DONE or said.sequence != frame.sequence:
            if said.type == frames.NEED and len(said.payload) == 8:
                sent += self._give(said, data)
            elif said.type == frames.RESULT and len(said.payload) > 6:
                self._take(said, results, missing)
            elif said.type == frames.ERROR and said.payload[:1] == bytes([frames.DAMAGED]):
                pass  # a frame of ours was damaged: the device asks again
            progress(sent, sum(int((~lack).sum()) for lack in missing))
        ticks, transfer, status, arena, carried, stack, retries = struct.unpack("<QQIIIII", said.payload)
        if status or any(lack.any() for lack in missing):
            why = _STATUS.get(status, f"status {status}") if status else "parts of the result are missing"
            raise DeviceError(f"{self.name}: the run must end well. Received: {why}. Run it again.")
        return Ran(
            [_array(bytes(r), port) for r, port in zip(results, self.hello.description["outputs"], strict=True)],
            ticks, transfer, time.monotonic() - start, arena, carried, stack, retries,
        )  # fmt: skip

    def selftest(self, case, paint):
        """Runs one input of the self-test in memory that was filled with a byte; returns what it `Tested`."""
        frame = self._request(frames.SELFTEST, bytes([case, paint]))
        said = self._answer(frame, again=False)
        ticks, status, wrong, arena, carried, stack = struct.unpack_from("<QIIIII", said.payload)
        sums = struct.unpack(f"<{(len(said.payload) - 28) // 4}I", said.payload[28:])
        texts = [text for bit, text in _WRONG.items() if wrong & bit]
        if status:
            texts = [_STATUS.get(status, f"status {status}")]
        return Tested(case, ", ".join(texts), ticks, arena, carried, stack, sums)

    def _hello(self):
        text, total = b"", 1
        while len(text) < total:
            said = self._asked(frames.HELLO, struct.pack("<I", len(text)))
            if len(said.payload) <= 16:
                raise self._foreign()
            clock, tick, total, offset = struct.unpack_from("<IIII", said.payload)
            if offset == len(text):
                text += said.payload[16:]
        try:
            found = json.loads(text)
            sound = all(key in found for key in ("network", "board", "inputs", "outputs", "macs", "ticks"))
        except ValueError:
            sound = False
        if not sound:
            raise self._foreign()
        return Hello(clock, tick, found)

    def _request(self, kind, payload):
        self._sequence = (self._sequence + 1) % 256
        frame = Frame(kind, self._sequence, payload)
        self.port.write(encoded(frame))
        return frame

    def _asked(self, kind, payload):
        return self._answer(self._request(kind, payload))

    def _answer(self, frame, again=True):
        """The answer to a frame; if it may be, the frame is sent again until it comes."""
        sent = start = time.monotonic()
        while True:
            said = self._frame()
            now = time.monotonic()
            if said is not None:
                self._refused(said, frame)
                if said.type == frame.type | ANSWER and said.sequence == frame.sequence:
                    return said
                start = now if said.type == frames.ALIVE else start
            if now - start > self.silence:
                raise self._silent()
            if again and now - sent > _AGAIN:
                self.port.write(encoded(frame))
                sent = now

    def _next(self, frame):
        """The next frame of a run."""
        start = time.monotonic()
        while (said := self._frame()) is None:
            if time.monotonic() - start > self.silence:
                raise self._silent()
        self._refused(said, frame)
        return said

    def _refused(self, said, frame):
        """Raises what an error means that is about a frame of ours."""
        if said.version != frames.VERSION:
            raise DeviceError(
                f"{self.name} must speak version {frames.VERSION} of the protocol. Received: version {said.version}. Write "
                "the project again with this version of keras_unetmm, and flash it."
            )
        if said.type == frames.ERROR and len(said.payload) == 2 and said.sequence == frame.sequence:
            code, kind = said.payload
            if code == frames.FOREIGN:
                raise DeviceError(f"{self.name} speaks another version of the protocol. Flash a project of this version.")
            if code in (frames.UNKNOWN, frames.MALFORMED) and kind == frame.type:
                raise DeviceError(f"{self.name} does not know the request {kind}. Flash a project of this version.")

    def _frame(self):
        """The next frame, or None if none came for a moment."""
        if not self.waiting:
            self.waiting = self.decoder.feed(self.port.read())
        return self.waiting.pop(0) if self.waiting else None

    def _give(self, said, data):
        port = said.payload[0]
        offset, count = struct.unpack_from("<IH", said.payload, 2)
        if port >= len(data) or offset + count > len(data[port]) or count > frames.MOST - 8:
            return 0  # it will ask again, or give up
        rows = data[port][offset : offset + count]
        self.port.write(encoded(Frame(frames.ROWS, said.sequence, said.payload + rows)))
        return count

    def _take(self, said, results, missing):
        port, (offset,), rows = said.payload[0], struct.unpack_from("<I", said.payload, 2), said.payload[6:]
        if port < len(results) and offset + len(rows) <= len(results[port]):
            results[port][offset : offset + len(rows)] = rows
            missing[port][offset : offset + len(rows)] = False
            self.port.write(encoded(Frame(frames.TAKEN, said.sequence)))

    def _silent(self):
        if self.decoder.damaged or self.decoder.seen():
            return self._foreign()
        return DeviceError(
            f"{self.name} must be a device with a firmware that unetmm firmware --board wrote. Received: no answer in "
            f"{self.silence:.0f} seconds. Flash it, press its reset button, and check --baud."
        )

    def _foreign(self):
        seen = self.decoder.seen()
        return DeviceError(
            f"{self.name} must be a device with a firmware that unetmm firmware --board wrote. Received: what is no frame "
            f"of its protocol{f', {seen!r}' if seen else ''}. Flash it, and check --baud."
        )


def port_bytes(port):
    """Returns the bytes of an input or output that a device described."""
    return int(np.prod(port["shape"], dtype=int)) * np.dtype(DTYPES[port["type"]]).itemsize


def _array(data, port):
    return np.frombuffer(data, DTYPES[port["type"]]).reshape(port["shape"])


def _checked(inputs, ports):
    if len(inputs) != len(ports):
        raise ValueError(f"inputs must be one array for each of the {len(ports)} inputs. Received: {len(inputs)}.")
    for given, port in zip(inputs, ports, strict=True):
        if given.shape != tuple(port["shape"]) or given.dtype != DTYPES[port["type"]]:
            raise ValueError(
                f"input must be {DTYPES[port['type']]} of the shape {tuple(port['shape'])}. Received: {given.dtype} of the "
                f"shape {given.shape}."
            )
    return [np.ascontiguousarray(given).tobytes() for given in inputs]
