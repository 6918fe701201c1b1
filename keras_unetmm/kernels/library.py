# SPDX-License-Identifier: Apache-2.0
"""A library of kernels."""

from dataclasses import dataclass, replace

from keras_unetmm.operators.registry import rules_of
from keras_unetmm.operators.shared.rules import Overlap
from keras_unetmm.tflite_file.graph import Graph, Operator
from keras_unetmm.tflite_file.operands import Operands

_TYPES = {"INT8", "UINT8", "INT16", "INT32", "FLOAT32"}  # of which the kernels' order is known


@dataclass(frozen=True)
class KernelLibrary:
    """One library of kernels, or several that a plan must be safe for.

    The output of an operator may lie over its input in memory if the kernel never writes a byte that it still has to read.
    The files of `keras_unetmm.operators` say in which order kernels read and write: read in their sources, measured on TFLM.

    Attributes:
        name: as `--kernels` takes it.
        said: a few words for the command line.
        orders: the kernels whose orders an overlap must be safe in, of `"reference"` and `"cmsis-nn"`; without any, nothing
            may overlap.
        scratch_of: whose scratch its operators ask for, `"reference"` or `"cmsis-nn-helium"`.
    """

    name: str
    said: str
    orders: frozenset[str]
    scratch_of: str = "reference"

    def overlaps(self, graph: Graph, operator: Operator) -> tuple[Overlap, ...]:
        """Returns every `Overlap` of an operator's inputs and outputs that is safe with this library."""
        rules = rules_of(operator)
        if not self.orders or rules.overlaps is None or not operator.outputs or not operator.inputs:
            return ()
        outputs = [index for index in operator.outputs if index >= 0]
        found = (
            replace(overlap, input=operator.inputs[overlap.input], output=outputs[overlap.output])
            for overlap in rules.overlaps(Operands(graph, operator), self.orders)
        )
        return tuple(o for o in dict.fromkeys(found) if _may_lie_anywhere(graph, operator, o, rules.together))

    def scratch(self, graph: Graph, operator: Operator) -> tuple[int, ...]:
        """Returns the bytes, not aligned, of an operator's scratch buffers, in the order in which it asks for them.

        The arena holds them beside the tensors while the operator runs.
        """
        rule = rules_of(operator).scratch
        return () if rule is None else rule(Operands(graph, operator), self.scratch_of)


def _may_lie_anywhere(graph, operator, overlap, together):
    """Whether the input is in the arena, has values of a known type, and is read by the operator in one order only."""
    if overlap.input < 0:
        return False
    source, output = graph.tensors[overlap.input], graph.tensors[overlap.output]
    if not source.arena_bytes or source.variable or not {source.type, output.type} <= _TYPES:
        return False
    return together or list(operator.inputs).count(overlap.input) == 1
