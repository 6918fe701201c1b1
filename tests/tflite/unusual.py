"""Files with what few networks have: several graphs, operators that remember, custom operators."""

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from flatbuffers import flexbuffers
from tflite.network import Network


def branches():
    """Inputs a condition and a map. RELU t1 -> t2, IF t0 (RELU, else LOGISTIC and RELU) t2 -> t3, ADD t2 + t3 -> t4."""
    net = Network()
    condition, x = net.input(1, dtype="bool"), net.input(1, 8, 8, 4)
    kept = net.unary("RELU", x)
    chosen = net.like(kept)
    net.operator("IF", [condition, kept], [chosen], "If", thenSubgraphIndex=1, elseSubgraphIndex=2)
    net.graph.outputs = [net.binary("ADD", kept, chosen)]
    net.subgraph()
    net.graph.outputs = [net.unary("RELU", net.input(1, 8, 8, 4))]
    net.subgraph()
    return net.file(net.unary("RELU6", net.unary("RELU", net.input(1, 8, 8, 4))))


def loop(times=3):
    """Input a map. WHILE counter < times: counter + 1, the map averaged over rows and added to itself; then RELU."""
    net = Network()
    x, counter = net.input(1, 6, 10, 16), net.tensor((1,), None, dtype="int32")
    start = net.operator("CAST", [net.mean(x, (0, 1, 2, 3), keep=False)], [net.tensor((), None, dtype="int32")], "Cast")
    counter = net.operator("MUL", [start, net.numbers(0)], [counter], "Mul")
    made = [net.like(counter), net.like(x)]
    net.operator("WHILE", [counter, x], made, "While", condSubgraphIndex=1, bodySubgraphIndex=2)
    net.graph.outputs = [net.unary("RELU", made[1])]
    net.subgraph()
    counter = net.input(1, scale=None, dtype="int32")
    net.input(1, 6, 10, 16)
    less = net.tensor((1,), None, dtype="bool")
    net.graph.outputs = [net.operator("LESS", [counter, net.numbers(times)], [less])]
    net.subgraph()
    counter, x = net.input(1, scale=None, dtype="int32"), net.input(1, 6, 10, 16)
    following = net.operator("ADD", [counter, net.numbers(1)], [net.like(counter)], "Add")
    return net.file(following, net.binary("ADD", x, net.mean(x, (1,))))


def remembered():
    """Input a map. CALL_ONCE sets a variable; then the variable is read, the map added to it, and it is set to the sum."""
    net = Network()
    x = net.input(1, 4, 4, 4)
    net.operator("CALL_ONCE", [], [-1], "CallOnce", initSubgraphIndex=1)
    net.graph.operators[-1].outputs = []

    def handle():
        made = net.tensor((), None, dtype="resource")
        return net.operator("VAR_HANDLE", [], [made], "VarHandle", container="", sharedName="v")

    variable = handle()
    value = net.operator("READ_VARIABLE", [variable], [net.like(x)], "ReadVariable")
    made = net.binary("ADD", x, value)
    net.operator("ASSIGN_VARIABLE", [variable, made], [-1], "AssignVariable")
    net.graph.operators[-1].outputs = []
    net.graph.outputs = [net.unary("RELU", made)]
    net.subgraph()
    variable, constant = handle(), net.constant(1, 4, 4, 4)
    net.operator("ASSIGN_VARIABLE", [variable, constant], [-1], "AssignVariable")
    net.graph.operators[-1].outputs = []
    return net.file()


def add_svdf(net, x, filters=6, memory=5, rank=2, scale=1 / 64):
    """Adds SVDF with random weights; its activations are a variable. Returns its output."""
    floating = net.dtype == "float32"

    def tensor(shape, kind, scale, values=None):
        kind = "float32" if floating else kind
        data = None if values is None else values.astype(kind)
        return net.tensor(shape, None if floating else scale, 0, kind, data)

    feature = net.constant(filters, net.shape(x)[1])
    time = tensor((filters, memory), "int16", 1 / 64, net.rng.integers(-99, 99, (filters, memory)))
    bias = tensor((filters // rank,), "int32", 1 / 4096, np.zeros(filters // rank))
    state = tensor((1, memory * filters), "int16", 1 / 64)
    net.graph.tensors[state].isVariable = True
    made = net.tensor((1, filters // rank), scale)
    return net.operator("SVDF", [x, feature, time, bias, state], [made], "SVDF", rank=rank)


def svdf(dtype="int8"):
    """SVDF of rank 2 on 3 units of 8 inputs with a memory of 5."""
    net = Network(dtype=dtype)
    return net.file(add_svdf(net, net.input(1, 8)))


def custom(net, name, inputs, outputs, **options):
    """Adds a custom operator and returns the file."""
    net.operator(name, inputs, outputs)
    net.graph.operators[-1].customOptions = np.frombuffer(bytes(flexbuffers.Dumps(options)), "uint8")
    return net.file(*outputs)


def spectrum(dtype="int16"):
    """The custom operator SignalRfft, of length 64 on 60 numbers."""
    net = Network(dtype=dtype)
    x, made = net.input(1, 60), net.tensor((1, 2 * (64 // 2 + 1)))
    return custom(net, "SignalRfft", [x], [made], T=getattr(schema.TensorType, dtype.upper()), fft_length=64)
