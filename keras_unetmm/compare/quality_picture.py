# SPDX-License-Identifier: Apache-2.0
"""The picture of what a file loses: a few examples in floats and in int8, their differences, and every layer's noise."""

import math
import os

import numpy as np

_FACTORS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)  # by which differences are shown larger
_NAMED = 5  # layers that the lower panel names
_ALL_NAMED = 30  # layers at most whose names all fit under their bars
_BAR, _WORST = "#9aa5b1", "#d1495b"
_SUFFIXES = (".png", ".svg")


def validate_suffix(path):
    """Raises a ValueError unless the path ends as a picture of `draw` does."""
    if os.path.splitext(path)[1].lower() not in _SUFFIXES:
        raise ValueError(f"picture must end in {' or '.join(_SUFFIXES)}. Received: {path}.")


def draw(quality, path, title=None):
    """Draws a quality as PNG or SVG, by the path's suffix.

    A row an example: what the network was given, its output in floats, the file's, the reference if there is one, and the
    difference of the outputs times a factor that its title says. Volumes show the slice in the middle, scores of several
    classes the class, differences the channel where they are largest. Below, the signal to quantisation noise of
    every layer, the worst ones named.

    Args:
        quality: `keras_unetmm.compare.quality.Quality`.
        path: str or path.
        title: str, above the picture.

    Raises:
        ValueError: for another suffix.
    """
    validate_suffix(path)
    from matplotlib.figure import Figure  # half a second, which only those who want a picture wait for

    shown = [example for example in quality.shown if example.float.ndim > 1]
    columns = 5 if any(example.reference is not None for example in shown) else 4
    rows = len(shown)
    named = 1.1 if len(quality.layers) <= _ALL_NAMED else 0.0  # inches for names under the bars
    below = 2.9 + named if quality.layers else 0.01
    width = 2.2 * columns + 1.2
    heights = [2.3 + 0.35 * (row == 0) for row in range(rows)]  # inches, the first with titles
    figure = Figure(figsize=(width, sum(heights) + below + 0.5), layout="constrained")
    figure.suptitle(title or f"float and {quality.numbers}", x=0.01, ha="left", fontsize=11)
    grid = figure.add_gridspec(rows + 1, 1, height_ratios=[*heights, below])
    factor = _factor(shown)
    for row, example in enumerate(shown):
        axes = grid[row].subgridspec(1, columns + 1, width_ratios=[1] * columns + [0.05]).subplots()
        _examples(figure, axes, example, factor, quality.numbers if row == 0 else "")
    if quality.layers:
        _layers(figure.add_subplot(grid[rows]), quality, width)
    figure.savefig(path, format=os.path.splitext(path)[1][1:].lower(), dpi=150)


def _factor(shown):
    """The largest of the factors with which the largest differences are still seen apart."""
    largest = max((float(np.quantile(np.abs(e.float - e.int8), 0.999)) for e in shown), default=0.0)
    return max((factor for factor in _FACTORS if factor * largest <= 1), default=1)


def _examples(figure, axes, example, factor, numbers):
    """A row of panels; the first has titles, for which it is given what the file computes with."""
    difference = np.abs(_slice(example.float) - _slice(example.int8)).max(-1)
    labels = example.float.shape[-1] not in (1, 3)
    panels = [("input", _picture(example.image))]
    panels += [("float", _output(example.float, labels)), (numbers, _output(example.int8, labels))]
    for axis, (name, picture) in zip(axes, panels, strict=False):
        _show(axis, picture, labels and name != "input")
        if numbers:
            axis.set_title(name, fontsize=9)
    if len(axes) == 6:
        _reference(axes[3], example, labels, bool(numbers))
    *_, last, beside = axes
    drawn = last.imshow(difference * factor, cmap="magma", vmin=0, vmax=1, interpolation="nearest")
    bar = figure.colorbar(drawn, cax=beside, ticks=(0, 0.5, 1))
    bar.ax.set_yticklabels([f"{value / factor:.3g}" for value in (0, 0.5, 1)], fontsize=7)
    bar.ax.set_box_aspect(18)
    if numbers:
        shown = "" if factor == 1 else f"\nshown {factor} times as large"
        last.set_title(f"|float - {numbers}|{shown}", fontsize=9)
    for axis in axes[:-1]:
        axis.set(xticks=[], yticks=[])
    axes[0].set_ylabel(example.name[:24], fontsize=8)


def _reference(axis, example, labels, first):
    if example.reference is None:
        axis.set_axis_off()
        return
    reference = np.asarray(example.reference)
    mask = labels or reference.dtype.kind in "iu"
    _show(axis, _output(reference if mask else reference[..., : example.float.shape[-1]], mask), mask)
    if first:
        axis.set_title("reference", fontsize=9)


def _show(axis, picture, labels):
    if labels:
        axis.imshow(picture % 20, cmap="tab20", vmin=-0.5, vmax=19.5, interpolation="nearest")
    else:
        axis.imshow(picture, cmap="gray", vmin=0, vmax=1, interpolation="nearest")


def _slice(array):
    return array[len(array) // 2] if array.ndim == 4 else array


def _picture(array):
    """RGB or gray in [0, 1]."""
    array = _slice(np.asarray(array, "float32"))
    return np.clip(array[..., :3] if array.shape[-1] >= 3 else array[..., 0], 0, 1)


def _output(array, labels):
    if not labels:
        return _picture(array)
    array = _slice(np.asarray(array))
    return array[..., 0].astype(int) if array.shape[-1] == 1 else array.argmax(-1)


def _layers(axes, quality, width):
    """Bars in the order of the graph; the worst are coloured and numbered, and the legend says who they are."""
    from matplotlib.patches import Patch

    layers = quality.layers
    finite = [layer.sqnr_db for layer in layers if math.isfinite(layer.sqnr_db)]
    top, bottom = max([*finite, 1.0]), min([*finite, 0.0])
    heights = [min(max(layer.sqnr_db, bottom), top) for layer in layers]  # what is infinite reaches to the edge
    worst = sorted(range(len(layers)), key=lambda i: layers[i].sqnr_db)[:_NAMED]
    axes.bar(range(len(layers)), heights, width=0.85, color=[_WORST if i in worst else _BAR for i in range(len(layers))])
    for rank, place in enumerate(worst, 1):
        axes.annotate(
            str(rank), (place, max(heights[place], 0)), (0, 2), textcoords="offset points", ha="center", fontsize=8
        )
    handles = [
        Patch(color=_WORST, label=f"{n}  {layers[i].layer}: {layers[i].sqnr_db:.1f} dB") for n, i in enumerate(worst, 1)
    ]
    axes.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(0, -0.12) if len(layers) > _ALL_NAMED else (1.01, 1),
        ncols=max(1, int(width // 3.6)) if len(layers) > _ALL_NAMED else 1,
        fontsize=8,
        frameon=False,
        handlelength=0.8,
        title="worst layers" if len(layers) <= _ALL_NAMED else None,
        title_fontsize=8,
    )
    if len(layers) <= _ALL_NAMED:
        axes.set_xticks(range(len(layers)), [layer.layer for layer in layers], rotation=90, fontsize=7)
    else:
        axes.set_xlabel("layer, in the order of the graph", fontsize=8, labelpad=1)
        axes.tick_params(axis="x", labelsize=8)
    axes.tick_params(axis="y", labelsize=8)
    axes.set_xlim(-0.7, len(layers) - 0.3)
    axes.set_ylim(bottom * 1.05, top * 1.1)
    axes.set_ylabel("signal to noise, dB", fontsize=8)
    on = f"{quality.layer_images} image" + ("s" if quality.layer_images != 1 else "")
    axes.set_title(f"signal to quantisation noise of every layer's output, on {on}", loc="left", fontsize=9)
