# SPDX-License-Identifier: Apache-2.0
"""Writes a network as C: planned, scheduled, cross-checked against an interpreter, in a folder that compiles anywhere."""

import hashlib
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from keras_unetmm.engine import process, schedule
from keras_unetmm.engine.cross import measured
from keras_unetmm.engine.emit import constant_bytes
from keras_unetmm.engine.folder import folder
from keras_unetmm.engine.io_quantization import integer_io
from keras_unetmm.engine.lower import lower
from keras_unetmm.engine.network import EngineNetwork
from keras_unetmm.engine.ports import CASES, ports
from keras_unetmm.engine.search import BudgetError
from keras_unetmm.engine.selftest import examples
from keras_unetmm.engine.store import save, validate_folder
from keras_unetmm.engine.text import checked_name, name_of
from keras_unetmm.interpreters.runtime import TITLES, reference_runtime, run
from keras_unetmm.planner.planner import plan
from keras_unetmm.runtime.tables import tables
from keras_unetmm.tflite_file.entry_points import validate_one_entry_point
from keras_unetmm.tflite_file.graph import Graph, load, read
from keras_unetmm.tiling.analyse import TilingNetwork
from keras_unetmm.tiling.write import whole_file
from keras_unetmm.types import Size

SCHEDULES = {"auto": ("rows", "whole"), "rows": ("rows",), "whole": ("whole",)}
MOST_STREAMED = 1000  # operators up to which "auto" looks for rows: volumes become thousands, and the search takes too long
STEPS = {kind: 7 + 2 * len(names) for kind, names in SCHEDULES.items()}  # calls of `progress`, at most


@dataclass(frozen=True)
class Schedulable:
    """A network that may be scheduled.

    Attributes:
        graph: `Graph` of the file, or of what the planner made of it.
        network: `EngineNetwork` of that graph.
        bound: int, bytes: no placement of whole maps in that order takes less, but for neighbours that stream together; 0
            where nothing is known.
    """

    graph: Graph
    network: EngineNetwork
    bound: int


@dataclass(frozen=True)
class Limits:
    """What may refuse a network before the slow steps: functions that raise.

    Attributes:
        weights: function of the bytes of its constants, without its tables. It is called as soon as the file is read.
        memory: function of the chosen `Schedule` and the list that `candidates` returned. It is called before the C is
            compiled and compared.
    """

    weights: Callable[[int], None]
    memory: Callable[[schedule.Schedule, list[Schedulable]], None]


@dataclass(frozen=True)
class Wanted:
    """What a schedule is chosen by.

    Attributes:
        schedule: one of `SCHEDULES`.
        size: `(height, width)` of the image, or None for the file's.
        ram: int, bytes of the arena: the fewest multiply-accumulates within it are looked for. Or None for the least memory.
        memories: 1, or 2: maps that are carried from pass to pass then lie in a memory of their own, which may be slow.

    Raises:
        ValueError: for values that are none of these.
    """

    schedule: str = "auto"
    size: Size = None
    ram: int | None = None
    memories: int = 1

    def __post_init__(self):
        if self.schedule not in SCHEDULES:
            raise ValueError(f"schedule must be one of {', '.join(map(repr, SCHEDULES))}. Received: {self.schedule!r}.")
        if self.ram is not None and (type(self.ram) is not int or self.ram < 1):
            raise ValueError(f"ram must be a number of bytes. Received: {self.ram!r}.")
        if self.memories not in (1, 2):
            raise ValueError(f"memories must be 1 or 2. Received: {self.memories!r}.")
        if self.memories == 2 and self.schedule == "whole":
            raise ValueError(
                "memories=2 must come with schedule 'rows' or 'auto'. Received: 'whole', which carries every map."
            )


def write(content, output, name, wanted=None, progress=None):
    """Writes the folder of a network and returns what is to know of it.

    Args:
        content: path or bytes of an integer .tflite file. Float ends, behind which it quantises, are left out.
        output: path of the folder: new, empty, or written by this function before; other files in it stay.
        name: str, a C identifier that the names of files, macros and functions begin with.
        wanted: `Wanted`; by default the schedule that takes least memory.
        progress: function called with a str before each of the slow steps.

    Returns:
        dict of `name`, the figures of `keras_unetmm.engine.figures.figures`, `flash_bytes`, `code_bytes`, `stack_bytes`,
        `cross_check`, `files` and `sha256`.

    Raises:
        ValueError: for a name that is no C identifier, a foreign folder, an operator without a kernel, maps of floats, a
            size or a memory that does not fit, no C compiler, or C that does not give the interpreter's bytes.
        TFLiteFileError: if the file is damaged.
        RunError: if TFLM, whose bytes the C must give, cannot run the file. Where TFLM is not installed, LiteRT's reference
            kernels take its place, and `cross_check` says so.
    """
    said, wanted = progress or (lambda what: None), wanted or Wanted()
    checked_name(name)
    validate_folder(output, name)
    made, code, stack = generated(content, name, wanted, said)
    said("writing")
    save(made, output)
    return report(made, code, stack)


def generated(content, name, wanted, said, limits=None):
    """Makes the folder of a network, cross-checked, in memory.

    Args:
        content, name, wanted: as for `write`.
        said: function called with a str before each of the slow steps.
        limits: `Limits`, or None.

    Returns:
        tuple of a `keras_unetmm.engine.folder.Folder`, and the bytes of code and stack on a Cortex-M7, or None.

    Raises:
        As `write`, and what `limits` raises.
    """
    process.compiler()
    content = load(content)
    validate_one_entry_point(content)
    digest = hashlib.sha256(content).hexdigest()
    content = integer_io(content)
    if wanted.size is not None:
        content = resized(content, wanted.size)
    networks = candidates(content, said, weights=None if limits is None else limits.weights)
    first = networks[0]
    inputs = examples(ports(first.graph, first.network, (1,) * len(first.network.inputs))[0])
    title = TITLES[reference_runtime()]
    with ThreadPoolExecutor(1) as pool:  # the interpreter runs in a process of its own, beside the search and the C

        def expected():
            said(f"running {title} on {len(CASES)} inputs")
            return reference.result()

        reference = pool.submit(reference_outputs, content, inputs)
        chosen, graph = scheduled(networks, wanted, said)
        if limits is not None:
            limits.memory(chosen, networks)
        made = folder(chosen, graph, name, digest, expected, said, title)
    said("compiling for a Cortex-M7")
    return made, *measured(made)


def resized(content, size):
    """Returns the bytes of the same network for images of another size, if none of its operators is bound to its own.

    Args:
        content: bytes of a .tflite file.
        size: `(height, width)`.

    Raises:
        ValueError: if an operator is bound to the file's size, or the levels of the network do not divide the size.
    """
    sound = isinstance(size, (tuple, list)) and len(size) == 2 and all(type(side) is int and side > 0 for side in size)
    if not sound:
        raise ValueError(f"size must be (height, width) in pixels. Received: {size!r}.")
    network = TilingNetwork(content)
    own = tuple(network.graph.tensors[network.image].shape[1:3])
    multiple = math.lcm(*(scale.numerator for scale in network.scales if scale is not None))
    if any((new - old) % multiple for new, old in zip(size, own, strict=True)):
        raise ValueError(
            f"size must differ from that of the file, {own[0]}x{own[1]}, by multiples of {multiple} pixels. Received: "
            f"{size[0]}x{size[1]}. Convert the model for that size."
        )
    graph = network.graph
    return whole_file(network, range(len(graph.operators)), graph.inputs, graph.outputs, tuple(size))


def report(made, code_bytes, stack_bytes):
    """Returns the dict of figures of a `Folder`, for people and as JSON."""
    said = made.description
    digests = said["files"]
    return {
        "name": made.name,
        **said["figures"],
        "code_bytes": code_bytes,
        "stack_bytes": stack_bytes,
        "cross_check": said["cross_check"],
        "proof": said["cross_check"],  # its old name, which goes with the next version
        "files": sorted(made.files),
        "sha256": hashlib.sha256("".join(f"{digests[file]} {file}\n" for file in sorted(digests)).encode()).hexdigest(),
    }


def candidates(content, progress=lambda what: None, seconds=4.0, weights=None):
    """Returns what may be scheduled: a file, and what the planner makes of it (reordered, rewritten).

    Args:
        content: bytes of an integer .tflite file.
        progress: function called with a str before each step.
        seconds: float, CPU time for each of the planner's searches.
        weights: as of `Limits`, or None.

    Returns:
        list of `Schedulable`.

    Raises:
        EngineError: a `ValueError`, if the engine cannot run the file.
    """
    graph = read(content).main
    network = lower(graph, tables)  # says what cannot be run before the planner begins
    if weights is not None:
        weights(constant_bytes(network))
    progress("planning")
    planned = plan(content, "reference", seconds=seconds).planned
    as_it_is = Schedulable(graph, network, 0 if planned is None else planned.bound)
    if planned is None or [op.name for op in planned.graph.operators] == [op.name for op in graph.operators]:
        return [as_it_is]  # the same order, as far as anybody can see
    return [as_it_is, Schedulable(planned.graph, lower(planned.graph, tables), planned.bound)]


def scheduled(networks, wanted, progress=lambda what: None):
    """Returns the best `Schedule`, and the graph that it is of.

    Args:
        networks: list that `candidates` returned.
        wanted: `Wanted`.
        progress: function called with a str before each step.

    Raises:
        BudgetError: a `ValueError`, if none fits into `wanted.ram`.
    """
    kinds = SCHEDULES[wanted.schedule] if wanted.memories == 1 else ("rows",)
    if wanted.schedule == "auto" and wanted.memories == 1 and len(networks[0].network.operators) > MOST_STREAMED:
        kinds = ("whole",)
    found, refused = [], None
    for kind in kinds:
        for each in networks:
            if any(2 * made.layout.total < each.bound for made, _ in found) and kind == "whole":
                continue  # by rows it takes less than half, which whole maps cannot
            progress(f"scheduling by {'rows' if kind == 'rows' else 'whole maps'}")
            try:
                found.append((_schedule(each.network, kind, wanted), each.graph))
            except BudgetError as error:
                refused = error
    if not found:
        raise refused
    cost = (lambda made: made.layout.total) if wanted.ram is None else (lambda made: (made.macs_ratio, made.layout.total))
    return min(found, key=lambda pair: cost(pair[0]))


def _schedule(network, kind, wanted):
    if kind == "rows":
        return schedule.rows(network, memories=wanted.memories, ram=wanted.ram)
    made = schedule.whole(network)
    if wanted.ram is not None and made.layout.total > wanted.ram:
        raise BudgetError(
            f"ram={wanted.ram:,} is below what this network takes by whole maps, {made.layout.total:,} bytes. Give it "
            "as much, or try schedule 'rows'."
        )
    return made


def reference_outputs(content, cases):
    """Returns the outputs of the interpreter, run after run on one, for some networks remember earlier runs."""
    kind = reference_runtime()
    if all(array.shape[:1] == (1,) for array in cases[0]):
        stacks = [np.concatenate(arrays) for arrays in zip(*cases, strict=True)]
        outputs = [np.split(output, len(cases)) for output in run(content, stacks, kind).outputs]
        return [list(arrays) for arrays in zip(*outputs, strict=True)]
    return [list(run(content, arrays, kind).outputs) for arrays in cases]


def default_name(source):
    """Returns the name that a network gets from its file or preset."""
    path = Path(source)
    return name_of(path.stem if path.suffix else path.name)
