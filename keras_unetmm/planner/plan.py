# SPDX-License-Identifier: Apache-2.0
"""What a .tflite file needs of the arena, in its own order and planned: the data, and the file as it is."""

from dataclasses import dataclass

from keras_unetmm.operators.registry import macs
from keras_unetmm.planner.arena import Placement
from keras_unetmm.planner.greedy import greedy
from keras_unetmm.planner.lifetimes import timeline
from keras_unetmm.tflite_file import graph as tflite_graph
from keras_unetmm.types import FileLike

_MOST_BUFFERS = 10_000  # in an arena: pairs of them are looked at


@dataclass(frozen=True)
class Lifetime:
    """The main graph's operators, by position, from the first to the last of which some bytes must stay.

    Attributes:
        tensor: int, counted over all graphs of the file; None for a kernel's scratch.
        first, last: int, positions of operators, both included.
        bytes: int, aligned as in the arena.
        touched: bool, whether any operator does: others, such as maps of a graph that is not run, live before the first.
    """

    tensor: int | None
    first: int
    last: int
    bytes: int
    touched: bool = True


@dataclass(frozen=True)
class PlannedFile:
    """The same network, planned.

    Attributes:
        content: bytes of the .tflite file with the plan in it.
        kernels: str, the library of kernels that it is safe for.
        model: `keras_unetmm.tflite_file.graph.Model` of the content.
        lifetimes: tuple of `Lifetime`, in the order of `placement.addresses`.
        live: tuple of int, live bytes while each operator runs, overlaps not deducted.
        placement: `Placement` of its buffers.
        bound: int, bytes: no placement in this order, with these overlaps, needs less.
        order_bound: int, bytes: no order of these operators needs less; None if other orders were not looked at.
        rewrites: tuple of str, what was rewritten.
        seconds: float, how long the planning took.
    """

    content: bytes
    kernels: str
    model: tflite_graph.Model
    lifetimes: tuple
    live: tuple
    placement: Placement
    bound: int
    order_bound: int | None
    rewrites: tuple
    seconds: float

    @property
    def graph(self):
        """The planned file's main graph."""
        return self.model.main

    @property
    def head(self):
        """Bytes of the arena's head that TFLM will measure with those kernels."""
        return self.placement.head


@dataclass(frozen=True)
class Plan:
    """What `plan` finds out about a file.

    Attributes:
        model: `keras_unetmm.tflite_file.graph.Model`, the file as it is.
        lifetimes: tuple of `Lifetime`, of everything that needs arena.
        live: tuple of int, live bytes while each operator runs, in the file's order.
        order_bound: int, bytes: no placement without overlaps can need less in the file's order.
        greedy_head: int, bytes of the arena's head that stock TFLM takes for the file, obeying a plan that it holds.
        macs: int, multiply-accumulates of one run.
        planned: `PlannedFile`, or None if the file cannot be planned; `why_not_planned` then says why.
    """

    model: tflite_graph.Model
    lifetimes: tuple
    live: tuple
    order_bound: int
    greedy_head: int
    macs: int
    planned: PlannedFile | None = None
    why_not_planned: str | None = None

    @property
    def graph(self):
        """The file's main graph."""
        return self.model.main

    @property
    def flash_bytes(self):
        """Size of the file, which is what is flashed."""
        return self.model.file_bytes

    @property
    def peak(self):
        """Position of the first operator at which the live bytes reach their maximum, or None without operators."""
        return self.live.index(max(self.live)) if self.live else None

    def alive(self, operator):
        """Returns the lifetimes that include the operator at that position, largest first."""
        alive = (life for life in self.lifetimes if life.first <= operator <= life.last and life.touched)
        return sorted(alive, key=lambda life: (-life.bytes, life.tensor is None, life.tensor))


def as_it_is(file: FileLike, kernels: str = "any") -> Plan:
    """Returns the `Plan` of a file without `planned`: what it needs in its own order, with TFLM's own planner.

    Args:
        file: path or bytes of a .tflite file.
        kernels: the library of kernels whose scratch counts.

    Raises:
        ValueError: for an unknown library of kernels.
        TFLiteFileError: if the file is not a .tflite file, cut short or damaged.
    """
    model = tflite_graph.read(file)
    time_line = timeline(model, kernels)
    if len(time_line.buffers) > _MOST_BUFFERS:
        raise ValueError(
            f"file must have no more than {_MOST_BUFFERS:,} tensors in the arena, for every pair is looked at. Received: "
            f"{len(time_line.buffers):,}. Split the network."
        )
    try:
        products = macs(model.main)
    except tflite_graph.DAMAGE as error:
        raise tflite_graph.TFLiteFileError(
            f"file is damaged: one of its operators lacks a tensor or a size that it needs ({error}). Convert it again."
        ) from error
    lifetimes, live = profile_of(time_line, len(model.main.operators))
    _, greedy_head = greedy(time_line.buffers, own_addresses(model, time_line))
    least = max(*time_line.live(), time_line.untouched)
    return Plan(model, lifetimes, live, least, greedy_head, products)


def own_addresses(model, time_line):
    """The addresses that the file's own plan gives to buffers, which TFLM obeys."""
    if model.offsets is None:
        return {}
    offsets = (None if buffer.tensor is None else model.offsets[buffer.tensor] for buffer in time_line.buffers)
    return {i: offset for i, offset in enumerate(offsets) if offset not in (None, -1)}


def profile_of(time_line, operators):
    """Lifetimes and live bytes with the main graph's operators for steps; what nothing touches is at the first."""

    def main(step):
        return time_line.steps[max(step, 1) - 1][2] if time_line.steps else 0

    by_step = time_line.live()
    live = [0] * operators
    for step, (_, _, position) in enumerate(time_line.steps, 1):
        live[position] = max(live[position], by_step[step], by_step[0] if step == 1 else 0)
    lifetimes = (Lifetime(b.tensor, main(b.first), main(b.last), b.bytes, b.last >= 0) for b in time_line.buffers)
    return tuple(lifetimes), tuple(live)
