# SPDX-License-Identifier: Apache-2.0
"""A .tflite file as the verifier reads it: the tensors and operators of every graph."""

import math
from dataclasses import dataclass

import numpy as np
from ai_edge_litert import schema_py_generated as schema


class PlanRefused(ValueError):  # noqa: N818
    """The memory plan of a file is missing, does not fit the file, or lets one tensor destroy another."""


def types(names):
    """Returns the numbers of types given by their names in the schema, set apart by blanks."""
    return {getattr(schema.TensorType, name) for name in names.split()}


# bytes of an element in TFLM's memory: int4 is unpacked there, a resource is a number
_ELEMENT_BYTES = {
    **dict.fromkeys(types("INT4 INT8 UINT8 BOOL"), 1),
    **dict.fromkeys(types("INT16 UINT16 FLOAT16 BFLOAT16"), 2),
    **dict.fromkeys(types("INT32 UINT32 FLOAT32 RESOURCE"), 4),
    **dict.fromkeys(types("INT64 UINT64 FLOAT64 COMPLEX64"), 8),
    **dict.fromkeys(types("COMPLEX128"), 16),
}


def _names(enumeration):
    return {number: name for name, number in vars(enumeration).items() if not name.startswith("_")}


_TYPES = _names(schema.TensorType)
_OPERATORS, _OPTIONS = _names(schema.BuiltinOperator), _names(schema.BuiltinOptions)


@dataclass(eq=False)
class Tensor:
    """A tensor, its place in the arena, and the first and last scope of its life.

    Attributes:
        label: str, for messages.
        shape: tuple of int.
        type: int, the schema's.
        element_bytes: int, of one of its values in the arena.
        data: bytes of a constant as a numpy array, or None.
        apart: str, why TFLM keeps it elsewhere than in the plan, such as `"a constant"`; empty if it does not.
        offset: int, bytes from the start of the arena, as planned; -1 for none.
        first, last: int, scopes; None if no operator touches it.
    """

    label: str
    shape: tuple
    type: int
    element_bytes: int
    data: np.ndarray | None
    apart: str
    offset: int = -1
    first: int | None = None
    last: int | None = None

    @property
    def size(self):
        """Bytes in the arena."""
        return math.prod(self.shape) * self.element_bytes

    def __str__(self):
        return f"{self.label} at bytes {self.offset:,} to {self.offset + self.size:,}"


@dataclass(eq=False)
class Operator:
    """An operator.

    Attributes:
        label: str, for messages.
        name: str, the schema's; `"CUSTOM "` and its own for a custom operator.
        inputs: tuple of `Tensor`, None for an absent one.
        outputs: tuple of `Tensor`.
        table: the schema's operator.
        scope: int, when it runs; of one in another graph than the main one, when it does so last.
    """

    label: str
    name: str
    inputs: tuple
    outputs: tuple
    table: object
    scope: int = -1

    @property
    def options(self):
        """The schema's table of its options."""
        table, kind = self.table.BuiltinOptions(), _OPTIONS[self.table.BuiltinOptionsType()]
        options = getattr(schema, kind)()
        options.Init(table.Bytes, table.Pos)
        return options


@dataclass(eq=False)
class Graph:
    """One subgraph, its tensors in the file's order."""

    tensors: tuple
    operators: tuple
    inputs: tuple
    outputs: tuple


def read(model):
    """Returns a list of the `Graph`s of the schema's model, with offsets and lives still unknown."""
    names = [_name(model.OperatorCodes(i)) for i in range(model.OperatorCodesLength())]
    graphs = [_graph(model.Subgraphs(i), i, names, model) for i in range(model.SubgraphsLength())]
    if not graphs:
        raise PlanRefused("file has no subgraph.")
    return graphs


def _name(code):
    number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
    name = _OPERATORS.get(number, f"unknown ({number})")
    return f"{name} {(code.CustomCode() or b'').decode(errors='replace')}" if name == "CUSTOM" else name


def _graph(graph, number, names, model):
    where = f" of subgraph {number}" if number else ""
    tensors = [_tensor(graph.Tensors(i), f"tensor {i}", where, model) for i in range(graph.TensorsLength())]

    def pick(array, absent=False):
        indices = integers(array)
        if any(not -absent <= i < len(tensors) for i in indices):
            raise PlanRefused(f"indices {indices} must be those of the {len(tensors)} tensors{where}.")
        return tuple(None if i < 0 else tensors[i] for i in indices)

    operators = []
    for i in range(graph.OperatorsLength()):
        table = graph.Operators(i)
        name = names[table.OpcodeIndex()]
        inputs, outputs = pick(table.InputsAsNumpy(), absent=True), pick(table.OutputsAsNumpy())
        operators.append(Operator(f"operator {i} {name}{where}", name, inputs, outputs, table))
        for handle in outputs if name == "VAR_HANDLE" else ():
            handle.apart = "a variable's handle"  # TFLM keeps it with the operator

    inputs, outputs = pick(graph.InputsAsNumpy()), pick(graph.OutputsAsNumpy())
    written = set()
    for tensor in (*inputs, *(tensor for operator in operators for tensor in operator.outputs)):
        if tensor in written or tensor.data is not None:
            kind = "a constant" if tensor.data is not None else "an input or computed before"
            raise PlanRefused(f"{tensor.label} is computed by an operator, but it is {kind}.")
        written.add(tensor)
    return Graph(tuple(tensors), tuple(operators), inputs, outputs)


def _tensor(table, label, where, model):
    label = f"{label} {(table.Name() or b'').decode(errors='replace')!r}{where}"
    shape = integers(table.ShapeAsNumpy())
    if any(size < 0 for size in shape) or table.Type() not in _ELEMENT_BYTES:
        raise PlanRefused(f"{label} has the shape {shape} and type {_TYPES.get(table.Type())}, for which TFLM has no size.")
    if table.Buffer() >= model.BuffersLength():
        raise PlanRefused(f"{label} has buffer {table.Buffer()} of {model.BuffersLength()}.")
    buffer, data = model.Buffers(table.Buffer()), None
    if buffer.DataLength() or buffer.Size():
        data = buffer.DataAsNumpy() if buffer.DataLength() else np.zeros(0, "uint8")
    kept = ((data is not None, "a constant"), (table.IsVariable(), "a variable"), (0 in shape, "empty"))
    apart = next((why for holds, why in kept if holds), "")
    return Tensor(label, shape, table.Type(), _ELEMENT_BYTES[table.Type()], data, apart)


def integers(array):
    """Returns a vector of the schema as a tuple."""
    return () if isinstance(array, int) else tuple(array.tolist())  # the schema gives 0 for an absent vector
