# SPDX-License-Identifier: Apache-2.0
"""When the buffers of a file live, counted as TFLM counts it, so that its planner can be reproduced to the byte.

Every operator has a time step of its own, from 1; step 0 is when the inputs are set. The graphs that control flow operators
call have steps of their own in between. Constants need no arena, nor do tensors that hold state between runs, unless the
file's own plan gives them a place.
"""

from dataclasses import dataclass

from keras_unetmm.kernels.libraries import library_of
from keras_unetmm.tflite_file.graph import DAMAGE, TFLiteFileError
from keras_unetmm.tflite_file.validate import CALLS

ALIGNMENT = 16  # bytes, of every buffer in TFLM's arena
_NEVER = -1  # a tensor that nothing touches still gets a buffer, at this step
_DEEPEST, _LONGEST = 32, 100_000  # calls within calls; steps


@dataclass(frozen=True)
class Buffer:
    """Bytes of the arena that one tensor or one kernel's scratch needs for a while.

    Attributes:
        tensor: int, counted over all graphs of the file; None for scratch.
        first, last: int, steps, both included.
        bytes: int, aligned.
    """

    tensor: int | None
    first: int
    last: int
    bytes: int


@dataclass(frozen=True)
class Timeline:
    """The buffers of a file in the order in which TFLM hands them to its planner, and what runs at each step.

    Attributes:
        buffers: tuple of `Buffer`: tensors by index, then scratch by operator.
        steps: tuple of `(graph, operator, main)`, positions of the operator that runs at step 1, 2, ..., and of the main
            graph's operator within which it runs.
    """

    buffers: tuple
    steps: tuple

    def live(self):
        """Returns the live bytes at every step from 0."""
        change = [0] * (len(self.steps) + 2)
        for buffer in self.buffers:
            if buffer.last != _NEVER:
                change[max(buffer.first, 0)] += buffer.bytes
                change[buffer.last + 1] -= buffer.bytes
        total, live = 0, []
        for difference in change[:-1]:
            total += difference
            live.append(total)
        return tuple(live)

    @property
    def untouched(self):
        """Bytes of the buffers that nothing touches: TFLM places them side by side, over all that lives later."""
        return sum(buffer.bytes for buffer in self.buffers if buffer.last == _NEVER)


def timeline(model, kernels="any"):
    """Returns the `Timeline` of a `keras_unetmm.tflite_file.graph.Model`, with the scratch that `kernels` ask for.

    Raises:
        ValueError: for an unknown library of kernels.
        TFLiteFileError: if graphs call each other without end, or an operator lacks a tensor that its kernel needs.
    """
    walk, library = _Walk(model), library_of(kernels)
    try:
        walk.graph(0, None, 0)
        requests = [
            (g, position, size)
            for g, graph in enumerate(model.graphs)
            for position, operator in enumerate(graph.operators)
            for size in library.scratch(graph, operator)
        ]
    except DAMAGE as error:
        raise TFLiteFileError(
            f"file is damaged: an operator lacks a tensor, a size or an option that it needs ({error}). Convert it again."
        ) from error
    buffers = []
    for tensor, (g, index) in enumerate(walk.places):
        entry = model.graphs[g].tensors[index]
        fixed = model.offsets is not None and model.offsets[tensor] != -1 and entry.type != "RESOURCE"
        if entry.arena_bytes and (fixed or not entry.variable):  # a variable with a place takes it, its handle does not
            buffers.append(
                Buffer(tensor, walk.first.get(tensor, _NEVER), walk.last.get(tensor, _NEVER), aligned(entry.arena_bytes))
            )
    for g, position, size in requests:
        first, last = walk.ran.get((g, position), (_NEVER, _NEVER))
        if size and first != _NEVER:
            buffers.append(Buffer(None, first, last, aligned(size)))
    return Timeline(tuple(buffers), tuple(walk.steps))


def aligned(size):
    """Returns the size in bytes rounded up to the arena's alignment."""
    return -(-size // ALIGNMENT) * ALIGNMENT


def bases(model):
    """Returns, for every graph of a file, the number that its first tensor has when they are counted over all graphs."""
    result, count = [], 0
    for graph in model.graphs:
        result.append(count)
        count += len(graph.tensors)
    return result


class _Walk:
    """Runs through the operators as TFLM does and notes the first and the last step of every tensor."""

    def __init__(self, model):
        self.model, self.bases = model, bases(model)
        self.places = [(g, i) for g, graph in enumerate(model.graphs) for i in range(len(graph.tensors))]
        self.first, self.last, self.ran, self.steps = {}, {}, {}, []

    def graph(self, g, main, depth):
        graph, base = self.model.graphs[g], self.bases[g]
        if depth > _DEEPEST or len(self.steps) > _LONGEST:
            raise TFLiteFileError(
                f"file is damaged: its graphs call each other more than {_DEEPEST} deep or run over {_LONGEST:,} operators."
            )
        self._create(base, graph.inputs)
        self._use(base, graph.inputs)
        for position, operator in enumerate(graph.operators):
            outer = position if main is None else main
            self.steps.append((g, position, outer))
            begin = len(self.steps)
            self._create(base, operator.outputs)
            for getter in CALLS.get(operator.name, ()):
                self.steps.append((g, position, outer))
                self.graph(getattr(operator.options, getter)(), outer, depth + 1)
            self._use(base, (*operator.inputs, *operator.outputs))
            self.ran[g, position] = (self.ran.get((g, position), (begin,))[0], len(self.steps))
        self._create(base, graph.outputs)
        self._use(base, graph.outputs)

    def _create(self, base, tensors):
        for index in tensors:
            self.first.setdefault(base + index, len(self.steps))

    def _use(self, base, tensors):
        for index in tensors:
            if index >= 0:
                self.last[base + index] = len(self.steps)
