"""Writes a network as C: planned, scheduled, cross-checked against the interpreter, in a folder that compiles anywhere."""

import hashlib
from pathlib import Path

import numpy as np

from keras_unetmm.engine import process, schedule
from keras_unetmm.engine.cross import measured
from keras_unetmm.engine.folder import folder
from keras_unetmm.engine.lower import lower
from keras_unetmm.engine.ports import CASES
from keras_unetmm.engine.store import refuse_foreign_folder, save
from keras_unetmm.engine.text import checked_name
from keras_unetmm.interpreters.runtime import run
from keras_unetmm.planner.planner import plan
from keras_unetmm.tflite_file.graph import load, read

SCHEDULES = {
    "auto": (schedule.rows, schedule.whole),
    "rows": (schedule.rows,),
    "whole": (schedule.whole,),
}
STEPS = {kind: 6 + len(CASES) + 2 * len(found) for kind, found in SCHEDULES.items()}  # calls of `progress`, at most


def write(content, output, name, schedule="auto", progress=None):
    """Writes the folder of a network and returns what is to know of it.

    Args:
        content: path or bytes of an integer .tflite file.
        output: path of the folder: new, empty, or written by this function before; other files in it stay.
        name: str, a C identifier that the names of files, macros and functions begin with.
        schedule: one of `SCHEDULES`.
        progress: function called with a str before each of the slow steps.

    Returns:
        dict of `name`, the figures of `keras_unetmm.engine.figures.figures`, `flash_bytes`, `code_bytes`, `stack_bytes`,
        `proof`, `files` and `sha256`.

    Raises:
        ValueError: for a name that is no C identifier, an unknown schedule, a foreign folder, an operator without a kernel,
            maps of floats, no C compiler, or C that does not give the interpreter's bytes.
        TFLiteFileError: if the file is damaged.
        RunError: if TFLM, whose bytes the C must give, cannot run the file.
    """
    said = progress or (lambda what: None)
    checked_name(name)
    if schedule not in SCHEDULES:
        raise ValueError(f"schedule must be one of {', '.join(map(repr, SCHEDULES))}. Received: {schedule!r}.")
    refuse_foreign_folder(output, name)
    process.compiler()
    content = load(content)
    chosen, graph = scheduled(content, schedule, said)
    made = folder(chosen, graph, name, hashlib.sha256(content).hexdigest(), lambda x: _reference(content, x), said)
    said("compiling for a Cortex-M7")
    code, stack = measured(made)
    said("writing")
    save(made, output)
    return report(made, code, stack)


def report(made, code_bytes, stack_bytes):
    """Returns the dict of figures of a `Folder`, for people and as JSON."""
    said = made.description
    digests = said["files"]
    return {
        "name": made.name,
        **said["figures"],
        "code_bytes": code_bytes,
        "stack_bytes": stack_bytes,
        "proof": said["cross_check"],
        "files": sorted(made.files),
        "sha256": hashlib.sha256("".join(f"{digests[file]} {file}\n" for file in sorted(digests)).encode()).hexdigest(),
    }


def scheduled(content, kind, progress=lambda what: None):
    """Returns the `Schedule` of a file that takes least memory, and the graph that it is of.

    Both the file and what the planner makes of it (reordered, rewritten) are tried.

    Args:
        content: bytes of an integer .tflite file.
        kind: one of `SCHEDULES`.
        progress: function called with a str before each step.
    """
    graphs = [read(content).main]
    first = lower(graphs[0], tables)  # says what cannot be run before the planner begins
    progress("planning")
    planned = plan(content, "reference").planned
    if planned is not None:
        graphs.append(planned.graph)
    best = None
    for i, graph in enumerate(graphs):
        network = first if i == 0 else lower(graph, tables)
        for scheduler in SCHEDULES[kind]:
            progress("scheduling")
            found = scheduler(network)
            if best is None or found.layout.total < best[0].layout.total:
                best = found, graph
    return best


def tables(content):
    """Returns what an interpreter makes of all 256 bytes: the function that `keras_unetmm.engine.lower.lower` takes."""
    values = np.arange(-128, 128).astype("int8").reshape(1, 16, 16, 1)
    return run(content, values).outputs[0].reshape(-1)


def _reference(content, arrays):
    return list(run(content, arrays).outputs)


def default_name(source):
    """Returns the name that a network gets from its file or preset."""
    from keras_unetmm.engine.text import name_of

    path = Path(source)
    return name_of(path.stem if path.suffix else path.name)
