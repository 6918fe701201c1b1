# SPDX-License-Identifier: Apache-2.0
"""The picture of a plan: live bytes as it is and planned, and the arena as a map."""

import os

from keras_unetmm.planner.skips import kinds, waits_at

_COLORS = {"other": "#9aa5b1", "scratch": "#e0c068", "skip": "#d1495b", "network input": "#4c86c6"}
_NAMES = {
    "other": "operators and residuals",
    "scratch": "scratch of kernels",
    "skip": "skips",
    "network input": "network input",
}


def draw(found, path, title=None):
    """Draws a plan as SVG or PNG, by the path's suffix.

    The upper panels show live bytes over the operators, as it is and planned, on one scale: the lower bound is the dotted
    line, what TFLM's arena takes the solid one. The last shows the planned arena, a rectangle a buffer.

    Args:
        found: `keras_unetmm.planner.plan.Plan`.
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
    from matplotlib.patches import Patch

    planned = found.planned
    figure = Figure(figsize=(9, 9 if planned else 4), layout="constrained")
    panels = figure.subplots(3 if planned else 1, 1, squeeze=False)[:, 0]
    scale = max(found.greedy_head, found.order_bound) / 1024 * 1.15
    _profile(panels[0], found.graph, found.lifetimes, found.live, found.order_bound, found.greedy_head, scale)
    panels[0].set_title(
        f"{title or 'Arena'}: as it is, TFLM's planner takes {found.greedy_head:,} B", loc="left", fontsize=10
    )
    if planned:
        _profile(panels[1], planned.graph, planned.lifetimes, planned.live, planned.bound, planned.head, scale)
        what = f"planned for kernels {planned.kernels}: {planned.head:,} B, lower bound {planned.bound:,} B"
        panels[1].set_title(f"{what}; what lies above the line overlaps", loc="left", fontsize=10)
        _map(panels[2], planned, scale)
        panels[2].set_title("the planned arena: a rectangle a buffer", loc="left", fontsize=10)
    panels[-1].set_xlabel("operator, in the order of running")
    both = (found, planned) if planned else (found,)
    there = {"other"}.union(*(kinds(each.graph, each.lifetimes) for each in both))
    handles = [Patch(color=color, label=_NAMES[kind]) for kind, color in _COLORS.items() if kind in there]
    figure.legend(handles=handles, loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    figure.savefig(path, format=suffix[1:], dpi=150)


def _profile(axes, graph, lifetimes, live, bound, head, scale):
    """Live bytes, split by what they are for."""
    edges = [position - 0.5 for position in range(len(live) + 1)]
    layers = {kind: [0] * len(live) for kind in _COLORS}
    for life, kind in zip(lifetimes, kinds(graph, lifetimes), strict=True):
        for position in range(life.first, life.last + 1) if life.touched else ():
            layers[_kind_at(graph, life, kind, position)][position] += life.bytes
    base = [0.0] * len(live)
    for kind, color in _COLORS.items():
        top = [low + value / 1024 for low, value in zip(base, layers[kind], strict=True)]
        axes.stairs(top, edges, baseline=base, fill=True, color=color, linewidth=0)
        base = top
    axes.axhline(bound / 1024, color="black", linewidth=0.8, linestyle=":")
    axes.axhline(head / 1024, color="black", linewidth=0.8)
    peak = live.index(max(live))
    axes.plot([peak], [max(live) / 1024], marker="v", color="black", markersize=5)
    place = "left" if peak < len(live) / 2 else "right"
    note = _note(graph, peak, layers["skip"])
    behind = {"facecolor": "white", "edgecolor": "none", "pad": 1.5, "alpha": 0.9}  # no line strikes the words through
    axes.annotate(
        note, (peak, max(live) / 1024), (0, 8), textcoords="offset points", ha=place, fontsize=8, bbox=behind, zorder=5
    )
    axes.set(ylabel="live KiB", xlim=(edges[0], edges[-1]), ylim=(0, max(scale, max(live) / 1024 * 1.15)))


def _kind_at(graph, life, kind, position):
    """What a buffer is for at an operator: a skip counts as one only where it waits."""
    return kind if kind != "skip" or waits_at(graph, life, position) else "other"


def _note(graph, peak, skips):
    """What is said of the peak; of skips only where the network has some."""
    held = f"; skips hold {skips[peak]:,} B there" if any(skips) else ""
    return f"peak: operator {peak}, {graph.operators[peak].name}{held}"


def _map(axes, planned, scale):
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Rectangle

    rectangles, colors = [], []
    for life, kind, address in zip(
        planned.lifetimes, kinds(planned.graph, planned.lifetimes), planned.placement.addresses, strict=True
    ):
        rectangles.append(Rectangle((life.first - 0.5, address / 1024), life.last - life.first + 1, life.bytes / 1024))
        colors.append(_COLORS[kind])
    axes.add_collection(PatchCollection(rectangles, facecolor=colors, edgecolor="white", linewidth=0.4, alpha=0.85))
    axes.axhline(planned.head / 1024, color="black", linewidth=0.8)
    axes.set(ylabel="address, KiB", xlim=(-0.5, len(planned.live) - 0.5), ylim=(0, min(scale, planned.head / 1024 * 1.15)))
