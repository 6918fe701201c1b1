"""Files at whose several graphs a run may begin: they are named where the first graph alone is looked at, or refused."""

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from fuzzing.fuzz import reported
from tflite import files, unusual
from tflite.network import Network

from keras_unetmm.advice.advice import advice
from keras_unetmm.engine.io_quantization import integer_io
from keras_unetmm.firmware.prediction import prediction
from keras_unetmm.firmware.write import write
from keras_unetmm.interpreters.runtime import measure
from keras_unetmm.planner import report as reports
from keras_unetmm.planner.planner import plan
from keras_unetmm.runtime.cross_check import cross_check
from keras_unetmm.targets.targets import TARGETS, check
from keras_unetmm.tflite_file.edit import File
from keras_unetmm.tflite_file.entry_points import entry_points, validate_one_entry_point
from keras_unetmm.tiling.tile import tile

SAID = r"must have one entry point\. Received: 2, 'encode', 'decode'\. Convert each signature .*signature_keys"


def signed(net, *keys):
    """Gives signatures to graphs: pairs of a name and the graph's number."""
    net.model.signatureDefs = []
    for key, graph in keys:
        signature, of = schema.SignatureDefT(), net.model.subgraphs[graph]
        signature.signatureKey, signature.subgraphIndex = key, graph
        signature.inputs, signature.outputs = [], []
        for ends, indices in ((signature.inputs, of.inputs), (signature.outputs, of.outputs)):
            for place, index in enumerate(indices):
                end = schema.TensorMapT()
                end.name, end.tensorIndex = f"end{place}", index
                ends.append(end)
        net.model.signatureDefs.append(signature)
    return net.file()


def encoder_and_decoder(*keys, floats=False, wide=16):
    """A graph that makes a small map of an image, and one that makes scores of a map; they share nothing."""
    net = Network()
    if floats:
        image = net.operator("QUANTIZE", [net.input(1, 8, 8, 4, dtype="float32")], [net.tensor((1, 8, 8, 4))], "Quantize")
    else:
        image = net.input(1, 8, 8, 4)
    net.graph.outputs = [net.conv(image, 4, (3, 3), stride=(2, 2))]
    net.subgraph()
    net.graph.outputs = [net.conv(net.input(1, 16, 16, wide), 2)]
    return signed(net, *keys) if keys else net.file()


def both(**options):
    return encoder_and_decoder(("encode", 0), ("decode", 1), **options)


def test_the_names_of_entry_points():
    assert entry_points(both()) == ("'encode'", "'decode'")
    assert entry_points(encoder_and_decoder(("a", 0), ("b", 0), ("c", 1))) == ("'a' or 'b'", "'c'")
    assert entry_points(encoder_and_decoder(("decode", 1))) == ("graph 0", "'decode'")
    assert entry_points(encoder_and_decoder()) == ("graph 0", "graph 1")
    assert entry_points(encoder_and_decoder(("a", 0), ("b", 0))) == ("'a' or 'b'",)  # the other graph is nobody's
    assert entry_points(integer_io(both(floats=True))) == ("graph 0", "'decode'")
    for one in (files.unet, unusual.loop, unusual.branches, unusual.remembered):
        assert entry_points(one()) == ("graph 0",)
        validate_one_entry_point(one())


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("compile", [True, False])
def test_check_judges_all_graphs_and_names_where_no_run_begins(target, compile):
    verdict = check(both(), target, compile and target in ("tflm", "litert"))
    assert [operator.name for operator in verdict.operators] == ["CONV_2D", "CONV_2D"]
    assert "begins at the first graph, 'encode'; the file has other entry points, 'decode', which are judged" in verdict.note
    assert "entry points" not in check(files.unet(), target, compile=False).note


def test_the_plan_is_of_the_first_graph_and_counts_what_the_others_take():
    content = both()
    found, result = reports.report(content)
    assert result["entry_points"].startswith("A run on TFLM begins at the first graph, 'encode'; the file has other entry ")
    assert "'decode', which take memory all the same" in result["entry_points"]
    assert result["entry_points"] in reported(content).replace("&#39;", "'")
    beside = 16 * 16 * (16 + 2)  # the maps of the other graph, side by side in TFLM's arena
    assert found.order_bound == found.planned.bound == beside == result["as_is"]["greedy_head"] == measure(content).head
    assert found.planned.head == measure(found.planned.content).head == beside
    assert [entry["shape"] for entry in result["peak"]["live"]] == [[1, 8, 8, 4], [1, 4, 4, 4]]
    assert sum(entry["bytes"] for entry in result["peak"]["live"]) == max(found.live)
    cross_check(content, found.planned.content)
    assert entry_points(found.planned.content) == ("'encode'", "'decode'")


def test_a_small_other_graph_lies_below_what_runs():
    found = plan(both(wide=1))
    assert found.greedy_head == measure(both(wide=1)).head >= 16 * 16 * 3
    assert found.planned.head == measure(found.planned.content).head == found.planned.bound == 16 * 16 * 3


@pytest.mark.parametrize("floats", [False, True])
def test_what_is_written_of_one_network_is_refused_with_the_names(floats, tmp_path):
    content = both(floats=floats)
    for ask in (
        lambda: write(content, tmp_path / "c", "net"),
        lambda: prediction(content),
        lambda: tile(content, (8, 8)),
    ):
        with pytest.raises(ValueError, match=SAID):
            ask()
    assert not (tmp_path / "c").exists()
    said = {option.kind: option.said for option in advice(content, "a.tflite", seconds=0.1, search=0.1)}
    assert "'decode'" in said["engine"]
    assert "'decode'" in said["tiles"]


def test_a_file_of_one_signature_is_written_as_before(tmp_path):
    net = Network()
    net.graph.outputs = [net.conv(net.input(1, 8, 8, 4), 4)]
    assert write(signed(net, ("serving_default", 0)), tmp_path / "c", "net")["macs"] == 8 * 8 * 4 * 4


def open_batch():
    """Convolution, and RESHAPE to a shape computed of SHAPE, STRIDED_SLICE and PACK, as of a model of any batch size."""
    net = Network()
    made = net.conv(net.input(1, 8, 8, 4), 8, (3, 3), stride=(2, 2))
    scalar = {"scale": None, "dtype": "int32"}
    shape = net.operator("SHAPE", [made], [net.tensor((4,), **scalar)], "Shape", outType=schema.TensorType.INT32)
    ends = [net.numbers(0), net.numbers(1), net.numbers(1)]
    batch = net.operator("STRIDED_SLICE", [shape, *ends], [net.tensor((), **scalar)], "StridedSlice", shrinkAxisMask=1)
    sizes = [net.tensor((), data=np.array(size, "int32"), **scalar) for size in (16, 8)]
    target = net.operator("PACK", [batch, *sizes], [net.tensor((3,), **scalar)], "Pack", valuesCount=3)
    output = net.operator("RESHAPE", [made, target], [net.like(made, 1, 16, 8)], "Reshape")
    for index, tensor in enumerate(net.graph.tensors):
        if index in (*net.graph.inputs, made, output):
            tensor.shapeSignature = [-1, *tensor.shape[1:]]
    return net.file(output)


def test_a_shape_computed_of_an_open_batch_is_that_of_the_file_s_batch(tmp_path):
    content = open_batch()
    for target in ("tflm", "litert"):
        verdict = check(content, target)
        assert verdict.runs
        assert "Open sizes are taken as the file's shapes say, in 3 tensors" in verdict.note
    assert {operator.why.split(",")[0] for operator in check(content, "coral", compile=False).operators} >= {
        "the compiler takes fixed sizes only"
    }
    found, result = reports.report(content)
    assert "of ?x8x8x4. Maps may be larger when it runs" in result["open_sizes"]
    assert result["open_sizes"] in reported(content).replace("&#39;", "'")
    assert found.planned.head == measure(found.planned.content).head
    cross_check(content, found.planned.content)
    made = write(content, tmp_path / "c", "net")  # which runs the C beside TFLM
    assert made["macs"] == 4 * 4 * 8 * 9 * 4
    assert len(made["cross_check"]["inputs"]) == 6


def test_an_input_of_floats_that_nothing_reads_is_named_by_the_engine(tmp_path):
    net = Network()
    x, _ = net.input(1, 4), net.input(1, 3, dtype="float32")
    content = net.file(net.unary("RELU", x))
    assert check(content, "tflm").runs
    with pytest.raises(ValueError, match=r"input 1, '.*', of float32, which no operator reads\. Take it off"):
        write(content, tmp_path / "c", "net")


def test_a_map_that_stays_from_run_to_run_is_named_by_the_engine(tmp_path):
    net = Network()
    x, kept = net.input(1, 4), net.tensor((1, 4))
    net.graph.tensors[kept].isVariable = True
    content = net.file(net.binary("ADD", x, kept))
    assert check(content, "tflm").runs
    with pytest.raises(ValueError, match=r"keeps nothing from one image to the next\. Received: '.*', a variable, which"):
        write(content, tmp_path / "c", "net")


def test_a_signature_of_another_graph_outlives_the_float_ends():
    assert [s.signatureKey for s in File(integer_io(both(floats=True))).model.signatureDefs] == [b"decode"]
