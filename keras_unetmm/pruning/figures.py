# SPDX-License-Identifier: Apache-2.0
"""All pictures of what pruning did, from the folders of runs: figures 3 to 7 of Lean U-Net (arXiv 2512.03834)."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from keras_unetmm.graph.expand import expand
from keras_unetmm.pruning import pictures

PRUNED, ANEW, DENSE = "pruned", "anew", "dense"


@dataclass(frozen=True)
class Run:
    """A finished run.

    Args:
        folder: path.
        label: str, the folder's name without a seed behind a hyphen: runs of one label differ in their seeds.
        kind: `"pruned"`; `"anew"`, the structure of another run trained from the beginning; or `"dense"`.
    """

    folder: Path
    label: str
    kind: str

    def score(self, metric):
        """The score of the best weights, by the name of the log's column, such as `harp_test_dice`."""
        found = json.loads((self.folder / "scores.json").read_text())
        return next(scores[name] for part, scores in found.items() for name in scores if f"{part}_{name}" == metric)

    def channels(self, layers):
        """How many channels the network has in some layers."""
        network = expand(keras.models.load_model(self.folder / "best.keras", compile=False))
        return sum(layer.filters for layer in network.layers if layer.name in layers)


def read_run(folder: Path) -> Run:
    """Reads what kind of run a folder holds.

    Raises:
        ValueError: for a folder that is none, or a run that has not finished.
    """
    missing = [name for name in ("run.json", "log.csv", "scores.json") if not (folder / name).is_file()]
    if missing:
        raise ValueError(f"RUN must be the folder of a finished run. Received: {folder}, without {missing[0]}.")
    about = json.loads((folder / "run.json").read_text())
    with open(folder / "log.csv") as file:
        pruned = "channels" in file.readline().strip().split(",")
    kind = PRUNED if pruned else ANEW if about.get("architecture_from") else DENSE
    return Run(folder, re.sub(r"-\d+$", "", folder.resolve().name), kind)


def draw_figures(folders: Sequence[Path], out: Path, metric: str | None = None) -> list[Path]:
    """Draws every picture that some runs are enough for.

    Args:
        folders: of finished runs: pruned ones; such as were trained on a structure that one of them kept; whole networks.
        out: folder for `scores.png` (figures 3a, 4b, 6b), `structures.png` (4a, 5c), and of each pruned label
            `layers_LABEL.png` (3b, 5b, 6a), `distribution_LABEL.png` (3c, 5d) and `criterion_LABEL.png` (5a).
        metric: column of their logs, `SET_METRIC`; None for the first metric of the first set.

    Returns:
        list of the pictures' paths.

    Raises:
        ValueError: if no run was pruned, one has not finished, or has no such metric.
    """
    runs = [read_run(Path(folder)) for folder in folders]
    pruned = _by_label(run for run in runs if run.kind == PRUNED)
    if not pruned:
        raise ValueError(
            f"RUN must be runs of a recipe with prune, one at least. Received: {', '.join(str(run.folder) for run in runs)}."
        )
    metric = metric or _first_metric(runs[0].folder)
    for run in runs:
        _validate_metric(run, metric)
    out.mkdir(parents=True, exist_ok=True)
    by_folder = {label: [run.folder for run in each] for label, each in pruned.items()}
    dense, anew = (_by_label(run for run in runs if run.kind == kind) for kind in (DENSE, ANEW))
    levels = {label: float(np.median([run.score(metric) for run in each])) for label, each in dense.items()}
    made = [out / "scores.png"]
    pictures.draw_scores(by_folder, metric, made[0], levels)
    if dense or anew:
        layers = list(pictures.layers_of(pictures.read_log(next(iter(pruned.values()))[0].folder)))
        points = {"trained anew": _points(anew, layers, metric), "whole networks": _points(dense, layers, metric)}
        made.append(out / "structures.png")
        pictures.draw_structures(by_folder, {label: found for label, found in points.items() if found}, metric, made[-1])
    for label, folders_of in by_folder.items():
        made += [out / f"{name}_{label}.png" for name in ("layers", "distribution")]
        pictures.draw_layers(folders_of[0], made[-2], label)
        pictures.draw_distribution(folders_of[0], made[-1], title=label)
        if criteria := pictures.read_criteria(folders_of[0]):
            made.append(out / f"criterion_{label}.png")
            pictures.draw_criteria(criteria, made[-1], label)
    return made


def _by_label(runs):
    found = {}
    for run in runs:
        found.setdefault(run.label, []).append(run)
    return found


def _points(labels, layers, metric):
    """Triples of a network's channels and the median and deviation of its scores, over the seeds of each label."""
    return sorted(
        (runs[0].channels(layers), *pictures.median_and_deviation([run.score(metric) for run in runs]))
        for runs in labels.values()
    )


def _metrics(folder):
    """The columns of a log that finished runs have scores of."""
    scores = json.loads((folder / "scores.json").read_text())
    return [f"{part}_{name}" for part, found in scores.items() for name in found if name != "spread"]


def _first_metric(folder):
    return _metrics(folder)[0]


def _validate_metric(run, metric):
    if metric not in _metrics(run.folder):
        raise ValueError(
            f"metric must be one that all runs have, of {', '.join(_metrics(run.folder))} in {run.folder}. "
            f"Received: {metric}."
        )
