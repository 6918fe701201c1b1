# SPDX-License-Identifier: Apache-2.0
"""Operators that make one byte of one byte: a table of 256 bytes, which the interpreter itself fills."""

import math

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from keras_unetmm.engine.kernels.kernel import NoKernelError, Parameters, Same, Values
from keras_unetmm.engine.kernels.maps import kernel_without_weights, validate_types

UNARY = (
    *("ABS", "ELU", "HARD_SWISH", "LEAKY_RELU", "LOGISTIC", "QUANTIZE"),
    *("RELU", "RELU6", "RSQRT", "TANH"),
)
BINARY = ("ADD", "DIV", "MAXIMUM", "MINIMUM", "MUL", "PRELU", "SQUARED_DIFFERENCE", "SUB")  # with a constant of one element


def fits(graph, operator):
    """Whether an operator makes each int8 of one int8, whatever its place."""
    return operator.name in (*UNARY, *BINARY) and one_to_one(graph, [operator])


def one_to_one(graph, operators):
    """Whether operators, in the order in which they run, make each int8 of the last output of one int8 of one map.

    Each may read the map and what the others made, several times too, and constants of one element.
    """
    try:
        source = source_of(graph, operators)
    except ValueError:
        return False
    made = {i for operator in operators for i in operator.outputs}
    for operator in operators:
        constants = [i for i in operator.inputs if graph.tensors[i].data is not None]
        maps = [i for i in operator.inputs if graph.tensors[i].data is None]
        tensors = [graph.tensors[i] for i in (*operator.inputs, *operator.outputs)]
        if operator.name not in (*UNARY, *BINARY) or not set(maps) <= {source, *made}:
            return False
        if any(t.type != "INT8" for t in tensors) or any(math.prod(graph.tensors[i].shape) != 1 for i in constants):
            return False
        if any(
            math.prod(graph.tensors[i].shape) != math.prod(graph.tensors[source].shape) for i in (*maps, *operator.outputs)
        ):
            return False
    return True


def source_of(graph, operators):
    """Returns the one map that a chain reads."""
    made = {i for operator in operators for i in operator.outputs}
    read = {i for operator in operators for i in operator.inputs if graph.tensors[i].data is None} - made
    if len(read) != 1:
        raise ValueError(f"operators must read one map. Received: {sorted(read)}.")
    return read.pop()


def kernel(graph, operator, tables=None):
    """Returns the `Kernel` of one such operator."""
    tensors = [graph.tensors[i] for i in (*operator.inputs, *operator.outputs)]
    validate_types(operator, tensors, ("INT8",))
    return chain_kernel(graph, [operator], tables)


def chain_kernel(graph, operators, tables):
    """Returns the `Kernel` of a chain for which `one_to_one` holds.

    Args:
        graph: `Graph`.
        operators: list of `Operator`, in the order in which they run; the last makes the output.
        tables: function from a file of one int8 input of shape (1, 16, 16, 1) to its 256 output bytes.

    Raises:
        NoKernelError: if the chain is no function of one byte, or without `tables`.
    """
    name = "-".join(operator.name for operator in operators)
    if not one_to_one(graph, operators):
        raise NoKernelError(f"{name} is no function of one byte.", "Use constants of one element, and int8 throughout.")
    if tables is None:
        raise NoKernelError(f"{name} needs a table that an interpreter fills, and there is none.", "Give `tables`.")
    source, output = source_of(graph, operators), operators[-1].outputs[0]
    shape = graph.tensors[output].shape
    channels = shape[-1] if shape else 1
    inputs = ((source, Same()),)
    content = np.asarray(tables(chain_file(graph, operators)), "uint8").reshape(256)
    parameters = Parameters("unetmm_table", {"table": Values("uint8_t", np.roll(content, 128)), "channels": channels})
    return kernel_without_weights(graph, output, "unetmm_table_int8", "unetmm_table", parameters, inputs, channels)


def chain_file(graph, operators):
    """Returns a .tflite file of a chain, with one int8 input and output of shape (1, 16, 16, 1)."""
    writer = _Writer(graph)
    source = writer.tensor(source_of(graph, operators))
    for operator in operators:
        inputs = [writer.tensor(i) for i in operator.inputs]
        if operator.name == "RSQRT":  # TFLM stops at what stands for a negative number: no such byte reaches it
            inputs = [writer.at_least_zero(operator.inputs[0], inputs[0])]
        writer.operator(operator.name, inputs, [writer.tensor(operator.outputs[0])], operator.options)
    return writer.file(source, writer.tensor(operators[-1].outputs[0]))


class _Writer:
    """Copies tensors and operators of a graph into a new file, where each map has the shape (1, 16, 16, 1)."""

    def __init__(self, graph):
        self.graph, self.numbers = graph, {}
        self.model, self.main = schema.ModelT(), schema.SubGraphT()
        self.model.version, self.model.description = 3, "table"
        self.model.buffers, self.model.operatorCodes, self.model.subgraphs = [schema.BufferT()], [], [self.main]
        self.main.tensors, self.main.operators = [], []

    def tensor(self, index):
        if index not in self.numbers:
            old = self.graph.tensors[index]
            shape = (1, 16, 16, 1) if old.data is None else old.shape
            self.numbers[index] = self.new(shape, old.scales[:1], old.zero_points[:1], old.data)
        return self.numbers[index]

    def new(self, shape, scales, zero_points, data=None):
        made = schema.TensorT()
        made.name, made.shape, made.type = f"t{len(self.main.tensors)}", list(shape), schema.TensorType.INT8
        made.quantization = schema.QuantizationParametersT()
        made.quantization.scale = np.array(scales, "float32")
        made.quantization.zeroPoint = np.array(zero_points, "int64")
        made.buffer = 0
        if data is not None:
            made.buffer, buffer = len(self.model.buffers), schema.BufferT()
            buffer.data = np.array(data, "uint8")
            self.model.buffers.append(buffer)
        self.main.tensors.append(made)
        return len(self.main.tensors) - 1

    def at_least_zero(self, index, number):
        old = self.graph.tensors[index]
        least = np.array(old.zero_points[:1], "int8").view("uint8")
        zero = self.new((1,), old.scales[:1], old.zero_points[:1], least)
        made = self.new((1, 16, 16, 1), old.scales[:1], old.zero_points[:1])
        self.operator("MAXIMUM", [number, zero], [made], None)
        return made

    def operator(self, name, inputs, outputs, options):
        code, made = schema.OperatorCodeT(), schema.OperatorT()
        code.builtinCode, code.version = getattr(schema.BuiltinOperator, name), 1
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)
        made.opcodeIndex, made.inputs, made.outputs = len(self.model.operatorCodes), inputs, outputs
        if options is not None:
            kind = type(options).__name__
            made.builtinOptions = getattr(schema, f"{kind}T").InitFromObj(options)
            made.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
        self.model.operatorCodes.append(code)
        self.main.operators.append(made)

    def file(self, source, output):
        self.main.inputs, self.main.outputs = np.array([source], "int32"), np.array([output], "int32")
        builder = flatbuffers.Builder(1024)
        builder.Finish(self.model.Pack(builder), file_identifier=b"TFL3")
        return bytes(builder.Output())
