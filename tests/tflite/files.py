"""Small .tflite files made by hand, so that the compiler is tested on graphs that no converter of ours wrote."""

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

TYPES = {"int8": schema.TensorType.INT8, "int32": schema.TensorType.INT32, "float32": schema.TensorType.FLOAT32}


def build(tensors, operators, inputs, outputs):
    """Returns the bytes of a .tflite file.

    Args:
        tensors: list of `(shape, numpy array or None)`; int8 unless the array says otherwise, scale 1/64.
        operators: list of `(operator name, inputs, outputs, options object or None)`.
        inputs, outputs: lists of tensor indices.
    """
    model = schema.ModelT()
    model.version, model.description = 3, "test"
    model.buffers, model.operatorCodes = [schema.BufferT()], []
    graph = schema.SubGraphT()
    graph.inputs, graph.outputs = inputs, outputs
    graph.tensors = [_tensor(model, i, *tensor) for i, tensor in enumerate(tensors)]
    graph.operators = [_operator(model, *operator) for operator in operators]
    model.subgraphs = [graph]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def _tensor(model, index, shape, data):
    tensor, buffer = schema.TensorT(), schema.BufferT()
    tensor.name, tensor.shape, tensor.buffer = f"graph/t{index}/value", list(shape), len(model.buffers)
    tensor.type = TYPES["int8" if data is None else str(data.dtype)]
    if tensor.type != schema.TensorType.FLOAT32:
        quantization = schema.QuantizationParametersT()
        scales = shape[0] if data is not None and len(shape) == 4 else 1
        quantization.scale = [1 / 64] * scales
        quantization.zeroPoint = [0] * scales
        tensor.quantization = quantization
    if data is not None:
        buffer.data = np.frombuffer(data.tobytes(), "uint8")
    model.buffers.append(buffer)
    return tensor


def _operator(model, name, inputs, outputs, options):
    code, operator = schema.OperatorCodeT(), schema.OperatorT()
    code.builtinCode = getattr(schema.BuiltinOperator, name)
    code.deprecatedBuiltinCode = min(code.builtinCode, 127)
    code.version = 2
    operator.opcodeIndex, operator.inputs, operator.outputs = len(model.operatorCodes), inputs, outputs
    if options is not None:
        operator.builtinOptions = options
        operator.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__[:-1])
    model.operatorCodes.append(code)
    return operator


def chain(length, shape=(1, 8, 8, 4)):
    """RELU after RELU; each needs its input and its output and nothing else."""
    operators = [("RELU", [i], [i + 1], None) for i in range(length)]
    return build([(shape, None)] * (length + 1), operators, [0], [length])


def unet(size=8, channels=4):
    """A skip around a pooled branch: t1 waits while t2, t3 and t4 are computed at half the size.

    Operators: 0 RELU t0 -> t1, 1 MAX_POOL t1 -> t2, 2 RELU t2 -> t3, 3 RELU t3 -> t4,
    4 RESIZE t4 -> t5, 5 ADD t1 + t5 -> t6.
    """
    full, half = (1, size, size, channels), (1, size // 2, size // 2, channels)
    pool = schema.Pool2DOptionsT()
    pool.filterHeight = pool.filterWidth = pool.strideH = pool.strideW = 2
    pool.padding = schema.Padding.VALID
    tensors = [(full, None), (full, None), (half, None), (half, None), (half, None), (full, None), (full, None)]
    tensors.append(((2,), np.array([size, size], "int32")))
    operators = [
        ("RELU", [0], [1], None),
        ("MAX_POOL_2D", [1], [2], pool),
        ("RELU", [2], [3], None),
        ("RELU", [3], [4], None),
        ("RESIZE_NEAREST_NEIGHBOR", [4, 7], [5], schema.ResizeNearestNeighborOptionsT()),
        ("ADD", [1, 5], [6], schema.AddOptionsT()),
    ]
    return build(tensors, operators, [0], [6])


def convolutions():
    """A 3x3 convolution 2 -> 4 with stride 2, a 3x3 depthwise one, and their biases."""
    conv, depthwise = schema.Conv2DOptionsT(), schema.DepthwiseConv2DOptionsT()
    conv.strideH = conv.strideW = 2
    depthwise.strideH = depthwise.strideW = depthwise.depthMultiplier = 1
    tensors = [
        ((1, 8, 12, 2), None),
        ((4, 3, 3, 2), np.ones((4, 3, 3, 2), "int8")),
        ((4,), np.zeros(4, "int32")),
        ((1, 4, 6, 4), None),
        ((1, 3, 3, 4), np.ones((1, 3, 3, 4), "int8")),
        ((1, 4, 6, 4), None),
    ]
    operators = [("CONV_2D", [0, 1, 2], [3], conv), ("DEPTHWISE_CONV_2D", [3, 4, 2], [5], depthwise)]
    return build(tensors, operators, [0], [5])
