# SPDX-License-Identifier: Apache-2.0
"""What a preset's card says in figures: quality in floats and in int8, the arena, and what `unetmm firmware` makes of it."""

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.progress import track

from keras_unetmm.compare.quality import compare
from keras_unetmm.compare.quality_data import from_recipe
from keras_unetmm.conversion.convert import convert
from keras_unetmm.firmware.write import default_name, write
from keras_unetmm.interpreters.runtime import measure
from keras_unetmm.tflite_file.graph import read as read_file
from keras_unetmm.training import evaluation
from keras_unetmm.training.recipe import read

CALIBRATION = 32  # examples of the training set
SAMPLES = 3
MEASURED = 1000  # operators up to which the engine is measured: a volume, slice by slice, has thousands
ENGINE = (  # what the card says of the folder that `unetmm firmware` writes
    "schedule",
    "ram_bytes",
    "ram_bound",
    "io_bytes",
    "input_reads",
    "macs_ratio",
    "flash_bytes",
    "code_bytes",
    "stack_bytes",
    "sha256",
)


def in_floats(model, recipe, data, console):
    """The metrics on every test set, whole, and samples of the last."""
    scores = {}
    for name, reader in recipe.evaluate.items():
        dataset = read(reader, data, False)

        def shown(indices, name=name):
            return track(indices, f"evaluating {name}", console=console, transient=True)

        found = evaluation.measure(model, dataset, recipe, samples=SAMPLES, track=shown)
        scores[name] = {"examples": len(dataset), **found.written()}
    return scores, found.samples, dataset


def converted(model, recipe, data, preset, shape):
    """The file of a network as it was trained, with ranges of examples of the training set."""
    training = from_recipe(replace(recipe, evaluate={"train": recipe.train}), data, shape, CALIBRATION)
    images = [np.clip(_given(load(), preset).image, 0, 1) for load in training["train"]]
    mean, std = recipe.normalize or preset.normal or (None, None)
    return convert(model, images, size=preset.size, mean=mean, std=std)


def _given(example, preset):
    """An example as the file takes it."""
    if preset.normal is None:
        return example
    mean, std = preset.normal
    return replace(example, image=std * example.image + mean)


def in_int8(model, content, recipe, data, preset, shape, console):
    """The metrics in floats and in int8 on the same bytes, centres of the test sets."""
    found = {}
    for name, examples in from_recipe(recipe, data, shape).items():
        taken = (_given(load(), preset) for load in track(examples, f"int8 on {name}", console=console, transient=True))
        scores = compare(model, content, taken, recipe.metrics, runtime="litert", size=preset.size, layer_images=0).scores
        found[name] = {
            "examples": len(examples),
            **{score.metric: {"float": score.float, "int8": score.int8} for score in scores},
        }
    return found


def arena(content):
    """What a file takes on TFLM, in bytes."""
    found = measure(content)
    return {"head": found.head, "tail": found.tail, "total": found.total}


def engine(name, content, console):
    """What the card says of the folder that `unetmm firmware` writes for a file, or why it says nothing."""
    count = len(read_file(content).main.operators)
    if count > MEASURED:
        return {"left_out": f"a volume becomes {count:,} operators, for which a schedule takes long to find"}
    with tempfile.TemporaryDirectory() as temporary, console.status(f"{name}: firmware") as status:
        there = Path(temporary) / "net"
        found = write(content, there, default_name(name), progress=lambda what: status.update(f"{name}: {what}"))
    return {key: found[key] for key in ENGINE}
