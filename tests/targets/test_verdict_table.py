from rich.console import Console

from keras_unetmm.targets.verdict import OperatorVerdict, Verdict
from keras_unetmm.targets.verdict_table import as_table


def printed(verdict):
    console = Console(width=160)
    with console.capture() as capture:
        console.print(as_table("file", verdict))
    return capture.get()


def many():
    supported = [OperatorVerdict(index, "CONV_2D", "supported") for index in range(270)]
    left = [OperatorVerdict(index, "MEAN", "cpu", "a mean over channels", "a 1x1 convolution") for index in range(270, 274)]
    lost = OperatorVerdict(274, "GELU", "unsupported", "TFLM has no operator GELU", "x * sigmoid(1.702 x)")
    return Verdict("ethos-u55", True, (*supported, *left, lost), {"npu_share": 0.866, "sram_bytes": 20592, "cycles": 27424})


def test_what_runs_is_counted_and_the_rest_named():
    text = printed(many())
    assert "270 of 275" in text
    assert "run on the NPU" in text
    assert "CONV_2D" not in text
    assert "4 from 270 to 273, MEAN" in text
    assert text.count("a mean over channels") == 1
    assert "274 GELU" in text
    assert "cannot run" in text
    assert "x * sigmoid(1.702 x)" in text
    assert len(text.splitlines()) < 20


def test_the_compiler_s_figures():
    text = printed(many())
    assert all(figure in text for figure in ("86.6%", "20,592 B", "27,424"))


def test_a_few_operators_are_named_each():
    alike = tuple(OperatorVerdict(index, name, "cpu", "why", "instead") for index, name in ((3, "ADD"), (7, "MUL")))
    assert "3 ADD, 7 MUL" in printed(Verdict("coral", False, alike))


def test_brackets_are_printed_as_they_are():
    operator = OperatorVerdict(0, "[red]odd[/]", "cpu", "[why]", "PReLU(shared_axes=[1, 2])")
    text = printed(Verdict("tflm", False, (operator,)))
    assert all(words in text for words in ("0 [red]odd[/]", "[why]", "shared_axes=[1, 2]"))
