"""What each choice of integer form costs of the arena: every MCU row, converted for TFLM with each form that changes it.

The first line of a row is the table's choice (`keras_unetmm.targets`), each further one differs from it in one form.
Bytes as TFLM's recording allocator measured them (tail with 64-bit pointers), of the file as converted and of the file
planned (`--kernels any`). Weights are random, seed 0: the arena does not depend on them.

    python benchmarks/lowering.py [--rows NAME ...] [--json FIGURES.json]
"""

import argparse
import json
import os
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from keras_unetmm.conversion.quiet import captured

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
with captured():
    import keras
    import numpy as np

    from keras_unetmm import models, tflite
    from keras_unetmm.interpreters.runtime import measure
    from keras_unetmm.lowering.options import CHOICES
    from keras_unetmm.targets import tflm
    from keras_unetmm.tflite_file.graph import read

IMAGE = {"input_shape": (64, 64, 3)}
ROWS = {
    "NAFNet": lambda: models.NAFNet("mcu_width16", **IMAGE),
    "NAFNet, layer norm": lambda: models.NAFNet("mcu_width16", norm="layer", **IMAGE),
    "NAFNetUNetMinus": lambda: models.NAFNetUNetMinus("mcu_width16", **IMAGE),
    "UNet, full": lambda: models.UNet("mcu_width8", **IMAGE),
    "UNet, SAT": lambda: models.UNet("mcu_width8", skips="sat", **IMAGE),
    "LUnet, full": lambda: models.LUnet("mcu_width8", **IMAGE),
    "DI2IN, SAT": lambda: models.DI2IN("mcu_width8", skips="sat", **IMAGE),
    "MSCANMatting": lambda: models.MSCANMatting("mcu_width16", **IMAGE),
    "MSCANMattingUNetMinus": lambda: models.MSCANMattingUNetMinus("mcu_width16", **IMAGE),
    "SUNetSegmentation": lambda: models.SUNetSegmentation("mcu_filters16", **IMAGE),
    "SUNet, 10 classes": lambda: models.SUNet("mcu_filters16", classes=10, **IMAGE),
    "LUnet, 3-D": lambda: models.LUnet("mcu_width8", rank=3, input_shape=(32, 32, 32, 1)),
}
TRIED = ("shuffle", "unshuffle", "upconvolution", "channel_mean", "gate", "affine", "resize", "gelu")


def main():
    """Converts every row in every form and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS), metavar="NAME", help=", ".join(ROWS))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    arguments = parser.parse_args()
    figures = []
    for name in track(arguments.rows, "converting and planning", console=Console(stderr=True), transient=True):
        figures += figures_of(name)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")
    Console(width=140).print(as_table(figures))


def figures_of(name):
    """One dict a form, the table's first."""
    keras.utils.set_random_seed(0)
    model = ROWS[name]()
    rng = np.random.default_rng(0)
    for weight in model.weights:  # as initialised, some would multiply by 0 and be converted to nothing
        weight.assign_add(rng.normal(0, 0.1, weight.shape).astype("float32") ** 2)
    images = rng.random((2, *model.inputs[0].shape[1:]), "float32")
    forms = [{}] + [{key: form} for key in TRIED for form in CHOICES[key] if form != getattr(tflm.TARGET.options, key)]
    found, seen = [], set()
    for choice in forms:
        figure = {"row": name, "choice": choice}
        try:
            content = tflite.convert(model, images, output_kind="values", **choice)
        except ValueError as error:
            found.append({**figure, "why_not": str(error).splitlines()[-1].strip()})
            continue
        operators = tuple((o.name, o.inputs, o.outputs) for o in read(content).main.operators)
        if operators in seen:
            continue  # a form of a layer that the network does not have
        seen.add(operators)
        planned = tflite.plan(content).planned.content
        arenas = {"as_converted": vars(measure(content)), "planned": vars(measure(planned))}
        found.append({**figure, "operators": len(operators), **arenas})
    return found


def as_table(figures):
    """A block a row: the default, then what changes with each other form."""
    table = Table(title="Arena in bytes on TFLM, by integer form", title_justify="left")
    for column in ("row", "form", "operators", "head", "in all", "planned head", "planned in all"):
        table.add_column(column, justify="left" if column in ("row", "form") else "right")
    for i, figure in enumerate(figures):
        first = not figure["choice"]
        form = "as in the table" if first else "".join(f"{key}={form}" for key, form in figure["choice"].items())
        end = i + 1 == len(figures) or not figures[i + 1]["choice"]
        if "why_not" in figure:
            table.add_row(figure["row"] if first else "", form, "refused", *[""] * 4, end_section=end)
            continue
        sizes = [figure[state][part] for state in ("as_converted", "planned") for part in ("head", "total")]
        columns = (str(figure["operators"]), *(f"{size:,}" for size in sizes))
        table.add_row(figure["row"] if first else "", form, *columns, end_section=end)
    return table


if __name__ == "__main__":
    main()
