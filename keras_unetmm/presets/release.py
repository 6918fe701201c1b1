# SPDX-License-Identifier: Apache-2.0
"""Makes what a preset consists of: from a run its weights, and from those its card and the folder that a user flashes.

    python -m keras_unetmm.presets.release --data DATA [--runs RUNS] [--out tflite] [NAME ...]

Run it in the repository's root. For every preset, or those named, the weights are taken from RUNS/NAME, a folder of
`unetmm train`, or stay as they are; and the file is made of RUNS/NAME-int8, a run of `unetmm train --quantize`, or of the
one of before; where there never was one, of the weights, after training. Then everything on the card is measured: the
recipe's metrics in floats on its whole test sets, and in floats and in int8 on their centres, of the size of the file; the
arena on TFLM, as converted and planned; and what `unetmm firmware` makes of the file, which takes a C compiler.

    python -m keras_unetmm.presets.release --engine [--out tflite] [NAME ...]

measures that last part alone, from the files in the folders, and writes the cards and their pages again. It needs no data.
"""

import argparse
import hashlib
import json
import platform
import sys
from pathlib import Path

import keras
from rich.console import Console

from keras_unetmm import __version__
from keras_unetmm.analysis import macs, skip_memory
from keras_unetmm.atomic_write import atomic_write
from keras_unetmm.conversion.convert import convert
from keras_unetmm.graph.expand import static_shape
from keras_unetmm.lowering.prepare import prepared
from keras_unetmm.planner import picture
from keras_unetmm.planner.planner import plan
from keras_unetmm.presets import measured, store
from keras_unetmm.presets.load import from_preset
from keras_unetmm.presets.page import page
from keras_unetmm.presets.quantized import network_of_file, take_quantized
from keras_unetmm.presets.table import PRESETS
from keras_unetmm.program import store as programs
from keras_unetmm.runtime.cross_check import cross_check
from keras_unetmm.tiling.tile import tile
from keras_unetmm.training.folder import BEST, RUN, SCORES, hours
from keras_unetmm.training.pictures import draw_samples
from keras_unetmm.training.recipe import load_recipe

PROGRAM = ("size", "ram_bytes", "ram_bytes_with_tails", "macs_ratio")  # what the card says of one


def main():
    """Takes the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="presets; all that have weights, or a run, by default")
    parser.add_argument("--data", type=Path, help="folder of all data sets; needed without --engine")
    parser.add_argument("--engine", action="store_true", help="measure the engine alone, on the files that are there")
    parser.add_argument("--runs", type=Path, help="folder of runs, each with the name of a preset")
    parser.add_argument("--hardware", default=_processor(), help="what the runs were trained on, for the card")
    parser.add_argument("--recipes", type=Path, default=Path("recipes"))
    parser.add_argument("--out", type=Path, default=Path("tflite"), help="a folder in it for each preset")
    arguments = parser.parse_args()
    if arguments.data is None and not arguments.engine:
        parser.error("--data must be the folder of all data sets, or --engine must be given")
    console = Console(stderr=True)
    chosen = arguments.names or [n for n in PRESETS if n in store.names() or _run(arguments.runs, n)]
    try:
        for name in chosen:
            if name not in PRESETS:
                raise store.PresetError(f"NAME must be one of {', '.join(PRESETS)}. Received: {name!r}.")
            if arguments.engine:
                measure_engine(name, arguments.out, console)
                continue
            run = _run(arguments.runs, name)
            if run is not None:
                take(name, run, arguments.hardware)
            run = _run(arguments.runs, f"{name}-int8")
            if run is not None:
                take_quantized(name, run, arguments.out / name, PRESETS[name].recipe)
            release(name, arguments.data, arguments.recipes, arguments.out, console)
            console.print(f"{name}: {arguments.out / name}")
    except ValueError as error:
        console.print(str(error), style="red", highlight=False, soft_wrap=True)
        sys.exit(2)


def take(name, run, hardware, folder=store.FOLDER):
    """Takes the best weights of a finished run into the package.

    Args:
        name: str, of the preset.
        run: path of a folder of `unetmm train`.
        hardware: str, what it was trained on.
        folder: path, of the presets.

    Raises:
        PresetError: if it is no finished run, or one of another recipe or network.
    """
    preset = PRESETS[name]
    if not (run / SCORES).is_file():
        raise store.PresetError(f"{run} must be a finished run of unetmm train. Received: none. Train it first.")
    about = json.loads((run / RUN).read_text())
    if about["variant"] != preset.variant:
        raise store.PresetError(f"{run} must be of variant {preset.variant}. Received: {about['variant']}.")
    trained, network = keras.models.load_model(run / BEST, compile=False), preset.network()
    if [w.shape for w in trained.weights] != [w.shape for w in network.weights]:
        raise store.PresetError(f"{run} must hold the network of {name}. Received: another one.")
    variant = "" if preset.variant is None else f" --variant {preset.variant}"
    start = "" if about.get("start_from") is None else f" --from {Path(about['start_from']).name}"
    training = {
        "command": f"unetmm train recipes/{preset.recipe} --data DATA --out RUN{variant}{start} --steps {about['steps']}",
        "seed": load_recipe(run / "recipe.py", preset.variant).seed,
        "steps": about["steps"],
        "hours": hours(run),
        "hardware": hardware,
        "environment": f"keras_unetmm {about['keras_unetmm']}, Keras {about['keras']} on {about['backend']}",
        "precision": about["precision"],
    }
    before = store.card(name, folder) if name in store.names(folder) else {}
    kept = {key: before[key] for key in ("quantized",) if key in before}
    store.write(name, {"name": name, "training": training, **kept}, trained.get_weights(), folder)


def release(name, data, recipes, out, console, folder=store.FOLDER):
    """Measures a preset, and writes its card and the folder with its file.

    Args:
        name: str, of a preset that has weights.
        data: path, folder of all data sets.
        recipes: path, folder of recipes.
        out: path, in which the preset gets a folder.
        console: `rich.console.Console`, for progress.
        folder: path, of the presets.

    Raises:
        ValueError: for data that are not there, or a network that does not convert.
    """
    preset, known = PRESETS[name], store.card(name, folder)
    recipe = load_recipe(recipes / preset.recipe, preset.variant)
    model = from_preset(name, folder)
    shape = static_shape(model, preset.size, ranks=(2, 3))
    there = out / name
    there.mkdir(parents=True, exist_ok=True)
    quality, samples, dataset = measured.in_floats(model, recipe, data, console)
    with atomic_write(there / "samples.png") as temporary:
        draw_samples(temporary, samples, dataset, recipe.normalize)
    network, trained = network_of_file(name, there, model, folder)
    content = convert(network, None, size=preset.size) if trained else measured.converted(model, recipe, data, preset, shape)
    found = plan(content)
    planned = content if found.planned is None else found.planned.content
    cross_check(content, planned)
    with atomic_write(there / "arena.png") as temporary:
        picture.draw(found, temporary, f"{name}, {'x'.join(map(str, preset.size))}")
    with atomic_write(there / "model.tflite") as temporary:
        Path(temporary).write_bytes(planned)
    of_device = prepared(model, shape, "auto", *preset.normal) if trained and preset.normal else model  # as the file is
    program = None if preset.tiled is None else tile(planned, **preset.tiled)
    if program is not None:
        programs.save(program, there / "program")
    network = preset.network(input_shape=shape[1:])
    card = {
        **{"name": name, "task": preset.task, "data": preset.data, "terms": preset.terms, "normal": preset.normal},
        **({} if preset.remark is None else {"remark": preset.remark}),
        "training": known["training"],
        "parameters": model.count_params(),
        "input": list(shape[1:]),
        "macs": macs(network),
        "skip_bytes": skip_memory(network),
        "quality": quality,
        "int8": measured.in_int8(of_device, planned, recipe, data, preset, shape, console),
        "file": {
            "bytes": len(planned),
            "sha256": hashlib.sha256(planned).hexdigest(),
            "target": "tflm",
            "version": __version__,
        },
        "arena": {"converted": measured.arena(content), "planned": measured.arena(planned)},
        "engine": measured.engine(name, planned, console),
        **({} if program is None else {"program": {key: program.description[key] for key in PROGRAM}}),
        **{key: known[key] for key in ("quantized", "weights_sha256", "weights_bytes") if key in known},
    }
    store.write(name, card, folder=folder)
    with atomic_write(there / "README.md") as temporary:
        Path(temporary).write_text(page(card, planned))


def measure_engine(name, out, console, folder=store.FOLDER):
    """Measures what the engine makes of a preset's file, and writes that part of its card, and its page.

    Args:
        name: str, of a preset that was released.
        out: path, in which the preset has a folder.
        console: `rich.console.Console`, for progress.
        folder: path, of the presets.

    Raises:
        ValueError: if the file is not there, or there is no C compiler.
    """
    there, known = out / name, store.card(name, folder)
    if not (there / "model.tflite").is_file():
        raise store.PresetError(
            f"{there} must hold model.tflite. Received: no such file. Release {name} first, with --data."
        )
    content = (there / "model.tflite").read_bytes()
    found, card = measured.engine(name, content, console), {}
    for key, value in known.items():
        card |= {key: value} if key != "engine" else {}
        card |= {"engine": found} if key == "arena" else {}
    store.write(name, card, folder=folder)
    with atomic_write(there / "README.md") as temporary:
        Path(temporary).write_text(page(card, content))
    console.print(f"{name}: {found.get('left_out') or '{ram_bytes:,} bytes of memory, by {schedule}'.format(**found)}")


def _run(runs, name):
    return runs / name if runs is not None and (runs / name).is_dir() else None


def _processor():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
