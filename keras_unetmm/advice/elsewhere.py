# SPDX-License-Identifier: Apache-2.0
"""Ways that leave the network as it is: other kernels, the engine, tiles."""

import time
from collections.abc import Iterator

from keras_unetmm.advice.option import MEASURED, Asked, Option
from keras_unetmm.engine.io_quantization import integer_io
from keras_unetmm.firmware.prediction import prediction
from keras_unetmm.firmware.write import default_name
from keras_unetmm.interpreters.runtime import RunError
from keras_unetmm.planner.planner import plan
from keras_unetmm.tflite_file.graph import read
from keras_unetmm.tiling.search import Search
from keras_unetmm.tiling.tile import compiler_of

_TILES_ASIDE = 4  # the tiles that are tried first: so many stand side by side
_OTHERS = ("reference", "cmsis-nn")  # that allow more overlaps than a plan that is safe for several libraries


def other_kernels(asked: Asked) -> Iterator[Option]:
    """The plan for one library of kernels alone, where its overlaps save something."""
    planned = asked.found.planned
    if planned is None:
        return
    if not asked.runs:
        yield Option("kernels", None, MEASURED, "no library of kernels makes TFLM run this file")
        return
    heads = {}
    for kernels in _OTHERS:
        other = plan(asked.content, kernels, seconds=asked.search).planned if kernels != asked.kernels else None
        if other is not None and other.head < planned.head:
            heads[kernels] = other.head
    if not heads:
        said = f"no other library's overlaps take less than {planned.head:,} bytes of head"
        yield Option("kernels", None, MEASURED, said)
        return
    best = min(heads, key=heads.__getitem__)
    said = f"with the overlaps that are safe for {best} alone the head takes {heads[best]:,} bytes, not {planned.head:,}"
    command = f"unetmm plan {asked.name} --kernels {best} -o planned.tflite"
    yield Option("kernels", heads[best] + asked.tail, MEASURED, said, command)


def engine(asked: Asked) -> Iterator[Option]:
    """The memory that the engine's C takes, by its best schedule."""
    try:
        made = prediction(asked.content, asked.search)
    except (ValueError, RunError) as error:
        yield Option("engine", None, MEASURED, f"the engine does not run it: {_first(error)}")
        return
    how = {"rows": "row by row", "whole": "by whole maps"}[made["schedule"]]
    instructions = made["predicted"]["cortex-m7"]["instructions"]
    said = (
        f"plain C runs it {how} with {made['macs_ratio']:.2f} times the multiply-accumulates, without an arena, "
        f"in about {max(instructions / 1e6, 0.1):,.1f} million instructions on a Cortex-M7"
    )
    command = f"unetmm firmware {asked.name} -o {default_name(asked.name)}_c"
    yield Option("engine", made["ram_bytes"], MEASURED, said, command)


def tiles(asked: Asked, seconds: float) -> Iterator[Option]:
    """The program with the least memory among those that can be planned in so many seconds."""
    content = integer_io(asked.content)
    graph, end, best, tried = read(content).main, time.monotonic() + seconds, None, 0
    try:
        size = tuple(graph.tensors[graph.inputs[0]].shape[1:3]) if graph.inputs else ()
        search = Search(compiler_of(content, size), "keep")
        levels = search.fitting_levels(None, None)
        cases = [(level, square) for level in reversed(levels) for square in search.square_tiles(level)]
        for level, square in sorted(cases, key=lambda case: abs(_TILES_ASIDE * case[1][0] - size[0])):
            if time.monotonic() < end or best is None:
                found = min(search.all_at(level, square), key=lambda made: made.ram)
                best, tried = found if best is None or found.ram < best.ram else best, tried + 1
    except ValueError as error:
        yield Option("tiles", None, MEASURED, f"it cannot be cut into tiles: {_first(error)}")
        return
    if best is None:
        yield Option("tiles", None, MEASURED, "no tile is smaller than its image")
        return
    made = search.row(best)
    side = "x".join(map(str, made["tile"]))
    among = f"the best of {tried} that were tried" if tried > 1 else f"one of {len(cases)} ways, of which no other was tried"
    said = (
        f"{made['levels']} levels in tiles of {side}, {made['macs_ratio']:.2f} times the multiply-accumulates, "
        f"{'the only way' if len(cases) == 1 else among}; arena heads, TFLM's tails come on top"
    )
    command = f"unetmm tile {asked.name} --size {size[0]}x{size[1]} --tile {side} --levels {made['levels']} -o program"
    yield Option("tiles", made["ram_bytes"], MEASURED, said, command)


def _first(error: Exception) -> str:
    """The first two sentences of an error: what is wrong, without advice for another command."""
    said = str(error).splitlines()[0] if str(error) else type(error).__name__
    return ". ".join(said.split(". ")[:2])[:300].rstrip(".")
