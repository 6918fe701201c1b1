"""A network for an Ethos-U: Vela's commands and weights as C, which a pretended driver is given."""

import json
import shutil
import subprocess

import numpy as np
import pytest
from engine.programs import SANITIZED
from firmware.projects import SIZE, STRICT, photograph_network
from tflite.compilers import with_vela
from tflite.network import Network
from typer.testing import CliRunner

from keras_unetmm.cli import app
from keras_unetmm.engine.ports import Port, example
from keras_unetmm.firmware.boards.board import BoardError
from keras_unetmm.firmware.boards.boards import board
from keras_unetmm.firmware.boards.npus import NPUS, memory_mode
from keras_unetmm.targets.verdict import CompilerError
from keras_unetmm.tflite import firmware, run

pytestmark = with_vela
DRIVER = """#include <stddef.h>
#include <stdint.h>
struct ethosu_driver { int runs; };
int ethosu_init(struct ethosu_driver *, void *, const void *, size_t, uint32_t, uint32_t);
void ethosu_irq_handler(struct ethosu_driver *);
int ethosu_invoke_v3(struct ethosu_driver *, const void *, int, uint64_t *, const size_t *, int, void *);
"""
PRETENDED = """#include <stdio.h>
#include <string.h>
#include "ethosu_driver.h"
#include "net.h"

static const int8_t right[] = {RIGHT};
static int wrong, refuses;

int ethosu_invoke_v3(
    struct ethosu_driver *npu, const void *commands, int bytes, uint64_t *at, const size_t *sizes, int n, void *x)
{
    npu->runs++;
    if (x != NULL || n != 3 || memcmp(commands, "COP1", 4) != 0 || bytes % 4 != 0 || (uintptr_t)commands % 16 != 0) {
        return -1;
    }
    if (at[0] % 16 != 0 || sizes[0] != WEIGHTS || sizes[1] != NET_ARENA_BYTES || sizes[2] != NET_FAST_BYTES || refuses) {
        return -1;
    }
    uint8_t *arena = (uint8_t *)(uintptr_t)at[1];
    fwrite(arena + NET_INPUT_OFFSET, 1, NET_INPUT_BYTES, stdout);
    memset(arena, 0x55, sizes[1]);
    memcpy(arena + NET_OUTPUT_OFFSET, right, sizeof right);
    for (int i = 0; i < wrong; i++) {
        arena[NET_OUTPUT_OFFSET + (unsigned)i] ^= 3;
    }
    return 0;
}

static _Alignas(NET_ALIGNMENT) uint8_t arena[NET_ARENA_BYTES + 64];

int main(void)
{
    struct ethosu_driver npu = {0};
    int32_t largest = 9;
    memset(arena, 7, sizeof arena);
    if (net_check(&npu, arena, NULL, &largest) != 0 || largest != 0 || net_run(&npu, arena + 8, NULL) != -2) {
        return 1;
    }
    wrong = 2;
    if (net_check(&npu, arena, NULL, &largest) != 2 || largest < 1 || largest > 3 ||
        net_check(&npu, NULL, NULL, NULL) != -2) {
        return 2;
    }
    refuses = 1;
    if (net_check(&npu, arena, NULL, &largest) != -1 || npu.runs != 3) {
        return 3;
    }
    for (size_t i = NET_ARENA_BYTES; i < sizeof arena; i++) {
        if (arena[i] != 7) {
            return 4;
        }
    }
    return 0;
}
"""


def upscaler():
    """A network with a pixel shuffle, which the NPU does not know."""
    net = Network(1)
    x = net.conv(net.input(1, *SIZE, 3, scale=1 / 255, zero_point=-128), 16, (3, 3))
    return net.file(net.conv(net.shuffled("DEPTH_TO_SPACE", x, 4), 3))


def compiled(folder, tmp_path, *more):
    (tmp_path / "ethosu_driver.h").write_text(DRIVER)
    command = ["gcc", "-std=c11", *STRICT, f"-I{tmp_path}", f"-I{folder}", *more]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
def test_the_driver_gets_commands_regions_and_the_image(tmp_path):
    content, folder = upscaler(), tmp_path / "fw"
    said = firmware(content, folder, "net", board="ethos-u55-128")
    assert (said["memory_mode"], said["shuffles"], said["board"]) == ("Shared_Sram", 1, "ethos-u55-128")
    assert said["sram_bytes"] == said["arena_bytes"] >= sum(said["io_bytes"]["outputs"])
    assert said["flash_bytes"] == said["commands_bytes"] + said["weights_bytes"]
    port = Port("", "INT8", (1, *SIZE, 3), *SIZE, 1, 3, 1, 1 / 255, -128)
    image = example(port, 0, 0)
    right = run(content, image).outputs[0]
    text = PRETENDED.replace("RIGHT", ", ".join(map(str, right.reshape(-1).tolist())), 1)
    (tmp_path / "driver.c").write_text(text.replace("WEIGHTS", str(said["weights_bytes"]), 1))
    compiled(folder, tmp_path, *SANITIZED, tmp_path / "driver.c", *sorted(folder.glob("*.c")), "-o", tmp_path / "run")
    done = subprocess.run([tmp_path / "run"], capture_output=True, check=False)
    assert done.returncode == 0, done
    assert done.stdout[: image.size] == image.tobytes()
    defined = "-DNPU_BASE=0x48102000", "-DNPU_SECURE=0", "-DNPU_PRIVILEGED=1", "-Wno-int-to-pointer-cast"
    compiled(folder, tmp_path, *defined, "-fsyntax-only", folder / "example" / "main.c")
    page = (folder / "README.md").read_text()
    assert "NPU_REGIONCFG_0=3" in page
    assert "**not tried on an NPU**" in page


def test_memory_modes_and_less_sram(tmp_path):
    assert memory_mode(NPUS["ethos-u55-128"], {}) == "Shared_Sram"
    assert memory_mode(NPUS["ethos-u65-256"], {}) == "Dedicated_Sram"
    assert memory_mode(NPUS["ethos-u65-256"], {"carried": "SRAM"}) == "Shared_Sram"
    content = photograph_network()
    said = firmware(content, tmp_path / "one", "net", board="ethos-u55-64", place="weights=SRAM")
    assert said["memory_mode"] == "Sram_Only"
    assert said["sram_bytes"] == said["arena_bytes"] + said["weights_bytes"]
    assert "NPU_QCONFIG=1" in (tmp_path / "one" / "README.md").read_text()
    said = firmware(content, tmp_path / "two", "net", board="ethos-u85-256")
    assert said["memory_mode"] == "Dedicated_Sram"
    assert 0 < said["fast_bytes"] == said["sram_bytes"]
    assert "static _Alignas(NET_ALIGNMENT) uint8_t fast[NET_FAST_BYTES]" in (tmp_path / "two/example/main.c").read_text()
    with pytest.raises(BoardError, match=r"ram=2,000 is below what Vela needs of SRAM .* [\d,]+ bytes, [\d,]+ more\."):
        firmware(content, tmp_path / "three", "net", board="ethos-u55-128", ram=2000)
    with pytest.raises(BoardError, match="takes neither schedule nor memories"):
        firmware(content, tmp_path / "three", "net", board="ethos-u55-128", schedule="rows")
    with pytest.raises(BoardError, match=r"must name memories of ethos-u55-128: SRAM, FLASH\. Received: 'DRAM'"):
        firmware(content, tmp_path / "three", "net", board="ethos-u55-128", place="weights=DRAM")


def test_what_the_npu_leaves_is_named_and_no_device_answers(tmp_path, monkeypatch):
    net = Network(0)
    x = net.conv(net.input(1, 8, 8, 3), 27)
    (tmp_path / "net.tflite").write_bytes(net.file(net.shuffled("DEPTH_TO_SPACE", x, 3)))
    call = CliRunner().invoke(
        app, ["firmware", str(tmp_path / "net.tflite"), "--board", "ethos-u55-128", "-o", str(tmp_path / "fw")]
    )
    assert call.exit_code == 2
    said = " ".join(call.stderr.split())
    assert "must run every operator" in said
    assert "Received: operator 1, DEPTH_TO_SPACE: Vela: Unsupported opType" in said
    assert "unetmm convert --target ethos-u55" in said
    assert not (tmp_path / "fw").exists()
    (tmp_path / "good.tflite").write_bytes(photograph_network())
    call = CliRunner().invoke(
        app, ["firmware", str(tmp_path / "good.tflite"), "--board", "ethos-u55-128", "-o", str(tmp_path / "fw"), "--json"]
    )
    assert call.exit_code == 0, call.stderr
    assert json.loads(call.stdout)["cycles"] > 0
    call = CliRunner().invoke(app, ["device", "test", "--port", str(tmp_path / "fw")])
    assert "a project for ethos-u55-128" in " ".join(call.stderr.split())
    monkeypatch.setattr("keras_unetmm.targets.vela_stream.command", lambda: None)
    with pytest.raises(CompilerError, match="pip install ethos-u-vela"):
        firmware(photograph_network(), tmp_path / "more", "net", board="ethos-u55-128")


def test_every_npu_has_a_name_that_vela_knows():
    known = subprocess.run(
        [*__import__("keras_unetmm.targets.vela", fromlist=["command"]).command(), "--help"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert all(name in known for name in NPUS)
    assert board("ethos-u85-2048").package
    assert not np.any([npu.runs_here for npu in NPUS.values()])
