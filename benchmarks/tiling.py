"""What the skips of UNet-- save where it counts: the arena of networks that run tile by tile, measured on TFLM.

    python benchmarks/tiling.py --out OUT [--data DATA --runs RUNS] [--size 256] [--only-picture]

NAFNet of width 16, four levels, one block each, without means over whole maps (`mcu_width16_tiled`), int8, kernels "any":
with UNet--, with full skips that are kept, recomputed in the tail, or whatever is best level by level, and without skips.
And U-Net of width 8 for segmentation, 128x128, with SAT gates, the skips of UNet--, and full ones.

RUNS holds the runs `tiled`, `tiled_full` and `tiled_none`, those variants of recipes/denoise_bsd_nafnet.py, and
`lesions_sat`, `lesions_unet_minus` and `lesions_full`, those of recipes/lesions_isic2018_mcu.py; with them and DATA the
tables have the PSNR of the whole photographs of CBSD68 and Kodak24, sigma 25, and the Dice of ISIC 2018's 200, in int8 tile
by tile on LiteRT. A network that is missing there has random weights, which change no byte of the arena. Draws
OUT/tiling.png and prints, in about 15 minutes on one core, 5 of them for the photographs:

- the tables: stock TFLM, untiled; the smallest program; those of fewest multiply-accumulates within two budgets; the same
  tiles with other skips; and the smallest and one within a budget at other sizes;
- that output bytes are the same for tiles of 16, 32, 48 and 64 pixels and an image of 200x136, on TFLM.
"""

import argparse
import os
from functools import partial
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from keras_unetmm import data, metrics, models, tflite
from keras_unetmm.atomic_write import atomic_write
from keras_unetmm.compare.evaluate import evaluate
from keras_unetmm.interpreters.runtime import measure
from keras_unetmm.skips import UNetMinusMinus
from keras_unetmm.tiling.emit import emit
from keras_unetmm.tiling.picture import draw
from keras_unetmm.tiling.search import Search
from keras_unetmm.tiling.tile import compiler_of

NETWORKS = {"UNet--": ("tiled", "unet--"), "full skips": ("tiled_full", "full"), "no skips": ("tiled_none", "none")}
BUDGETS = (400_000, 560_000)  # bytes, at 256x256; other skips have the tiles of the second
OTHER_SIZES = {64: 110_000, 128: 200_000, 256: BUDGETS[0], 512: 1_200_000}  # and a budget for each
SIGMA = 25
CALIBRATION = 24  # photographs
LESIONS = {
    "SAT": ("lesions_sat", "sat"),
    "UNet--": ("lesions_unet_minus", UNetMinusMinus((8, 8, 4), local_levels=3)),
    "full skips": ("lesions_full", "full"),
}
LESION_SIZE = (128, 128)
TEST_SETS = {"CBSD68": data.cbsd68, "Kodak24": data.kodak24}


def main():
    """Prints the tables and draws the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", required=True, type=Path, help="folder for the picture")
    parser.add_argument("--data", type=Path, help="folder of all data sets")
    parser.add_argument("--runs", type=Path, help="folder of the runs")
    parser.add_argument("--size", type=int, default=256, help="height and width in pixels")
    parser.add_argument("--only-picture", action="store_true", help="draw, and measure no table")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    console = Console(width=200)
    size = (arguments.size, arguments.size)
    trained = {name: network(name, arguments.runs) for name in NETWORKS}
    images = calibration(arguments.data, size)
    files = {}
    for name, (model, _) in track(trained.items(), "converting", console=console, transient=True):
        files[name] = tflite.convert(model, images, size=size, output_kind="image")
    compilers = {name: compiler_of(content, size) for name, content in files.items()}
    if not arguments.only_picture:
        tables(files, compilers, trained, arguments, console)
    picture(files, compilers, size, arguments.out / "tiling.png", console)


def tables(files, compilers, trained, arguments, console):
    """Prints the tables, and that tiles of all sizes give the same bytes."""
    size = (arguments.size, arguments.size)
    scores = {name: quality(files[name], *trained[name], arguments.data, console) for name in NETWORKS}
    console.print(programs(files, compilers, scores, size))
    console.print(other_sizes(files["UNet--"], console))
    console.print(lesions(arguments.runs, arguments.data, console))
    same_bytes(files, console)


def network(name, runs):
    """A network, and whether it is trained."""
    run, skips = NETWORKS[name]
    return of_run(runs, run, lambda: models.NAFNet("mcu_width16_tiled", skips=skips))


def of_run(runs, run, build):
    """The best network of a run, or one with random weights, and whether it is trained."""
    path = None if runs is None else runs / run / "best.keras"
    if path is not None and path.is_file():
        return keras.models.load_model(path, compile=False), True
    keras.utils.set_random_seed(0)
    return build(), False


def calibration(folder, size):
    """Photographs with noise, or noise alone."""
    rng = np.random.default_rng(0)
    if folder is None:
        return rng.random((2, *size, 3), dtype="float32")
    train = data.bsds500(folder, splits=("train",))
    crops = (centre(train[i][0], size) for i in np.linspace(0, len(train) - 1, CALIBRATION).astype(int))
    return [np.clip(crop + rng.normal(0, SIGMA / 255, crop.shape), 0, 1).astype("float32") for crop in crops]


def centre(pixels, size):
    """The middle of a photograph, in floats; as much as there is, and its border beyond."""
    around = [max(wanted - there, 0) for wanted, there in zip(size, pixels.shape, strict=False)]
    pixels = np.pad(pixels, (*((0, more) for more in around), (0, 0)), "edge")
    top, left = ((there - wanted) // 2 for wanted, there in zip(size, pixels.shape, strict=False))
    return pixels[top : top + size[0], left : left + size[1]].astype("float32") / 255


def quality(content, model, trained, folder, console):
    """PSNR in floats and in int8, tile by tile, of each test set; empty without data or training."""
    if folder is None or not trained:
        return {}
    found = {}
    for name, reader in TEST_SETS.items():
        photographs = reader(folder)
        clean = (photographs[i][0].astype("float32") / 255 for i in range(len(photographs)))
        followed = track(clean, f"{model.name} on {name}", len(photographs), console=console, transient=True)
        found[name] = evaluate(content, followed, SIGMA, model=model, tile=64)
    return found


def programs(files, compilers, scores, size):
    """The table of programs of one size."""
    table = Table(title=f"{size[0]}x{size[1]}x3, int8, TFLM's heads, kernels any", title_justify="left")
    columns = (
        "network",
        "program",
        "bottleneck",
        "head tile",
        "tail tile",
        "RAM without tails",
        "with tails",
        "MACs",
        "flash",
    )
    for column in (*columns, *(f"{name} {kind}" for name in TEST_SETS for kind in ("float", "int8"))):
        table.add_column(column, justify="left" if column in ("network", "program") else "right")
    for name, content in files.items():
        as_is, planned = measure(content), measure(tflite.plan(content).planned.content)
        for kind, arena in (("untiled, stock TFLM", as_is), ("untiled, planned", planned)):
            table.add_row(name, kind, "-", "-", "-", f"{arena.head:,}", f"{arena.total:,}", "1.00")
    table.add_section()
    deepest = compilers["UNet--"].deepest
    budgets = [budget * size[0] * size[1] // 256**2 for budget in BUDGETS]
    search = Search(compilers["UNet--"], "keep")
    smallest = search.smallest([deepest]).choice
    small, quick = (search.within([deepest], budget).choice for budget in budgets)

    def row(name, kind, choice, skips="keep"):
        said = emit(compilers[name], choice, size, skips=skips).description
        tiles = ("x".join(map(str, said["parts"][part]["tile"])) for part in ("head", "tail"))
        sizes = (f"{said['ram_bytes']:,}", f"{said['ram_bytes_with_tails']:,}")
        values = [f"{scores[name][s][k]:.2f}" if scores[name] else "-" for s in TEST_SETS for k in ("float", "int8")]
        table.add_row(
            name, kind, said["bottleneck"], *tiles, *sizes, f"{said['macs_ratio']:.2f}", f"{said['flash_bytes']:,}", *values
        )

    row("UNet--", "smallest", smallest)
    row("UNet--", f"within {budgets[0]:,}", small)
    row("UNet--", f"within {budgets[1]:,}", quick)
    row("no skips", "the same tiles", quick)
    row("full skips", "kept, the same tiles", quick)
    for skips, kind in (("recompute", "all recomputed"), ("mixed", "recomputed or kept")):
        search = Search(compilers["full skips"], skips)
        row("full skips", f"{kind}, smallest", search.smallest([deepest]).choice, skips)
        found = search.within([deepest], budgets[1])
        if found is not None:
            row("full skips", f"{kind}, within {budgets[1]:,}", found.choice, skips)
    return table


def other_sizes(content, console):
    """The programs of UNet-- at other sizes: the smallest, and the quickest within a budget."""
    table = Table(title="UNet-- at other sizes", title_justify="left")
    for column in ("size", "program", "levels", "bottleneck", "RAM without tails", "with tails", "of it carried", "MACs"):
        table.add_column(column, justify="right")
    cases = [(side, ram) for side, budget in OTHER_SIZES.items() for ram in (None, budget)]
    for side, ram in track(cases, "other sizes", console=console, transient=True):
        said = tflite.tile(content, (side, side), ram=ram).description
        program = "smallest" if ram is None else f"within {ram:,}"
        sizes = (f"{said['ram_bytes']:,}", f"{said['ram_bytes_with_tails']:,}", f"{taken(said['carried']):,}")
        kind = (program, str(said["levels"]), said["bottleneck"])
        table.add_row(f"{side}x{side}", *kind, *sizes, f"{said['macs_ratio']:.2f}")
    return table


def taken(carried):
    """The bytes of the arena that carried maps ever take, some of them one after the other."""
    return len({at for entry in carried for at in range(entry["offset"], entry["offset"] + entry["bytes"])})


def lesions(runs, folder, console):
    """The table of networks for segmentation."""
    table = Table(title=f"U-Net of width 8, {LESION_SIZE[0]}x{LESION_SIZE[1]}x3", title_justify="left")
    columns = (
        "skips",
        "stock TFLM",
        "planned",
        "smallest of 3 levels",
        "with tails",
        "skips keep",
        "MACs",
        "Dice float",
        "int8, border once",
        "border same",
    )
    for column in columns:
        table.add_column(column, justify="left" if column == "skips" else "right")
    rng, images = np.random.default_rng(0), None
    if folder is not None:
        train = data.isic2018(folder, size=LESION_SIZE)
        images = [train[i][0].astype("float32") / 255 for i in np.linspace(0, len(train) - 1, CALIBRATION).astype(int)]
    images = images or [rng.random((*LESION_SIZE, 3), dtype="float32") for _ in range(2)]
    for name, (run, skips) in LESIONS.items():
        build = partial(models.UNet, "mcu_width8", input_shape=(None, None, 3), skips=skips)
        model, trained = of_run(runs, run, build)
        content = tflite.convert(model, images, size=LESION_SIZE)
        borders = [tflite.tile(content, LESION_SIZE, levels=3, border=border) for border in ("once", "same")]
        said, plan = borders[0].description, tflite.plan(content)
        kept = sum(entry["bytes"] for entry in said["carried"] if (entry["from"], entry["to"]) == ("head", "tail"))
        scores = dice(borders, model, folder, console) if trained and folder is not None else ("-",) * 3
        heads = (f"{plan.greedy_head:,}", f"{plan.planned.head:,}", f"{said['ram_bytes']:,}")
        table.add_row(name, *heads, f"{said['ram_bytes_with_tails']:,}", f"{kept:,}", f"{said['macs_ratio']:.2f}", *scores)
    return table


def dice(programs, model, folder, console):
    """Dice in floats and in int8, tile by tile, of each program."""
    photographs = data.isic2018(folder, split="val", size=LESION_SIZE)
    scores = [metrics.Dice() for _ in range(1 + len(programs))]
    for i in track(range(len(photographs)), f"{model.name} on ISIC 2018", console=console, transient=True):
        image, mask = photographs[i]
        made = [model(image[None].astype("float32") / 255, training=False)]
        made += [tflite.run_tiled(program, image, "litert").values[None] for program in programs]
        for score, output in zip(scores, made, strict=True):
            score.update_state(mask[None, ..., None], output)
    return tuple(f"{float(score.result()):.3f}" for score in scores)


def same_bytes(files, console):
    """Runs every network with several tiles on TFLM, and says whether a byte differs."""
    size = (200, 136)
    image = np.random.default_rng(0).integers(0, 256, (*size, 3)).astype("uint8")
    for name, content in files.items():
        choices = [{"tile": side} for side in (16, 32, 48, 64)]
        choices += [{"tile": 32, "skips": "recompute"}] if name == "full skips" else []
        outputs = [tflite.run_tiled(tflite.tile(content, size, **choice), image).output for choice in choices]
        different = [choice for choice, output in zip(choices, outputs, strict=True) if (output != outputs[0]).any()]
        console.print(f"{name}, 200x136, tiles of 16, 32, 48 and 64 pixels: {different or 'the same bytes'}")


def picture(files, compilers, size, path, console):
    """Draws memory against multiply-accumulates, all levels tiled, square tiles."""
    curves, level = {}, compilers["UNet--"].deepest
    for name, skips, label in (
        ("UNet--", "keep", "UNet--"),
        ("no skips", "keep", "no skips"),
        ("full skips", "keep", "full skips, kept"),
        ("full skips", "recompute", "full skips, recomputed"),
        ("full skips", "mixed", "full skips, best level by level"),
    ):
        search = Search(compilers[name], skips)
        tiles = [tile for tile in search.square_tiles(level) if min(tile) < min(size)]
        followed = track(tiles, label, console=console, transient=True)
        curves[label] = [search.row(found) for tile in followed for found in search.all_at(level, tile)]
    marks = {}
    for name in ("UNet--", "full skips"):
        plan = tflite.plan(files[name])
        marks[f"{name} untiled, stock TFLM"] = plan.greedy_head, plan.macs
        marks[f"{name} untiled, planned"] = plan.planned.head, plan.macs
    with atomic_write(path) as temporary:
        draw(temporary, f"NAFNet of width 16, four levels, {size[0]}x{size[1]}x3 in int8, tile by tile", curves, marks)


if __name__ == "__main__":
    main()
