"""What a device takes for one image, with and without the transfer, and whether its self-test passes."""

from dataclasses import dataclass

import numpy as np

from keras_unetmm.engine.ports import CASES, DTYPES, Port, checksum, example
from keras_unetmm.firmware.device.client import PAINTS
from keras_unetmm.firmware.device.ports import DeviceError
from keras_unetmm.runtime.engine import run

UNITS = {"instructions": "instructions", "cycles": "cycles", "nanoseconds": "ns"}


@dataclass(frozen=True)
class Bench:
    """What was measured.

    Attributes:
        hello: `Hello`.
        ran: list of `Ran`, one image after the other.
        tested: list of `Tested`: the first input of the self-test in memory of two paints.
    """

    hello: object
    ran: list
    tested: list

    def as_json(self):
        """Returns a dict that JSON can hold."""
        said, best = self.hello.description, min(self.ran, key=lambda ran: ran.ticks - ran.transfer)
        computing = best.ticks - best.transfer
        return {
            **{key: said[key] for key in ("network", "board", "core", "ticks", "macs", "ram_bytes")},
            "clock_hz": self.hello.clock_hz,
            "ticks_computing": computing,
            "ticks_transfer": best.transfer,
            "ticks_per_mac": computing / max(said["macs"], 1),
            "seconds_computing": None if said["ticks"] == "instructions" else computing / self.hello.tick_hz,
            "seconds_with_transfer_here": best.seconds,
            "arena_bytes": max(each.arena + each.carried for each in self.tested),
            "stack_bytes": max(each.stack for each in (*self.ran, *self.tested)) or None,
            "selftest": all(not each.wrong for each in self.tested),
            "runs": len(self.ran),
        }


def bench(device, runs=1, progress=lambda what: None):
    """Runs a device on random bytes, then the first input of its self-test, and returns the `Bench`."""
    rng, ran = np.random.default_rng(0), []
    for i in range(runs):
        progress(f"run {i + 1} of {runs}")
        inputs = [_random(rng, port) for port in device.hello.description["inputs"]]
        ran.append(device.run(inputs))
    progress("self-test")
    return Bench(device.hello, ran, [device.selftest(0, paint) for paint in PAINTS])


def selftest(device, model=None, progress=lambda case, paint: None):
    """Runs the self-test of a device: every input, the first one in memory of two paints.

    Args:
        device: `Device`.
        model: path or bytes of the .tflite file, to compare with what TFLM makes of it here and now; by default with what
            it made when the firmware was written.
        progress: function called with the input and the paint before each.

    Returns:
        list of `Tested`.

    Raises:
        DeviceError: if the file is not that of the device.
    """
    found = []
    for case, paint in [(0, PAINTS[0]), (0, PAINTS[1]), *((case, PAINTS[1]) for case in range(1, len(CASES)))]:
        progress(case, paint)
        found.append(device.selftest(case, paint))
    if model is not None:
        _compare(device, found, model)
    return found


def _compare(device, found, model):
    """Compares the checksums that a device gave with those of TFLM's outputs."""
    ports = [_port(port) for port in device.hello.description["inputs"]]
    right = {}
    for case in range(len(CASES)):
        inputs = [example(port, case, number) for number, port in enumerate(ports)]
        right[case] = tuple(checksum(output) for output in run(model, inputs, runtime="tflm").outputs)
    for each in found:
        if each.checksums != right[each.case]:
            raise DeviceError(
                f"{device.name} must give the bytes that TFLM gives of the file. Received: others on the {CASES[each.case]} "
                "input. Is it the file that the firmware was written from?"
            )


def _port(said):
    size = np.dtype(DTYPES[said["type"]]).itemsize
    shape = tuple(said["shape"])
    return Port("", said["type"], shape, 1, 1, 1, int(np.prod(shape, dtype=int)), size, said["scale"], said["zero_point"])


def _random(rng, said):
    port = _port(said)
    low, high = port.limits
    return rng.integers(low, high, port.shape, endpoint=True).astype(DTYPES[port.type])
