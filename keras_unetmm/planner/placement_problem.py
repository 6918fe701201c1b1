# SPDX-License-Identifier: Apache-2.0
"""The placement problem of a file: its buffers, who is alive with whom, and which pairs may overlap how."""

from dataclasses import dataclass

from keras_unetmm.kernels.libraries import library_of
from keras_unetmm.planner.lifetimes import Timeline, aligned, timeline


@dataclass(frozen=True)
class Pair:
    """An input and an output buffer that may overlap.

    Attributes:
        input, output: int, positions in the timeline's buffers.
        step: int, at which the operator runs.
        least: int, bytes: input address minus output address may be this or more; None if it may not.
        same: int, bytes: it may be exactly this; or None.
    """

    input: int
    output: int
    step: int
    least: int | None
    same: int | None


@dataclass(frozen=True)
class PlacementProblem:
    """What has to be placed.

    Attributes:
        timeline: `Timeline` of the file.
        pairs: tuple of `Pair`.
    """

    timeline: Timeline
    pairs: tuple

    @property
    def buffers(self):
        """The timeline's buffers."""
        return self.timeline.buffers


def placement_problem(model, kernels="any"):
    """Returns the `PlacementProblem` of a `keras_unetmm.tflite_file.graph.Model` with the rules of a kernel library.

    The library says what may overlap, and what scratch an operator takes.

    Raises:
        ValueError: for an unknown library of kernels.
        TFLiteFileError: if an operator lacks what it needs.
    """
    time, library = timeline(model, kernels), library_of(kernels)
    of_tensor = {buffer.tensor: i for i, buffer in enumerate(time.buffers) if buffer.tensor is not None}
    pairs, kept = [], set(model.main.outputs)  # these outlive the last operator, at whose step their lives end
    for step, (graph, position, _) in enumerate(time.steps, 1):
        if graph != 0:
            continue  # the steps of graphs that loops call repeat
        for overlap in library.overlaps(model.main, model.main.operators[position]):
            source, output = of_tensor.get(overlap.input), of_tensor.get(overlap.output)
            if source is None or output is None:
                continue
            a, b = time.buffers[source], time.buffers[output]
            dies = a.last == step == b.first and overlap.input not in kept
            least = aligned(overlap.least) if overlap.least is not None and dies else None
            if b.first == step and (least is not None or overlap.same is not None):
                pairs.append(Pair(source, output, step, least, overlap.same))
    return PlacementProblem(time, tuple(pairs))


def saved(problem, pair):
    """Returns the bytes that a pair can share at most."""
    a, b = problem.buffers[pair.input].bytes, problem.buffers[pair.output].bytes
    shared = 0 if pair.same is None else min(a, b)
    return shared if pair.least is None else max(shared, a + b - max(b, pair.least + a), 0)
