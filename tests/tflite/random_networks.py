"""Random networks of any operators, for tests that hold for every file."""

import math

from hypothesis import strategies as st
from tflite.network import Network

LARGEST = 6000  # elements of a map

small, sizes = st.integers(1, 3), st.integers(1, 12)
QUANTIZATIONS = ((1 / 64, 0), (1 / 50, -7))
quantization = st.sampled_from([{"scale": scale, "zero_point": point} for scale, point in QUANTIZATIONS])
activations = st.sampled_from(["NONE", "NONE", "RELU", "RELU6"])
pairs = st.tuples(small, small)


def window(draw, net, x):
    """A kernel and what else a window has, such that it fits into the map."""
    kernel, stride = draw(pairs), draw(st.tuples(st.integers(1, 2), st.integers(1, 2)))
    inside = all(k <= n for k, n in zip(kernel, net.shape(x)[1:3], strict=True))
    padding = draw(st.sampled_from(["SAME", "VALID"] if inside else ["SAME"]))
    return {"kernel": kernel, "stride": stride, "padding": padding, "activation": draw(activations)}


def dilated(draw, net, x):
    found = window(draw, net, x)
    if found["padding"] == "SAME" and found["stride"] == (1, 1):
        found["dilation"] = draw(st.tuples(st.integers(1, 2), st.integers(1, 2)))
    return found


def conv(draw, net, x, others):
    return net.conv(x, draw(st.integers(1, 24)), bias=draw(st.booleans()), **dilated(draw, net, x), **draw(quantization))


def pointwise(draw, net, x, others):
    return net.conv(x, draw(st.sampled_from([4, 8, 16, 32])), **draw(quantization))


def depthwise(draw, net, x, others):
    return net.depthwise(x, multiplier=draw(st.sampled_from([1, 1, 2])), **dilated(draw, net, x), **draw(quantization))


def transposed(draw, net, x, others):
    kernel, stride = draw(st.sampled_from([((2, 2), (2, 2)), ((3, 3), (2, 2)), ((3, 3), (1, 1)), ((4, 2), (2, 1))]))
    return net.transposed(x, draw(st.integers(1, 12)), kernel, stride, bias=draw(st.booleans()), **draw(quantization))


def pool(draw, net, x, others):
    return net.pool(draw(st.sampled_from(["MAX_POOL_2D", "AVERAGE_POOL_2D"])), x, **window(draw, net, x))


def relu(draw, net, x, others):
    return net.unary(draw(st.sampled_from(["RELU", "RELU6"])), x)


def leaky(draw, net, x, others):
    return net.unary("LEAKY_RELU", x)


def hard_swish(draw, net, x, others):
    return net.unary("HARD_SWISH", x, **draw(quantization))


def quantize(draw, net, x, others):
    return net.unary("QUANTIZE", x, **draw(quantization))


def logistic(draw, net, x, others):
    return net.logistic(x)


def softmax(draw, net, x, others):
    return net.unary("SOFTMAX", x, scale=1 / 256, zero_point=-128)


def binary(draw, net, x, others):
    name = draw(st.sampled_from(["ADD", "SUB", "MUL", "SQUARED_DIFFERENCE"]))
    shape = net.shape(x)
    like = [other for other in others if net.shape(other) in (shape, (1, 1, 1, shape[-1]), (*shape[:-1], 1))]
    other = draw(st.sampled_from([*like, None]))
    if other is None:
        other = net.constant(*draw(st.sampled_from([shape, shape[-1:], (1,)])))
    operands = draw(st.permutations([x, other]))
    return net.binary(name, *operands, **draw(quantization))


def concatenation(draw, net, x, others):
    axis = draw(st.integers(-1, len(net.shape(x)) - 1))

    def rest(tensor):  # all but the axis must be equal, the scale too
        shape = list(net.shape(tensor))
        shape[axis : axis + 1 or None] = [None]
        return shape, net.scale(tensor)

    fitting = st.sampled_from([other for other in others if rest(other) == rest(x)])
    parts = [x, *draw(st.lists(fitting, min_size=0, max_size=3))]
    return net.concatenate(draw(st.permutations(parts)), axis)


def split(draw, net, x, others):
    shape = net.shape(x)
    axis = draw(st.sampled_from([i for i, size in enumerate(shape) if size > 1] or [0]))
    parts = draw(st.sampled_from([n for n in (1, 2, 3, 4) if shape[axis] % n == 0]))
    return net.split(x, parts, draw(st.sampled_from([axis, axis - len(shape)])))


def split_v(draw, net, x, others):
    shape = net.shape(x)
    axis = draw(st.sampled_from([i for i, size in enumerate(shape) if size > 1] or [0]))
    first = draw(st.integers(1, max(1, shape[axis] - 1)))
    return net.split_v(x, [size for size in (first, shape[axis] - first) if size], axis)


def reshape(draw, net, x, others):
    shape = net.shape(x)
    n, rest = shape[0], math.prod(shape[1:])
    forms = [(n, rest), (n, 1, 1, rest), (n, rest, 1, 1), shape, (1, *shape)[:4] if len(shape) < 4 else shape]
    if len(shape) == 4:
        forms += [(n, shape[2], shape[1], shape[3]), (n, shape[1] * shape[2], 1, shape[3]), (n, shape[3], *shape[1:3])]
    return net.reshape(x, *draw(st.sampled_from(forms)))


def pad(draw, net, x, others):
    amounts = st.tuples(st.integers(0, 2), st.integers(0, 2))
    return net.pad(x, *([(0, 0)] + [draw(amounts) for _ in net.shape(x)[1:]]))


def depth_to_space(draw, net, x, others):
    return net.shuffled("DEPTH_TO_SPACE", x, draw(st.sampled_from([b for b in (1, 2, 3) if net.shape(x)[3] % b**2 == 0])))


def space_to_depth(draw, net, x, others):
    fits = [b for b in (1, 2, 3) if net.shape(x)[1] % b == net.shape(x)[2] % b == 0]
    return net.shuffled("SPACE_TO_DEPTH", x, draw(st.sampled_from(fits)))


def mean(draw, net, x, others):
    return net.mean(x, draw(st.sampled_from([(1, 2), (3,), (1,), (2, 3)])), **draw(quantization))


def nearest(draw, net, x, others):
    return net.resize("RESIZE_NEAREST_NEIGHBOR", x, *draw(st.tuples(sizes, sizes)))


def bilinear(draw, net, x, others):
    return net.resize("RESIZE_BILINEAR", x, *draw(st.tuples(sizes, sizes)))


def dense(draw, net, x, others):
    return net.dense(x, draw(st.integers(1, 40)), **draw(quantization))


def transpose(draw, net, x, others):
    order = draw(st.permutations(range(len(net.shape(x)))))
    made = net.like(x, *(net.shape(x)[axis] for axis in order))
    return net.operator("TRANSPOSE", [x, net.numbers(*order)], [made], "Transpose")


def strided_slice(draw, net, x, others):
    shape = net.shape(x)
    begin = [draw(st.integers(0, size - 1)) for size in shape]
    end = [draw(st.integers(low + 1, size)) for low, size in zip(begin, shape, strict=True)]
    stride = [draw(st.integers(1, 2)) for _ in shape]
    made = net.like(x, *(-(-(high - low) // s) for low, high, s in zip(begin, end, stride, strict=True)))
    return net.operator("STRIDED_SLICE", [x, *(net.numbers(*v) for v in (begin, end, stride))], [made], "StridedSlice")


MAPS = [conv, pointwise, depthwise, transposed, pool, depth_to_space, space_to_depth, mean, nearest, bilinear]
ANY = [relu, leaky, hard_swish, quantize, logistic, softmax, binary, concatenation, split, split_v, reshape, pad]
ANY += [dense, transpose, strided_slice]


@st.composite
def networks(draw):
    """The bytes of a file: operators on tensors drawn from all there are, so that any may be used again, later or never."""
    net = Network(draw(st.integers(0, 2**16)))
    inputs = [
        net.input(1, draw(sizes), draw(sizes), draw(st.integers(1, 16)), **draw(quantization)) for _ in range(draw(small))
    ]
    tensors, unused = list(inputs), []
    for _ in range(draw(st.integers(1, 14))):
        recent = st.sampled_from(tensors[-4:])
        x = draw(recent | recent | st.sampled_from(tensors))
        operator = draw(st.sampled_from(MAPS + ANY if len(net.shape(x)) == 4 else ANY))
        count = len(net.graph.operators)
        made = operator(draw, net, x, tensors)
        made = made if isinstance(made, list) else [made]
        used = {index for op in net.graph.operators[count:] for index in op.inputs}
        unused = [tensor for tensor in unused if tensor not in used] + made
        tensors += [tensor for tensor in made if math.prod(net.shape(tensor)) <= LARGEST]
    dead = draw(st.sets(st.sampled_from(unused), max_size=1))
    outputs = [tensor for tensor in unused if tensor not in dead] or unused
    again = draw(st.sets(st.sampled_from(tensors), max_size=2))  # read inside as well, or even an input
    return net.file(*outputs, *sorted(again - {*outputs}))
