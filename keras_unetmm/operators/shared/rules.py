# SPDX-License-Identifier: Apache-2.0
"""The form in which an operator's file says what is known of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from keras_unetmm.tflite_file.operands import Operands


class GlobalOperatorError(ValueError):
    """An operator that cannot run tile by tile; the message says why and what to use instead."""


@dataclass(frozen=True)
class ReceptiveField:
    """Which places of its input an operator reads along one axis.

    With factor 1 the places from `low` to `high` of the output are made of those from `low * stride - before` to
    `(high - 1) * stride - before + extent` of the input; with a larger factor, each place of the input makes as many.

    Attributes:
        stride: places of the input from one place of the output to the next.
        before: places that the first window begins before the input.
        extent: places of a window.
        factor: places of the output for one of the input.
        between: whether the places in between are weighted means of two places, as bilinear resizing has them.
    """

    stride: int = 1
    before: int = 0
    extent: int = 1
    factor: int = 1
    between: bool = False

    def needs(self, low: int, high: int) -> tuple[int, int]:
        """Returns the places of the input, `(low, high)`, for those of the output."""
        if self.between:
            middle = 1 - self.factor  # of place o: (2o + 1 - factor) / (2 factor), between two places
            return (2 * low + middle) // (2 * self.factor), (2 * (high - 1) + middle) // (2 * self.factor) + 2
        if self.factor > 1:
            return low // self.factor, -(-high // self.factor)
        return low * self.stride - self.before, (high - 1) * self.stride - self.before + self.extent

    def gives(self, low: int, high: int) -> tuple[int, int]:
        """Returns the places of the output, `(low, high)`, that are made of whole places of the input."""
        return low * self.factor, high * self.factor


@dataclass(frozen=True)
class Overlap:
    """How an input and an output of one operator may overlap in memory.

    D is the address of the input minus that of the output, in bytes.

    Attributes:
        input, output: in an operator's rule, places among its inputs and outputs; in the answer of a
            `keras_unetmm.kernels.library.KernelLibrary`, tensors of the graph.
        least: any D from this on is safe if the input dies there; None if no such D is.
        same: at this D the operator copies bytes onto themselves, whether the input dies there or not; or None.
    """

    input: int
    output: int
    least: int | None = None
    same: int | None = None


Fields = tuple[ReceptiveField, ReceptiveField]  # along the rows and along the columns


@dataclass(frozen=True)
class OperatorRules:
    """What is known of one operator of TFLite.

    Attributes:
        name: the schema's name, or a custom operator's own.
        custom: whether it is a custom operator.
        macs: multiply-accumulates of one run; None for an operator without a matrix product.
        receptive_field: the `ReceptiveField`s along rows and columns; raises `GlobalOperatorError` where there is none.
            None if nobody has said what the operator reads: it then runs on whole maps.
        overlaps: the `Overlap`s that are safe for all of a set of kernels: of `"reference"`, TFLM's own, and `"cmsis-nn"`.
            None if no overlap is known to be safe.
        scratch: bytes of the scratch buffers, not aligned, in the order in which the kernel asks for them, for one of
            `"reference"` and `"cmsis-nn-helium"`; None for an operator without.
        together: whether all inputs are read step by step beside each other, so that one tensor may be several of them.
        padding: whether its options say how its input is padded, `Padding`.
        zero_padding: whether what it pads maps of integers with are zeros, at the map's zero point.
        over_axes: whether it reduces the axes that its second input names.
    """

    name: str
    custom: bool = False
    macs: Callable[[Operands], int] | None = None
    receptive_field: Callable[[Operands], Fields] | None = None
    overlaps: Callable[[Operands, frozenset[str]], Sequence[Overlap]] | None = None
    scratch: Callable[[Operands, str], tuple[int, ...]] | None = None
    together: bool = False
    padding: bool = False
    zero_padding: bool = False
    over_axes: bool = False
