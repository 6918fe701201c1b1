import numpy as np
from ai_edge_litert import schema_py_generated as schema
from tflite import files
from tflite.network import Network

from keras_unetmm.conversion.multipliers import with_equal_multipliers
from keras_unetmm.conversion.ranges import alike
from keras_unetmm.interpreters.runtime import run
from keras_unetmm.tflite_file.edit import File
from keras_unetmm.tflite_file.graph import read

# at these, 59 * 119 lies half-way between two results: LiteRT gives 74 and TFLM 75
SCALES, POINTS = (0.01052494253963232, 0.02353370003402233, 0.025024931877851486), (8, -128, 5)
SHAPE = (1, 256, 16, 16)


def product(*operators, through="RELU6"):
    """Two inputs, each through an operator, multiplied; `operators` come behind."""
    first = [(through, [0], [2], None), (through, [1], [3], None), ("MUL", [2, 3], [4], schema.MulOptionsT())]
    file = File(files.build([(SHAPE, None)] * (5 + len(operators)), [*first, *operators], [0, 1], [4 + len(operators)]))
    for i, tensor in enumerate(file.main.tensors):
        which = min(i, 4) - 2 if i >= 2 else i
        tensor.quantization.scale = np.array([SCALES[which]], "float32")
        tensor.quantization.zeroPoint = np.array([POINTS[which]])
    return file.packed()


def every_pair():
    one, other = np.meshgrid(np.arange(-128, 128), np.arange(-128, 128))
    return [one.astype("int8").reshape(SHAPE), other.astype("int8").reshape(SHAPE)]


def apart(content):
    """How many of all products differ between TFLM and LiteRT's reference kernels."""
    on_tflm, on_reference = (run(content, every_pair(), runtime).outputs[0] for runtime in ("tflm", "litert-reference"))
    return int((on_tflm != on_reference).sum())


def test_products_become_the_same_on_both():
    content = product()
    assert apart(content) > 0
    mended = with_equal_multipliers(content, read(content).main)
    assert apart(mended) == 0
    for before, after in zip(read(content).main.tensors, read(mended).main.tensors, strict=True):
        assert np.allclose(before.scales, after.scales, rtol=2e-4)


def test_tensors_with_the_same_bytes_keep_one_scale():
    content = product(("RESHAPE", [4], [5], None))
    mended = read(with_equal_multipliers(content, read(content).main)).main
    assert mended.tensors[4].scales == mended.tensors[5].scales
    ends = (*mended.inputs, *mended.outputs)
    assert [mended.tensors[i].scales for i in ends] == [read(content).main.tensors[i].scales for i in ends]


def test_what_only_chooses_bytes_has_one_scale():
    """TFLM stops at a REDUCE_MAX whose ends have two."""
    net = Network()
    x = net.input(1, 4, 4, 2)
    largest = net.operator("REDUCE_MAX", [x, net.numbers(1, 2)], [net.like(x, 1, 2)], "Reducer", keepDims=False)
    left, right = net.like(x, 1, 1), net.like(x, 1, 1)
    net.operator("SPLIT_V", [largest, net.numbers(1, 1), net.numbers(1)], [left, right], "SplitV", numSplits=2)
    graph = read(net.file(net.binary("ADD", left, right))).main
    (group,) = alike(graph, ("INT8",))
    assert {x, largest, left, right} == set(group)


def test_what_shares_the_scale_of_an_input_keeps_it():
    before = read(product(through="RESHAPE")).main
    after = read(with_equal_multipliers(product(through="RESHAPE"), before)).main
    assert [tensor.scales for tensor in after.tensors] == [tensor.scales for tensor in before.tensors]


def test_a_file_without_products_stays_as_it_is():
    content = files.unet()
    assert read(with_equal_multipliers(content, read(content).main)).main.tensors[3].scales == (1 / 64,)
