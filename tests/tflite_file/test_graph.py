import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from tflite import files, unusual
from tflite.network import Network

from keras_unetmm.interpreters.runtime import measure
from keras_unetmm.tflite_file.edit import File
from keras_unetmm.tflite_file.graph import PLAN, Tensor, TFLiteFileError, load, read


def test_reads_tensors_and_operators():
    model = read(files.unet())
    graph = model.main
    assert [operator.name for operator in graph.operators][:3] == ["RELU", "MAX_POOL_2D", "RELU"]
    assert graph.operators[1].options.FilterHeight() == 2
    assert (graph.inputs, graph.outputs) == ((0,), (6,))
    assert graph.tensors[1].shape == (1, 8, 8, 4)
    assert (graph.tensors[1].type, graph.tensors[1].bytes, graph.tensors[1].data) == ("INT8", 256, None)
    assert graph.tensors[1].scales == (1 / 64,)
    np.testing.assert_array_equal(graph.tensors[7].data.view("int32"), [8, 8])
    assert graph.producer(2) is graph.operators[1]
    assert graph.producer(0) is None
    assert model.file_bytes == len(files.unet())


def test_reads_from_a_path(tmp_path):
    (tmp_path / "a.tflite").write_bytes(files.chain(3))
    assert read(tmp_path / "a.tflite") == read(files.chain(3))


def test_a_file_cut_anywhere_is_refused():
    content = files.convolutions()
    for length in range(0, len(content), 7):
        with pytest.raises(TFLiteFileError, match=r"cut short or damaged|must be a \.tflite file"):
            read(content[:length])


def test_a_damaged_file_is_refused_or_read_but_never_crashes():
    content = files.convolutions()
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(300):
        damaged = bytearray(content)
        for position in rng.integers(8, len(content), 4):
            damaged[position] = rng.integers(256)
        try:
            read(bytes(damaged))
        except TFLiteFileError:
            refused += 1
    assert refused > 50


def test_another_kind_of_file_is_refused(tmp_path):
    (tmp_path / "a.txt").write_text("hello world")
    with pytest.raises(TFLiteFileError, match=r"must be a .tflite file.*a\.txt, 11 bytes"):
        read(tmp_path / "a.txt")
    with pytest.raises(OSError, match="No such file"):
        read(tmp_path / "missing.tflite")


def test_reads_operators_with_several_outputs():
    net = Network()
    parts = net.split(net.input(1, 4, 4, 6), 3)
    graph = read(net.file(*parts)).main
    (operator,) = graph.operators
    assert (operator.name, operator.inputs, operator.outputs, graph.outputs) == ("SPLIT", (4, 0), (1, 2, 3), (1, 2, 3))
    assert all(graph.producer(part) is operator for part in parts)


def test_reads_all_graphs():
    model = read(unusual.branches())
    assert [[op.name for op in graph.operators] for graph in model.graphs] == [
        ["RELU", "IF", "ADD"],
        ["RELU"],
        ["RELU", "RELU6"],
    ]
    assert [graph.inputs for graph in model.graphs] == [(0, 1), (0,), (0,)]
    assert model.main is model.graphs[0]
    assert model.main.tensors[0].type == "BOOL"
    assert [model.tensor(i) for i in range(10)] == [tensor for graph in model.graphs for tensor in graph.tensors]
    with pytest.raises(IndexError):
        model.tensor(10)


def test_reads_custom_operators_with_their_options():
    content = unusual.spectrum()
    (operator,) = read(content).main.operators
    assert (operator.name, operator.custom) == ("SignalRfft", True)
    assert operator.options == bytes(File(content).main.operators[0].customOptions)
    assert not read(files.chain(1)).main.operators[0].custom


def test_reads_variables_and_absent_inputs():
    graph = read(unusual.svdf()).main
    assert [tensor.variable for tensor in graph.tensors] == [False] * 4 + [True, False]
    net = Network()
    made = net.conv(net.input(1, 4, 4, 4), 4, bias=False)
    net.graph.operators[-1].inputs.append(-1)
    assert read(net.file(made)).main.operators[0].inputs == (0, 1, -1)


def test_handles_of_variables_are_not_the_arenas():
    tensors = [tensor for graph in read(unusual.remembered()).graphs for tensor in graph.tensors]
    assert [tensor.variable for tensor in tensors] == [tensor.type == "RESOURCE" for tensor in tensors]


def test_reads_the_quantisation_of_every_channel():
    net = Network()
    graph = read(net.file(net.depthwise(net.input(1, 4, 4, 4), zero_point=-3))).main
    weights, made = graph.tensors[1], graph.tensors[graph.outputs[0]]
    assert len(weights.scales) == len(set(weights.scales)) == len(weights.zero_points) == 4
    assert (made.scales, made.zero_points) == ((1 / 64,), (-3,))
    assert read(files.build([((2,), np.ones(2, "float32"))], [], [], [])).main.tensors[0].scales == ()


@pytest.mark.parametrize(
    ("kind", "in_file", "in_arena"),
    [
        ("INT8", 15, 15),
        ("BOOL", 15, 15),
        ("INT16", 30, 30),
        ("FLOAT16", 30, 30),
        ("INT32", 60, 60),
        ("FLOAT32", 60, 60),
        ("INT64", 120, 120),
        ("INT4", 8, 15),  # TFLM unpacks it
        ("RESOURCE", 0, 60),
        ("STRING", 0, 0),
    ],
)
def test_bytes_of_every_type(kind, in_file, in_arena):
    tensor = Tensor("t", (3, 5), kind, None, (), (), False)
    assert (tensor.bytes, tensor.arena_bytes) == (in_file, in_arena)
    assert Tensor("t", (), kind, None, (), (), False).arena_bytes == in_arena // 15


def test_a_constant_takes_no_arena():
    assert Tensor("t", (3, 5), "INT8", np.zeros(15, "uint8"), (), (), False).arena_bytes == 0


@pytest.mark.parametrize("count", [71, 73])
def test_a_constant_of_another_size_than_its_shape_is_refused(count):
    file = File(files.convolutions())
    file.model.buffers[file.main.tensors[1].buffer].data = np.zeros(count, "uint8")
    with pytest.raises(TFLiteFileError, match=rf"constant of {count} bytes where its shape \(4, 3, 3, 2\) needs 72"):
        read(file.packed())


def test_a_tensor_computed_twice_is_refused_unless_it_is_a_variable():
    content = files.build([((1, 4), None)] * 2, [("RELU", [0], [1], None)] * 2, [0], [1])
    with pytest.raises(TFLiteFileError, match="a tensor that two operators compute"):
        read(content)
    file = File(content)
    file.main.tensors[1].isVariable = True
    assert len(read(file.packed()).main.operators) == 2


@pytest.mark.parametrize("index", [3, -2])
def test_tensors_that_do_not_exist_are_refused(index):
    content = files.build([((1, 4), None)] * 3, [("ADD", [0, index], [1], schema.AddOptionsT())], [0], [1])
    with pytest.raises(TFLiteFileError, match=f"tensor {index} of 3"):
        read(content)
    with pytest.raises(TFLiteFileError, match=f"tensor {index} of 3"):
        read(files.build([((1, 4), None)] * 3, [], [index], [0]))
    with pytest.raises(TFLiteFileError, match=f"tensor {index} of 3"):
        read(files.build([((1, 4), None)] * 3, [], [0], [index]))


def test_a_negative_size_is_refused():
    with pytest.raises(TFLiteFileError, match=r"shape \(1, -4\)"):
        read(files.build([((1, -4), None)], [], [0], [0]))


def test_a_file_without_a_graph_is_refused():
    file = File(files.chain(1))
    file.model.subgraphs = []
    with pytest.raises(TFLiteFileError, match="no subgraph"):
        read(file.packed())


def test_load_takes_paths_and_bytes(tmp_path):
    content = files.chain(1)
    (tmp_path / "a.tflite").write_bytes(content)
    assert (
        load(content)
        == load(bytearray(content))
        == load(tmp_path / "a.tflite")
        == load(str(tmp_path / "a.tflite"))
        == content
    )


def test_the_plan_in_a_file_is_read():
    assert read(files.chain(2)).offsets is None
    file = File(unusual.branches())
    file.set_plan({0: 16, 9: 32})
    assert read(file.packed()).offsets == (16, *[-1] * 8, 32)


@pytest.mark.parametrize("words", [[], [1, 1], [1, 1, 4, 0, 0, 0, 0], [1, 1, 3, 0, 0], [1, 1, 2, 0, 0]])
def test_a_plan_that_does_not_fit_the_file_is_none(words):
    file, entry = File(files.chain(2)), schema.MetadataT()
    entry.name, entry.buffer = PLAN, file.add_buffer(np.array(words, "<i4"))
    file.model.metadata = [entry]
    assert read(file.packed()).offsets is None


def test_TFLM_obeys_the_last_of_two_plans():
    file = File(files.chain(2))
    file.set_plan({0: 0, 1: 256, 2: 4096})
    first = file.model.metadata
    file.set_plan({0: 0, 1: 256, 2: 512})
    file.model.metadata = [*first, *file.model.metadata]
    assert read(file.packed()).offsets == (0, 256, 512)
    assert measure(file.packed()).head == 768
