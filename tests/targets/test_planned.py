"""What is said of a plan beside its bytes: whether TFLM runs the file, in the words of `check`."""

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from tflite import files
from tflite.network import Network

from keras_unetmm.interpreters.runtime import RunError
from keras_unetmm.planner.report import report
from keras_unetmm.targets.planned import judge, refusals_said
from keras_unetmm.targets.targets import check


def rank_6():
    """ADD, and a SLICE of six axes, which TFLM lacks."""
    net = Network()
    x = net.input(1, 2, 3, 2, 2, 4)
    x = net.binary("ADD", x, net.constant(4))
    ends = [net.numbers(0, 0, 0, 0, 0, 0), net.numbers(1, 1, 3, 2, 2, 4)]
    return net.file(net.operator("SLICE", [x, *ends], [net.like(x, 1, 1, 3, 2, 2, 4)], "Slice"))


def with_text(given=True):
    """RELU, and a constant of text that the file gives beside what it computes, or that nobody uses."""
    net = Network()
    made = net.unary("RELU", net.input(1, 4))
    text = net.tensor((1,), None, data=np.frombuffer(b"\1\0\0\0\x0c\0\0\0\x0f\0\0\0cat", "uint8"), dtype="uint8")
    net.graph.tensors[text].type = schema.TensorType.STRING
    return net.file(made, text) if given else net.file(made)


def gelu():
    return files.build([((1, 16), None), ((1, 16), None)], [("GELU", [0], [1], None)], [0], [1])


REFUSED = {"rank_6": (rank_6, "1 SLICE"), "with_text": (with_text, "0 RELU"), "gelu": (gelu, "0 GELU")}


def judged(content, compile=True):
    found, result = report(content, seconds=0.1)
    return judge(content, found, result, compile), result


@pytest.mark.parametrize("compile", [True, False])
@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_tflm_refuses_does_not_run_and_its_operator_and_reason_are_those_of_check(name, compile):
    content, operator = REFUSED[name][0](), REFUSED[name][1]
    with pytest.raises(RunError):
        files.outputs(content)
    verdict, result = judged(content, compile)
    assert verdict == check(content, "tflm", compile)
    assert result["as_is"]["runs"] is False
    assert not (result["planned"] or {"runs": False})["runs"]
    (said,) = result["why_not_run"]
    refused = verdict.operators[int(operator.split()[0])]
    assert said == {"operators": [operator], "why": refused.why, "instead": refused.instead}
    assert list(refusals_said([said])) == [f"{operator} cannot run: {refused.why}. Instead: {refused.instead}."]


def test_a_file_that_runs_has_no_reasons():
    _, result = judged(files.unet())
    assert result["as_is"]["runs"] is result["planned"]["runs"] is True
    assert "why_not_run" not in result


def test_a_planned_file_runs_where_an_operator_that_tflm_lacks_changed_nothing():
    net = Network()
    x = net.unary("RELU", net.input(1, 2, 3, 2, 2, 4))
    ends = [net.numbers(0, 0, 0, 0, 0, 0), net.numbers(1, 2, 3, 2, 2, 4)]
    kept = net.operator("SLICE", [x, *ends], [net.like(x)], "Slice")
    content = net.file(net.unary("RELU", kept))
    _, result = judged(content)
    assert (result["as_is"]["runs"], result["planned"]["runs"]) == (False, True)
    assert "why_not_run" not in result
    assert result["planned"]["measured"]["head"] == result["planned"]["head"]


def test_a_planned_file_runs_where_a_tensor_that_nobody_uses_kept_tflm_from_it():
    _, result = judged(with_text(given=False))
    assert (result["as_is"]["runs"], result["planned"]["runs"]) == (False, True)


def test_many_operators_of_one_reason_are_one_line():
    net = Network()
    x = net.input(1, 4)
    for _ in range(5):
        x = net.unary("GELU", x)
    (line,) = refusals_said(judged(net.file(x))[1]["why_not_run"])
    assert line.startswith("0 GELU, 1 GELU, 2 GELU and 2 more cannot run: TFLM has no operator GELU. Instead: ")
