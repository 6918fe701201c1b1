# SPDX-License-Identifier: Apache-2.0
"""A .tflite file as plain data: tensors and the operators in the order in which they run."""

import functools
import math
import struct
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from keras_unetmm.tflite_file.validate import OperatorError, options_class, validate_operators
from keras_unetmm.tflite_file.vectors import validate_vectors


class TFLiteFileError(ValueError):
    """The file is not a .tflite file, or it is damaged."""


def _names(enumeration):
    return {value: name for name, value in vars(enumeration).items() if not name.startswith("_")}


DAMAGE = (  # what reading and planning a damaged file can raise
    *(ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError, TypeError, ValueError, struct.error),
)
_MOST_BYTES = 2**48  # of a tensor, counted without its sizes of 0: products of them stay within 64 bits
_MOST_RANK = 16
PLAN = b"OfflineMemoryAllocation"  # the metadata in which TFLM looks for a plan
_TYPES = _names(schema.TensorType)
_OPERATORS = _names(schema.BuiltinOperator)
_OPTIONS = _names(schema.BuiltinOptions)
_ARENA_BYTES = {"INT4": 1, "UINT4": 1, "INT2": 1, "RESOURCE": 4}  # an element's, where TFLM does not pack as the file does
_BITS = {
    **{"FLOAT64": 64, "INT64": 64, "UINT64": 64, "COMPLEX64": 64, "COMPLEX128": 128},
    **{"FLOAT32": 32, "INT32": 32, "UINT32": 32, "FLOAT16": 16, "BFLOAT16": 16, "INT16": 16, "UINT16": 16},
    **{"INT8": 8, "UINT8": 8, "BOOL": 8, "INT4": 4, "UINT4": 4, "INT2": 2},
}


@dataclass(frozen=True)
class Tensor:
    """One tensor of a graph.

    Attributes:
        name: str.
        shape: tuple of int.
        type: str, the schema's name, such as `"INT8"`.
        data: bytes of a constant as a numpy array of uint8, or None for what the operators compute.
        scales: tuple of float, one or one a channel; empty if not quantised.
        zero_points: tuple of int, as many.
        variable: bool, whether its value lives on between runs, or it is the handle of what does.
        sparse: bool, whether it is a constant of which the file holds some values and their places only.
    """

    name: str
    shape: tuple
    type: str
    data: np.ndarray | None
    scales: tuple
    zero_points: tuple
    variable: bool
    sparse: bool = False

    @property
    def bytes(self):
        """Bytes of its values; unknown types (strings, resources) have none in an arena."""
        return math.ceil(math.prod(self.shape) * _BITS.get(self.type, 0) / 8)

    @property
    def element_bytes(self):
        """Bytes of one of its values in TFLM's arena."""
        return _ARENA_BYTES.get(self.type, _BITS.get(self.type, 0) // 8)

    @property
    def arena_bytes(self):
        """Bytes that it takes in TFLM's arena, before alignment; a constant stays in flash."""
        return 0 if self.data is not None else math.prod(self.shape) * self.element_bytes


@dataclass(frozen=True)
class Operator:
    """One operator: its schema name (`"CONV_2D"`), tensor indices (-1 for an absent one) and options.

    Attributes:
        options: the schema's table, or the bytes of a custom operator's options, or None.
        custom: bool, whether the name is a custom operator's.
    """

    name: str
    inputs: tuple
    outputs: tuple
    options: object | None
    custom: bool = False


@dataclass(frozen=True)
class Graph:
    """One subgraph; `inputs` and `outputs` are tensor indices."""

    tensors: tuple
    operators: tuple
    inputs: tuple
    outputs: tuple

    def producer(self, index):
        """Returns the operator that computes tensor `index`, or None."""
        return next((operator for operator in self.operators if index in operator.outputs), None)


@dataclass(frozen=True)
class Model:
    """A whole file: its graphs, the first of which runs, its size, and the plan for TFLM that it may hold.

    Attributes:
        graphs: tuple of `Graph`.
        file_bytes: int.
        offsets: tuple of int, the arena's bytes at which the plan puts the tensors, counted over all graphs, -1 where
            TFLM chooses; or None without a plan that fits the file.
    """

    graphs: tuple
    file_bytes: int
    offsets: tuple | None = None

    @property
    def main(self):
        """The graph that runs."""
        return self.graphs[0]

    def tensor(self, number):
        """Returns the tensor with that number, counted over all graphs."""
        for graph in self.graphs:
            if number < len(graph.tensors):
                return graph.tensors[number]
            number -= len(graph.tensors)
        raise IndexError(number)


def load(file):
    """Returns the bytes of a .tflite file given as a path or as bytes.

    Raises:
        TFLiteFileError: if they do not start like a .tflite file.
        OSError: if the file cannot be read.
    """
    content, what = (bytes(file), "bytes") if isinstance(file, (bytes, bytearray)) else (Path(file).read_bytes(), str(file))
    if content[4:8] != b"TFL3":
        raise TFLiteFileError(
            f"file must be a .tflite file, whose bytes 4 to 7 are b'TFL3'. Received: {what}, {len(content)} bytes with "
            f"{content[4:8]!r} there. Pass what `unetmm convert` or the TensorFlow Lite converter wrote."
        )
    return content


def read(file, validate=True):
    """Reads a .tflite file.

    Args:
        file: path or bytes.
        validate: bool, whether operators must have what their kinds need; not where names alone are looked at.

    Returns:
        A `Model`.

    Raises:
        TFLiteFileError: if the file is not a .tflite file, cut short or damaged.
        OSError: if the file cannot be read.
    """
    content = load(file)
    try:
        model = _read(content)
        for graph in model.graphs if validate else ():
            validate_operators(graph, len(model.graphs))
    except OperatorError as error:
        raise TFLiteFileError(
            f"file is damaged: an operator lacks a tensor, a size or an option that it needs: {error}. Convert it again."
        ) from error
    except DAMAGE as error:
        raise TFLiteFileError(
            f"file is cut short or damaged: a table in it points outside its {len(content)} bytes or makes no sense "
            f"({type(error).__name__}: {error}). Copy or convert it again."
        ) from error
    return model


def _read(content):
    model = schema.Model.GetRootAs(content)
    validate_vectors(model, len(content))
    codes = [_operator_name(model.OperatorCodes(i)) for i in range(model.OperatorCodesLength())]
    buffers = [_buffer(model.Buffers(i), content) for i in range(model.BuffersLength())]
    graphs = tuple(_graph(model.Subgraphs(i), codes, buffers) for i in range(model.SubgraphsLength()))
    if not graphs:
        raise ValueError("no subgraph")
    return Model(graphs, len(content), _offsets(model, buffers, sum(len(graph.tensors) for graph in graphs)))


def _offsets(model, buffers, tensors):
    """The plan of the last entry, which is the one that TFLM obeys."""
    entries = [model.Metadata(i) for i in range(model.MetadataLength())]
    plans = [buffers[entry.Buffer()] for entry in entries if entry.Name() == PLAN]
    if not plans or plans[-1] is None or len(plans[-1]) < 4 * (3 + tensors):
        return None
    numbers = np.frombuffer(plans[-1].tobytes()[: 4 * (3 + tensors)], "<i4").tolist()
    return tuple(numbers[3:]) if numbers[2] == tensors else None


def _operator_name(code):
    number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
    if number == schema.BuiltinOperator.CUSTOM:
        return (code.CustomCode() or b"CUSTOM").decode(errors="replace"), True
    return _OPERATORS[number], False


def _buffer(buffer, content):
    """The bytes of a constant; large files keep them behind the tables, at an offset from the file's start."""
    if buffer.Offset() > 1:
        end = buffer.Offset() + buffer.Size()
        if end > len(content):
            raise ValueError(f"a constant ends at byte {end}")
        return np.frombuffer(content, np.uint8)[buffer.Offset() : end]
    return buffer.DataAsNumpy() if buffer.DataLength() else None


def _graph(graph, codes, buffers):
    tensors = tuple(_tensor(graph.Tensors(i), buffers) for i in range(graph.TensorsLength()))
    operators = tuple(_operator(graph.Operators(i), codes) for i in range(graph.OperatorsLength()))
    inputs, outputs = _indices(graph.InputsAsNumpy()), _indices(graph.OutputsAsNumpy())
    for index in (*inputs, *outputs, *(i for op in operators for i in (*op.inputs, *op.outputs))):
        if not -1 <= index < len(tensors):
            raise ValueError(f"tensor {index} of {len(tensors)}")
    handles = {i for op in operators if op.name == "VAR_HANDLE" for i in op.outputs}  # TFLM keeps them with the operator
    tensors = tuple(replace(tensor, variable=True) if i in handles else tensor for i, tensor in enumerate(tensors))
    made = Counter(i for op in operators for i in op.outputs)
    if any(count > 1 for index, count in made.items() if index >= 0 and not tensors[index].variable):
        raise ValueError("a tensor that two operators compute")
    return Graph(tensors, operators, inputs, outputs)


def _tensor(tensor, buffers):
    shape = _indices(tensor.ShapeAsNumpy())
    data = buffers[tensor.Buffer()]
    kind = _TYPES[tensor.Type()]
    if len(shape) > _MOST_RANK or any(size < 0 for size in shape):
        raise ValueError(f"a tensor of the shape {shape}")
    if math.prod(size for size in shape if size) * _BITS.get(kind, 8) // 8 > _MOST_BYTES:
        raise ValueError(f"a tensor of the shape {shape}, of more than {_MOST_BYTES:,} bytes")
    if data is not None and kind in _BITS:
        expected = math.ceil(math.prod(shape) * _BITS[kind] / 8)
        some = tensor.Sparsity() is not None and len(data) <= expected and not len(data) * 8 % _BITS[kind]
        if len(data) != expected and not some:
            raise ValueError(f"a constant of {len(data)} bytes where its shape {shape} needs {expected}")
    quantization = tensor.Quantization()
    scales = () if quantization is None or not quantization.ScaleLength() else tuple(quantization.ScaleAsNumpy().tolist())
    points = () if quantization is None else _indices(quantization.ZeroPointAsNumpy())
    name = (tensor.Name() or b"").decode(errors="replace")
    sparse = data is not None and tensor.Sparsity() is not None
    return Tensor(name, shape, kind, data, scales, points, tensor.IsVariable(), sparse)


def _operator(operator, codes):
    options = None
    kind, table = operator.BuiltinOptionsType(), operator.BuiltinOptions()
    if kind and table is not None:
        options = getattr(schema, _OPTIONS[kind])()
        options.Init(table.Bytes, table.Pos)
    name, custom = codes[operator.OpcodeIndex()]
    own = None if custom else options_class(name)
    if own is not None and not isinstance(options, own):  # absent, or of another kind: interpreters take what is left out
        options = _left_out(own)
    if custom:
        options = operator.CustomOptionsAsNumpy().tobytes() if operator.CustomOptionsLength() else b""
    inputs, outputs = _indices(operator.InputsAsNumpy()), _indices(operator.OutputsAsNumpy())
    return Operator(name, inputs, outputs, options, custom)


@functools.cache
def _left_out(kind):
    """Options of that class in which nothing is written."""
    builder = flatbuffers.Builder(0)
    builder.StartObject(0)
    builder.Finish(builder.EndObject())
    return kind.GetRootAs(bytes(builder.Output()))


def _indices(array):
    return () if isinstance(array, int) else tuple(array.tolist())  # the schema gives 0 for an absent vector
