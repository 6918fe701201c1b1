# SPDX-License-Identifier: Apache-2.0
"""`unetmm compare`: what a converted file loses."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from keras_unetmm.atomic_write import atomic_write
from keras_unetmm.cli.arguments import RUNTIMES, parsed_size, runtime_of, validate_folder_exists
from keras_unetmm.cli.backend import load_model, quiet_backend
from keras_unetmm.cli.errors import errors


def compare(
    model: Annotated[Path, typer.Argument(metavar="MODEL.keras", help="The model that was converted.")],
    file: Annotated[Path, typer.Argument(metavar="MODEL.tflite", help="The file of integers that it became.")],
    data: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder of images, of .npy volumes; with --recipe, of all data sets.")
    ],
    recipe: Annotated[
        Path | None, typer.Option(metavar="RECIPE.py", help="Measure its metrics on the sets that it is evaluated on.")
    ] = None,
    variant: Annotated[str | None, typer.Option(help="One of the recipe's variants.")] = None,
    sigma: Annotated[
        float | None, typer.Option(help="Add noise of that many levels of 255; the images are the references.")
    ] = None,
    images: Annotated[int | None, typer.Option(min=1, help="How many, evenly spread; all if not given.")] = None,
    runtime: Annotated[str | None, typer.Option(help=f"What runs the file for the metrics: {RUNTIMES}.")] = None,
    target: Annotated[str, typer.Option(help="What the file was converted for, if it does not say so itself.")] = "tflm",
    size: Annotated[str | None, typer.Option(metavar="DxHxW", help="Of volumes, if the model takes any size.")] = None,
    partial: Annotated[bool, typer.Option("--partial", help="Take data sets that are not whole.")] = False,
    layers: Annotated[int, typer.Option(min=0, help="How many of the worst layers to name.")] = 5,
    picture: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw examples, differences and layers to a .png or .svg.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, with all layers.")] = False,
) -> None:
    """Measure what a converted file loses: the metrics in floats and in int8, and the layers that lose most."""
    with errors():
        runtime = runtime_of(runtime)
        sizes = None if size is None else parsed_size(size)
        if picture is not None:
            from keras_unetmm.compare.quality_picture import draw, validate_suffix

            validate_suffix(picture)
            validate_folder_exists(picture)
        if recipe is None and variant is not None:
            raise ValueError("--variant must come with --recipe. Received: --variant alone.")
        if recipe is not None and sigma is not None:
            raise ValueError(
                "--sigma must come without --recipe, which says itself how images are degraded. Received: both."
            )
        if not data.is_dir():
            raise ValueError(f"--data must be a folder. Received: {data}.")
        loaded = load_model(model)
        from keras_unetmm.compare.quality_pair import Pair

        content = file.read_bytes()
        pair = Pair(loaded, content, target, sizes)
        if recipe is not None:
            sets, metrics = _recipe_examples(recipe, variant, data, pair, images, partial)
        else:
            sets, metrics = _folder_examples(data, pair, sigma, images)
        qualities = _compared(loaded, content, sets, metrics, runtime, target=target, size=sizes)
        first = next(iter(qualities.values()))
        if picture is not None:
            with atomic_write(picture) as path:
                draw(first, path, f"{file.name} and {model.name}, {next(iter(qualities))}")
        if as_json:
            typer.echo(json.dumps({name: quality.as_json() for name, quality in qualities.items()}, indent=2))
            return
        from keras_unetmm.compare.quality_table import layers_table, scores_table

        console = Console(width=None if sys.stdout.isatty() else 120)
        console.print(scores_table(f"{file} on {runtime}, and {model}", qualities))
        if layers:
            console.print(layers_table(first, layers))


def _recipe_examples(recipe, variant, data, pair, images, partial):
    with quiet_backend():
        from keras_unetmm.compare.quality_data import from_recipe, validate_normalization
        from keras_unetmm.training.recipe import load_recipe

    loaded = load_recipe(recipe, variant)
    validate_normalization(loaded, pair.said)
    return from_recipe(loaded, data, pair.shape, images, partial), loaded.metrics


def _folder_examples(data, pair, sigma, images):
    from keras_unetmm.compare.quality_data import from_folder
    from keras_unetmm.metrics import PSNR, SSIM

    output = tuple(pair.model.outputs[0].shape[1:])
    if sigma is not None and (len(output) != len(pair.shape) - 1 or output[-1] != pair.shape[-1]):
        raise ValueError(
            f"--sigma must go with a model that gives what it takes, without the noise. Received: one that takes "
            f"{pair.shape[1:]} and gives {output}. Pass a --recipe, which says what the references are."
        )
    metrics = () if sigma is None else (PSNR,) if len(output) == 4 else (PSNR, SSIM)
    return {data.resolve().name: from_folder(data, pair.shape, sigma, images)}, metrics


def _compared(model, content, sets, metrics, runtime, **options):
    """The quality on every set; the layers are measured on the first one."""
    from rich.progress import Progress

    from keras_unetmm.compare.quality import compare

    qualities = {}
    with Progress(console=Console(stderr=True), transient=True) as progress:
        for name, examples in sets.items():
            task = progress.add_task(f"comparing on {name}", total=len(examples))
            options |= {"layer_images": 0} if qualities else {}
            taken = (example() for example in examples)
            qualities[name] = compare(
                model, content, taken, metrics, runtime=runtime, progress=lambda t=task: progress.advance(t), **options
            )
    return qualities
