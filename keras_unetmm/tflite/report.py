"""What a plan says, as a table, as JSON and as a picture."""

import math
import os

from rich.table import Table

from keras_unetmm.tflite.arena import plan
from keras_unetmm.tflite.runtime import TFLMError, measure


def report(file, arena_bytes=None):
    """Plans a file and measures it on TFLM.

    Args:
        file: path or bytes of a .tflite file.
        arena_bytes: int, the arena that TFLM is given; by default as much as it wants.

    Returns:
        The `Plan`, and the dict that `unetmm plan --json` prints. `measured` is None, and `"why_not_measured"` says
        why, where TFLM cannot run the file.

    Raises:
        TFLiteFileError: if the file is not a .tflite file, cut short or damaged.
        TFLMError: if the arena given is too small.
    """
    found = plan(file)
    try:
        arena, why = measure(file, arena_bytes), None
    except TFLMError as error:
        if arena_bytes is not None:
            raise
        arena, why = None, str(error)
    return found, as_dict(found, arena, why)


def as_dict(found, arena, why_not_measured=None):
    """Returns a `Plan` and the measured `Arena` (or None) as JSON can hold them."""
    tensors = found.graph.tensors
    peak = None
    if found.peak is not None:
        live = [
            {"tensor": tensors[life.tensor].name, "shape": list(tensors[life.tensor].shape), "bytes": life.bytes}
            for life in found.alive(found.peak)
        ]
        peak = {"operator": found.peak, "name": found.graph.operators[found.peak].name, "live": live}
    result = {
        "operators": len(found.graph.operators),
        "macs": found.macs,
        "flash_bytes": found.flash_bytes,
        "as_is": {
            "order_bound": found.order_bound,
            "measured": None if arena is None else {"head": arena.head, "tail": arena.tail, "total": arena.total},
        },
        "peak": peak,
    }
    return result if why_not_measured is None else {**result, "why_not_measured": why_not_measured}


def as_table(title, result):
    """Returns the dict of `report` as a rich table: what the file needs, then who is alive at the peak."""
    table = Table(title=title, show_header=False, title_justify="left")
    table.add_column()
    table.add_column(justify="right")
    measured = result["as_is"]["measured"]
    table.add_row("operators", f"{result['operators']:,}")
    table.add_row("multiply-accumulates", f"{result['macs']:,}")
    table.add_row("flash", f"{result['flash_bytes']:,} B")
    table.add_row("live bytes, bound of the file's order", f"{result['as_is']['order_bound']:,} B")
    for part in ("head", "tail", "total"):
        table.add_row(f"TFLM arena {part}, measured", f"{measured[part]:,} B" if measured else "-")
    if result["peak"]:
        table.add_section()
        table.add_row(f"peak: operator {result['peak']['operator']}, {result['peak']['name']}", "alive there")
        for tensor in result["peak"]["live"]:
            shape = "x".join(map(str, tensor["shape"]))
            table.add_row(f"  {short_name(tensor['tensor'])} {shape}", f"{tensor['bytes']:,} B")
    return table


def draw(found, path, title=None):
    """Draws live bytes over the operators, the peak, and what the skips hold, as SVG or PNG by the path's suffix.

    Args:
        found: `Plan`.
        path: str or path.
        title: str, above the picture.

    Raises:
        ValueError: for another suffix, or a file without operators.
    """
    suffix = os.path.splitext(path)[1].lower()
    if suffix not in (".svg", ".png"):
        raise ValueError(f"picture must end in .svg or .png. Received: {path}.")
    if not found.live:
        raise ValueError("A file without operators has no picture.")
    from matplotlib.figure import Figure  # half a second, which only those who want a picture wait for

    positions = range(len(found.live))
    layers = {
        "operators and residuals": list(found.live),
        "skips": [0] * len(found.live),
        "network input": [0] * len(found.live),
    }
    for life, kind in waiting(found):
        for position in range(life.first, life.last + 1):
            if _waits_at(found.graph, life, position):
                layers[kind][position] += life.bytes
                layers["operators and residuals"][position] -= life.bytes

    figure = Figure(figsize=(9, 4.2), layout="constrained")
    axes = figure.add_subplot()
    order = ("network input", "skips", "operators and residuals")
    stacks = [[value / 1024 for value in layers[kind]] for kind in order]
    edges = [position - 0.5 for position in positions] + [len(found.live) - 0.5]
    base = [0.0] * len(found.live)
    for kind, stack, color in zip(order, stacks, ("#9aa5b1", "#d1495b", "#4c86c6"), strict=True):
        top = [low + value for low, value in zip(base, stack, strict=True)]
        axes.stairs(top, edges, baseline=base, fill=True, color=color, linewidth=0, label=kind)
        base = top
    bound, peak = found.order_bound / 1024, found.peak
    axes.axhline(bound, color="black", linewidth=0.8, linestyle=":")
    place = "left" if peak < len(found.live) / 2 else "right"
    held = sum(layers["skips"][peak : peak + 1])
    axes.annotate(
        f"peak {found.order_bound:,} B at operator {peak}, {found.graph.operators[peak].name}; skips hold {held:,} B of it",
        (peak, bound),
        xytext=(0, 6),
        textcoords="offset points",
        ha=place,
        fontsize=9,
    )
    axes.plot([peak], [bound], marker="v", color="black", markersize=5)
    axes.set(xlabel="operator, in the file's order", ylabel="live KiB", xlim=(edges[0], edges[-1]), ylim=(0, bound * 1.12))
    axes.set_title(title or "Live bytes", loc="left", fontsize=11)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=3, frameon=False, fontsize=9)
    figure.savefig(path, format=suffix[1:], dpi=150)


def waiting(found):
    """Returns pairs of a `Lifetime` and its kind, for tensors that wait while coarser maps are computed.

    The kinds are `"network input"` and `"skips"`: a map waits as a skip if, between its making and its last use, an
    operator that does not touch it makes a map of fewer pixels, the single pixel of a global mean not counted.
    """
    graph = found.graph
    areas = [_area(graph, operator) for operator in graph.operators]
    result = []
    for life in found.lifetimes:
        if life.tensor in graph.inputs:
            result.append((life, "network input"))
            continue
        own = _pixels(graph.tensors[life.tensor].shape)
        between = (p for p in range(life.first, life.last + 1) if _waits_at(graph, life, p))
        if own > 1 and any(1 < areas[p] < own for p in between):
            result.append((life, "skips"))
    return result


def short_name(name):
    """Returns the part of a converter's tensor name that a person can read, its layer."""
    last = name.split(";")[0]
    parts = [part for part in last.split("/") if part]
    return "/".join(parts[1:3]) if len(parts) > 1 else last


def _waits_at(graph, life, position):
    operator = graph.operators[position]
    return life.tensor not in operator.inputs and life.tensor not in operator.outputs


def _area(graph, operator):
    return max((_pixels(graph.tensors[index].shape) for index in operator.outputs if index >= 0), default=0)


def _pixels(shape):
    return math.prod(shape[1:-1]) if len(shape) >= 4 else 0
