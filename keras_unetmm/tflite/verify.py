"""Independent check of an offline memory plan for TFLM, which itself accepts every offset, overlaps included.

It shares no code with the planner. Everything it needs it reads from the bytes of the .tflite file.
"""

import math
from dataclasses import dataclass

import numpy as np
from ai_edge_litert import schema_py_generated as schema

KERNELS = ("any", "reference", "cmsis-nn")
_METADATA = b"OfflineMemoryAllocation"
_ALIGNMENT = 16  # bytes
_LIMIT = 2**31  # the runtime counts bytes in int32


def _types(names):
    return {getattr(schema.TensorType, name) for name in names.split()}


def _names(enumeration):
    return {number: name for name, number in vars(enumeration).items() if not name.startswith("_")}


_OPERATORS, _OPTIONS = _names(schema.BuiltinOperator), _names(schema.BuiltinOptions)


# bytes an element in TFLM's memory: int4 is unpacked there, a resource is a number
_ELEMENT_BYTES = {
    **dict.fromkeys(_types("INT4 INT8 UINT8 BOOL"), 1),
    **dict.fromkeys(_types("INT16 UINT16 FLOAT16 BFLOAT16"), 2),
    **dict.fromkeys(_types("INT32 UINT32 FLOAT32 RESOURCE"), 4),
    **dict.fromkeys(_types("INT64 UINT64 FLOAT64 COMPLEX64"), 8),
    **dict.fromkeys(_types("COMPLEX128"), 16),
}
_OVERLAPPING = _types("INT8 UINT8 INT16 INT32 FLOAT32")
_CMSIS_NN = _types("INT8 FLOAT32")  # of convolutions in raster order, the latter by TFLM's own kernel

_UNARY = {"LOGISTIC", "TANH", "RELU", "RELU6", "RELU_N1_TO_1", "LEAKY_RELU", "PRELU", "ELU", "HARD_SWISH"}
_UNARY |= {"ABS", "NEG", "RSQRT", "QUANTIZE", "DEQUANTIZE"}
_BINARY = {"ADD", "SUB", "MUL", "SQUARED_DIFFERENCE", "MAXIMUM", "MINIMUM"}
_WINDOWS = {"CONV_2D", "DEPTHWISE_CONV_2D", "MAX_POOL_2D", "AVERAGE_POOL_2D"}
_REARRANGED = {"DEPTH_TO_SPACE", "SPACE_TO_DEPTH"}
_COPIES = {"RESHAPE", "SQUEEZE", "EXPAND_DIMS", "CONCATENATION", "SPLIT", "SPLIT_V"}
_MOST_TAPS = 2**24  # of one axis in a simulation
_CMSIS_NN_DEPTHWISE_CHANNELS = 124  # from one more on its vector kernel runs over blocks of channels, not in raster order


class PlanRefused(ValueError):  # noqa: N818
    """The memory plan of a file is missing, does not fit the file, or lets one tensor destroy another."""


class _OverlapError(Exception):
    """Why one overlap is not allowed."""


@dataclass(eq=False)
class _Tensor:
    """A tensor, its place in the arena and the first and last scope of its life; `size` is in bytes."""

    label: str
    shape: tuple
    type: int
    element_bytes: int
    data: np.ndarray | None
    variable: bool
    offset: int = -1
    first: int | None = None
    last: int | None = None

    @property
    def size(self):
        return math.prod(self.shape) * self.element_bytes

    @property
    def online(self):
        """Why it must not be in the plan, or nothing."""
        return "a constant" if self.data is not None else "a variable" if self.variable else "" if self.size else "empty"

    def __str__(self):
        return f"{self.label} at bytes {self.offset:,} to {self.offset + self.size:,}"


@dataclass(eq=False)
class _Operator:
    """An operator: `inputs` holds None for an absent one, `scope` is when it runs."""

    label: str
    name: str
    inputs: tuple
    outputs: tuple
    table: object
    scope: int = -1

    @property
    def options(self):
        table, kind = self.table.BuiltinOptions(), _OPTIONS[self.table.BuiltinOptionsType()]
        options = getattr(schema, kind)()
        options.Init(table.Bytes, table.Pos)
        return options


@dataclass(eq=False)
class _Graph:
    """One subgraph, its tensors in the file's order."""

    tensors: tuple
    operators: tuple
    inputs: tuple
    outputs: tuple


def verify(content: bytes, kernels: str = "any") -> None:
    """Verifies the offline memory plan in a .tflite file for TFLM.

    The plan must name an offset for every tensor that the operators compute and for no other. Two tensors may share
    memory if their lives, counted as TFLM does, do not meet. They may share it at the operator that reads one and
    writes the other only where a simulation of the kernel's order proves that nothing is written before its last
    reading, and the input is not needed any more; or where a reshape, split or concatenation copies bytes onto
    themselves.

    Args:
        content: bytes of the .tflite file.
        kernels: `"reference"`, TFLM's own kernels; `"cmsis-nn"`, those of Arm's CMSIS-NN, whose 1x1 convolutions, wide
            depthwise convolutions and convolutions of other types than int8 and float32 do not run in raster order;
            `"any"`, safe for both.

    Raises:
        PlanRefused: if the file has no plan, or one that is wrong or unsafe, or is damaged.
        ValueError: for unknown kernels.
    """
    if kernels not in KERNELS:
        raise ValueError(f"kernels must be one of {', '.join(map(repr, KERNELS))}. Received: {kernels!r}.")
    try:
        if content[4:8] != b"TFL3":
            raise PlanRefused("content must be a .tflite file, whose bytes 4 to 7 are b'TFL3'.")
        model = schema.Model.GetRootAs(content)
        graphs = _graphs(model)
        tensors = [tensor for graph in graphs for tensor in graph.tensors]
        for tensor, offset in zip(tensors, _offsets(model, len(graphs), len(tensors)), strict=True):
            tensor.offset = offset
        scopes = _mark_lives(graphs)
        _check_offsets(tensors)
        _check_overlaps(graphs[0], tensors, scopes, kernels)
    except PlanRefused:
        raise
    except Exception as error:  # whatever it is, nothing is verified
        raise PlanRefused(f"file is cut short or damaged ({type(error).__name__}: {error}).") from error


def _graphs(model):
    """The subgraphs, with offsets and lives still unknown."""
    codes = [model.OperatorCodes(i) for i in range(model.OperatorCodesLength())]
    numbers = [max(code.BuiltinCode(), code.DeprecatedBuiltinCode()) for code in codes]
    names = [_OPERATORS.get(number, f"unknown ({number})") for number in numbers]
    graphs = [_graph(model.Subgraphs(i), i, names, model) for i in range(model.SubgraphsLength())]
    if not graphs:
        raise PlanRefused("file has no subgraph.")
    return graphs


def _graph(graph, number, names, model):
    where = f" of subgraph {number}" if number else ""
    tensors = [_tensor(graph.Tensors(i), f"tensor {i}", where, model) for i in range(graph.TensorsLength())]

    def pick(array, absent=False):
        indices = _integers(array)
        if any(not -absent <= i < len(tensors) for i in indices):
            raise PlanRefused(f"indices {indices} must be those of the {len(tensors)} tensors{where}.")
        return tuple(None if i < 0 else tensors[i] for i in indices)

    operators = []
    for i in range(graph.OperatorsLength()):
        table = graph.Operators(i)
        name = names[table.OpcodeIndex()]
        inputs, outputs = pick(table.InputsAsNumpy(), absent=True), pick(table.OutputsAsNumpy())
        operators.append(_Operator(f"operator {i} {name}{where}", name, inputs, outputs, table))

    inputs, outputs = pick(graph.InputsAsNumpy()), pick(graph.OutputsAsNumpy())
    written = set()
    for tensor in (*inputs, *(tensor for operator in operators for tensor in operator.outputs)):
        if tensor in written or tensor.data is not None:
            kind = "a constant" if tensor.data is not None else "an input or computed before"
            raise PlanRefused(f"{tensor.label} is computed by an operator, but it is {kind}.")
        written.add(tensor)
    return _Graph(tuple(tensors), tuple(operators), inputs, outputs)


def _tensor(table, label, where, model):
    label = f"{label} {(table.Name() or b'').decode(errors='replace')!r}{where}"
    shape = _integers(table.ShapeAsNumpy())
    if any(size < 0 for size in shape) or table.Type() not in _ELEMENT_BYTES:
        raise PlanRefused(f"{label} has the shape {shape} and type {table.Type()}, for which TFLM has no size.")
    if table.Buffer() >= model.BuffersLength():
        raise PlanRefused(f"{label} has buffer {table.Buffer()} of {model.BuffersLength()}.")
    buffer, data = model.Buffers(table.Buffer()), None
    if buffer.DataLength() or buffer.Size():
        data = buffer.DataAsNumpy() if buffer.DataLength() else np.zeros(0, "uint8")
    return _Tensor(label, shape, table.Type(), _ELEMENT_BYTES[table.Type()], data, table.IsVariable())


def _calls(operator):
    """The subgraphs that an operator runs, in that order."""
    if operator.name == "IF":
        return operator.options.ThenSubgraphIndex(), operator.options.ElseSubgraphIndex()
    if operator.name == "WHILE":
        return operator.options.CondSubgraphIndex(), operator.options.BodySubgraphIndex()
    return (operator.options.InitSubgraphIndex(),) if operator.name == "CALL_ONCE" else ()


def _integers(array):
    return () if isinstance(array, int) else tuple(array.tolist())  # the schema gives 0 for an absent vector


def _offsets(model, graphs, tensors):
    """The offsets in the file's metadata, one for each of its `tensors` in all `graphs`."""
    entries = [model.Metadata(i) for i in range(model.MetadataLength())]
    entries = [entry for entry in entries if entry.Name() == _METADATA]
    if len(entries) != 1:
        raise PlanRefused(f"file must have one metadata entry {_METADATA.decode()}. Received: {len(entries)}.")
    number = entries[0].Buffer()
    if number >= model.BuffersLength():
        raise PlanRefused(f"plan is said to be in buffer {number} of {model.BuffersLength()}.")
    buffer = model.Buffers(number)
    data = buffer.DataAsNumpy().tobytes() if buffer.DataLength() else b""
    if len(data) != 4 * (3 + tensors):
        raise PlanRefused(f"plan must hold {4 * (3 + tensors)} bytes for {tensors} tensors. Received: {len(data)}.")
    header, offsets = np.frombuffer(data, "<i4")[:3].tolist(), np.frombuffer(data, "<i4")[3:].tolist()
    for what, expected, received in zip(("version", "subgraphs", "tensors"), (1, graphs, tensors), header, strict=True):
        if received != expected:
            raise PlanRefused(f"plan must be for {what} {expected}, as the file is. Received: {received}.")
    return offsets


def _mark_lives(graphs):
    """Marks the first and last scope of each tensor as TFLM's MarkAllocationLifetimes does; returns what runs in each.

    Scope 0 is the main graph's inputs. Every operator opens a scope, and so does every subgraph that it runs, before
    the scopes of that subgraph's operators; the operator's tensors live on until those have passed. Outputs of a
    graph live to its end.
    """
    scopes = []

    def begin(tensors):
        for tensor in tensors:
            tensor.first = len(scopes) - 1 if tensor.first is None else tensor.first

    def use(tensors, reader):
        for tensor in tensors:
            if tensor.first is None and not tensor.online:
                raise PlanRefused(f"{tensor.label} is read by {reader}, but nothing has computed it by then.")
            tensor.last = len(scopes) - 1

    def run(number, callers):
        if number in callers or not 0 <= number < len(graphs):
            raise PlanRefused(f"an operator runs subgraph {number}: there are {len(graphs)}, and none may run itself.")
        graph, name = graphs[number], f"subgraph {number}" if number else "the graph"
        scopes.append(f"the inputs of {name}")
        begin(graph.inputs)
        use(graph.inputs, name)
        for operator in graph.operators:
            scopes.append(operator.label)
            operator.scope = len(scopes) - 1
            inputs = [tensor for tensor in operator.inputs if tensor is not None]
            use(inputs, operator.label)
            begin(operator.outputs)
            for called in _calls(operator):
                run(called, {*callers, number})
            use((*inputs, *operator.outputs), operator.label)
        use(graph.outputs, f"the outputs of {name}")

    run(0, set())
    return scopes


def _check_offsets(tensors):
    for tensor in tensors:
        if tensor.offset == -1:
            if tensor.last is not None and not tensor.online:
                raise PlanRefused(f"{tensor.label} is used but has no offset (-1).")
        elif tensor.online:
            raise PlanRefused(f"{tensor.label} is {tensor.online}, whose offset must be -1. Received: {tensor.offset:,}.")
        elif tensor.offset < 0 or tensor.offset % _ALIGNMENT:
            raise PlanRefused(f"{tensor.label} must start at a multiple of {_ALIGNMENT} bytes. Received: {tensor.offset:,}.")
        elif tensor.offset + -(-tensor.size // _ALIGNMENT) * _ALIGNMENT >= _LIMIT:
            raise PlanRefused(f"{tensor} must end before byte {_LIMIT:,}.")


def _check_overlaps(main, tensors, scopes, kernels):
    """Checks every pair of tensors that share addresses while both live; offsets are aligned, so sizes need not be."""
    planned = sorted((t for t in tensors if t.offset >= 0 and t.last is not None), key=lambda t: t.offset)
    start, end = np.array([(t.offset, t.offset + t.size) for t in planned], "int64").reshape(-1, 2).T
    first, last = np.array([(t.first, t.last) for t in planned], "int64").reshape(-1, 2).T
    writers = {tensor: operator for operator in main.operators for tensor in operator.outputs}
    for i, tensor in enumerate(planned):
        above = slice(i + 1, np.searchsorted(start, end[i]))
        for j in np.flatnonzero((first[above] <= last[i]) & (last[above] >= first[i])) + i + 1:
            source, target = sorted((tensor, planned[j]), key=lambda t: t.first)
            operator = writers.get(target)
            try:
                if operator is None or source not in operator.inputs:
                    raise _OverlapError("neither is computed from the other, in the main graph, at that moment")
                _prove(operator, source, target, main, scopes, kernels)
            except _OverlapError as error:
                moment = scopes[max(first[i], first[j])]
                raise PlanRefused(f"{source} and {target} overlap, and both live at {moment}: {error}.") from None


def _prove(operator, source, target, main, scopes, kernels):
    """Raises `_OverlapError` unless the operator may write `target` where its input `source` lies."""
    name, inputs, distance = operator.name, operator.inputs, source.offset - target.offset
    slots = {"SPLIT": (1,), "CONCATENATION": range(len(inputs))}.get(name, (0, 1) if name in _BINARY else (0,))
    if any(tensor is source and slot not in slots for slot, tensor in enumerate(inputs)):
        raise _OverlapError("the operator reads it as another input too, in an order of its own")
    if not {source.type, target.type} <= _OVERLAPPING:
        raise _OverlapError("tensors of such types may not overlap")
    if name in _COPIES:
        places = [place for read, written, place in _copies(operator) if (read, written) == (source, target)]
        if distance not in places:
            raise _OverlapError(f"the input may only start {places} bytes after the output, to be copied onto itself")
        return
    if source in main.outputs:
        raise _OverlapError("the input is also an output of the graph")
    if source.last != operator.scope:
        raise _OverlapError(f"the input is needed until {scopes[source.last]}")
    if name in _UNARY | _BINARY:
        _simulate(distance, *_elementwise(source, target))
    elif name not in _WINDOWS | _REARRANGED:
        raise _OverlapError("no overlap of this operator's input and output is known to be safe")
    elif not len(source.shape) == len(target.shape) == 4 or source.shape[0] != 1 or target.shape[0] != 1:
        raise _OverlapError(f"this needs batch 1 and four axes, and the shapes are {source.shape} and {target.shape}")
    elif name in _WINDOWS:
        _simulate(distance, *_window(operator, source, target, kernels))
    else:
        _simulate(distance, *_rearranged(operator, source, target))


def _simulate(distance, reads, writes, in_step):
    """Raises unless every byte is read for the last time before it is written.

    Args:
        distance: int, where the input starts, in bytes from the start of the output.
        reads: bytes of one group of the input, and the last step that reads each group (-1 for none).
        writes: bytes of one group of the output, and the step that writes each.
        in_step: bool, whether each step reads all it needs before it writes. Else, as where every channel of an
            output pixel is a new pass over the window, what it writes must not be needed in the same step.
    """
    (read_bytes, last_read), (write_bytes, written) = reads, writes
    unit = math.gcd(distance, read_bytes, write_bytes)
    last_read, written = np.repeat(last_read, read_bytes // unit), np.repeat(written, write_bytes // unit)
    place = distance // unit
    low, high = max(0, place), min(len(written), place + len(last_read))
    early = np.flatnonzero(written[low:high] + in_step <= last_read[low - place : high - place])
    if len(early):
        raise _OverlapError(
            f"with the input {distance:,} bytes after the start of the output, the operator would write byte "
            f"{(low + early[0]) * unit:,} of its output before it has read the input there"
        )


def _elementwise(source, target):
    """Step t reads element t and then writes element t; an operand that is broadcast would be read again later."""
    if source.shape != target.shape:
        raise _OverlapError(f"the input of shape {source.shape} is broadcast to {target.shape}")
    if source.element_bytes == target.element_bytes:  # many at a time, as they keep their distance and that is aligned
        steps = np.arange(-(-target.size // _ALIGNMENT))
        return (_ALIGNMENT, steps), (_ALIGNMENT, steps), True
    steps = np.arange(math.prod(target.shape))
    return (source.element_bytes, steps), (target.element_bytes, steps), True


def _window(operator, source, target, kernels):
    """Step p writes the output pixel p, in raster order, from all channels of the input pixels in its window."""
    options, dilations = operator.options, (1, 1)
    (height, width, channels), (rows, columns, made) = source.shape[1:], target.shape[1:]
    if operator.name.endswith("POOL_2D"):
        size, fits = (options.FilterHeight(), options.FilterWidth()), channels == made
    else:
        weights = operator.inputs[1]
        filters, *size, depth = weights.shape
        dilations = (options.DilationHFactor(), options.DilationWFactor())
        if operator.name == "CONV_2D":
            fits, in_order = (filters, depth) == (made, channels), size[0] > 1
        else:
            fits = filters == 1 and depth == made and made % channels == 0
            in_order = channels == made <= _CMSIS_NN_DEPTHWISE_CHANNELS
        if kernels != "reference" and not (in_order and source.type == weights.type and source.type in _CMSIS_NN):
            raise _OverlapError(f"CMSIS-NN does not run weights {weights.shape}, or such types, in raster order")
    if not fits:
        raise _OverlapError(f"{operator.label} is grouped, or makes no {target.shape} from {source.shape}")
    axes = zip((height, width), (rows, columns), size, (options.StrideH(), options.StrideW()), dilations, strict=True)
    down, across = (_last_readers(*axis, options.Padding() == schema.Padding.SAME) for axis in axes)
    last_read = np.where((down[:, None] >= 0) & (across >= 0), down[:, None] * columns + across, -1)
    written = np.arange(rows * columns)
    return (channels * source.element_bytes, last_read.ravel()), (made * target.element_bytes, written), False


def _last_readers(size, outputs, kernel, stride, dilation, same):
    """For each of `size` positions along one axis the last output position whose window holds it, or -1."""
    extent = (kernel - 1) * dilation + 1
    if min(kernel, stride, dilation) < 1 or outputs != -(-(size if same else size - extent + 1) // stride):
        raise _OverlapError(f"{outputs} outputs do not follow from {size} inputs, kernel {kernel} and stride {stride}")
    if outputs * kernel > _MOST_TAPS:
        raise _OverlapError(f"a kernel of {kernel} on {size} inputs is too large to simulate")
    before = max((outputs - 1) * stride + extent - size, 0) // 2  # 0 for valid padding
    taps = np.arange(outputs)[:, None] * stride - before + np.arange(kernel) * dilation
    inside = (taps >= 0) & (taps < size)
    last = np.full(size, -1)
    np.maximum.at(last, taps[inside], np.nonzero(inside)[0])
    return last


def _rearranged(operator, source, target):
    """Step p copies pixel p of the larger map, in raster order, from or to some channels of a pixel of the smaller one."""
    block = operator.options.BlockSize()
    small, large = (source, target) if operator.name == "DEPTH_TO_SPACE" else (target, source)
    height, width, channels = small.shape[1:]
    if block < 1 or large.shape != (1, height * block, width * block, channels // block**2) or channels % block**2:
        raise _OverlapError(f"blocks of {block} do not lead from {source.shape} to {target.shape}")
    group, pixels = large.shape[-1] * source.element_bytes, np.arange(height * block * width * block)
    slices = pixels.reshape(height, block, width, block).swapaxes(1, 2).ravel()
    reads, writes = (slices, pixels) if small is source else (pixels, slices)
    return (group, reads), (group, writes), False


def _copies(operator):
    """Lists (input, output, bytes from the output's start to the input's) of an operator that copies them as they are.

    It is empty where the parts of a split or a concatenation lie interleaved in the whole.
    """
    inputs, outputs, axis, sign = operator.inputs, operator.outputs, 0, 1
    if operator.name == "CONCATENATION":
        whole, parts, axis = outputs[0], inputs, operator.options.Axis()
    elif operator.name in ("SPLIT", "SPLIT_V"):
        slot, axis_slot = (1, 0) if operator.name == "SPLIT" else (0, 2)
        whole, parts, sign = inputs[slot], outputs, -1
        if inputs[axis_slot].data is None or inputs[axis_slot].type != schema.TensorType.INT32:
            return []
        (axis,) = np.frombuffer(inputs[axis_slot].data.tobytes(), "<i4").tolist()
    else:
        whole, parts = outputs[0], inputs[:1]
    before = whole.shape[: axis + (len(whole.shape) if axis < 0 else 0)]
    fits = sum(part.size for part in parts) == whole.size and all(part.type == whole.type for part in parts)
    if not fits or math.prod(before) != 1:
        return []
    places = np.cumsum([0, *(part.size for part in parts[:-1])]).tolist()
    pairs = zip(parts, places, strict=True)
    return [(*((part, whole) if sign > 0 else (whole, part)), sign * place) for part, place in pairs]
