"""Reading what edgetpu_compiler writes. The logs are in the format that users of its versions 14 to 16 show."""

import pytest
from tflite import files
from tflite.compilers import pretend
from tflite.network import Network

from keras_unetmm.targets import edgetpu_compiler
from keras_unetmm.targets.targets import check
from keras_unetmm.targets.verdict import CompilerError

SAID = """Edge TPU Compiler version 16.0.384591198
Started a compilation timeout timer of 180 seconds.

Model compiled successfully in 96 ms.

Input model: model.tflite
Input size: 1.94KiB
Output model: model_edgetpu.tflite
Output size: 20.78KiB
On-chip memory used for caching model parameters: 1.25KiB
On-chip memory remaining for caching model parameters: 7.96MiB
Off-chip memory used for streaming uncached model parameters: 0.00B
Number of Edge TPU subgraphs: 1
Total number of operations: 6
Operation log: model_edgetpu.log
"""
PARTLY = """
Model successfully compiled but not all operations are supported by the Edge TPU. A percentage of the model will run on CPU.
Number of operations that will run on Edge TPU: 3
Number of operations that will run on CPU: 3
"""
HEAD = """Edge TPU Compiler version 16.0.384591198
Input: model.tflite
Output: model_edgetpu.tflite

Operator                       Count      Status

"""
ALL = (
    HEAD
    + """RELU                           3          Mapped to Edge TPU
ADD                            1          Mapped to Edge TPU
MAX_POOL_2D                    1          Mapped to Edge TPU
RESIZE_NEAREST_NEIGHBOR        1          Mapped to Edge TPU
"""
)
SOME = (
    HEAD
    + """RELU                           1          More than one subgraph is not supported
RELU                           2          Mapped to Edge TPU
ADD                            1          More than one subgraph is not supported
MAX_POOL_2D                    1          Mapped to Edge TPU
RESIZE_NEAREST_NEIGHBOR        1          Operation version not supported
"""
)


@pytest.fixture
def fake(tmp_path, monkeypatch):
    def made(said=SAID, log=None, status=0, code=""):
        if log is not None:
            code += f"(out / 'model_edgetpu.log').write_text({log!r})\n"
        code += f"print({said!r})\nsys.exit({status})\n"
        monkeypatch.setenv("PATH", str(pretend(tmp_path / "bin", "edgetpu_compiler", code)))

    return made


def test_a_file_that_maps_as_a_whole(fake):
    fake(log=ALL)
    verdict = check(files.unet(), "coral")
    assert verdict.compiled
    assert all(operator.verdict == "supported" for operator in verdict.operators)
    assert verdict.summary == {
        "tpu_operators": 6,
        "cpu_operators": 0,
        "on_chip_bytes": 1280,
        "on_chip_free_bytes": 8346665,
        "off_chip_bytes": 0,
    }
    assert "edgetpu_compiler" in verdict.note


@pytest.mark.parametrize("on_screen", [False, True])
def test_a_file_that_maps_in_part(fake, on_screen):
    fake(**({"said": SAID + PARTLY + SOME[HEAD.index("Operator ") :]} if on_screen else {"log": SOME}))
    verdict = check(files.unet(), "coral")
    assert [operator.verdict for operator in verdict.operators] == [
        *("supported", "supported", "supported"),  # RELU, MAX_POOL_2D, RELU: the first of each name
        *("cpu", "cpu", "cpu"),
    ]
    assert verdict.operators[4].why == "Operation version not supported"
    assert verdict.operators[5].why == edgetpu_compiler.LATER
    assert all(operator.instead for operator in verdict.operators[3:])
    assert (verdict.summary["tpu_operators"], verdict.summary["cpu_operators"]) == (3, 3)
    assert "first are taken" in verdict.note


def test_an_operator_that_the_compiler_does_not_know(fake):
    said = (
        "Edge TPU Compiler version 15.0.340273435\nERROR: Didn't find op for builtin opcode 'DEPTH_TO_SPACE' version '2'\n"
    )
    fake(said + "\nERROR: Registration failed.\n", status=1)
    net = Network()
    verdict = check(net.file(net.unary("RELU", net.shuffled("DEPTH_TO_SPACE", net.input(1, 4, 4, 8)))), "coral")
    assert verdict.compiled
    assert [operator.verdict for operator in verdict.operators] == ["unsupported", "cpu"]
    assert "one-hot" in verdict.operators[0].instead
    assert verdict.operators[1].why == "the compiler refuses the file for DEPTH_TO_SPACE"
    assert verdict.summary["tpu_operators"] == 0


def test_what_the_compiler_is_given(fake, tmp_path):
    fake(log=ALL, code=f"pathlib.Path({str(tmp_path / 'argv')!r}).write_text(' '.join(argv[1:]))\n")
    check(files.unet(), "coral")
    argv = (tmp_path / "argv").read_text().split()
    assert argv[:2] == ["-s", "-o"]
    assert argv[3].endswith(".tflite")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"said": "Edge TPU Compiler version 16.0\n\nInternal compiler error. Aborting!", "status": 1},
            "Internal compiler error",
        ),
        ({"said": "Invalid model: model.tflite\nModel not quantized", "status": 1}, "Model not quantized"),
        ({"said": ""}, "nothing was said"),
        ({"log": HEAD}, "does not fit the file"),
        ({"log": "nonsense"}, "does not fit the file"),
        (
            {"log": ALL.replace("RELU                           3", "RELU                           2")},
            "counts RELU otherwise",
        ),
    ],
    ids=range(6),
)
def test_a_compiler_that_fails_is_an_error_that_names_the_way_out(fake, arguments, message):
    fake(**arguments)
    with pytest.raises(CompilerError, match=message) as error:
        check(files.unet(), "coral")
    assert "--static" in str(error.value)
    assert not check(files.unet(), "coral", compile=False).compiled


def test_a_compiler_that_hangs_is_ended(fake, monkeypatch):
    fake(code="import time; time.sleep(60)\n")
    monkeypatch.setattr(edgetpu_compiler, "SECONDS", 0.5)
    with pytest.raises(CompilerError, match=r"not done with the file after 0\.5 seconds"):
        check(files.unet(), "coral")


def test_without_the_compiler_the_rules_judge(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    verdict = check(files.unet(), "coral")
    assert not verdict.compiled
    assert "not compiled" in verdict.note
