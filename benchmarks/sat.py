"""Select-Attend-Transfer on skin lesions: share of channels off, Dice and its spread, beside the paper's Table 1.

    python benchmarks/sat.py --data DATA --out OUT [--seeds 3] [ROW ...]

Trains what is missing of the rows, seed by seed, and prints the table after each run. The network is that of
recipes/lesions_isic2018_mcu.py with its loss and optimizer, at 64x64 pixels and 600 steps: a minute and a half a run on one
idle core with torch (KERAS_BACKEND). V-Net is the paper's with 4 channels at full resolution, not 16, and two convolutions a
stage at most. On skin the paper has 66.7 +- 7 % of the channels off in U-Net and 54.5 +- 6.9 % in V-Net. Dice is that of the
best weights on the validation images: mean, standard deviation over seeds and over images. Runs lie in OUT and are taken
from there the next time; a killed run goes on. This file is a recipe as well: `unetmm train benchmarks/sat.py --variant
sat-0`.
"""

import argparse
import json
import os
from functools import partial
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "torch")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from rich.console import Console
from rich.table import Table

from keras_unetmm import analysis, data, losses, metrics, models
from keras_unetmm.analysis.channel_usage import selects
from keras_unetmm.skips import SAT, ST
from keras_unetmm.training import Cosine, Recipe, scores_over_runs, train

SEEDS, SIZE, STEPS = 3, 64, 600
COLOUR = (None, None, 3)
UNET = partial(models.UNet, "mcu_width8", input_shape=COLOUR)
VNET = partial(models.VNet, "sat", rank=2, input_shape=COLOUR, channels=4, convolutions=(1, 2, 2, 2, 2))
NETWORKS = {
    "full": partial(UNET, skips="full"),
    "sat": partial(UNET, skips="sat"),
    "at": partial(UNET, skips="at"),
    "st": partial(UNET, skips="st"),
    "sat_half": partial(UNET, skips=SAT(initializer=0.5)),
    "sat_sparse4": partial(UNET, skips=SAT(sparsity=1e-4)),
    "sat_sparse3": partial(UNET, skips=SAT(sparsity=1e-3)),
    "sat_sparse2": partial(UNET, skips=SAT(sparsity=1e-2)),
    "st_sparse3": partial(UNET, skips=ST(sparsity=1e-3)),
    "sat_hard_sigmoid": partial(UNET, skips=SAT(activation="hard_sigmoid")),
    "sat_sigmoid": partial(UNET, skips=SAT(activation="sigmoid")),
    "vnet_full": partial(VNET, skips="full"),
    "vnet_sat": partial(VNET, skips="sat"),
    "vnet_at": partial(VNET, skips="at"),
    "vnet_st": partial(VNET, skips="st"),
}
THREE_SEEDS = ("full", "sat", "at", "st")  # the other rows have one
ISIC = partial(data.isic2018, size=(SIZE, SIZE))


VARIANTS = {f"{row}-{seed}": {"model": NETWORKS[row], "seed": seed} for seed in range(SEEDS) for row in NETWORKS}

recipe = Recipe(
    model=NETWORKS["sat"],
    variants=VARIANTS,
    # data
    train=ISIC,
    evaluate={"isic2018_val": partial(ISIC, split="val")},
    batch=16,
    augment=("flip", "rotate90"),
    # optimization
    loss=losses.SegmentationLoss,
    optimizer=keras.optimizers.Adam,
    schedule=Cosine(start=3e-3, end=3e-5),
    steps=STEPS,
    save_every=100,
    evaluate_every=300,
    # what is reported
    metrics=(metrics.Dice, metrics.FalsePositiveRate, metrics.FalseNegativeRate),
    validate=None,
)


def main():
    """Trains what is missing, prints the table and draws the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="*", metavar="ROW", help=", ".join(NETWORKS))
    parser.add_argument("--data", required=True, type=Path, help="folder of all data sets")
    parser.add_argument("--out", required=True, type=Path, help="folder of the runs")
    parser.add_argument("--seeds", type=int, default=SEEDS, choices=range(1, SEEDS + 1))
    parser.add_argument("--no-train", action="store_true", help="take the runs that are there")
    parser.add_argument("--pictures", type=Path, help="folder for sat_*.png, which need sat-0, at-0 and st-0")
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.rows) - set(NETWORKS))
    if unknown:
        parser.error(f"ROW must be one of {', '.join(NETWORKS)}. Received: {', '.join(unknown)}")
    rows = arguments.rows or NETWORKS
    for seed in range(arguments.seeds):
        for row in rows if not arguments.no_train else ():
            if (seed == 0 or row in THREE_SEEDS) and not (arguments.out / f"{row}-{seed}/scores.json").is_file():
                train(Path(__file__), arguments.data, arguments.out / f"{row}-{seed}", variant=f"{row}-{seed}")
                show(rows, arguments)
    show(rows, arguments)
    if arguments.pictures:
        draw(arguments)


def show(rows, arguments):
    """Prints the table of the runs that are finished."""
    table = Table(title=f"ISIC 2018, {SIZE}x{SIZE}, {STEPS} steps", title_justify="left")
    for column in ("row", "seeds", "parameters", "off, %", "Dice", "over seeds", "over images", "FPR", "FNR"):
        table.add_column(column, justify="left" if column == "row" else "right", no_wrap=True)
    for row in rows:
        runs = [arguments.out / f"{row}-{seed}" for seed in range(SEEDS)]
        runs = [run for run in runs if (run / "scores.json").is_file()]
        if runs:
            table.add_row(row, str(len(runs)), *cells(runs))
    Console(width=130).print(table)


def cells(runs):
    """What the table says of the runs of a row."""
    networks = [keras.models.load_model(run / "best.keras", compile=False) for run in runs]
    off = [100 * usage(network) for network in networks]
    found = scores_over_runs(runs)["isic2018_val"]
    apart = [json.loads((run / "scores.json").read_text())["isic2018_val"].get("spread") for run in runs]
    images = "" if None in apart else f"{np.mean([each['dice']['std'] for each in apart]):.3f}"
    dice, others = found["dice"], ("false_positive_rate", "false_negative_rate")
    share = "" if np.isnan(off[0]) else f"{np.mean(off):.1f} ± {np.std(off):.1f}"
    return (
        *(f"{networks[0].count_params():,}", share, f"{dice['mean']:.4f}", f"± {dice['std']:.4f}", f"± {images}"),
        *(f"{found[name]['mean']:.3f}" for name in others),
    )


def usage(network):
    """The share of channels that are off, NaN for a network that selects none."""
    if not list(selects(network)):
        return float("nan")
    return analysis.switched_off(network)["total"]


def draw(arguments):
    """Figures 5 and 6 of the paper, of the first validation images."""
    arguments.pictures.mkdir(parents=True, exist_ok=True)
    validation = ISIC(arguments.data, split="val")
    images = np.stack([validation[index][0] for index in (0, 7, 40)])
    load = {
        row: keras.models.load_model(arguments.out / f"{row}-0/best.keras", compile=False) for row in ("sat", "at", "st")
    }
    for row in ("sat", "at"):
        maps = analysis.attention_maps(load[row], images)
        analysis.draw_attention(images, maps, arguments.pictures / f"sat_attention_{row}.png", f"U-Net with {row.upper()}")
    for row in ("sat", "st"):
        before, after, scales = analysis.selected_channels(load[row], images)
        path = arguments.pictures / f"sat_selection_{row}.png"
        analysis.draw_selection(before[0], after[0], scales, path, f"full resolution, {row.upper()}")


if __name__ == "__main__":
    main()
