"""Kernels for cores give TFLM's bytes: with their instructions written out in C, and on emulated cores.

Over every number of channels from 1 to 17, odd widths, strides, dilations, paddings, and pixels at any address.
"""

import functools
import subprocess
from pathlib import Path

import numpy as np
import pytest
from engine.kernels import alone
from engine.kernels.drawn_arithmetic import Computing
from engine.kernels.random_files import Drawn
from engine.kernels.test_maps import tables

from keras_unetmm.engine import process
from keras_unetmm.firmware.boards import qemu
from keras_unetmm.interpreters import runtime

pytestmark = pytest.mark.no_backend

CHANNELS = range(1, 18)
DRAWN = 8  # operators of a kind
_FLAGS = ("-std=c11", "-O3", "-ffunction-sections")
_MAIN = """int alone_main(int, char **);
int main(void) { char *names[3] = {(char *)"program", (char *)"in", (char *)"out"}; return alone_main(3, names); }
"""


class Usual(Drawn):
    """Multipliers below 1/2, and biases that leave sums below 2^30, or do so just barely: what fast kernels are for."""

    def __init__(self, seed):
        super().__init__(seed, "int8", usual=True)

    def _bias(self, x, weights, count):
        limit = int(self.rng.choice([2**12, 2**20, 2**29]))
        values = self.rng.integers(-limit, limit, count, endpoint=True)
        scales = self.graph.tensors[weights].quantization.scale.astype("float64") * self.scale(x)[0]
        return self.tensor((count,), scales, dtype="int32", data=values.astype("int32"))

    def every_channel(self):
        """1x1, 3x3 and depthwise convolutions, and chains of more bytes than are widened at once."""
        outputs = []
        for channels in CHANNELS:
            x = self.input(1, 4, int(self.rng.choice([5, 7, 19])), channels, scale=1 / 64, zero_point=self.point())
            values = {"activation": self.pick("NONE", "RELU", "RELU6")}
            outputs.append(self.conv(x, self.size(9), (1, 1), **values, **self.like_output()))
            outputs.append(self.conv(x, self.size(5), (3, 3), inner=channels, **values, **self.like_output()))
            outputs.append(self.depthwise(x, (3, 3), 1, **values, **self.like_output()))
            outputs.append(self.depthwise(x, (5, 7), 1, **values, **self.like_output()))
        for channels, filters, kernel in ((161, 35, (1, 1)), (300, 6, (1, 1)), (37, 33, (3, 3)), (20, 3, (5, 5))):
            x = self.input(1, 3, 5, channels, scale=1 / 64, zero_point=self.point())
            outputs.append(self.conv(x, filters, kernel, inner=channels, **self.like_output()))
        return outputs

    def drawn(self):
        """Random operators of the kinds that have fast kernels."""
        kinds = (self.convolution, self.pointwise, self.depthwise_convolution, self.fully_connected, self.pooled)
        return [kind() for kind in kinds for _ in range(DRAWN)]


def on_board(name, folder, sources):
    """Builds the program for an emulated core and runs it there."""
    board = qemu.BOARDS[name]
    (folder / "main.c").write_text(_MAIN)
    program = Path(alone.__file__).with_suffix(".c")
    common = [board.compiler, *_FLAGS, *board.flags, f"-I{folder}", f"-I{process.C}"]
    subprocess.run([*common, "-Dmain=alone_main", "-c", str(program), "-o", str(folder / "alone.o")], check=True)
    files = [folder / "main.c", folder / "alone.o", *(process.C / source for source in sources), qemu.FILES / board.source]
    subprocess.run([*common, *map(str, files), *board.link, "-o", str(folder / "program.elf")], check=True)
    command = [board.emulator, *board.machine, "-kernel", str(folder / "program.elf")]
    subprocess.run(command, check=True, cwd=folder, stdin=subprocess.DEVNULL)


WAYS = {
    "dsp in C": functools.partial(alone.build_and_run, flags=("-DUNETMM_DSP=1",)),
    "cortex-m4": functools.partial(on_board, "cortex-m4"),
    "cortex-m7": functools.partial(on_board, "cortex-m7"),
    "cortex-m55": functools.partial(on_board, "cortex-m55"),
}


@pytest.mark.parametrize("way", WAYS)
def test_convolutions(way, tmp_path):
    network = Usual(3)
    _check(network, [*network.every_channel(), *network.drawn()], way, tmp_path)


@pytest.mark.parametrize("way", [way for way in WAYS if way != "cortex-m4"])
def test_sums_and_products(way, tmp_path):
    network = Computing(5, "int8")
    kinds = (network.elementwise, network.reduced)
    _check(network, [kind() for kind in kinds for _ in range(DRAWN)], way, tmp_path)


def _check(network, outputs, way, folder):
    if way in qemu.BOARDS and (lacks := qemu.missing(way)):
        pytest.skip(lacks)
    content, inputs = network.file(*outputs), network.values()
    expected = runtime.run(content, inputs, runtime="tflm").outputs
    made = alone.run(content, inputs, tables, folder, build=WAYS[way])
    for number, (a, b) in enumerate(zip(made, expected, strict=True)):
        np.testing.assert_array_equal(a, b.reshape(a.shape), f"output {number}")
