# SPDX-License-Identifier: Apache-2.0
"""The picture of the trade-off: memory against multiply-accumulates."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.text import Annotation
from matplotlib.ticker import FuncFormatter, NullFormatter
from matplotlib.transforms import Bbox

from keras_unetmm.tiling.search import Row, best

# where a label may stand, in points from its point, the first that is free
_PLACES = ((6, 5), (6, -11), (-6, 5), (-6, -11), (0, 9), (0, -14), (8, 14), (-8, 14), (8, -20), (-8, -20))
SUFFIXES = (".png", ".svg", ".jpg", ".pdf")


def validate_suffix(path: str | os.PathLike[str]) -> None:
    """Checks that a path has the suffix of a picture.

    Raises:
        ValueError: with those that there are.
    """
    if Path(path).suffix.lower() not in SUFFIXES:
        raise ValueError(f"--picture must end in one of {', '.join(SUFFIXES)}. Received: {path}.")


def draw(
    path: str | os.PathLike[str],
    title: str,
    curves: Mapping[str, Sequence[Row]],
    untiled: Mapping[str, tuple[int, int]],
) -> None:
    """Draws one curve for each kind of program, of those that no other beats, tiles beside them, and the untiled networks.

    Args:
        path: of the picture; its suffix says which kind.
        title: str.
        curves: dict from a curve's name to a list of rows, as `keras_unetmm.tiling.search.Search.row` returns them.
        untiled: dict from names to bytes and multiply-accumulates of a network run whole.
    """
    figure = Figure(figsize=(9, 5.4), layout="constrained")
    axes = figure.subplots()
    labels = []
    styles = zip(("o-", "s-", "^-", "D-", "v-", "P-"), ("C0", "C1", "C2", "C3", "C4", "C5"), strict=True)
    for (name, rows), (style, color) in zip(curves.items(), styles, strict=False):
        points = sorted((r["ram_bytes"] / 1024, r["macs"] / 1e6, "x".join(map(str, r["tile"]))) for r in best(rows))
        axes.plot([p[0] for p in points], [p[1] for p in points], style, color=color, label=name, markersize=5)
        for (memory, macs, tile), (*_, before) in zip(points, [("",), *points], strict=False):
            if tile != before:
                labels.append(
                    axes.annotate(tile, (memory, macs), (5, 5), textcoords="offset points", fontsize=7, color=color)
                )
    for (name, (size, macs)), mark, color in zip(untiled.items(), "*P*P", ("0.1", "0.1", "0.5", "0.5"), strict=False):
        said = f"{name}, {size / 1024:,.0f} KiB"
        axes.plot([size / 1024], [macs / 1e6], mark, markersize=11, color=color, label=said, linestyle="none")
    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=2)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        axis.set_minor_formatter(NullFormatter())
    axes.set(xlabel="RAM in KiB, interpreters' tails apart", ylabel="multiply-accumulates, millions an image")
    axes.set_title(title, loc="left", fontsize=10)
    axes.grid(alpha=0.3)
    legend = axes.legend(frameon=False, fontsize=8)
    _separate(figure, axes, labels, legend)
    figure.savefig(path, dpi=150)


def _separate(figure: Figure, axes: Axes, labels: list[Annotation], legend: Legend) -> None:
    """Moves labels of points around their points until none lies over another, a point or the legend.

    One that fits nowhere is left out: it would be unreadable, and so would the other.
    """
    figure.draw_without_rendering()  # where the layout puts everything
    marks = [axes.transData.transform(point) for line in axes.lines for point in np.asarray(line.get_xydata())]
    taken = [legend.get_window_extent(), *(Bbox.from_bounds(x - 4, y - 4, 8, 8) for x, y in marks)]
    for label in labels:
        for x, y in _PLACES:
            label.set(position=(x, y), horizontalalignment="left" if x > 0 else "right" if x < 0 else "center")
            box = label.get_window_extent()
            if axes.bbox.containsx(box.x1) and not any(box.overlaps(other) for other in taken):
                taken.append(box)
                break
        else:
            label.remove()
