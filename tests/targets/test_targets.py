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


def of_floats():
    net = Network(dtype="float32")
    return net.file(net.unary("RELU", net.conv(net.input(1, 4, 4, 4), 4)))


def with_float_ends():
    net = Network()
    x = net.input(1, 4, 4, 4, dtype="float32")
    y = net.conv(net.operator("QUANTIZE", [x], [net.tensor((1, 4, 4, 4))], "Quantize"), 4)
    return net.file(net.operator("DEQUANTIZE", [y], [net.tensor((1, 4, 4, 4), None, dtype="float32")], "Dequantize"))


def hybrid():
    net = Network(dtype="float32")
    x = net.input(1, 4)
    weights = net.tensor((4, 4), 1 / 64, dtype="int8", data=np.ones((4, 4), "int8"))
    return net.file(net.operator("FULLY_CONNECTED", [x, weights, -1], [net.tensor((1, 4), None)], "FullyConnected"))


def of_16_bits():
    net = Network(dtype="int16")
    return net.file(net.unary("LEAKY_RELU", net.conv(net.input(1, 4, 4, 4), 4)))


@pytest.mark.parametrize("ask", [True, False])
@pytest.mark.parametrize(
    ("made", "said"),
    [  # on litert, tflm, coral, ethos-u55, u65, u85: runs (+), on the processor (~), not at all (-); an operator each
        (of_floats, "++ ++ ~~ ~~ ~~ ~~"),
        (with_float_ends, "+++ +++ ~+~ ~+~ ~+~ ~+~"),
        (hybrid, "+ - ~ - - -"),
        (of_16_bits, "++ ++ ~~ ++ ++ ++"),
    ],
)
def test_any_file_gets_a_verdict_an_operator_and_target(made, said, ask):
    content, signs = made(), {"supported": "+", "cpu": "~", "unsupported": "-"}
    verdicts = [check(content, target, compile=ask) for target in TARGETS]
    found = " ".join("".join(signs[operator.verdict] for operator in verdict.operators) for verdict in verdicts)
    assert found == said
    assert [verdict.runs for verdict in verdicts] == ["-" not in one for one in said.split()]
    for operator in (operator for verdict in verdicts for operator in verdict.operators):
        assert bool(operator.why) == bool(operator.instead) == (operator.verdict != "supported")


def test_a_batch_that_is_open_is_a_finding_on_coral_and_a_word_elsewhere():
    file = File(files.unet())
    file.main.tensors[3].shapeSignature = np.array([-1, 4, 4, 4], "int32")
    for target in TARGETS:
        verdict = check(file.packed(), target)
        touched = [o for o in verdict.operators if "?x4x4x4" in o.why]
        assert "'graph/t3/value' of ?x4x4x4" in verdict.note
        assert verdict.runs == (target != "coral") == (not touched)
        assert all("batch_size=1" in operator.instead for operator in touched)
    assert "Open sizes" not in check(files.unet(), "coral").note


@pytest.mark.parametrize(
    ("name", "compiler", "own"), [("ethos-u", "Vela", "ethos-u65"), ("edgetpu-custom-op", "edgetpu_compiler", "coral")]
)
def test_what_a_compiler_wrote_runs_on_its_target_alone(name, compiler, own):
    net = Network()
    x = net.input(1, 4)
    content = net.file(net.unary("RELU", net.operator(name, [x], [net.like(x)])))
    verdict = check(content, own)
    assert verdict.runs
    assert [operator.verdict for operator in verdict.operators] == ["supported", "cpu"]
    for target in {"tflm", "litert", "coral", "ethos-u55"} - {own, "ethos-u55" if own.startswith("ethos") else ""}:
        verdict = check(content, target)
        assert not verdict.runs
        assert compiler in verdict.operators[0].why
        assert "compiled from" in verdict.operators[0].instead


def test_the_interpreter_s_word_counts_where_the_table_says_otherwise(monkeypatch):
    content = files.unet()
    monkeypatch.setitem(kernels.TFLM, "RELU", frozenset())
    assert not check(content, "tflm", compile=False).runs
    assert check(content, "tflm").runs
    monkeypatch.setitem(kernels.TFLM, "TILE", frozenset({"INT8"}))  # which TFLM has not
    content = operators.file_of("TILE")
    assert check(content, "tflm", compile=False).runs
    verdict = check(content, "tflm")
    assert [operator.verdict for operator in verdict.operators] == ["unsupported"]
    assert "TILE" in verdict.operators[0].why


def test_the_operator_that_tflm_refuses_is_named_although_no_rule_knows_why():
    net = Network()
    y = net.concatenate([net.unary("RELU", net.input(1, 4)), net.input(1, 4, dtype="int16")], 1)
    verdict = check(net.file(net.unary("RELU6", y)), "tflm")
    assert [operator.verdict for operator in verdict.operators] == ["supported", "unsupported", "supported"]


def test_the_operator_of_a_version_that_litert_lacks_is_named():
    net = Network()
    x = net.unary("RELU", net.input(1, 4))
    content = net.file(net.operator("SHAPE", [x], [net.tensor((2,), None, dtype="int32")], "Shape", outType=2))
    newer = File(content)
    newer.model.operatorCodes[1].version = 99
    assert check(content, "litert").runs
    verdict = check(newer.packed(), "litert")
    assert [operator.verdict for operator in verdict.operators] == ["supported", "unsupported"]
    assert "'SHAPE' version '99'" in verdict.operators[1].why


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
                answers[check(changed, target, compile=False).target] += 1
            except TFLiteFileError:
                answers["refused"] += 1
    assert all(answers[answer] for answer in ("tflm", "coral", "ethos-u55", "refused"))


def test_more_than_one_code_for_an_operator_is_told_apart():
    builder, model = flatbuffers.Builder(1024), schema.ModelT.InitFromObj(schema.Model.GetRootAs(shuffled()))
    assert len(model.operatorCodes) == 3
    model.operatorCodes[0].version = 6  # of the CONV_2D alone
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    verdict = check(bytes(builder.Output()), "coral")
    assert [operator.verdict for operator in verdict.operators] == ["unsupported", "cpu", "cpu"]
