"""unetmm firmware --board: what is written, what fits where, and what is refused, with the command that fits."""

import json
import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from engine.programs import COMPILERS
from firmware.projects import BYTES, photograph_network
from tflite.network import Network
from typer.testing import CliRunner

from keras_unetmm.cli import app
from keras_unetmm.engine.search import BudgetError
from keras_unetmm.engine.store import FolderError
from keras_unetmm.firmware.boards.board import Board, BoardError, Region
from keras_unetmm.firmware.boards.boards import BOARDS, board
from keras_unetmm.firmware.build import _run, lacking
from keras_unetmm.firmware.device.bench import selftest
from keras_unetmm.firmware.device.client import Device
from keras_unetmm.firmware.device.emulator import Emulated, lacks
from keras_unetmm.firmware.fitting import Asked, validate_memory, validate_weights, validated_placement
from keras_unetmm.firmware.place import GUARD, PlaceError, needs, parsed, placed
from keras_unetmm.firmware.write import Wanted
from keras_unetmm.tflite import firmware, run

pytestmark = pytest.mark.skipif(not COMPILERS, reason="neither gcc nor clang is installed")
AN500 = "qemu-mps2-an500"
M7 = pytest.mark.skipif(bool(lacking(board(AN500)) or lacks(board(AN500), ("emulator",))), reason="no Cortex-M7 here")
K = 2**10


def small_board(**memories):
    """A board with little memory: its flash, and memories by their names."""
    regions = [Region("FLASH", 0, 64 * K, "flash")]
    regions += [Region(name, 2**29 + i * 2**24, size) for i, (name, size) in enumerate(memories.items())]
    places = {"code": ("FLASH",), "weights": ("FLASH",)} | {part: tuple(memories) for part in ("data", "fast", "carried")}
    return Board(
        "little", "a little board", "Cortex-M4", "arm-none-eabi-", (), (), tuple(regions), places, (), {}, "cycles", "-"
    )


def call(*arguments):
    return CliRunner().invoke(app, list(map(str, arguments)))


def test_parts_go_where_there_is_room_and_what_is_wanted_first():
    target = small_board(TCM=32 * K, SRAM=128 * K)
    found = placed(target, needs(16 * K, 0, 40 * K, 8 * K))
    assert {part: region.name for part, region in found.regions.items()} == {
        **{"code": "FLASH", "weights": "FLASH"},
        **{"data": "TCM", "fast": "TCM", "carried": "TCM"},
    }
    assert placed(target, needs(24 * K, 0, 0, 0)).regions["fast"].name == "SRAM"
    found = placed(target, needs(16 * K, 90 * K, 0, 0), {"fast": "SRAM"})
    assert (found.regions["fast"].name, found.needs["fast"]) == ("SRAM", 16 * K + GUARD)
    with pytest.raises(PlaceError, match=r"maps must take at most 110,464 bytes.*Received: 112,768 bytes, 2,304 too"):
        placed(target, needs(20 * K, 110 * K, 0, 0), {"fast": "SRAM", "carried": "SRAM"})
    with pytest.raises(PlaceError, match=r"the weights must take at most 53,248 bytes, what is free of FLASH"):
        placed(target, needs(0, 0, 60 * K, 8 * K))


def test_places_are_read():
    target = small_board(TCM=32 * K, SRAM=128 * K)
    assert parsed("fast=tcm, carried=SRAM", target) == {"fast": "TCM", "carried": "SRAM"}
    assert parsed("", target) == {}
    for text, said in (
        ("fast", "must be PART=MEMORY"),
        ("fast=TCM,fast=SRAM", "each part once"),
        ("stack=TCM", r"fast, carried, weights\. Received: 'stack=TCM'"),
        ("fast=SDRAM", r"must name memories of little: FLASH, TCM, SRAM\. Received: 'SDRAM'"),
        ("fast=FLASH", r"must be a memory that can be written\. Received: FLASH"),
    ):
        with pytest.raises(BoardError, match=said):
            parsed(text, target)


def test_weights_that_do_not_fit_go_into_another_flash_or_are_refused():
    asked = Asked(None, "fw", board("stm32f746g-disco"), Wanted(), {}, "net")
    said = (
        r"the weights must take at most .* This fits: unetmm firmware net --board stm32f746g-disco --place weights=QSPI -o"
    )
    with pytest.raises(PlaceError, match=said):
        validated_placement(asked, needs(1000, 0, 1_400_000, 16_000))
    found = validated_placement(replace(asked, place={"weights": "QSPI"}), needs(1000, 0, 1_400_000, 16_000))
    assert found.regions["weights"].name == "QSPI"
    with pytest.raises(PlaceError, match=r"Take a narrower network"):
        validated_placement(replace(asked, board=board("rp2350")), needs(1000, 0, 5_000_000, 16_000))


def test_weights_are_refused_before_a_schedule_is_looked_for(tmp_path, monkeypatch):
    monkeypatch.setitem(BOARDS, "little", small_board(SRAM=128 * K))
    monkeypatch.setattr("keras_unetmm.firmware.write.plan", lambda *_, **__: pytest.fail("it plans"))
    net = Network(0)
    x = net.conv(net.conv(net.input(1, 16, 16, 3, **BYTES), 64, (3, 3)), 128, (3, 3))
    content, weights = net.file(x), 3 * 9 * 64 + 64 * 9 * 128
    with pytest.raises(
        PlaceError, match=r"the weights must take at most 61,440 bytes.* Received: at least ([\d,]+) "
    ) as told:
        firmware(content, tmp_path / "fw", "net", board="little")
    took = int(re.search(r"at least ([\d,]+) bytes, ([\d,]+) too", str(told.value))[1].replace(",", ""))
    assert weights + 4 * (64 + 128) <= took <= weights + 16 * (64 + 128)  # a bias, a multiplier and a shift a channel
    assert "a board that holds it: qemu-mps2-an386, " in str(told.value)
    with pytest.raises(PlaceError, match=r"This fits: unetmm firmware net --board stm32f746g-disco --place weights=QSPI -o"):
        validate_weights(Asked(None, "fw", board("stm32f746g-disco"), Wanted(), {"weights": "FLASH"}, "net"), 1_400_000)


def test_carried_maps_may_lie_outside_the_chip():
    schedule = SimpleNamespace(layout=SimpleNamespace(bytes=(100 * K, 600 * K)))
    asked = Asked(photograph_network(), "fw", board("stm32f746g-disco"), Wanted(), {}, "net")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("keras_unetmm.firmware.fitting.scheduled", with_two_memories_only(schedule))
        with pytest.raises(
            PlaceError, match=r"This fits: unetmm firmware net --board stm32f746g-disco --place carried=SDRAM -o"
        ):
            validate_memory(asked, SimpleNamespace(layout=SimpleNamespace(bytes=(700 * K, 0))), [], lambda what: None)


def with_two_memories_only(schedule):
    """A search that finds this schedule, and none for one memory."""

    def scheduled(networks, way):
        if way.memories == 1:
            raise BudgetError("none")
        return schedule, networks

    return scheduled


def test_an_overflow_that_the_linker_finds_is_told_in_bytes():
    target = small_board(TCM=32 * K)
    said = "ld: region `TCM' overflowed by 1234 bytes"
    with pytest.raises(BoardError, match=r"TCM has 32,768 bytes\. Received: 1,234 bytes too many"):
        _run(["sh", "-c", 'echo "$0" >&2; exit 1', said], target)


@M7
def test_a_project_is_written_built_and_within_what_it_states(tmp_path):
    content = photograph_network()
    (tmp_path / "net.tflite").write_bytes(content)
    done = call("firmware", tmp_path / "net.tflite", "--board", AN500, "-o", tmp_path / "fw", "--json")
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert said["board"] == AN500
    assert said["placement"]["fast"] == "SRAM"
    assert said["ram_bytes"] < said["memories"]["SRAM"]["used"] < said["ram_bytes"] + 13 * K
    assert said["flash_bytes"] < said["memories"]["FLASH"]["used"]
    readme = (tmp_path / "fw" / "README.md").read_text()
    assert int(re.search(r"Stack: ([\d,]+) bytes", readme)[1].replace(",", "")) == said["stack_bytes"]
    with Emulated(tmp_path / "fw") as emulated, Device(emulated.port) as device:
        tests = selftest(device)
        assert device.hello.description["ram_bytes"] == said["ram_bytes"]
    assert all(not test.wrong for test in tests)
    assert max(test.stack for test in tests) <= said["stack_bytes"]
    x = np.random.default_rng(0).random((12, 20, 3))
    assert np.array_equal(run(tmp_path / "fw", x, "engine").outputs[0], run(content, x, "tflm").outputs[0])


def test_a_user_s_files_stay_and_another_board_is_refused(tmp_path):
    content = photograph_network()
    firmware(content, tmp_path / "fw", "net", board="host")
    first = {file: (tmp_path / "fw" / file).read_text() for file in ("unetmm.json", "CMakeLists.txt", "network/net.c")}
    for file in ("mine.c", "network/mine.c", "build/made.o"):
        (tmp_path / "fw" / file).parent.mkdir(exist_ok=True)
        (tmp_path / "fw" / file).write_text("mine")
    firmware(content, tmp_path / "fw", "net", board="host")
    assert first == {file: (tmp_path / "fw" / file).read_text() for file in first}
    assert all((tmp_path / "fw" / file).read_text() == "mine" for file in ("mine.c", "network/mine.c", "build/made.o"))
    for other, said in ((AN500, "project for host"), (None, "project for host")):
        with pytest.raises(FolderError, match=said):
            firmware(content, tmp_path / "fw", "net", board=other)
    (tmp_path / "fw" / "board" / "host.c").write_text("mine")
    with pytest.raises(FolderError, match=r"Received: board/host\.c, changed since"):
        firmware(content, tmp_path / "fw", "net", board="host")


def test_what_is_unknown_or_does_not_fit_is_one_message(tmp_path, monkeypatch):
    (tmp_path / "net.tflite").write_bytes(photograph_network(size=(64, 64), channels=16))
    arguments = "firmware", tmp_path / "net.tflite", "-o", tmp_path / "fw", "--name", "net", "--board"
    done = call(*arguments, "stm32")
    assert done.exit_code == 2
    assert all(name in done.stderr for name in (*BOARDS, "'stm32'"))
    done = call("firmware", tmp_path / "net.tflite", "-o", tmp_path / "fw", "--place", "fast=SRAM")
    assert "Name the board too" in done.stderr
    monkeypatch.setitem(BOARDS, "little", small_board(SRAM=17 * K))
    done = call(*arguments, "little")
    said = " ".join(done.stderr.split())
    assert done.exit_code == 2
    numbers = re.search(r"at most ([\d,]+) bytes, what is free of SRAM\. Received: ([\d,]+) bytes, ([\d,]+) too many", said)
    room, took, over = (int(text.replace(",", "")) for text in numbers.groups())
    assert took - room == over > 0
    fits = re.search(r"This fits: unetmm (firmware \S+ --board little (.+) -o \S+)", said)
    assert fits is not None, said
    assert not (tmp_path / "fw").exists()
    monkeypatch.setattr("keras_unetmm.firmware.build.lacking", lambda board: "nothing to build with")
    done = call(*fits[1].replace("firmware net", f"firmware {tmp_path / 'net.tflite'}").split())
    assert done.exit_code == 0, done.output
