"""Networks of any operators, made by hand with random weights: what no converter of ours would write."""

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

ONE_VERSION = ("PRELU", "RESHAPE", "SHAPE")  # operators that TFLite has in one version only


class Network:
    """A file made operator by operator; every method adds operators and returns the tensor that they make.

    Maps are `(batch, height, width, channels)`. Weights are random and have a scale for each channel; those of `dtype`
    float32 have none.

    Args:
        seed: int, of the random constants.
        dtype: str, of all maps: `"int8"`, `"int16"`, `"uint8"` or `"float32"`.
    """

    def __init__(self, seed=0, dtype="int8"):
        self.rng, self.dtype = np.random.default_rng(seed), dtype
        self.model = schema.ModelT()
        self.model.version, self.model.description = 3, "test"
        self.model.buffers, self.model.operatorCodes, self.model.subgraphs = [schema.BufferT()], [], []
        self.subgraph()

    def subgraph(self):
        """Begins another graph: what follows is added to it. Returns its number."""
        self.graph = schema.SubGraphT()
        self.graph.tensors, self.graph.operators, self.graph.inputs, self.graph.outputs = [], [], [], []
        self.model.subgraphs.append(self.graph)
        return len(self.model.subgraphs) - 1

    def tensor(self, shape, scale=1 / 64, zero_point=0, dtype=None, data=None, axis=0):
        """Adds a tensor; `scale` is one number, or one for each place along `axis`, or None."""
        tensor, dtype = schema.TensorT(), dtype or self.dtype
        tensor.name, tensor.shape, tensor.buffer = f"graph/t{len(self.graph.tensors)}/value", list(shape), 0
        tensor.type = getattr(schema.TensorType, dtype.upper())
        if scale is not None and dtype not in ("float32", "bool"):
            quantization = schema.QuantizationParametersT()
            quantization.scale = np.atleast_1d(np.asarray(scale, "float32"))
            quantization.zeroPoint = np.full(len(quantization.scale), 0 if dtype == "int16" else zero_point, "int64")
            quantization.quantizedDimension = axis if len(quantization.scale) > 1 else 0
            tensor.quantization = quantization
        if data is not None:
            buffer, tensor.buffer = schema.BufferT(), len(self.model.buffers)
            buffer.data = np.frombuffer(np.ascontiguousarray(data).tobytes(), "uint8")
            self.model.buffers.append(buffer)
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def input(self, *shape, **options):
        """Adds an input of the graph."""
        self.graph.inputs.append(self.tensor(shape, **options))
        return self.graph.inputs[-1]

    def numbers(self, *values):
        """Adds a constant of 32-bit integers."""
        return self.tensor((len(values),), None, dtype="int32", data=np.array(values, "int32"))

    def constant(self, *shape, scale=1 / 64, zero_point=0, axis=0):
        """Adds a constant of random values of the network's type."""
        if self.dtype == "float32":
            return self.tensor(shape, data=self.rng.normal(size=shape).astype("float32"))
        limits = np.iinfo(self.dtype)
        values = self.rng.integers(limits.min, limits.max, shape, endpoint=True)
        return self.tensor(shape, scale, zero_point, data=values.astype(self.dtype), axis=axis)

    def shape(self, tensor):
        """Returns a tensor's shape."""
        return tuple(self.graph.tensors[tensor].shape)

    def scale(self, tensor):
        """Returns a tensor's first scale and zero point."""
        quantization = self.graph.tensors[tensor].quantization
        return None if quantization is None else (float(quantization.scale[0]), int(quantization.zeroPoint[0]))

    def like(self, tensor, *shape):
        """Adds a tensor of another one's scale and zero point."""
        scale, point = self.scale(tensor) or (None, 0)
        return self.tensor(shape or self.shape(tensor), scale, point, self.type(tensor))

    def type(self, tensor):
        """Returns a tensor's type as numpy calls it."""
        names = {value: name.lower() for name, value in vars(schema.TensorType).items() if not name.startswith("_")}
        return names[self.graph.tensors[tensor].type]

    def operator(self, name, inputs, outputs, options=None, **values):
        """Adds an operator; `options` names the schema's options, which `values` fill. Returns its first output."""
        code, operator = schema.OperatorCodeT(), schema.OperatorT()
        code.builtinCode = getattr(schema.BuiltinOperator, name, schema.BuiltinOperator.CUSTOM)
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)
        code.version = 1 if name in ONE_VERSION else 2
        code.customCode = None if hasattr(schema.BuiltinOperator, name) else name
        operator.opcodeIndex = len(self.model.operatorCodes)
        operator.inputs, operator.outputs = list(inputs), list(outputs)
        if options:
            operator.builtinOptions = getattr(schema, f"{options}OptionsT")()
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, f"{options}Options")
            for field, value in values.items():
                setattr(operator.builtinOptions, field, value)
        self.model.operatorCodes.append(code)
        self.graph.operators.append(operator)
        return outputs[0]

    def unary(self, name, x, **quantization):
        """An operator that keeps the shape: RELU, QUANTIZE, SOFTMAX and the like."""
        made = self.tensor(self.shape(x), **quantization) if quantization else self.like(x)
        options, values = {"LEAKY_RELU": ("LeakyRelu", {"alpha": 0.1}), "SOFTMAX": ("Softmax", {"beta": 1.0})}.get(
            name, (None, {})
        )
        return self.operator(name, [x], [made], options, **values)

    def logistic(self, x):
        """LOGISTIC, with the only scale that TFLM takes."""
        return (
            self.unary("LOGISTIC", x, scale=1 / 2**15, zero_point=0)
            if self.dtype == "int16"
            else (self.unary("LOGISTIC", x, scale=1 / 256, zero_point=-128))
        )

    def binary(self, name, a, b, **quantization):
        """ADD, SUB, MUL or the like of two tensors, one of which may be broadcast."""
        shape = np.broadcast_shapes(self.shape(a), self.shape(b))
        options = {"ADD": "Add", "SUB": "Sub", "MUL": "Mul", "SQUARED_DIFFERENCE": "SquaredDifference"}
        made = self.tensor(shape, **quantization) if quantization else self.like(a, *shape)
        return self.operator(name, [a, b], [made], options.get(name, "MaximumMinimum"))

    def conv(self, x, filters, kernel=(1, 1), bias=True, scale=1 / 64, zero_point=0, inner=None, **window):
        """CONV_2D; `inner` is the depth of its weights, less than the input's for a grouped one."""
        channels = inner or self.shape(x)[3]
        weights = self._weights((filters, *kernel, channels), 0, channels * kernel[0] * kernel[1])
        inputs = [x, weights, *([self._bias(x, weights, filters)] if bias else [])]
        output = self.tensor((*self._window(x, kernel, **window), filters), scale, zero_point)
        return self.operator("CONV_2D", inputs, [output], "Conv2D", **_options(window))

    def depthwise(self, x, kernel=(3, 3), multiplier=1, bias=True, scale=1 / 64, zero_point=0, **window):
        """DEPTHWISE_CONV_2D."""
        filters = self.shape(x)[3] * multiplier
        weights = self._weights((1, *kernel, filters), 3, kernel[0] * kernel[1])
        inputs = [x, weights, *([self._bias(x, weights, filters)] if bias else [])]
        output = self.tensor((*self._window(x, kernel, **window), filters), scale, zero_point)
        values = {**_options(window), "depthMultiplier": multiplier}
        return self.operator("DEPTHWISE_CONV_2D", inputs, [output], "DepthwiseConv2D", **values)

    def transposed(self, x, filters, kernel=(2, 2), stride=(2, 2), padding="SAME", bias=True, per_channel=True, **made):
        """TRANSPOSE_CONV."""
        batch, height, width, channels = self.shape(x)
        weights = self._weights((filters, *kernel, channels), 0, channels, per_channel)
        size = [
            n * s + max(k - s, 0) * (padding == "VALID") for n, s, k in zip((height, width), stride, kernel, strict=True)
        ]
        inputs = [self.numbers(batch, *size, filters), weights, x, *([self._bias(x, weights, filters)] if bias else [])]
        values = {"strideH": stride[0], "strideW": stride[1], "padding": getattr(schema.Padding, padding)}
        output = self.tensor((batch, *size, filters), made.pop("scale", 1 / 64), made.pop("zero_point", 0))
        return self.operator("TRANSPOSE_CONV", inputs, [output], "TransposeConv", **values, **made)

    def dense(self, x, units, scale=1 / 64, zero_point=0):
        """FULLY_CONNECTED."""
        inner = self.shape(x)[-1]
        weights = self._weights((units, inner), 0, inner)
        output = self.tensor((*self.shape(x)[:-1], units), scale, zero_point)
        return self.operator(
            "FULLY_CONNECTED", [x, weights, self._bias(x, weights, units)], [output], "FullyConnected", keepNumDims=True
        )

    def pool(self, name, x, kernel=(2, 2), **window):
        """MAX_POOL_2D or AVERAGE_POOL_2D."""
        output = self.like(x, *self._window(x, kernel, **window), self.shape(x)[3])
        values = {"filterHeight": kernel[0], "filterWidth": kernel[1], **_options(window)}
        return self.operator(name, [x], [output], "Pool2D", **values)

    def resize(self, name, x, height, width):
        """RESIZE_NEAREST_NEIGHBOR or RESIZE_BILINEAR."""
        output = self.like(x, self.shape(x)[0], height, width, self.shape(x)[3])
        options = "ResizeBilinear" if name == "RESIZE_BILINEAR" else "ResizeNearestNeighbor"
        return self.operator(name, [x, self.numbers(height, width)], [output], options)

    def split(self, x, parts=2, axis=-1):
        """SPLIT; returns all of its parts."""
        shape = list(self.shape(x))
        shape[axis] //= parts
        outputs = [self.like(x, *shape) for _ in range(parts)]
        self.operator("SPLIT", [self.numbers(axis), x], outputs, "Split", numSplits=parts)
        return outputs

    def split_v(self, x, sizes, axis=-1):
        """SPLIT_V; returns all of its parts."""
        shape, outputs = list(self.shape(x)), []
        for size in sizes:
            shape[axis] = size
            outputs.append(self.like(x, *shape))
        self.operator("SPLIT_V", [x, self.numbers(*sizes), self.numbers(axis)], outputs, "SplitV", numSplits=len(sizes))
        return outputs

    def concatenate(self, parts, axis):
        """CONCATENATION."""
        shape = list(self.shape(parts[0]))
        shape[axis] = sum(self.shape(part)[axis] for part in parts)
        return self.operator("CONCATENATION", parts, [self.like(parts[0], *shape)], "Concatenation", axis=axis)

    def reshape(self, x, *shape):
        """RESHAPE."""
        return self.operator("RESHAPE", [x, self.numbers(*shape)], [self.like(x, *shape)], "Reshape", newShape=shape)

    def mean(self, x, axes, keep=True, **quantization):
        """MEAN."""
        shape = [1 if i in axes else n for i, n in enumerate(self.shape(x)) if keep or i not in axes]
        made = self.tensor(shape, **quantization) if quantization else self.like(x, *shape)
        return self.operator("MEAN", [x, self.numbers(*axes)], [made], "Reducer", keepDims=keep)

    def pad(self, x, *amounts):
        """PAD by `(before, after)` for each axis."""
        shape = [n + sum(both) for n, both in zip(self.shape(x), amounts, strict=True)]
        both = self.tensor((len(amounts), 2), None, dtype="int32", data=np.array(amounts, "int32"))
        return self.operator("PAD", [x, both], [self.like(x, *shape)], "Pad")

    def shuffled(self, name, x, block=2):
        """DEPTH_TO_SPACE or SPACE_TO_DEPTH."""
        batch, height, width, channels = self.shape(x)
        if name == "DEPTH_TO_SPACE":
            shape = (batch, height * block, width * block, channels // block**2)
        else:
            shape = (batch, height // block, width // block, channels * block**2)
        options = "DepthToSpace" if name == "DEPTH_TO_SPACE" else "SpaceToDepth"
        return self.operator(name, [x], [self.like(x, *shape)], options, blockSize=block)

    def file(self, *outputs):
        """Returns the bytes of the file; the tensors given are outputs of the graph begun last."""
        self.graph.outputs = list(outputs) or self.graph.outputs
        for graph in self.model.subgraphs:
            graph.inputs, graph.outputs = np.array(graph.inputs, "int32"), np.array(graph.outputs, "int32")
        builder = flatbuffers.Builder(1024)
        builder.Finish(self.model.Pack(builder), file_identifier=b"TFL3")
        return bytes(builder.Output())

    def _weights(self, shape, axis, terms, per_channel=True):
        """Random weights that leave the outputs about as large as the inputs."""
        if self.dtype == "float32":
            return self.tensor(shape, data=(self.rng.normal(size=shape) / terms**0.5).astype("float32"))
        values = self.rng.integers(-127, 127, shape, endpoint=True)
        scales = self.rng.uniform(0.5, 2, shape[axis] if per_channel else 1) / 74 / terms**0.5
        return self.tensor(shape, scales, data=values.astype("int8"), dtype="int8", axis=axis)

    def _bias(self, x, weights, count):
        if self.dtype == "float32":
            return self.tensor((count,), data=self.rng.normal(size=count).astype("float32"))
        kind, limit = ("int64", 2**16) if self.dtype == "int16" else ("int32", 2**12)
        scales = self.graph.tensors[weights].quantization.scale * self.scale(x)[0]
        return self.tensor((count,), scales, dtype=kind, data=self.rng.integers(-limit, limit, count).astype(kind))

    def _window(self, x, kernel, stride=(1, 1), dilation=(1, 1), padding="SAME", activation="NONE"):
        extents = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
        lost = [0, 0] if padding == "SAME" else [extent - 1 for extent in extents]
        sizes = [-(-(n - less) // s) for n, less, s in zip(self.shape(x)[1:3], lost, stride, strict=True)]
        return [self.shape(x)[0], *sizes]


def _options(window):
    """The fields of the schema's options for a window's `stride`, `dilation`, `padding` and `activation`."""
    stride, values = window.get("stride", (1, 1)), {"padding": getattr(schema.Padding, window.get("padding", "SAME"))}
    values |= {"strideH": stride[0], "strideW": stride[1]}
    if "dilation" in window:
        values |= {"dilationHFactor": window["dilation"][0], "dilationWFactor": window["dilation"][1]}
    activation = getattr(schema.ActivationFunctionType, window.get("activation", "NONE"))
    return {**values, "fusedActivationFunction": activation}
