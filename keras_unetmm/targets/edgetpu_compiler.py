# SPDX-License-Identifier: Apache-2.0
"""Asking `edgetpu_compiler` which operators it maps to the Edge TPU.

Its log counts operators by name and status and does not say which ones they are. So of several operators of one name the
first are taken to be those that map, for the compiler begins at the inputs and maps one part only. The format of the log
is that of versions 2 to 16 as their users show it; the compiler cannot be had where this was written.
"""

import re
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

from keras_unetmm.targets.compilers import STATIC, find, run
from keras_unetmm.targets.verdict import CompilerError
from keras_unetmm.tflite_file.edit import File

SECONDS = 600  # in which it must be done; it has a limit of 180 of its own
OPERATOR = "edgetpu-custom-op"  # the custom operator that it writes for what the Edge TPU runs
MAPPED = "Mapped to Edge TPU"
LATER = "More than one subgraph is not supported"  # what stands after the first operator that does not map
_ROW = re.compile(r"^(\S+) +(\d+) +(\S.*?)\s*$", re.MULTILINE)
_BYTES = re.compile(
    r"^(On-chip memory used|On-chip memory remaining|Off-chip memory used) for .*?: ([\d.]+)(B|KiB|MiB|GiB)", re.M
)
_UNKNOWN = re.compile(r"Didn't find op for builtin opcode '(\w+)' version '\d+'")
_UNITS = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_KEYS = {
    "On-chip memory used": "on_chip_bytes",
    "On-chip memory remaining": "on_chip_free_bytes",
    "Off-chip memory used": "off_chip_bytes",
}


class OperatorRefusedError(CompilerError):
    """The compiler does not know an operator, or not in that version, and refuses the whole file.

    Attributes:
        name: str, the operator's.
        said: str, what the compiler wrote.
    """

    def __init__(self, name, said):
        super().__init__(said)
        self.name, self.said = name, said


def command():
    """Returns the command that runs the compiler, or None where it is not installed."""
    return find("edgetpu_compiler")


def compiled(content, names):
    """Compiles a file.

    Args:
        content: bytes of a .tflite file.
        names: tuple of str, the names of its operators, of all graphs in order.

    Returns:
        A dict, position of an operator that is not mapped to the compiler's status for it; and the summary, a dict.

    Raises:
        OperatorRefusedError: if the compiler refuses the file for an operator that it names.
        CompilerError: if the compiler fails, hangs, refuses the file otherwise or writes what does not fit it.
    """
    file = File(content)
    file.remove_plan()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "model.tflite").write_bytes(file.packed())
        said = run("edgetpu_compiler", [*command(), "-s", "-o", str(folder), str(folder / "model.tflite")], folder, SECONDS)
        log = folder / "model_edgetpu.log"
        text = log.read_text(errors="replace") if log.is_file() else said.output
    unknown = _UNKNOWN.search(said.output)
    if unknown and unknown.group(1) in names:
        raise OperatorRefusedError(unknown.group(1), unknown.group(0))
    if said.status or "compiled successfully" not in said.output:
        raise CompilerError(
            f"edgetpu_compiler refuses the file (status {said.status}): {_complaint(said.output)} What `unetmm check "
            f"--static` says of the operators may tell why. {STATIC}."
        )
    statuses = _statuses(text)
    counted, there = {name: sum(rows.values()) for name, rows in statuses.items()}, Counter(names)
    if counted != dict(there):
        differing = sorted(name for name in {*counted, *there} if counted.get(name, 0) != there.get(name, 0))
        raise CompilerError(
            f"edgetpu_compiler wrote a log that does not fit the file: it counts {', '.join(differing)} otherwise. {STATIC}."
        )
    left = _left(names, statuses)
    summary = {"tpu_operators": len(names) - len(left), "cpu_operators": len(left)}
    sizes = {_KEYS[what]: round(float(size) * _UNITS[unit]) for what, size, unit in _BYTES.findall(said.output)}
    return left, {**summary, **sizes}


def _complaint(output):
    """The lines that say what is wrong, as one."""
    lines = [line.strip() for line in output.splitlines() if line.strip() and not line.startswith("Edge TPU Compiler")]
    return " ".join(lines) or "nothing was said."


def _statuses(text):
    """For each operator name the statuses with their counts."""
    statuses = defaultdict(Counter)
    table = text.partition("Operator ")[2]
    for name, count, status in _ROW.findall(table.partition("\n")[2]):
        statuses[name][status] += int(count)
    return statuses


def _left(names, statuses):
    left = {}
    for name, rows in statuses.items():
        order = sorted(rows, key=lambda status: (status != MAPPED, status == LATER, status))
        each = [status for status in order for _ in range(rows[status])]
        places = [position for position, other in enumerate(names) if other == name]
        left.update({place: status for place, status in zip(places, each, strict=True) if status != MAPPED})
    return left
