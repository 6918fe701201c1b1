"""What networks take on the engine, by rows and by whole maps, beside tiles and whole maps on stock TFLM.

    python benchmarks/engine_memory.py --out OUT [--size 256] [--only NETWORK ...] [--quick] [FILE.tflite ...]

The networks are those of benchmarks/tiling.py: NAFNet `mcu_width16_tiled` with UNet--, with full skips and without skips, at
four sizes, and U-Net `mcu_width8` at 128x128 with SAT, UNet-- and full skips. Then MobileNetV2 0.35 at 144x144, with the
statistics of random images, and every FILE. Weights are random: no byte of memory depends on them.

For each network there is a row for the engine by rows, by whole maps, by rows in two memories and, at --size, for budgets:
each 4 % below the one before, until no strips fit or they compute three times as much. Stock TFLM's arena is measured: its
head and its tail. So are tiles, for the smallest program and two budgets, with and without the tails of their interpreters.

Prints the tables, writes OUT/engine.json and draws OUT/engine.png, in about 20 minutes on one idle core. --only measures
some networks; the rows of the others stay in OUT/engine.json, so that a long run may be cut into several. --quick leaves out
whole maps and the other sizes.
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
from engine_memory_picture import draw
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from tiling import BUDGETS, LESION_SIZE, LESIONS, NETWORKS, calibration, network, of_run

from keras_unetmm import models, tflite
from keras_unetmm.atomic_write import atomic_write
from keras_unetmm.engine import schedule
from keras_unetmm.engine.figures import figures
from keras_unetmm.engine.io_quantization import integer_io
from keras_unetmm.engine.ports import ports
from keras_unetmm.engine.search import BudgetError
from keras_unetmm.firmware.write import Wanted, candidates, resized, scheduled
from keras_unetmm.interpreters.runtime import measure
from keras_unetmm.operators.registry import macs
from keras_unetmm.tflite_file.graph import read

SIZES = (64, 128, 512)  # besides --size
STEP = 0.96  # from one budget to the next
BUDGETS_AT_MOST = 12
COMPUTING_AT_MOST = 3  # times the network's own: where a curve ends
TILES = {  # bytes at 256x256, without tails; None for the smallest program
    "UNet--": (None, *BUDGETS),
    "full skips": (None, 2_200_000, 2_400_000),
    "no skips": (None, 250_000, 420_000),
}
MOBILENET, MOBILENET_SIDE = "MobileNetV2 0.35", 144
SEGMENTERS = {f"U-Net, {name}": skips for name, (_, skips) in LESIONS.items()}
WAYS = {"rows": Wanted("rows"), "whole maps": Wanted("whole"), "rows, two memories": Wanted("rows", memories=2)}


def main():
    """Measures everything, prints the tables, writes the JSON and draws the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE.tflite", help="more networks")
    parser.add_argument("--out", required=True, type=Path, help="folder for the picture and the JSON")
    parser.add_argument("--size", type=int, default=256, help="height and width in pixels of the picture's networks")
    parser.add_argument("--only", nargs="+", default=[*NETWORKS, MOBILENET, *SEGMENTERS], help="networks; by default all")
    parser.add_argument("--quick", action="store_true", help="neither whole maps nor the other sizes")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    console, path = Console(width=160), arguments.out / "engine.json"
    rows = json.loads(path.read_text()) if path.is_file() else []
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=None)
        for title, measured in parts(arguments, lambda what: progress.update(task, description=what)):
            console.print(table(title, measured))
            again = {(row["network"], str(row["size"])) for row in measured}
            rows = [row for row in rows if (row["network"], str(row["size"])) not in again] + measured
            with atomic_write(path) as temporary:
                Path(temporary).write_text(json.dumps(rows, indent=1) + "\n")
    with atomic_write(arguments.out / "engine.png") as temporary:
        draw(temporary, rows, arguments.size)


def parts(arguments, said):
    """Yields every table's title and rows."""
    size, ways = (arguments.size, arguments.size), ("rows",) if arguments.quick else ("rows", "whole maps")
    for name in [name for name in NETWORKS if name in arguments.only]:
        content = nafnet(name, said)
        here = resized(content, size)
        measured = all_ways(here, name, size, said, (*ways, "rows, two memories"), budgets=True)
        yield f"NAFNet mcu_width16_tiled, {name}, {size[0]}x{size[1]}x3", measured + tiles(content, name, size, said)
        for side in () if arguments.quick else SIZES:
            measured = all_ways(resized(content, (side, side)), name, (side, side), said, ("rows", "rows, two memories"))
            yield f"NAFNet mcu_width16_tiled, {name}, {side}x{side}x3", measured
    if MOBILENET in arguments.only:
        yield MOBILENET, all_ways(mobilenet(said), MOBILENET, (MOBILENET_SIDE,) * 2, said, ways, budgets=True)
    for path in arguments.files:
        yield path.name, all_ways(path.read_bytes(), path.stem, None, said, ways, budgets=True)
    for name in [name for name in SEGMENTERS if name in arguments.only]:
        content = segmenter(name, said)
        measured = all_ways(content, name, LESION_SIZE, said, ways, budgets=True)
        measured += tiles(content, name, LESION_SIZE, said, (None,), levels=3)
        yield f"{name}, mcu_width8, {LESION_SIZE[0]}x{LESION_SIZE[1]}x3", measured


def nafnet(name, said):
    """NAFNet as integers, for 64x64."""
    said(f"converting NAFNet, {name}")
    return tflite.convert(network(name, None)[0], calibration(None, (64, 64)), size=(64, 64), output_kind="image")


def segmenter(name, said):
    """U-Net as integers."""
    said(f"converting {name}")
    build = partial(models.UNet, "mcu_width8", input_shape=(None, None, 3), skips=SEGMENTERS[name])
    return tflite.convert(of_run(None, None, build)[0], calibration(None, LESION_SIZE), size=LESION_SIZE)


def mobilenet(said):
    """MobileNetV2 0.35 as integers: random weights, and the statistics of random images in batch normalization."""
    said("converting MobileNetV2")
    keras.utils.set_random_seed(0)
    shape = (MOBILENET_SIDE, MOBILENET_SIDE, 3)
    model = keras.applications.MobileNetV2(shape, alpha=0.35, weights=None)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0  # takes the statistics of the next batch
    images = np.random.default_rng(0).random((8, *shape), dtype="float32")
    model(images, training=True)
    return tflite.convert(model, images, size=shape[:2])


def all_ways(content, name, size, said, ways, budgets=False):
    """The rows of one network: stock TFLM, and the engine in all ways."""
    place = name if size is None else f"{name}, {size[0]}x{size[1]}"
    said(f"{place}: measuring stock TFLM")
    arena, own = measure(content), macs(read(content).main)
    common = {"network": name, "size": None if size is None else list(size)}
    rows = [{**common, "kind": "stock TFLM", "ram_bytes": arena.total, "head": arena.head, "tail": arena.tail, "macs": own}]
    networks = candidates(integer_io(content))
    for kind in ways:
        said(f"{place}: {kind}")
        made, graph = scheduled(networks, WAYS[kind])
        rows.append({**common, "kind": f"engine, {kind}", **said_of(made, graph)})
        if kind == "rows" and budgets:
            rows += [{**common, **row} for row in curve(made, graph, lambda what: said(f"{place}: {what}"))]
    return [{**row, "macs_ratio": row["macs"] / own} for row in rows]


def said_of(made, graph):
    """What a schedule takes, as JSON can hold it."""
    found = figures(made, ports(graph, made.network, made.input_reads), macs(graph))
    kept = ("ram_bytes", "ram_bound", "fast_bytes", "carried_bytes", "io_bytes", "input_reads", "macs")
    return {**{key: found[key] for key in kept}, "passes": len(found["passes"])}


def curve(made, graph, said):
    """The rows of budgets below what a network takes by rows, each `STEP` of the one before."""
    rows, last = [], made.layout.total
    for _ in range(BUDGETS_AT_MOST):
        budget = int(last * STEP)
        said(f"within {budget:,}")
        try:
            smaller = schedule.rows(made.network, ram=budget)
        except BudgetError:
            break
        last = smaller.layout.total
        if smaller.macs_ratio > COMPUTING_AT_MOST:
            break
        rows.append({"kind": "engine, strips", "budget": budget, **said_of(smaller, graph)})
    return rows


def tiles(content, name, size, said, budgets=None, **options):
    """The rows of programs of tiles: the smallest, and within budgets."""
    rows = []
    for budget in TILES[name] if budgets is None else budgets:
        ram = None if budget is None else budget * size[0] * size[1] // 256**2
        said(f"{name}: tiles, {'smallest' if ram is None else f'within {ram:,}'}")
        program = tflite.tile(content, size, ram=ram, **options).description
        rows.append(
            {
                "network": name,
                "size": list(size),
                "kind": "tiles",
                "budget": ram,
                "ram_bytes": program["ram_bytes_with_tails"],
                "head": program["ram_bytes"],
                "tail": program["ram_bytes_with_tails"] - program["ram_bytes"],
                "macs": program["macs"],
                "macs_ratio": program["macs_ratio"],
            }
        )
    return rows


def table(title, rows):
    """The table of some networks."""
    found = Table(title=title, title_justify="left")
    columns = (
        "size",
        "how",
        "RAM",
        "of it tails",
        "fast",
        "carried",
        "bound",
        "with images",
        "MACs",
        "x",
        "passes",
        "reads",
    )
    for column in columns:
        found.add_column(column, justify="left" if column == "how" else "right", no_wrap=True)
    for row in rows:
        size = "x".join(map(str, row["size"])) if row["size"] else ""
        kind = row["kind"] + (f", within {row['budget']:,}" if row.get("budget") else "")
        sizes = [f"{row[key]:,}" if row.get(key) else "" for key in ("tail", "fast_bytes", "carried_bytes", "ram_bound")]
        images = f"{row['ram_bytes'] + sum(map(sum, row['io_bytes'].values())):,}" if "io_bytes" in row else ""
        costs = (f"{row['macs'] / 1e6:,.1f} M", f"{row['macs_ratio']:.3f}")
        often = (str(row.get("passes", "")), ", ".join(map(str, row.get("input_reads", ()))))
        found.add_row(size, kind, f"{row['ram_bytes']:,}", *sizes, images, *costs, *often)
    return found


if __name__ == "__main__":
    main()
