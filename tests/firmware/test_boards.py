"""The folder of a network on emulated cores: the same bytes, within its memory and 4 KB of stack, instructions counted."""

import re

import pytest
from engine.programs import COMPILERS, small, two_ends

from keras_unetmm.engine.folder import Folder
from keras_unetmm.engine.store import load
from keras_unetmm.firmware.boards import qemu
from keras_unetmm.firmware.write import Wanted, write

pytestmark = pytest.mark.skipif(not COMPILERS, reason="neither gcc nor clang is installed")


def board(name):
    lacks = qemu.missing(name)
    return pytest.param(name, marks=pytest.mark.skipif(bool(lacks), reason=lacks))


ALL = [board(name) for name in qemu.BOARDS]
FIRST = next((name for name in qemu.BOARDS if not qemu.missing(name)), None)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    path = tmp_path_factory.mktemp("boards")
    write(small(), path / "net", "net", Wanted("rows"))
    write(two_ends(), path / "ends", "ends", Wanted("whole"))
    return path


@pytest.mark.parametrize("name", ALL)
def test_the_selftest_passes(folders, name):
    found = qemu.run(folders / "net", name)
    assert found.good, found.text
    assert found.text.endswith("net: ok\n")
    assert 0 < found.arena <= int(re.search(r"of (\d+)", found.text)[1])
    assert 0 < found.stack <= 4096
    assert 50_000 < found.instructions < 5_000_000
    assert qemu.run(folders / "ends", name, runs=2).good


@pytest.mark.skipif(FIRST is None, reason="no compiler and emulator of a board is installed")
def test_instructions_are_counted_without_noise_and_a_failure_is_seen(folders, tmp_path):
    work, target = load(folders / "net"), qemu.BOARDS[FIRST]
    program = qemu.build(work, target, tmp_path, ("-DUNETMM_SELFTEST_RUNS=1",))
    first, second = (qemu.emulated(program, target) for _ in range(2))
    assert first.good
    assert first == second
    test = re.sub(r"\n    0x[0-9a-f]{8}u", "\n    0x00000001u", work.files["net_selftest.c"])
    wrong = Folder(work.name, {**work.files, "net_selftest.c": test}, work.description)
    found = qemu.emulated(qemu.build(wrong, target, tmp_path, ("-DUNETMM_SELFTEST_RUNS=1",)), target)
    assert not found.good
    assert "FAILED" in found.text


def test_unknown_boards_and_missing_tools_are_told(folders, monkeypatch):
    with pytest.raises(qemu.BoardError, match=r"must be one of 'cortex-m4'.*Received: 'cortex-m9'"):
        qemu.run(folders / "net", "cortex-m9")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(qemu.BoardError, match=r"riscv64-unknown-elf-gcc is not installed\. Install it"):
        qemu.run(folders / "net", "riscv32")
    with pytest.raises(ValueError, match=r"missing or not as it was written|must be a .tflite file, or a folder"):
        qemu.run(folders, "riscv32")
