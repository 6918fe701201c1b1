# SPDX-License-Identifier: Apache-2.0
"""What a device takes for one image, with and without the transfer, and whether its self-test passes."""

from dataclasses import dataclass

import numpy as np

from keras_unetmm.engine.ports import CASES, DTYPES, Port, checksum, example
from keras_unetmm.firmware.device.client import PAINTS
from keras_unetmm.firmware.device.figures import identity, times, used
from keras_unetmm.firmware.device.ports import DeviceError
from keras_unetmm.interpreters.runtime import TITLES, reference_runtime
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
        best = min(self.ran, key=lambda ran: ran.ticks - ran.transfer)
        return {
            **identity(self.hello),
            **times(self.hello, best),
            "ticks_per_mac": (best.ticks - best.transfer) / max(self.hello.description["macs"], 1),
            **used(*self.tested),
            "stack_bytes": used(*self.ran, *self.tested)["stack_bytes"],
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
        model: path or bytes of the .tflite file, to compare with what TFLM, or LiteRT's reference kernels where it is not
            installed, makes of it here and now; by default with what it made when the firmware was written.
        progress: function called with the input and the paint before each.

    Returns:
        list of `Tested`.

    Raises:
        DeviceError: if the file is not that of the device.
    """
    found, right = [], {}
    for case, paint in [(0, PAINTS[0]), (0, PAINTS[1]), *((case, PAINTS[1]) for case in range(1, len(CASES)))]:
        progress(case, paint)
        found.append(device.selftest(case, paint))
        if model is not None and case not in right:
            right[case] = _checksums(device, model, case)
        if model is not None and found[-1].checksums != right[case]:
            raise DeviceError(
                f"{device.name} must give the bytes of the file on {TITLES[reference_runtime()]}. Received: others "
                f"on the {CASES[case]} input. Is it the file that the firmware was written from?"
            )
    return found


def _checksums(device, model, case):
    """The checksums of what the interpreter makes of a device's input here and now."""
    ports = [_port(port) for port in device.hello.description["inputs"]]
    inputs = [example(port, case, number) for number, port in enumerate(ports)]
    return tuple(checksum(output) for output in run(model, inputs, reference_runtime()).outputs)


def _port(said):
    size = np.dtype(DTYPES[said["type"]]).itemsize
    shape = tuple(said["shape"])
    return Port("", said["type"], shape, 1, 1, 1, int(np.prod(shape, dtype=int)), size, said["scale"], said["zero_point"])


def _random(rng, said):
    port = _port(said)
    low, high = port.limits
    return rng.integers(low, high, port.shape, endpoint=True).astype(DTYPES[port.type])
