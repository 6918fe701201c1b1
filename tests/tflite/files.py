"""Small .tflite files made by hand, so that the compiler is tested on graphs that no converter of ours wrote."""

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from tflite.network import Network

from keras_unetmm.interpreters.runtime import run
from keras_unetmm.tflite_file.graph import read

TYPES = {"int8": schema.TensorType.INT8, "int32": schema.TensorType.INT32, "float32": schema.TensorType.FLOAT32}


def build(tensors, operators, inputs, outputs):
    """Returns the bytes of a .tflite file.

    Args:
        tensors: list of `(shape, numpy array or None)`; int8 unless the array says otherwise, scale 1/64.
        operators: list of `(operator name, inputs, outputs, options object or None)`; a custom one if the schema does not
            know the name.
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
    code.builtinCode = getattr(schema.BuiltinOperator, name, schema.BuiltinOperator.CUSTOM)
    code.customCode = name if code.builtinCode == schema.BuiltinOperator.CUSTOM else None
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


_TANGLED = (
    lambda net, x, other, n: net.unary("RELU", x),
    lambda net, x, other, n: net.conv(x, n, (3, 3)),
    lambda net, x, other, n: net.depthwise(x, stride=(2, 2)),
    lambda net, x, other, n: net.transposed(x, 3) if net.shape(x)[1] < 10 else net.pool("MAX_POOL_2D", x, stride=(2, 2)),
    lambda net, x, other, n: net.binary("ADD", x, other),
    lambda net, x, other, n: net.concatenate([x, other], 1 + n % 3),
    lambda net, x, other, n: net.split_v(x, [2, net.shape(x)[3] - 2]) if net.shape(x)[3] > 2 else net.split(x, 1, 3),
    lambda net, x, other, n: net.mean(x, (1, 2)),
    lambda net, x, other, n: net.reshape(x, 1, net.shape(x)[2], net.shape(x)[1], net.shape(x)[3]),
    lambda net, x, other, n: net.pad(x, (0, 0), (1, 0), (0, 1), (0, 0)),
)


def tangle(seed, operators=10):
    """Random operators on random tensors that are there: skips, several outputs, scratch, results that nothing reads.

    There are three inputs, the last of which is an output too, and one may be unused.
    """
    rng, net = np.random.default_rng(seed), Network(seed)
    tensors = [net.input(1, 6, 6, 8), net.input(1, 3, 9, 4), net.input(1, 4, 4, 4)]
    for _ in range(operators):
        x = int(rng.choice(tensors))
        other = int(rng.choice([tensor for tensor in tensors if net.shape(tensor) == net.shape(x)]))
        made = _TANGLED[rng.integers(len(_TANGLED))](net, x, other, int(rng.integers(1, 12)))
        tensors += made if isinstance(made, list) else [made]
    return net.file(*sorted({2, *(int(i) for i in rng.choice(tensors[3:], 2)), tensors[-1]}))


def inputs(content, seed=0):
    """Random arrays for the inputs of a file."""
    rng, graph = np.random.default_rng(seed), read(content).main
    arrays = []
    for tensor in (graph.tensors[index] for index in graph.inputs):
        if tensor.type == "FLOAT32":
            arrays.append(rng.uniform(-1, 1, tensor.shape).astype("float32"))
        else:
            low, high = {"INT8": (-128, 127), "INT16": (-(2**15), 2**15 - 1)}.get(tensor.type, (0, 1))
            arrays.append(rng.integers(low, high, tensor.shape, endpoint=True).astype(tensor.type.lower()))
    return arrays


def outputs(content, seed=0):
    """What TFLM computes from random inputs, as bytes."""
    return [output.tobytes() for output in run(content, inputs(content, seed)).outputs]
