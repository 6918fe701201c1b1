# SPDX-License-Identifier: Apache-2.0
"""What pruning does to a network, drawn from the logs of runs: figures 3 and 4 of Lean U-Net (arXiv 2512.03834)."""

import csv
import json
import re
from itertools import cycle
from pathlib import Path

import numpy as np

COLORS = ("#d1495b", "#4c86c6", "#e0a030", "#3f9c6d", "#7b5ea7", "#5f6c7b", "#9a5b2f", "#2f8f9a", "#c2669e")


def read_log(run):
    """Returns the rows of a run's `log.csv` as dicts of floats, without what was not measured.

    Args:
        run: str or path, the folder of a run.

    Raises:
        ValueError: if there is no log, or it is that of a network that is not pruned.
    """
    path = Path(run) / "log.csv"
    if not path.is_file():
        raise ValueError(f"run must be the folder of a run, with a log.csv. Received: {run}.")
    with open(path, newline="") as file:
        rows = [{key: float(value) for key, value in row.items() if value} for row in csv.DictReader(file)]
    if not rows or "channels" not in rows[0]:
        raise ValueError(f"run must be of a recipe with prune, whose log has a column channels. Received: {run}.")
    return rows


def median_and_deviation(values):
    """The median, and the median absolute deviation from it."""
    middle = float(np.median(values))
    return middle, float(np.median(np.abs(np.asarray(values) - middle)))


def draw_scores(runs, metric, path, levels=None, title=None):
    """Draws a metric against the channels that are left, as a median and its absolute deviation over seeds.

    Args:
        runs: dict by label of lists of run folders, a seed each; all evaluated at the same steps.
        metric: str, column of their logs.
        path: str or path, ending in .svg or .png.
        levels: dict of numbers by label, drawn as dashed lines: networks that are not pruned.
        title: str, above the picture.

    Raises:
        ValueError: if a run has no such column, or runs of one label lost channels at other steps.
    """
    from matplotlib.figure import Figure  # half a second

    figure = Figure(figsize=(7.2, 4.2), layout="constrained")
    axes = figure.subplots()
    _draw_curves(axes, runs, metric)
    for color, (label, level) in zip(cycle(COLORS[::-1]), (levels or {}).items(), strict=False):
        axes.axhline(level, color=color, linestyle="--", linewidth=1, label=label)
    _finish_scores(axes, metric, title)
    figure.savefig(path, dpi=150)


def draw_structures(runs, points, metric, path, title=None):
    """Draws a metric against the channels that are left, and networks that were not pruned, as figure 4a of Lean U-Net.

    Args:
        runs, metric, path, title: see `draw_scores`.
        points: dict by label of lists of `(channels, median, deviation)`: structures trained anew, narrower networks.

    Raises:
        ValueError: see `draw_scores`.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 4.2), layout="constrained")
    axes = figure.subplots()
    _draw_curves(axes, runs, metric)
    for color, mark, (label, found) in zip(cycle(COLORS[::-1]), cycle("sD^v"), points.items(), strict=False):
        channels, middle, deviation = zip(*found, strict=True)
        axes.errorbar(channels, middle, deviation, fmt=mark, color=color, label=label, capsize=3, markersize=5)
    _finish_scores(axes, metric, title)
    figure.savefig(path, dpi=150)


def _draw_curves(axes, runs, metric):
    for color, (label, folders) in zip(cycle(COLORS), runs.items(), strict=False):
        logs = [[row for row in read_log(folder) if metric in row] for folder in folders]
        left = [[row["channels"] for row in log] for log in logs]
        if not all(left) or any(each != left[0] for each in left):
            raise ValueError(f"runs of {label} must have {metric} at the same numbers of channels. Received: {left}.")
        # of several evaluations with as many channels the last one counts: the network has recovered
        last = [max(i for i, count in enumerate(left[0]) if count == wanted) for wanted in sorted(set(left[0]))]
        found = [median_and_deviation([log[i][metric] for log in logs]) for i in last]
        middle, deviation = np.array(found).T
        channels = sorted(set(left[0]))
        axes.plot(channels, middle, color=color, label=label, marker="o", markersize=3)
        axes.fill_between(channels, middle - deviation, middle + deviation, color=color, alpha=0.2, linewidth=0)


def _finish_scores(axes, metric, title):
    axes.invert_xaxis()
    axes.set(xlabel="channels left", ylabel=metric.replace("_", " "), title=title)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)


def layers_of(log):
    """The layers of a log in the order of running, with the column of each; empty for a log of an older version."""
    return {key.removeprefix("layer_"): key for key in log[0] if key.startswith("layer_")}


def draw_layers(run, path, title=None):
    """Draws how many channels each layer has against the channels that are left, as figures 3b and 6a of Lean U-Net.

    Args:
        run: folder of a run.
        path, title: see `draw_scores`.

    Raises:
        ValueError: for a run whose log does not count the channels of layers.
    """
    from matplotlib.figure import Figure

    log = read_log(run)
    layers = layers_of(log)
    if not layers:
        raise ValueError(f"run must have a log with the channels of each layer. Received: {run}, of an older version.")
    stages = dict.fromkeys(re.match(r"(enc\d+|mid|dec\d+)?", layer)[0] or layer for layer in layers)
    colors = dict(zip(stages, cycle(COLORS), strict=False))
    figure = Figure(figsize=(7.2, 4.6), layout="constrained")
    axes = figure.subplots()
    left, shown = [row["channels"] for row in log], set()
    for layer, key in layers.items():
        stage = re.match(r"(enc\d+|mid|dec\d+)?", layer)[0] or layer
        dashed = "--" if stage.startswith("dec") else "-"
        label = stage if stage not in shown else None
        shown.add(stage)
        axes.step(left, [row[key] for row in log], dashed, color=colors[stage], label=label, linewidth=1.2, where="post")
    axes.invert_xaxis()
    axes.set(xlabel="channels left", ylabel="channels of a layer", title=title)
    axes.set_yscale("log", base=2)
    axes.yaxis.set_major_formatter("{x:g}")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
    figure.savefig(path, dpi=150)


def read_criteria(run):
    """What the criterion said where a run kept its network, `{percent of the channels: {layer: scores}}`, most first."""
    found = {float(path.stem.partition("_")[2]): path for path in Path(run).glob("criterion_*.json")}
    return {percent: json.loads(found[percent].read_text()) for percent in sorted(found, reverse=True)}


def draw_criteria(criteria, path, title=None):
    """Draws histograms of the criterion, normalised by layer, a panel a share of the channels: figure 5a of Lean U-Net.

    Args:
        criteria: dict by percent of dicts by layer of lists, from `read_criteria`; at least one.
        path, title: see `draw_scores`.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.2 * len(criteria) + 0.8, 3.4), layout="constrained")
    panels = figure.subplots(1, len(criteria), squeeze=False, sharex=True, sharey=True)[0]
    for color, axes, (percent, layers) in zip(cycle(COLORS), panels, criteria.items(), strict=False):
        scores = np.concatenate([np.asarray(each, "float64") for each in layers.values()])
        axes.hist(scores, bins=np.linspace(0, 1, 26), color=color)
        axes.set(xlabel="criterion, of its layer's norm", title=f"{percent:g} %, {len(scores)} channels")
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("channels")
    if title:
        figure.suptitle(title, fontsize=10)
    figure.savefig(path, dpi=150)


def draw_blocks(runs, path, title=None):
    """Draws how many channels each block has after each step, a panel a run, as figure 3b of Lean U-Net.

    Args:
        runs: dict by label of run folders.
        path, title: see `draw_scores`.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.6 * len(runs) + 0.8, 3.6), layout="constrained")
    panels = figure.subplots(1, len(runs), squeeze=False, sharey=True)[0]
    for axes, (label, folder) in zip(panels, runs.items(), strict=True):
        log = read_log(folder)
        for color, block in zip(cycle(COLORS), _blocks(log), strict=False):
            dashed = "--" if block.startswith("dec") else "-"
            values = [row[f"channels_{block}"] for row in log]
            axes.plot([row["step"] for row in log], values, dashed, color=color, label=block, linewidth=1.4)
        axes.set(xlabel="step", title=label, yscale="log")
        axes.grid(alpha=0.3, which="both")
    panels[0].set_ylabel("channels of all its convolutions")
    panels[-1].legend(fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
    if title:
        figure.suptitle(title, fontsize=10)
    figure.savefig(path, dpi=150)


def draw_distribution(run, path, shares=(1.0, 0.75, 0.5, 0.25), title=None):
    """Draws how many channels each block has when so many are left, as figure 3c of Lean U-Net.

    Args:
        run: folder of a run.
        path, title: see `draw_scores`.
        shares: tuple of float, of the channels that it began with.
    """
    from matplotlib.figure import Figure

    log = read_log(run)
    blocks = _blocks(log)
    figure = Figure(figsize=(7.2, 3.6), layout="constrained")
    axes, width = figure.subplots(), 0.8 / len(shares)
    for i, (color, share) in enumerate(zip(cycle(COLORS), shares, strict=False)):
        row = min(log, key=lambda row: abs(row["channels"] - share * log[0]["channels"]))
        heights = [row[f"channels_{block}"] for block in blocks]
        left = f"{row['channels']:.0f} channels, {row['channels'] / log[0]['channels']:.0%}"
        axes.bar(np.arange(len(blocks)) + (i - len(shares) / 2 + 0.5) * width, heights, width, color=color, label=left)
    axes.set(xticks=range(len(blocks)), ylabel="channels of all its convolutions", title=title, yscale="log")
    axes.set_xticklabels(blocks)
    axes.grid(alpha=0.3, axis="y", which="both")
    axes.legend(fontsize=8)
    figure.savefig(path, dpi=150)


def _blocks(log):
    """The blocks of a log in the order of running: encoder, bottom, decoder."""
    blocks = [key.removeprefix("channels_") for key in log[0] if key.startswith("channels_")]

    def place(block):
        found = re.match(r"(enc|dec)(\d+)$", block)
        if not found:
            return 1, 0
        return (0, int(found[2])) if found[1] == "enc" else (2, -int(found[2]))

    return sorted(blocks, key=place)
