"""Small networks on boards, for tests: projects made once, the device protocol without a board."""

import os
import subprocess

from engine.programs import SANITIZED
from tflite.network import Network

from keras_unetmm.engine.store import save
from keras_unetmm.firmware.boards.boards import board
from keras_unetmm.firmware.place import needs, placed
from keras_unetmm.firmware.project import project, project_files
from keras_unetmm.firmware.write import Wanted, generated

STRICT = ("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror")
BYTES = {"scale": 1 / 255, "zero_point": -128}  # of a camera and a display
SIZE = 12, 20


def photograph_network(seed=0, size=SIZE, channels=8):
    """An image in, an image out, a skip."""
    net = Network(seed)
    x = net.input(1, *size, 3, **BYTES)
    kept = net.conv(x, channels, (3, 3))
    low = net.depthwise(net.pool("MAX_POOL_2D", kept, stride=(2, 2)))
    return net.file(net.conv(net.binary("ADD", kept, net.resize("RESIZE_NEAREST_NEIGHBOR", low, *size)), 3, **BYTES))


def network(content, wanted=None):
    """The folder of a network, and its code's bytes."""
    made, code, _ = generated(content, "net", wanted or Wanted("rows"), lambda what: None)
    return made, code or 32768


def put(path, name, made, code, wanted=None):
    """Writes a board's project at a path."""
    figures, target = made.description["figures"], board(name)
    placement = placed(target, needs(figures["fast_bytes"], figures["carried_bytes"], figures["flash_bytes"], code), wanted)
    save(project(target, made, placement), path)
    return path


def harness(path, made):
    """Builds a program that answers frames of standard input under sanitizers; returns its path."""
    path.mkdir()
    target = board("host")
    for file, text in project_files(target, made, placed(target, {})).items():
        if file.startswith(("device/", "network/")) and file.endswith((".c", ".h")):
            (path / os.path.basename(file)).write_text(text)
    (path / "pipe.c").write_text(_PIPE)
    sources = [str(file) for file in sorted(path.glob("*.c"))]
    done = subprocess.run(
        ["gcc", *SANITIZED, *STRICT, "-O1", "-DUNETMM_SELFTEST_BARE", *sources, "-o", str(path / "pipe")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return path / "pipe"


_PIPE = """#include <stdio.h>

#include "unetmm_board.h"
#include "unetmm_firmware.h"

static uint64_t now;

int board_receive(void)
{
    const int byte = getchar();
    return byte == EOF ? BOARD_CLOSED : byte;
}

void board_send(uint8_t byte)
{
    (void)putchar(byte);
}

uint64_t board_ticks(void)
{
    return now++;
}

uint32_t board_tick_hz(void)
{
    return 1000;
}

uint32_t board_clock_hz(void)
{
    return 1000;
}

uint32_t board_stack_used(void)
{
    return 0;
}

int main(void)
{
    unetmm_firmware();
    return fflush(stdout);
}
"""
