# SPDX-License-Identifier: Apache-2.0
"""How one operator of a file runs on the engine: its C kernel, that kernel's parameters, and what it reads of its maps."""

import math
from dataclasses import dataclass, field

import numpy as np


class NoKernelError(ValueError):
    """The engine has no kernel for an operator; the message says why, and what to use instead."""

    def __str__(self):
        return " ".join(map(str, self.args))


@dataclass(frozen=True)
class Axis:
    """Where a walk along one axis reads.

    Place p of the walk needs the places from `floor((p * step + first) / over)` to `floor((p * step + last) / over)`, both
    included; what lies beyond the border of the map is padding.
    """

    step: int = 1
    over: int = 1
    first: int = 0
    last: int = 0

    def low(self, place):
        """The first place that `place` needs."""
        return (place * self.step + self.first) // self.over

    def high(self, place):
        """The last place that `place` needs."""
        return (place * self.step + self.last) // self.over


@dataclass(frozen=True)
class Same:
    """The pixel at the same place (row and column) of a map of the same height and width."""


@dataclass(frozen=True)
class All:
    """The whole map, which must be complete; the kernel is given its first byte."""


@dataclass(frozen=True)
class Window:
    """Some rows and columns of the operator's first input.

    Attributes:
        rows, columns: `Axis`.
        taps: int, rows that the kernel is given, `dilation` apart, from `rows.low` on.
        dilation: int.
    """

    rows: Axis
    columns: Axis
    taps: int
    dilation: int = 1


@dataclass(frozen=True)
class Values:
    """A constant array in flash.

    Attributes:
        ctype: str, of the elements: `"int8_t"`, `"int32_t"`, ...
        array: numpy array of integers; its order in memory is that of C.
    """

    ctype: str
    array: np.ndarray


@dataclass(frozen=True)
class Parameters:
    """A kernel's parameters: a C struct and its fields by name, in the struct's order.

    Attributes:
        struct: str, name of the C type, such as `"unetmm_convolution"`.
        fields: dict from a field's name to an int, to `Values` (emitted as a pointer to a constant array), to another
            `Parameters` (a nested struct), or to None (a null pointer).
    """

    struct: str
    fields: dict


@dataclass(frozen=True)
class Kernel:
    """One operator on the engine.

    Attributes:
        function: str, name of the C function, such as `"unetmm_convolution_int8"`.
        source: str, the file of `engine/c` that holds it, such as `"unetmm_convolution.c"`.
        header: str, the header that declares it and its parameters.
        parameters: `Parameters`, or None.
        inputs: tuple of `(tensor, Same() | Window(...) | All())`, for every map that is computed; constants are parameters.
            Only the first may be a `Window`.
        output: int, tensor.
        walk: tuple `(rows, width, image_rows)` that the kernel walks over pixel by pixel, or None for the output's. Rows are
            counted over all images of a batch.
        accumulates: bool, whether the output is complete only when the walk has ended, as a mean over the map.
        state: int, bytes that the kernel keeps through its walk (zeroed by itself where the walk begins).
        kept: bool, whether the state lives from one run to the next; it is bytes of 0 before the first run, and not zeroed
            where the walk begins.
        scratch: function from a number of pixels to the bytes that the kernel needs while it computes so many.
        macs: int, multiply-accumulates of one pixel of the walk.
        in_place: bool, whether the output may lie over an input of type `Same` of equally large pixels: the kernel then
            reads every byte before it writes there, and writes in rising order.
    """

    function: str
    source: str
    header: str
    parameters: Parameters | None
    inputs: tuple
    output: int
    walk: tuple | None = None
    accumulates: bool = False
    state: int = 0
    kept: bool = False
    scratch: object = field(default=lambda pixels: 0)
    macs: int = 0
    in_place: bool = False


def raster(shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Returns `(rows, width, image rows, channels)` of a map; rows are counted over all axes before the last three, too."""
    *outer, height, width, channels = (1, 1, 1, *shape)
    return math.prod(outer) * height, width, height, channels
