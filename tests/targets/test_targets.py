import dataclasses
import json
from collections import Counter

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from tflite import files, operators, unusual
from tflite.network import Network

from keras_unetmm.targets import coral, edgetpu_compiler, ethos_u, vela
from keras_unetmm.targets import interpreter_kernels as kernels
from keras_unetmm.targets.targets import TARGETS, check
from keras_unetmm.targets.verdict import CompiledFileError, DynamicShapeError, FloatFileError
from keras_unetmm.tflite_file.edit import File
from keras_unetmm.tflite_file.graph import TFLiteFileError, read

TABLES = [kernels.TFLM, kernels.LITERT, kernels.TFLM_CONSTANTS, coral.TPU, coral.REFUSED, *ethos_u.NPU.values()]


@pytest.fixture(autouse=True)
def no_compiler(monkeypatch):
    """As where none is installed."""
    monkeypatch.setattr(vela, "command", lambda: None)
    monkeypatch.setattr(edgetpu_compiler, "command", lambda: None)


def shuffled():
    """CONV_2D, DEPTH_TO_SPACE, RELU."""
    net = Network()
    return net.file(net.unary("RELU", net.shuffled("DEPTH_TO_SPACE", net.conv(net.input(1, 4, 4, 8), 8))))


@pytest.mark.parametrize("table", TABLES)
def test_the_names_in_every_table_are_the_schema_s(table):
    assert table
    assert all(hasattr(schema.BuiltinOperator, name) for name in table)


def test_the_types_in_the_tables_are_the_schema_s():
    for table in (kernels.TFLM, kernels.LITERT):
        assert all(types and all(hasattr(schema.TensorType, kind) for kind in types) for types in table.values())
        assert not any(kind.startswith(("FLOAT", "BFLOAT")) for types in table.values() for kind in types)


@pytest.mark.parametrize("target", TARGETS)
def test_the_json_holds_exactly_what_is_promised(target):
    content = shuffled()
    verdict = check(content, target)
    result = verdict.as_json()
    assert json.loads(json.dumps(result)) == result
    assert list(result) == ["target", "runs", "compiled", "operators"]
    assert (result["target"], result["runs"], result["compiled"]) == (target, True, False)
    assert all(list(operator) == ["index", "name", "verdict", "why", "instead"] for operator in result["operators"])
    assert [operator["name"] for operator in result["operators"]] == ["CONV_2D", "DEPTH_TO_SPACE", "RELU"]
    assert [operator["index"] for operator in result["operators"]] == [0, 1, 2]
    assert "not compiled" in verdict.note


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", operators.NAMES)
def test_what_does_not_run_says_why_and_what_instead(target, name):
    for dtype in ("int8", "int16", "int32"):
        verdict = check(operators.file_of(name, dtype=dtype), target)
        for operator in verdict.operators:
            said = bool(operator.why), bool(operator.instead)
            assert said == ((False, False) if operator.verdict == "supported" else (True, True))
        assert verdict.runs == all(operator.verdict != "unsupported" for operator in verdict.operators)


def test_a_summary_is_in_the_json_where_a_compiler_ran():
    verdict = dataclasses.replace(check(files.unet(), "coral"), compiled=True, summary={"tpu_operators": 6})
    assert verdict.as_json()["summary"] == {"tpu_operators": 6}


def test_a_path_is_read_too(tmp_path):
    (tmp_path / "a.tflite").write_bytes(files.unet())
    assert check(tmp_path / "a.tflite", "tflm") == check(files.unet(), "tflm")


def test_operators_of_all_graphs_are_judged():
    content = unusual.loop()
    model = read(content)
    for target in TARGETS:
        verdict = check(content, target)
        assert len(verdict.operators) == sum(len(graph.operators) for graph in model.graphs)
        body = verdict.operators[len(model.main.operators) :]
        assert body
        assert all((operator.verdict == "supported") == (target in ("litert", "tflm")) for operator in body)


def test_a_body_that_cannot_run_keeps_the_file_from_running():
    net = Network()
    x = net.input(1, 4)
    net.operator("WHILE", [x], [net.like(x)], "While", condSubgraphIndex=1, bodySubgraphIndex=1)
    net.graph.outputs = [1]
    net.subgraph()
    y = net.input(1, 4)
    verdict = check(net.file(net.unary("GELU", y)), "tflm")
    assert [(o.index, o.name, o.verdict) for o in verdict.operators] == [
        (0, "WHILE", "supported"),
        (1, "GELU", "unsupported"),
    ]
    assert not verdict.runs


def test_a_file_without_operators_runs():
    net = Network()
    x = net.input(1, 4)
    assert all(check(net.file(x), target).runs for target in TARGETS)


@pytest.mark.parametrize("target", ["tpu", "", "TFLM", None])
def test_an_unknown_target_is_refused(target):
    with pytest.raises(ValueError, match=r"target must be one of 'litert', 'tflm', 'coral'.*Received"):
        check(files.unet(), target)


@pytest.mark.parametrize("target", TARGETS)
def test_floats_are_refused_by_name(target):
    net = Network(dtype="float32")
    x = net.input(1, 4, 4, 4)
    content = net.file(net.unary("RELU", net.conv(x, 4)))
    with pytest.raises(
        FloatFileError, match=r"floats: operator 0, CONV_2D, has the float32 tensor 'graph/t0/value'.*unetmm convert"
    ):
        check(content, target)


def test_float_outputs_are_refused_and_float_constants_are_not():
    net = Network()
    x = net.input(1, 4)
    with pytest.raises(FloatFileError, match="DEQUANTIZE"):
        check(net.file(net.operator("DEQUANTIZE", [x], [net.tensor((1, 4), None, dtype="float32")])), "tflm")
    net = Network()
    x = net.input(1, 4)
    net.tensor((4,), None, dtype="float32", data=np.ones(4, "float32"))  # that nothing reads
    assert check(net.file(net.unary("RELU", x)), "tflm").runs


def test_sizes_known_only_later_are_refused():
    file = File(files.unet())
    file.main.tensors[3].shapeSignature = np.array([-1, 4, 4, 4], "int32")
    with pytest.raises(DynamicShapeError, match=r"graph/t3/value' of \?x4x4x4"):
        check(file.packed(), "litert")


@pytest.mark.parametrize(("name", "compiler"), [("ethos-u", "Vela"), ("edgetpu-custom-op", "edgetpu_compiler")])
def test_what_a_compiler_wrote_is_refused(name, compiler):
    net = Network()
    x = net.input(1, 4)
    with pytest.raises(CompiledFileError, match=f"{name} of {compiler}"):
        check(net.file(net.operator(name, [x], [net.like(x)])), "tflm")


def test_damaged_files_are_refused():
    with pytest.raises(TFLiteFileError, match="cut short"):
        check(files.unet()[:300], "tflm")
    with pytest.raises(TFLiteFileError, match=r"must be a \.tflite file"):
        check(b"words", "tflm")


@pytest.mark.parametrize("target", TARGETS)
def test_operators_without_their_inputs_are_refused_or_judged(target):
    refused = 0
    for name in operators.NAMES:
        file = File(operators.file_of(name))
        file.main.operators[-1].inputs = np.array([-1, -1], "int32")
        file.main.operators[-1].outputs = np.array([], "int32")
        try:
            check(file.packed(), target)
        except TFLiteFileError as error:
            assert "lacks an input" in str(error)  # noqa: PT017 - either is right
            refused += 1
    assert refused or target == "litert"


def test_bytes_changed_anywhere_give_a_verdict_or_one_of_our_errors():
    content, rng, answers = shuffled(), np.random.default_rng(0), Counter()
    for _ in range(300):
        changed = bytearray(content)
        for position in rng.integers(8, len(changed), 3):
            changed[position] = rng.integers(256)
        for target in ("tflm", "coral", "ethos-u55"):
            try:
                answers[check(changed, target).target] += 1
            except (TFLiteFileError, FloatFileError, DynamicShapeError):
                answers["refused"] += 1
    assert all(answers[answer] for answer in ("tflm", "coral", "ethos-u55", "refused"))


def test_more_than_one_code_for_an_operator_is_told_apart():
    builder, model = flatbuffers.Builder(1024), schema.ModelT.InitFromObj(schema.Model.GetRootAs(shuffled()))
    assert len(model.operatorCodes) == 3
    model.operatorCodes[0].version = 6  # of the CONV_2D alone
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    verdict = check(bytes(builder.Output()), "coral")
    assert [operator.verdict for operator in verdict.operators] == ["unsupported", "cpu", "cpu"]
