# SPDX-License-Identifier: Apache-2.0
"""Asking Vela, Arm's compiler for the Ethos-U, which operators fall back to the processor and what the rest costs."""

import csv
import re
import tempfile
from pathlib import Path

from keras_unetmm.targets.compilers import STATIC, find, run
from keras_unetmm.targets.verdict import CompilerError
from keras_unetmm.tflite_file.edit import File
from keras_unetmm.tflite_file.graph import TFLiteFileError, read

ACCELERATORS = {"ethos-u55": "ethos-u55-128", "ethos-u65": "ethos-u65-256", "ethos-u85": "ethos-u85-256"}
_LONGEST_SIDE = 65_535  # places: the NPU takes no larger map, and Vela has taken 23 GiB over one
SECONDS = 600  # in which Vela must be done
NPU_OPERATOR = "ethos-u"  # the custom operator that Vela writes for what the NPU runs
_REASON = re.compile(r"operator: \S+?, ofm: '(.*?)'\s*\nReason: (.*(?:\n\S.*)?)")


def command():
    """Returns the command that runs Vela, or None where it is not installed."""
    return find("vela", "ethosu.vela")


def compiled(content, target):
    """Compiles a file.

    Args:
        content: bytes of a .tflite file.
        target: str, `"ethos-u55"`, `"ethos-u65"` or `"ethos-u85"`.

    Returns:
        A dict, operator of the main graph to Vela's reason why it is left to the processor; and the summary, a dict.

    Raises:
        CompilerError: if Vela fails, hangs, or writes what does not fit the file.
    """
    graph = read(content).main
    for tensor in graph.tensors:
        if tensor.data is None and len(tensor.shape) == 4 and max(tensor.shape[1:3]) > _LONGEST_SIDE:
            raise CompilerError(
                f"Vela must be given maps of at most {_LONGEST_SIDE:,} places along an axis. Received: {tensor.name!r} of "
                f"{'x'.join(map(str, tensor.shape))}. {STATIC}."
            )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "model.tflite").write_bytes(named_by_number(content))
        options = ["--accelerator-config", ACCELERATORS[target], "--show-cpu-operations", "--output-dir", str(folder)]
        said = run("Vela", [*command(), str(folder / "model.tflite"), *options], folder, SECONDS)
        written = folder / "model_vela.tflite"
        if said.status or not written.is_file():
            raise CompilerError(f"Vela failed (status {said.status}): {said.last_line.rstrip('.')}. {STATIC}.")
        try:
            left = _left(graph, read(written, validate=False).main, _reasons(said.output))
            return left, summary(said.output, folder)
        except (TFLiteFileError, KeyError, ValueError, IndexError, StopIteration) as error:
            raise CompilerError(
                f"Vela wrote what does not fit the file ({type(error).__name__}: {error}). Vela 5.2 is the one known "
                f"here. {STATIC}."
            ) from error


def named_by_number(content):
    """Returns a file with its tensors' numbers for names, which need not be unique otherwise, and without TFLM's plan."""
    file = File(content)
    file.remove_plan()
    for number, tensor in enumerate(file.main.tensors):
        tensor.name = f"tensor_{number}"
    return file.packed()


def _number(name):
    if not re.fullmatch(r"tensor_\d+", name):
        raise ValueError(f"an operator for the processor that computes {name!r}, a tensor that the file does not have")
    return int(name.removeprefix("tensor_"))


def _left(graph, made, reasons):
    """The operators of `graph` that are still there in what Vela wrote, and its reasons."""
    makers = {i: position for position, operator in enumerate(graph.operators) for i in operator.outputs}
    left = {}
    for operator in made.operators:
        if operator.custom and operator.name == NPU_OPERATOR:
            continue
        names = [made.tensors[i].name for i in operator.outputs]
        position = makers[_number(names[0])] if names else _without_outputs(graph, operator.name, left)
        left[position] = next((reasons[name] for name in names if name in reasons), "left to the processor")
    return left


def _without_outputs(graph, name, left):
    """The first operator of that name that has no outputs and was not met yet: they keep their order."""
    return next(i for i, operator in enumerate(graph.operators) if operator.name == name and i not in left)


def _reasons(output):
    return {name: ". ".join(line.strip() for line in why.splitlines()) for name, why in _REASON.findall(output)}


def summary(output, folder):
    """Returns what Vela predicts, as a dict: of what it printed, and of the table that it left in a folder.

    Raises:
        StopIteration, KeyError, ValueError: if they are not as Vela 5.2 writes them.
    """
    counts = {kind: int(count) for kind, count in re.findall(r"(CPU|NPU) operators = (\d+)", output)}
    with next(folder.glob("model_summary_*.csv")).open(newline="") as table:
        row = next(csv.DictReader(table))
    total = counts["CPU"] + counts["NPU"]
    kibibytes = {area: round(float(row[f"{area}_memory_used"]) * 1024) for area in ("sram", "dram", "off_chip_flash")}
    return {
        "npu_share": round(counts["NPU"] / total, 4) if total else 0.0,
        "cpu_operators": counts["CPU"],
        "npu_operators": counts["NPU"],
        "sram_bytes": kibibytes["sram"],
        "dram_bytes": kibibytes["dram"],
        "flash_bytes": kibibytes["off_chip_flash"],
        "cycles": round(float(row["cycles_total"])),
    }
