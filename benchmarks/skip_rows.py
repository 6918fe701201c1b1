"""Which skips a NAFNet of width 16 needs: skip memory, parameters, multiply-accumulates and dB at equal steps.

    python benchmarks/skip_rows.py --data DATA --out OUT [--steps 4500] [--seeds 3] [ROW ...]

Trains every row, or those named, for 1,000 steps with each seed, on one core in about 7 minutes each, and prints the mean
PSNR on whole photographs of CBSD68 and Kodak24 with noise of sigma 25. 1,000 steps find what does not learn; they rank the
best wrongly, for a decoder with more blocks begins slower, so finalists are compared at 4,500, half an hour each. What is
trained lies in OUT and is taken from there the next time; a killed run goes on. This file is a recipe as well:
`unetmm train benchmarks/skip_rows.py --variant full-1000-0`.
"""

import argparse
import json
import os
from functools import partial
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from rich.console import Console
from rich.table import Table

from keras_unetmm import data, losses, metrics, models
from keras_unetmm.analysis import macs, skip_memory
from keras_unetmm.skips import NoSkip, UNetMinusMinus
from keras_unetmm.training import Cosine, Recipe, train

SEEDS = 3
STEPS = (1000, 4500)
DECODER = {"encoder_depths": (0, 1, 1, 1), "decoder_depths": (1, 1, 1, 2)}  # the encoder's first block is the decoder's last
PLAIN = {"input_skip": False}  # of the network; skips may have one of their own
ROWS = {
    "full": {"skips": "full"},
    "full-decoder": {"skips": "full", **DECODER},
    "full-plain": {"skips": "full", **PLAIN},
    "none": {"skips": NoSkip(input_skip=True), **PLAIN},
    "none-plain": {"skips": "none", **PLAIN},
    "published": {"skips": UNetMinusMinus(input_skip=True), **PLAIN},
    "published-plain": {"skips": "unet--", **PLAIN},
    "8-16-16-8": {"skips": UNetMinusMinus((8, 16, 16, 8), input_skip=True), **PLAIN},
    "8-8-8-4": {"skips": UNetMinusMinus((8, 8, 8, 4), input_skip=True), **PLAIN},
    "8-8-8-4-level1": {"skips": UNetMinusMinus((8, 8, 8, 4), level=1, input_skip=True), **PLAIN},
    "8-8-8-4-level1-decoder": {"skips": UNetMinusMinus((8, 8, 8, 4), level=1, input_skip=True), **PLAIN, **DECODER},
    "8-8-8-4-pointwise": {"skips": UNetMinusMinus((8, 8, 8, 4), header="pointwise", input_skip=True), **PLAIN},
    "8-8-8-4-level2": {"skips": UNetMinusMinus((8, 8, 8, 4), level=2, input_skip=True), **PLAIN},
    "16-8-4-2-level0": {"skips": UNetMinusMinus((16, 8, 4, 2), level=0, input_skip=True), **PLAIN},
    "16-8-4-2-level0-plain": {"skips": UNetMinusMinus((16, 8, 4, 2), level=0), **PLAIN},
}


def network(row):
    """The function that builds a row's network."""
    return partial(models.NAFNet, "mcu_width16", **ROWS[row])


recipe = Recipe(
    model=network("full"),
    variants={
        f"{row}-{steps}-{seed}": {"model": network(row), "steps": steps, "seed": seed}
        for row in ROWS
        for steps in STEPS
        for seed in range(SEEDS)
    },
    train=partial(data.bsds500, splits=("train", "test"), leave_out=("302003", "12003")),
    evaluate={"cbsd68": data.cbsd68, "kodak24": data.kodak24},
    degrade=partial(data.gaussian_noise, sigma=25 / 255),
    patch=64,
    batch=16,
    augment=("flip", "rotate90"),
    loss=losses.PSNRLoss,
    optimizer=partial(keras.optimizers.AdamW, beta_2=0.9, weight_decay=0.0),
    schedule=Cosine(start=1e-3, end=1e-6),
    steps=1000,
    save_every=250,
    evaluate_every=1000,
    metrics=(metrics.PSNR,),
    validate=1,
)


def main():
    """Trains what is missing and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="*", metavar="ROW", help=", ".join(ROWS))
    parser.add_argument("--data", required=True, type=Path, help="folder of all data sets")
    parser.add_argument("--out", required=True, type=Path, help="folder of the runs")
    parser.add_argument("--steps", type=int, default=STEPS[0], choices=STEPS)
    parser.add_argument("--seeds", type=int, default=1, choices=range(1, SEEDS + 1))
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.rows) - set(ROWS))
    if unknown:
        parser.error(f"ROW must be one of {', '.join(ROWS)}. Received: {', '.join(unknown)}")
    console = Console(width=120)
    table = Table(title=f"mcu_width16, {arguments.steps:,} steps, sigma 25, dB; sizes at 64x64", title_justify="left")
    for column in ("row", "skip bytes", "parameters", "MACs", "CBSD68", "by seed", "Kodak24", "by seed"):
        table.add_column(column, justify="left" if column == "row" else "right")
    for row in arguments.rows or ROWS:
        found = [scores(row, seed, arguments) for seed in range(arguments.seeds)]
        model = network(row)(input_shape=(64, 64, 3))
        costs = (f"{skip_memory(model):,}", f"{model.count_params():,}", f"{macs(model):,}")
        table.add_row(row, *costs, *(text for name in recipe.evaluate for text in mean_and_each(found, name)))
    console.print(table)


def scores(row, seed, arguments):
    """The scores of a row with a seed, which is trained if it is not there yet."""
    variant = f"{row}-{arguments.steps}-{seed}"
    run = arguments.out / variant
    if not (run / "scores.json").is_file():
        train(Path(__file__), arguments.data, run, variant=variant)
    return json.loads((run / "scores.json").read_text())


def mean_and_each(found, name):
    """The mean PSNR on a test set and that of every seed, as text."""
    values = [score[name]["psnr"] for score in found]
    return f"{np.mean(values):.2f}", " ".join(f"{value:.2f}" for value in values)


if __name__ == "__main__":
    main()
