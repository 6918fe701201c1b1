# SPDX-License-Identifier: Apache-2.0
"""Ways that change the network: less at the peak, a smaller input, 8 bits, light skips."""

import math
from collections.abc import Iterator
from dataclasses import replace

from keras_unetmm.advice.option import BOUNDED, ESTIMATED, MEASURED, Asked, Option
from keras_unetmm.engine.io_quantization import integer_io
from keras_unetmm.firmware.write import resized
from keras_unetmm.planner.operator_graph import OperatorGraph
from keras_unetmm.planner.placement_problem import placement_problem
from keras_unetmm.planner.planner import plan
from keras_unetmm.planner.skips import kinds, waits_at
from keras_unetmm.tflite_file.graph import DAMAGE, Graph
from keras_unetmm.tflite_file.names import short_name
from keras_unetmm.tiling.analyse import TilingNetwork

_SHOWN = 4  # maps at the peak
_TRIES = 6  # sizes that are planned
_SMALLEST = 8  # pixels of an image that is worth looking at


def peak(asked: Asked) -> Iterator[Option]:
    """The operator at which most is alive, and the maps there: what a change of the network must make smaller."""
    plan_of = asked.found.planned or asked.found
    if not plan_of.live:
        return
    position = plan_of.live.index(max(plan_of.live))
    alive = sorted((x for x in plan_of.lifetimes if x.touched and x.first <= position <= x.last), key=lambda x: -x.bytes)
    maps = ", ".join(_named(plan_of.model, life) for life in alive[:_SHOWN])
    more = f" and {len(alive) - _SHOWN} more" if len(alive) > _SHOWN else ""
    name = plan_of.graph.operators[position].name
    said = f"most is alive at operator {position}, {name}: {maps}{more}. Narrow the channels there"
    if asked.arena is not None:
        over = plan_of_head(asked) + asked.tail - asked.arena
        said += f"; {over:,} bytes must go" if over > 0 else ""
    yield Option("peak", None, MEASURED, said, f"unetmm plan {asked.name} --picture arena.svg")


def plan_of_head(asked: Asked) -> int:
    """Bytes of head, planned, or as it is where it cannot be planned."""
    return asked.found.greedy_head if asked.found.planned is None else asked.found.planned.head


def _named(model, life):
    tensor = None if life.tensor is None else model.tensor(life.tensor)
    name = "scratch of a kernel" if tensor is None else f"{short_name(tensor.name)} {'x'.join(map(str, tensor.shape))}"
    return f"{name} ({life.bytes:,} bytes)"


def input_size(asked: Asked) -> Iterator[Option]:
    """The largest input that fits: planned where the file can be resized, by the share of its pixels where it cannot."""
    graph, arena = asked.found.graph, asked.arena
    shape: tuple[int, ...] = graph.tensors[graph.inputs[0]].shape if graph.inputs else ()
    if len(shape) != 4 or min(shape[1:3]) <= _SMALLEST:
        return
    need = plan_of_head(asked) + asked.tail
    goal = need // 2 if arena is None else arena
    if need <= goal:
        return
    try:
        content = integer_io(asked.content)
        network = TilingNetwork(content)
        multiple = math.lcm(*(scale.numerator for scale in network.scales if scale is not None))
        found = _planned_size(content, (shape[1], shape[2]), multiple, goal - asked.tail, asked)
    except (ValueError, *DAMAGE):
        found = None
    if found is not None:
        (height, width), head = found
        said = f"{height}x{width} instead of {shape[1]}x{shape[2]} is the largest input that fits"
        command = f"unetmm convert MODEL.keras --size {height}x{width} -o smaller.tflite"
        yield Option("size", head + asked.tail, MEASURED, said, command)
        return
    share = math.sqrt(max(goal - asked.tail, 0) / max(need - asked.tail, 1))
    height, width = (int(side * share) for side in (shape[1], shape[2]))
    if min(height, width) < 1:
        yield Option("size", None, ESTIMATED, "no input is small enough: the tail alone does not fit")
        return
    said = f"about {height}x{width} instead of {shape[1]}x{shape[2]}, if its maps shrink with the pixels"
    yield Option("size", goal, ESTIMATED, said, f"unetmm convert MODEL.keras --size {height}x{width} -o smaller.tflite")


def _planned_size(content, size, multiple, head, asked):
    """The largest size of about the same shape whose planned head fits, by halving; and that head."""
    most = min(size) // multiple
    low, high, best = 0, most, None
    for _ in range(_TRIES):
        middle = (low + high) // 2
        if middle <= low:
            break
        sides = tuple(max(1, round(side * middle / most / multiple)) * multiple for side in size)
        planned = plan(resized(content, sides), asked.kernels, seconds=asked.search).planned
        if planned is not None and planned.head <= head:
            low, best = middle, (sides, planned.head)
        else:
            high = middle
    return best


def eight_bits(asked: Asked) -> Iterator[Option]:
    """What int8 takes of a network of 16 bits or of floats: the least of any order, by the planner."""
    graph = asked.found.graph

    wide = {i for i, tensor in enumerate(graph.tensors) if tensor.data is None and tensor.type in ("INT16", "FLOAT32")}
    if not wide:
        return
    tensors = tuple(replace(tensor, type="INT8") if i in wide else tensor for i, tensor in enumerate(graph.tensors))
    head = _least(Graph(tensors, graph.operators, graph.inputs, graph.outputs), asked)
    halved = any(op.name == "DEQUANTIZE" and graph.tensors[op.inputs[0]].type == "FLOAT16" for op in graph.operators)
    how, about = (ESTIMATED, "about ") if halved else (BOUNDED, "")  # weights are then maps, which they would not be
    said = f"maps of int8 need a head of {about}{head:,} bytes at least"
    yield Option("int8", head + asked.tail, how, said, "unetmm convert MODEL.keras --calibration IMAGES -o int8.tflite")


def _least(graph, asked):
    model = replace(asked.found.model, graphs=(graph, *asked.found.model.graphs[1:]), offsets=None)
    if len(model.graphs) > 1:
        return max(placement_problem(model, asked.kernels).timeline.live())
    operators = OperatorGraph(graph, asked.kernels)
    return max([operators.first_live, *operators.floors])


def light_skips(asked: Asked) -> Iterator[Option]:
    """What long skips hold where most is alive, if less would be alive without them; residuals of a block are none."""
    found = asked.found.planned or asked.found
    held, count = [0] * len(found.live), [0] * len(found.live)
    for life, kind in zip(found.lifetimes, kinds(found.graph, found.lifetimes), strict=True):
        for position in range(life.first, life.last + 1) if kind == "skip" else ():
            if waits_at(found.graph, life, position):
                held[position] += life.bytes
                count[position] += 1
    most = max(found.live, default=0)
    saved = most - max((live - waiting for live, waiting in zip(found.live, held, strict=True)), default=0)
    if not saved:
        return
    peak = found.live.index(most)
    skips = "1 skip that waits at the peak holds" if count[peak] == 1 else f"{count[peak]} skips that wait at the peak hold"
    said = f"{skips} {held[peak]:,} bytes there: UNet-- and SAT keep less"
    least = max((found.order_bound or most) - saved, 0)
    yield Option("skips", least + asked.tail, BOUNDED, said, 'keras_unetmm.models.NAFNet(..., skips="unet--")')
