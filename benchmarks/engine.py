"""What networks take on the engine: memory, flash, and instructions of one image on emulated cores, beside TFLM's.

Instructions are counted by QEMU and are not cycles. Instructions and code size come from one build with -O3; the compiler's
own macros choose the kernels for each core. TFLM's figures were measured on 2026-11-30 with its newest public sources, -O3,
on the same emulated cores: they stand for files with the SHA-256 below, and are left out for others.

Without arguments: the presets of which TFLM's figures are known. With --kernels, where the instructions go as well.

    python benchmarks/engine.py [FILE.tflite | PRESET ...] [--schedule rows] [--size 256x256] [--boards cortex-m7,cortex-m55]
        [--kernels] [--json FIGURES.json]
"""

import argparse
import json
import tempfile
from pathlib import Path

from engine_kernels import by_kernel, by_operator
from rich.console import Console
from rich.table import Table

from keras_unetmm.engine.store import load
from keras_unetmm.firmware.boards import qemu
from keras_unetmm.tflite import firmware

BOARDS = ("cortex-m4", "cortex-m7", "cortex-m55", "riscv32")
TFLM = {  # millions of instructions: Cortex-M7 with reference kernels and with CMSIS-NN, Cortex-M55 with CMSIS-NN
    "denoise-tiled": (6493.0, 1795.6, 622.9),
    "lesions-sat": (5799.0, 1220.6, 189.2),
    "person_detect": (113.2, 23.2, 6.4),  # person_detect.tflite of TFLM's models
}
PRESETS = ("denoise-tiled", "lesions-sat")
FIXTURES = {  # SHA-256 of the files for which TFLM's figures stand
    "denoise-tiled": "ab81ae3b0aac0d57da4672ca4c05fa544c9439df4842e28cb08d88f92b0e6811",
    "lesions-sat": "0f2e5d3ec7f60af72d30c15fd6636ad3a4f71c60a03f3521f7f9ca83c0891a92",
    "person_detect": "808cfdfc0cf3a6fa6f6fa26bfa379ea97c16d5db7334637766e39c3408502e9d",
}


def measured(source, wanted, boards):
    """Returns the dict of figures of one network; `wanted` are the command's arguments."""
    network = Path(source).stem if Path(source).suffix else str(source)
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work) / "net"
        figures = firmware(source, folder, "net", wanted.schedule, wanted.size)
        ran = {name: qemu.run(folder, name, runs=1, timeout=3600) for name in boards}
        kernels = {name: by_kernel(by_operator(folder, name)) for name in boards if wanted.kernels}
        known = wanted.size is None and load(folder).description["source_sha256"] == FIXTURES.get(network)
    for name, found in ran.items():
        if not found.good:
            raise SystemExit(f"{source}: the self-test failed on {name}: {found.text}")
    kept = ("schedule", "ram_bytes", "flash_bytes", "code_bytes", "macs", "macs_ratio")
    return {
        "network": network,
        **{key: figures[key] for key in kept},
        "instructions": {name: found.instructions for name, found in ran.items()},
        "stack": {name: found.stack for name, found in ran.items()},
        "kernels": kernels,
        "tflm_millions": TFLM[network] if known else None,
    }


def as_table(rows, boards):
    """Returns the figures as a rich table."""
    table = Table(title="one image on the engine; instructions in millions", title_justify="left")
    columns = ["network", "schedule", "RAM", "flash", "code", "MACs, M", *boards, *(f"a MAC, {name}" for name in boards)]
    for column in (*columns, "TFLM, M7 reference", "TFLM, M7 CMSIS-NN", "TFLM, M55 CMSIS-NN"):
        table.add_column(column, justify="left" if column in ("network", "schedule") else "right")
    for row in rows:
        counts = [row["instructions"][name] for name in boards]
        cells = [f"{row[key]:,}" if row[key] is not None else "-" for key in ("ram_bytes", "flash_bytes", "code_bytes")]
        cells += [f"{row['macs'] / 1e6:,.1f}", *(f"{count / 1e6:,.1f}" for count in counts)]
        cells += [f"{count / row['macs']:.2f}" for count in counts]
        cells += [f"{value:,.1f}" for value in row["tflm_millions"] or ()] or ["-"] * 3
        table.add_row(row["network"], row["schedule"], *cells)
    return table


def kernels_table(row):
    """Returns where the instructions of a network go as a rich table."""
    table = Table(title=f"{row['network']}: instructions by kernel, in millions", title_justify="left")
    for column in ("kernel", *row["kernels"]):
        table.add_column(column, justify="left" if column == "kernel" else "right")
    for kernel in next(iter(row["kernels"].values())):
        table.add_row(kernel, *(f"{counts.get(kernel, 0) / 1e6:,.1f}" for counts in row["kernels"].values()))
    rest = (row["instructions"][name] - sum(counts.values()) for name, counts in row["kernels"].items())
    table.add_row("driver, input and comparison", *(f"{count / 1e6:,.1f}" for count in rest))
    return table


def main():
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sources", nargs="*", default=list(PRESETS))
    parser.add_argument("--schedule", default="auto")
    parser.add_argument("--size", type=lambda text: tuple(map(int, text.split("x"))))
    parser.add_argument("--boards", type=lambda text: text.split(","), default=BOARDS)
    parser.add_argument("--kernels", action="store_true")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    boards = [name for name in arguments.boards if not qemu.missing(name)]
    for name in arguments.boards:
        if lacks := qemu.missing(name):
            Console(stderr=True).print(f"{name} is left out: {lacks}")
    rows = [measured(source, arguments, boards) for source in arguments.sources]
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n")
    console = Console(width=200)
    console.print(as_table(rows, boards))
    for row in rows if arguments.kernels else ():
        console.print(kernels_table(row))


if __name__ == "__main__":
    main()
