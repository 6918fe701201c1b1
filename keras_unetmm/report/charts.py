# SPDX-License-Identifier: Apache-2.0
"""The charts of a report as numbers: rectangles in a drawing of 1000 x 300, and what each says when it is pointed at."""

from collections.abc import Sequence

from keras_unetmm.planner.greedy import greedy
from keras_unetmm.planner.lifetimes import timeline
from keras_unetmm.planner.plan import Lifetime, Plan, PlannedFile
from keras_unetmm.planner.skips import kinds, waits_at
from keras_unetmm.tflite_file.names import short_name
from keras_unetmm.types import JsonObject

WIDTH, HEIGHT = 1000, 300
_MOST = 20_000  # rectangles


def profile(plan: "Plan | PlannedFile", limit: int) -> JsonObject:
    """Returns the live bytes while each operator runs, split by what they are for.

    Args:
        plan: a `Plan`, as it is, or a `PlannedFile`.
        limit: int, bytes at the top of the drawing.
    """
    graph, live = plan.graph, plan.live
    each = WIDTH / max(len(live), 1)
    layers: list[dict[str, int]] = [{} for _ in live]
    for life, kind in zip(plan.lifetimes, kinds(graph, plan.lifetimes), strict=True):
        for position in range(life.first, min(life.last + 1, len(live))) if life.touched else ():
            here = kind if kind == "scratch" or waits_at(graph, life, position) else "other"
            layers[position][here] = layers[position].get(here, 0) + life.bytes
    bars = []
    for position, parts in enumerate(layers):
        base = 0
        for kind in ("other", "scratch", "skip", "network input"):
            if parts.get(kind):
                bars.append({**_box(position * each, each, base, parts[kind], limit), "kind": kind})
                base += parts[kind]
    columns = [
        {"x": position * each, "w": each, "operator": f"{position} {operator.name}", "bytes": live[position]}
        for position, operator in enumerate(graph.operators)
    ]
    return {"bars": bars[:_MOST], "columns": columns[:_MOST], "peak": max(live, default=0)}


def arena_map(plan: Plan) -> JsonObject:
    """Returns the arena over time: a rectangle a buffer, planned, or as TFLM's own planner places the file."""
    planned = plan.planned
    owner: Plan | PlannedFile
    if planned is None:
        owner, buffers = plan, timeline(plan.model).buffers
        placed, head = greedy(buffers)
        addresses: Sequence[int] = [placed[i] for i in range(len(buffers))]
    else:
        owner, addresses, head = planned, planned.placement.addresses, planned.head
    each = WIDTH / max(len(owner.live), 1)
    boxes = []
    for life, address, kind in zip(owner.lifetimes, addresses, kinds(owner.graph, owner.lifetimes), strict=True):
        box = _box(life.first * each, (life.last - life.first + 1) * each, address, life.bytes, head)
        boxes.append({**box, "kind": kind, "address": address, "bytes": life.bytes, **_said(owner, life)})
    return {"boxes": boxes[:_MOST], "head": head, "planned": planned is not None}


def _box(x: float, width: float, base: int, size: int, limit: int) -> dict[str, float]:
    scale = HEIGHT / max(limit, 1)
    return {
        "x": round(x, 2),
        "w": round(width, 2),
        "y": round(HEIGHT - (base + size) * scale, 2),
        "h": round(size * scale, 2),
    }


def _said(owner: "Plan | PlannedFile", life: Lifetime) -> dict[str, str]:
    """What is said of a buffer: its name and shape, and the operators from which to which it lives."""
    tensor = None if life.tensor is None else owner.model.tensor(life.tensor)
    names = [owner.graph.operators[p].name for p in (life.first, life.last)] if owner.graph.operators else ["-", "-"]
    lives = f"{life.first} {names[0]}" if life.first == life.last else f"{life.first} {names[0]} to {life.last} {names[1]}"
    if tensor is None:
        return {"name": "scratch of a kernel", "shape": "", "operator": lives}
    return {"name": short_name(tensor.name), "shape": "x".join(map(str, tensor.shape)), "operator": lives}
