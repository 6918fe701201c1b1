# SPDX-License-Identifier: Apache-2.0
"""What goes in and out of a network, as its header and its self-test know it."""

from dataclasses import dataclass

import numpy as np

CTYPES = {
    **{"INT8": "int8_t", "UINT8": "uint8_t", "BOOL": "uint8_t"},
    **{"INT16": "int16_t", "INT32": "int32_t", "INT64": "int64_t"},
}
DTYPES = {"INT8": "int8", "UINT8": "uint8", "INT16": "int16", "INT32": "int32", "INT64": "int64", "BOOL": "bool"}
CASES = ("random", "random again", "all minimum", "all maximum", "rising ramp", "falling ramp")


@dataclass(frozen=True)
class Port:
    """One input or output of a network.

    Attributes:
        name: str, of the file's tensor; it may hold anything.
        type: str, of the file's elements, such as `"INT8"`.
        shape: tuple of int.
        rows, width, image_rows, channels: int, as the engine sees it.
        element_bytes: int.
        scale: float, or None for a tensor that stands for no real numbers.
        zero_point: int.
        reads: int, how often an input is read; 1 for an output.
    """

    name: str
    type: str
    shape: tuple
    rows: int
    width: int
    image_rows: int
    channels: int
    element_bytes: int
    scale: float | None
    zero_point: int
    reads: int = 1

    @property
    def ctype(self):
        """The C type of an element."""
        return CTYPES[self.type]

    @property
    def pixel_bytes(self):
        """Bytes of one pixel."""
        return self.channels * self.element_bytes

    @property
    def bytes(self):
        """Bytes of the whole image."""
        return self.rows * self.width * self.pixel_bytes

    @property
    def limits(self):
        """The smallest and largest value of an element in a test; integers of 32 bits are often indices, so 0 and 1 only."""
        if self.element_bytes >= 4 or self.type == "BOOL":
            return 0, 1
        limits = np.iinfo(DTYPES[self.type])
        return int(limits.min), int(limits.max)


def ports(graph, network, input_reads):
    """Returns the tuples of `Port` of a network's inputs and outputs.

    Args:
        graph: `Graph` of the file.
        network: `EngineNetwork` that was lowered from it.
        input_reads: tuple of int, how often each input is read.
    """
    sides = []
    for tensors, maps, reads in (
        (graph.inputs, network.inputs, input_reads),
        (graph.outputs, network.outputs, (1,) * len(network.outputs)),
    ):
        sides.append(
            tuple(_port(graph.tensors[t], network.maps[m], n) for t, m, n in zip(tensors, maps, reads, strict=True))
        )
    return tuple(sides)


def _port(tensor, made, reads):
    scale = float(np.float32(tensor.scales[0])) if len(tensor.scales) else None
    point = int(tensor.zero_points[0]) if len(tensor.zero_points) else 0
    size = tensor.element_bytes
    return Port(
        tensor.name, tensor.type, tuple(made.shape), made.rows, made.width, made.image_rows, made.bytes // size, size, scale,
        point, reads,
    )  # fmt: skip


def example(port, case, number):
    """Returns what the self-test feeds to an input: the same numbers as `element` in c/unetmm_selftest.c.

    Args:
        port: `Port`.
        case: int, a place in `CASES`.
        number: int, of the input.
    """
    size = port.bytes // port.element_bytes
    low, high = port.limits
    i, last = np.arange(size, dtype="int64"), max(size - 1, 1)
    if case < 2:
        seed = 0x9E3779B9 * (1 + case + 2 * number)
        flat = low + scatter((i + seed).astype("uint32")).astype("int64") % (high - low + 1)
    elif case < 4:
        flat = np.full(size, (low, high)[case - 2])
    else:
        steps = (high - low) * i // last if size > 1 else i
        flat = low + steps if case == 4 else high - steps
    return flat.astype(DTYPES[port.type]).reshape(port.shape)


def checksum(array):
    """Returns the checksum of an output, as `take` in c/unetmm_selftest.c adds it up."""
    values = np.frombuffer(np.ascontiguousarray(array).tobytes(), "uint8").astype("uint32")
    places = np.arange(values.size, dtype="uint32") << np.uint32(8)
    return int(scatter(places ^ values).sum(dtype="uint64") % 2**32)


def scatter(x):
    """Scatters the bits of numbers, an array of uint32, as `scatter` in c/unetmm_selftest.c."""
    x = x ^ (x >> np.uint32(16))
    x = x * np.uint32(0x85EBCA6B)
    x ^= x >> np.uint32(13)
    x *= np.uint32(0xC2B2AE35)
    return x ^ (x >> np.uint32(16))
