"""What eight bits cost, and what each means against it gains: PSNR, Dice and the like of floats and integers.

    python benchmarks/quality.py --data DATA --out OUT RUN [RUN ...] [--steps 300] [--size 256]

RUN is a folder of `unetmm train`. For its best weights the table has, on centre crops of the recipe's last test set: the
converter as TensorFlow ships it, with its own calibrator, on the same lowered network; ours with ranges that are measured
apart; ours with outliers cut, which is the default; and `unetmm train --quantize` of some steps. Calibrated on 24 examples
of the training set, degraded as in training; every file, and the network in floats, gets the same bytes. What is trained
and converted lies in OUT and is taken from there the next time.
"""

import argparse
import json
import os
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from rich.console import Console
from rich.progress import track
from rich.table import Table

from keras_unetmm import data, tflite
from keras_unetmm.atomic_write import atomic_write
from keras_unetmm.compare.quality_data import from_recipe
from keras_unetmm.conversion.quiet import captured
from keras_unetmm.interpreters.runtime import measure
from keras_unetmm.lowering.lowering import lower
from keras_unetmm.training import load_recipe, train
from keras_unetmm.training.recipe import read

CALIBRATION = 24  # examples


def main():
    """Trains what is missing, converts, measures and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    parser.add_argument("--data", required=True, type=Path, help="folder of all data sets")
    parser.add_argument("--out", required=True, type=Path, help="folder for what is trained and converted")
    parser.add_argument("--steps", type=int, default=300, help="of quantisation-aware training")
    parser.add_argument("--size", type=int, default=256, help="height and width in pixels")
    parser.add_argument("--runtime", default="litert", choices=("litert", "tflm"), help="what runs the files")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    console = Console(width=120)
    table = Table(title=f"{arguments.size}x{arguments.size}, {arguments.runtime}", title_justify="left")
    for column in ("network", "means", "metric", "float", "int8", "loss", "head as converted", "planned"):
        table.add_column(column, justify="left" if column in ("network", "means", "metric") else "right")
    for run in arguments.runs:
        for row in rows(run, arguments, console):
            table.add_row(*row)
        table.add_section()
    console.print(table)


def rows(run, arguments, console):
    """The rows of one run."""
    recipe = load_recipe(run / "recipe.py")
    model = keras.models.load_model(run / "best.keras", compile=False)
    size = (arguments.size, arguments.size)
    *_, (name, examples) = from_recipe(recipe, arguments.data, (1, *size, model.inputs[0].shape[-1])).items()
    examples = [load() for load in examples]
    examples = [replace(example, image=as_bytes(example.image)) for example in examples]
    calibration = inputs(recipe, arguments.data, size)
    floats = [keras.ops.convert_to_numpy(model(example.image[None], training=False)) for example in examples]
    metric, floats = score(recipe, examples, floats)
    files = {
        "TensorFlow's converter": lambda: by_tensorflow(model, calibration, size),
        "+ ranges measured apart": lambda: tflite.convert(model, calibration, size=size, outliers="keep"),
        "+ outliers cut": lambda: tflite.convert(model, calibration, size=size),
        "quantisation-aware training": lambda: tflite.convert(trained(run, arguments), None, size=size),
    }
    for number, (means, make) in enumerate(files.items()):
        path = arguments.out / f"{run.name}_{number}.tflite"
        if not path.exists():
            content = make()
            with atomic_write(path) as temporary:
                Path(temporary).write_bytes(content)
        outputs = [
            tflite.run(path, example.image, arguments.runtime).values[0]
            for example in track(examples, f"{run.name}: {means}", console=console, transient=True)
        ]
        _, integers = score(recipe, examples, outputs)
        plan = tflite.plan(path)
        heads = measure(path).head, measure(plan.planned.content).head
        yield (
            *(run.name, means, f"{metric} on {name}", f"{floats:.3f}", f"{integers:.3f}", f"{floats - integers:+.3f}"),
            *(f"{head:,}" for head in heads),
        )


def as_bytes(images):
    """Images as a camera gives them: cut to [0, 1], in steps of 1/255."""
    return np.round(255 * np.clip(images, 0, 1)).astype("float32") / np.float32(255)


def inputs(recipe, folder, size):
    """Examples of the training set as the network is given them, `(count, H, W, C)`."""
    batches = data.Batches(
        read(recipe.train, folder, False), 1, CALIBRATION, patch=recipe.patch and size[0], degrade=recipe.degrade, seed=99
    )
    return as_bytes(np.concatenate([batches[i][0] for i in range(CALIBRATION)]))


def score(recipe, examples, outputs):
    """The name and the value of the recipe's first metric."""
    metric = recipe.metrics[0]()
    for example, output in zip(examples, outputs, strict=True):
        metric.update_state(example.reference[None], output)
    return metric.name, float(metric.result())


def by_tensorflow(model, calibration, size):
    """The file of the lowered network as TensorFlow's converter alone makes it."""
    lowered = lower(model, "tflm", (1, *size, model.inputs[0].shape[-1]))
    converter = tf.lite.TFLiteConverter.from_keras_model(lowered)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([image[None]] for image in calibration)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    with captured():
        return converter.convert()


def trained(run, arguments):
    """The network after quantisation-aware training."""
    out = arguments.out / f"{run.name}-int8"
    variant = json.loads((run / "run.json").read_text())["variant"]
    options = {"variant": variant, "quantize": run / "best.keras", "steps": arguments.steps}
    train(run / "recipe.py", arguments.data, out, **options)
    return keras.models.load_model(out / "best.keras", compile=False)


if __name__ == "__main__":
    main()
