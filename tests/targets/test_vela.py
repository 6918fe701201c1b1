import numpy as np
import pytest
from tflite import files, operators
from tflite.compilers import pretend, with_vela
from tflite.network import Network

from keras_unetmm.targets import vela
from keras_unetmm.targets.targets import check
from keras_unetmm.targets.verdict import CompilerError
from keras_unetmm.tflite_file.edit import File

COUNTS = """
CPU operators = {cpu} ({cpu}.0%)
   CPU: Passthrough = tensor_1 (outputs [1, 8, 8, 2])
NPU operators = {npu} ({npu}.0%)
"""
TABLE = "experiment,sram_memory_used,dram_memory_used,off_chip_flash_memory_used,cycles_total\n"
TABLE += "default,20.109375,1.5,1.359375,27424.0\n"
WARNING = """
Warning (supported operators) operator: DEPTH_TO_SPACE, ofm: 'tensor_1'
Reason: Unsupported opType
"""


def shuffled():
    """DEPTH_TO_SPACE t0 -> t1, RELU t1 -> t2."""
    net = Network()
    return net.file(net.unary("RELU", net.shuffled("DEPTH_TO_SPACE", net.input(1, 4, 4, 8))))


SAID = WARNING + COUNTS.format(cpu=1, npu=1)


def writes(*left, said=SAID, table=TABLE, status=0):
    """A program that leaves those tensors' operators to the CPU, as Vela does."""
    net = Network()
    x = net.input(1, 4)
    for name in left:
        made = net.operator("DEPTH_TO_SPACE", [x], [net.like(x)])
        net.graph.tensors[made].name = name
    net.operator("ethos-u", [x], [net.like(x)])
    return (
        f"(out / (file.stem + '_vela.tflite')).write_bytes({net.file(x)!r})\n"
        f"(out / (file.stem + '_summary_Some_System.csv')).write_text({table!r})\n"
        f"print({said!r})\nsys.exit({status})\n"
    )


@pytest.fixture
def fake(tmp_path, monkeypatch):
    def made(code):
        monkeypatch.setenv("PATH", str(pretend(tmp_path / "bin", "vela", code)))

    return made


@pytest.fixture
def none(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(vela, "command", lambda: None)


def test_what_vela_leaves_to_the_processor(fake):
    fake(writes("tensor_1"))
    verdict = check(shuffled(), "ethos-u55")
    assert verdict.compiled
    assert verdict.runs
    assert [operator.verdict for operator in verdict.operators] == ["cpu", "supported"]
    assert verdict.operators[0].why == "Vela: Unsupported opType"
    assert "one-hot" in verdict.operators[0].instead
    assert "ethos-u55-128" in verdict.note
    assert verdict.summary == {
        "npu_share": 0.5,
        "cpu_operators": 1,
        "npu_operators": 1,
        "sram_bytes": 20592,
        "dram_bytes": 1536,
        "flash_bytes": 1392,
        "cycles": 27424,
    }
    assert verdict.as_json()["summary"] == verdict.summary


def test_what_the_processor_lacks_cannot_run(fake):
    net = Network()
    content = net.file(net.unary("TILE", net.input(1, 4)))  # that Vela would take
    fake(writes("tensor_1", said=COUNTS.format(cpu=1, npu=0)))
    verdict = check(content, "ethos-u85")
    assert not verdict.runs
    assert verdict.operators[0].why == "Vela: left to the processor; and on the processor TFLM has no operator TILE"


@pytest.mark.parametrize(("target", "config"), vela.ACCELERATORS.items())
def test_vela_is_given_the_accelerator_and_a_file_without_a_plan(fake, tmp_path, target, config):
    file = File(shuffled())
    file.set_plan({0: 0})
    note = f"pathlib.Path({str(tmp_path / 'argv')!r}).write_text(' '.join(argv)); "
    fake(note + f"pathlib.Path({str(tmp_path / 'given.tflite')!r}).write_bytes(file.read_bytes())\n" + writes())
    check(file.packed(), target)
    assert f"--accelerator-config {config} " in (tmp_path / "argv").read_text()
    assert b"OfflineMemoryAllocation" in file.packed()
    assert b"OfflineMemoryAllocation" not in (tmp_path / "given.tflite").read_bytes()


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("sys.exit('RuntimeError: it broke.')", r"Vela failed \(status 1\): RuntimeError: it broke\."),
        ("print('all is well')", r"Vela failed \(status 0\)"),
        (writes("tensor_1", status=3), r"status 3"),
        (writes("tensor_9"), "does not fit the file"),
        (writes("whatever"), "'whatever', a tensor that the file does not have"),
        (writes("tensor_1", said="nonsense"), "does not fit the file"),
        (writes("tensor_1", table="a,b\n1,2\n"), "does not fit the file"),
        (writes("tensor_1", table=""), "does not fit the file"),
        ("(out / 'model_vela.tflite').write_bytes(b'nonsense')", "does not fit the file"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", r"status -11"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGXCPU)", "not done with the file after 120 seconds of processor"),
    ],
    ids=range(11),
)
def test_a_compiler_that_fails_is_an_error_that_names_the_way_out(fake, code, message):
    fake(code)
    with pytest.raises(CompilerError, match=message) as error:
        check(shuffled(), "ethos-u55")
    assert "--static" in str(error.value)
    assert not check(shuffled(), "ethos-u55", compile=False).compiled


def test_a_compiler_that_hangs_is_ended(fake, monkeypatch):
    fake("import time; time.sleep(60)")
    monkeypatch.setattr(vela, "SECONDS", 0.5)
    with pytest.raises(CompilerError, match=r"not done with the file after 0\.5 seconds"):
        check(shuffled(), "ethos-u55")


def test_a_program_that_cannot_start_is_an_error(tmp_path, monkeypatch):
    (tmp_path / "vela").write_text("#!/nowhere/python\n")
    (tmp_path / "vela").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CompilerError, match="cannot be started"):
        check(shuffled(), "ethos-u55")


def test_without_vela_the_rules_judge(none):
    verdict = check(shuffled(), "ethos-u65")
    assert (verdict.compiled, verdict.summary) == (False, None)
    assert [operator.verdict for operator in verdict.operators] == ["cpu", "supported"]


@with_vela
@pytest.mark.parametrize("target", vela.ACCELERATORS)
def test_the_real_vela_on_a_network(target):
    verdict = check(files.unet(), target)
    assert verdict.compiled
    assert all(operator.verdict == "supported" for operator in verdict.operators)
    assert verdict.summary["npu_share"] == 1
    assert verdict.summary["cycles"] > 0
    assert verdict.summary["sram_bytes"] + verdict.summary["dram_bytes"] >= 512


@with_vela
def test_the_real_vela_s_reasons_reach_the_operators():
    net = Network()
    y = net.unary("RELU", net.shuffled("DEPTH_TO_SPACE", net.conv(net.input(1, 8, 8, 4), 8)))
    for tensor in net.graph.tensors:
        tensor.name = "the same"
    verdict = check(net.file(net.mean(y, (3,))), "ethos-u55")
    assert [operator.verdict for operator in verdict.operators] == ["supported", "cpu", "supported", "cpu"]
    assert verdict.operators[1].why == "Vela: Unsupported opType"
    assert "depth-reduction" in verdict.operators[3].why
    assert verdict.summary["cpu_operators"] == 2


@with_vela
def test_the_real_vela_leaves_all_and_the_plan_is_taken_away():
    file = File(shuffled())
    file.set_plan({0: 0})
    file.main.outputs = np.array([1], "int32")
    file.main.operators = file.main.operators[:1]
    verdict = check(file.packed(), "ethos-u55")
    assert [operator.verdict for operator in verdict.operators] == ["cpu"]
    assert verdict.summary["npu_share"] == 0


@with_vela
@pytest.mark.parametrize("dtype", ["int8", "int16"])
@pytest.mark.parametrize("target", ["ethos-u55", "ethos-u85"])
def test_the_rules_say_of_every_operator_what_the_real_vela_says(target, dtype):
    failing = (*operators.COMPARISONS, "ARG_MAX")  # Vela 5.2 cannot write what it makes of them
    names = [name for name in operators.NAMES if name not in failing and (name, dtype) != ("HARD_SWISH", "int16")]
    content = operators.file_of(*names, dtype=dtype)
    ruled, asked = ([(o.name, o.verdict) for o in check(content, target, compile=c).operators] for c in (False, True))
    assert asked == ruled
    assert len({verdict for _, verdict in asked}) == 3
