"""U-Net pruned while it trains, its rivals, and Lean U-Net: parameters, Dice, arena and seconds an epoch, with pictures.

    python benchmarks/pruning.py --data DATA --out OUT [--seeds 3] [--pictures DIR] [--finished] [ROW ...]

Trains what is missing of the rows of recipes/hippocampus_stamp.py, or of those named, about three minutes each on one
core with torch (KERAS_BACKEND), and prints the table. Dice is that of the best weights on all test volumes: the median over
seeds, and the median absolute deviation. The arena is what TFLM measures for the int8 file of the first seed's network at
32x48x32, as it is converted and planned; engine is the RAM of the engine's schedule by rows for it, a dash where that has no
kernel for an operator. An epoch is all training volumes once, measured here, the networks in turn. Runs lie in OUT and are
taken from there the next time; a killed run goes on, and with --finished the table is of the runs that are there. This file
is a recipe as well: `unetmm train benchmarks/pruning.py --variant widest-2`; `anew_50` is `--variant stamp-0
--architecture-from OUT/stamp-0/kept_50.keras`. `unetmm pruning OUT/*-? --out DIR` draws all pictures.
"""

import argparse
import dataclasses
import json
import os
import time
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "torch")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from keras_unetmm import tflite
from keras_unetmm.data import hippocampus
from keras_unetmm.engine.estimate import best_cuts, bytes_by_rows
from keras_unetmm.engine.lower import lower
from keras_unetmm.pruning.pictures import draw_blocks, draw_distribution, draw_scores, median_and_deviation
from keras_unetmm.runtime.tables import tables
from keras_unetmm.tflite_file.graph import read
from keras_unetmm.training import train
from keras_unetmm.training.recipe import load_recipe

RECIPE = Path(__file__).resolve().parent.parent / "recipes" / "hippocampus_stamp.py"
SEEDS = 3
TEST, DICE = "hippocampus_test", "hippocampus_test_dice"
PRUNED = {"stamp": "STAMP", "layer": "any of its layer", "widest": "any of the widest block"}
NORMAL = {"mean": 0.5, "std": 0.125}  # volumes are z-scores: these bring -4 to 4 into a file's bytes
MEASURED, WARM = 12, 3  # steps that are timed, and before them


def with_seeds(recipe):
    """The recipe with every variant for each seed, `widest-2`; the recipe itself is `stamp`."""
    rows = {"stamp": {}, **recipe.variants}
    variants = {f"{row}-{seed}": {**changes, "seed": seed} for row, changes in rows.items() for seed in range(SEEDS)}
    return dataclasses.replace(recipe, variants=variants)


recipe = with_seeds(load_recipe(RECIPE))
ANEW = tuple(f"anew_{100 * share:g}" for share in recipe.prune.keep)
ROWS = (*dict.fromkeys(name.rpartition("-")[0] for name in recipe.variants), *ANEW)


def main():
    """Trains what is missing, prints the table and draws the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="*", metavar="ROW", help=", ".join(ROWS))
    parser.add_argument("--data", required=True, type=Path, help="folder of all data sets")
    parser.add_argument("--out", required=True, type=Path, help="folder of the runs")
    parser.add_argument("--seeds", type=int, default=1, choices=range(1, SEEDS + 1))
    parser.add_argument("--pictures", type=Path, help="folder for pruning_*.png, which need stamp, layer and widest")
    parser.add_argument("--finished", action="store_true", help="train nothing: the table of the runs that have finished")
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.rows) - set(ROWS))
    if unknown:
        parser.error(f"ROW must be one of {', '.join(ROWS)}. Received: {', '.join(unknown)}")
    rows = arguments.rows or ROWS
    if arguments.finished:
        rows = [row for row in rows if finished(row, 0, arguments)]
    scores = {row: [score(row, seed, arguments) for seed in seeds(row, arguments)] for row in rows}
    networks = {row: keras.models.load_model(arguments.out / f"{row}-0/best.keras", compile=False) for row in rows}
    epoch = len(hippocampus(arguments.data, partial=True)) / recipe.batch
    seconds = {row: epoch * step for row, step in steps_in_turn(networks).items()}
    table = Table(title=f"{RECIPE.stem}, {recipe.steps:,} steps, {arguments.seeds} seeds, 32x48x32", title_justify="left")
    for column in ("network", "parameters", "Dice", "MAD", "by seed", "arena", "planned", "engine", "s an epoch"):
        table.add_column(column, justify="left" if column == "network" else "right", no_wrap=True)
    for row in track(rows, "converting"):
        middle, deviation = median_and_deviation(scores[row])
        each = " ".join(f"{value:.3f}" for value in scores[row])
        costs = ("-" if each is None else f"{each:,}" for each in memory(networks[row]))
        parameters = sum(int(np.prod(weight.shape)) for weight in networks[row].trainable_weights)
        table.add_row(row, f"{parameters:,}", f"{middle:.3f}", f"{deviation:.3f}", each, *costs, f"{seconds[row]:.1f}")
    Console(width=120).print(table)
    if arguments.pictures:
        draw(arguments, scores)


def finished(row, seed, arguments):
    """Whether a run has its scores."""
    return (arguments.out / f"{row}-{seed}/scores.json").is_file()


def seeds(row, arguments):
    """The seeds of a row that are taken: all, or those that have finished."""
    return [seed for seed in range(arguments.seeds) if not arguments.finished or finished(row, seed, arguments)]


def score(row, seed, arguments):
    """The mean Dice of a row with a seed, which is trained if it is not there yet."""
    run, options = arguments.out / f"{row}-{seed}", {"variant": f"{row}-{seed}"}
    if row in ANEW:
        kept = arguments.out / f"stamp-{seed}/{row.replace('anew', 'kept')}.keras"
        options = {"variant": f"stamp-{seed}", "architecture_from": kept}
        if not arguments.finished:
            score("stamp", seed, arguments)
    if not (run / "scores.json").is_file():
        train(Path(__file__), arguments.data, run, **options)
    return json.loads((run / "scores.json").read_text())[TEST]["dice"]


def steps_in_turn(networks):
    """Seconds of a training step of each network, the median of several, taken in turn."""
    random = np.random.default_rng(0)
    shape = (recipe.batch, *recipe.patch)
    volumes = random.normal(size=(*shape, 1)).astype("float32")
    labels = random.integers(0, 3, (*shape, 1)).astype("int32")
    for network in networks.values():
        network.compile("adam", recipe.loss())
    taken = {row: [] for row in networks}
    for _ in track(range(WARM + MEASURED), "timing"):
        for row, network in networks.items():
            begin = time.perf_counter()
            network.train_on_batch(volumes, labels)
            taken[row].append(time.perf_counter() - begin)
    return {row: float(np.median(times[WARM:])) for row, times in taken.items()}


def memory(network):
    """Bytes of the arena's head that TFLM measures for a network's int8 file, as converted and planned; the engine's RAM."""
    volume = np.random.default_rng(0).uniform(0.2, 0.8, (1, *recipe.patch, 1)).astype("float32")
    content = tflite.convert(network, [volume], size=recipe.patch, **NORMAL)
    planned = tflite.plan(content).planned.content
    heads = [tflite.run(file, volume[0], runtime="tflm").arena.head for file in (content, planned)]
    return *heads, engine(tflite.plan(content, "reference").planned.content)


def engine(content):
    """Bytes of the engine's schedule by rows, or None where it has no kernel for an operator."""
    try:
        found = lower(read(content).main, tables)
    except ValueError:
        return None
    return bytes_by_rows(found, [best_cuts(found)])


def draw(arguments, scores):
    """The pictures of docs/results/pruning.md."""
    folder = arguments.pictures
    folder.mkdir(parents=True, exist_ok=True)
    runs = {
        label: [arguments.out / f"{row}-{seed}" for seed in seeds(row, arguments)]
        for row, label in PRUNED.items()
        if row in scores
    }
    levels = {
        f"{row.replace('_width', ' n = ')}": float(np.median(scores[row]))
        for row in ("unet_width4", "lunet_width8", "lunet_width4", "lunet_width2")
        if row in scores
    }
    draw_scores(runs, DICE, folder / "pruning_dice.png", levels)
    draw_blocks({label: folders[0] for label, folders in runs.items()}, folder / "pruning_blocks.png")
    draw_distribution(arguments.out / "stamp-0", folder / "pruning_distribution.png")


if __name__ == "__main__":
    main()
