"""Times networks on this computer, one thread each, in one run: the engine, LiteRT with XNNPACK, and TFLM's interpreter.

The engine is its portable C, built with -O3 -march=native. The least of several runs is taken, for other work disturbs.

    python benchmarks/engine_host.py FILE.tflite ... [--runs 20]
"""

import argparse
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from rich.console import Console
from rich.table import Table
from tflite_micro import runtime as tflm

from keras_unetmm.engine.process import compiler
from keras_unetmm.tflite import firmware

_MAIN = """#include <stdio.h>
#include <time.h>
#include "net.h"
static _Alignas(NET_ALIGNMENT) unsigned char memory[NET_RAM_BYTES];
static int8_t input[NET_INPUT_BYTES], output[NET_OUTPUT_BYTES];
int main(void)
{
    double least = 1e9;
    for (int i = 0; i < RUNS; i++) {
        struct timespec begun, ended;
        clock_gettime(CLOCK_MONOTONIC, &begun);
        if (net_run(memory, sizeof memory, input, output) != UNETMM_DONE) {
            return 1;
        }
        clock_gettime(CLOCK_MONOTONIC, &ended);
        const double seconds = (double)(ended.tv_sec - begun.tv_sec) + 1e-9 * (double)(ended.tv_nsec - begun.tv_nsec);
        least = seconds < least ? seconds : least;
    }
    printf("%.6f\\n", least);
    return 0;
}
"""


def on_engine(source, runs):
    """Returns the seconds of the fastest of some runs of a file with one int8 input and output."""
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work) / "net"
        firmware(source, folder, "net")
        (Path(work) / "main.c").write_text(_MAIN)
        sources = [str(file) for file in folder.glob("*.c") if "selftest" not in file.name]
        command = [compiler(), "-O3", "-march=native", "-std=gnu11", f"-DRUNS={runs}", f"-I{folder}"]
        subprocess.run([*command, *sources, f"{work}/main.c", "-o", f"{work}/program"], check=True)
        return float(subprocess.run([f"{work}/program"], check=True, capture_output=True, text=True).stdout)


def fastest(call, runs):
    """Returns the seconds of the fastest of some calls."""
    seconds = []
    for _ in range(runs):
        begun = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - begun)
    return min(seconds)


def on_litert(content, runs):
    """The same on LiteRT, which takes XNNPACK by itself; None for a file that it refuses, as TFLM's person detection."""
    try:
        interpreter = Interpreter(model_content=content, num_threads=1)
    except ValueError:
        return None
    interpreter.allocate_tensors()
    entry = interpreter.get_input_details()[0]
    interpreter.set_tensor(entry["index"], np.zeros(entry["shape"], entry["dtype"]))
    return fastest(interpreter.invoke, runs)


def on_tflm(content, runs):
    """The same on TFLM's interpreter, with its reference kernels."""
    interpreter = tflm.Interpreter.from_bytes(content, arena_size=2**26)
    entry = interpreter.get_input_details(0)
    interpreter.set_input(np.zeros(entry["shape"], entry["dtype"]), 0)
    return fastest(interpreter.invoke, runs)


def main():
    """Times and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sources", nargs="+")
    parser.add_argument("--runs", type=int, default=20)
    arguments = parser.parse_args()
    table = Table(title="milliseconds of one image, one thread", title_justify="left")
    for column in ("file", "engine, portable C", "LiteRT, XNNPACK", "TFLM, reference kernels"):
        table.add_column(column, justify="left" if column == "file" else "right")
    for source in arguments.sources:
        content = Path(source).read_bytes()
        engine, litert = on_engine(source, arguments.runs), on_litert(content, arguments.runs)
        times = engine, litert, on_tflm(content, max(arguments.runs // 10, 1))
        table.add_row(str(source), *("refused" if seconds is None else f"{1e3 * seconds:,.2f}" for seconds in times))
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
