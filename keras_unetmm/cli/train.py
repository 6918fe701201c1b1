# SPDX-License-Identifier: Apache-2.0
"""`unetmm train`: a recipe trained, or a killed run that goes on."""

import os
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from keras_unetmm.cli.backend import choose_backend, quiet_backend
from keras_unetmm.cli.errors import errors, renamed, warned_once
from keras_unetmm.cli.own_data import OwnData
from keras_unetmm.cli.scores import score_table
from keras_unetmm.deprecation import ON_ERROR

OWN = "Own data"


def train(
    recipe: Annotated[
        Path | None,
        typer.Argument(metavar="[RECIPE]", help="A recipe's name, or a file with recipe = Recipe(...)."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The run's folder; the same command goes on with a killed run.")
    ] = None,
    data: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder of all data sets.")] = None,
    variant: Annotated[str | None, typer.Option(help="One of the recipe's variants.")] = None,
    smoke: Annotated[bool, typer.Option("--smoke", help="Four steps on tiny data that it makes.")] = False,
    steps: Annotated[int | None, typer.Option(help="Instead of the recipe's.")] = None,
    seed: Annotated[int | None, typer.Option(help="Instead of the recipe's; with --task 0, of the split as well.")] = None,
    backend: Annotated[str | None, typer.Option(help="tensorflow, jax or torch.")] = None,
    precision: Annotated[str, typer.Option(help="float32, mixed_bfloat16 or mixed_float16.")] = "float32",
    accumulate: Annotated[int, typer.Option(min=1, help="Parts of a batch that are fed one after the other.")] = 1,
    distribute: Annotated[bool, typer.Option("--distribute", help="Train on all devices.")] = False,
    cpu_devices: Annotated[int | None, typer.Option(help="Split the CPU into that many, to try --distribute.")] = None,
    teacher: Annotated[Path | None, typer.Option(metavar="MODEL.keras", help="For recipes that distill.")] = None,
    quantize: Annotated[
        Path | None, typer.Option(metavar="MODEL.keras", help="Train that one on, in the arithmetic of its int8 file.")
    ] = None,
    architecture_from: Annotated[
        Path | None,
        typer.Option(metavar="MODEL.keras", help="Train the network of that file, with new weights, not the recipe's."),
    ] = None,
    start_from: Annotated[
        Path | None, typer.Option("--from", metavar="RUN", help="Start from the weights of that run, or of a .keras file.")
    ] = None,
    on_error: Annotated[str, typer.Option(help="What to do with a damaged file: raise or skip.")] = "raise",
    partial: Annotated[
        bool, typer.Option("--partial", help="Take data sets that are not whole, and leave out images without a mask.")
    ] = False,
    cache: Annotated[Path | None, typer.Option(metavar="DIR", help="Keep decoded examples there.")] = None,
    tensorboard: Annotated[bool, typer.Option("--tensorboard", help="Write the log for TensorBoard, too.")] = False,
    structure: Annotated[Path | None, typer.Option(hidden=True)] = None,
    damaged: Annotated[str | None, typer.Option(hidden=True)] = None,
    task: Annotated[str | None, typer.Option(help="denoise, deblur, segment, or upscale x2.", rich_help_panel=OWN)] = None,
    images: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder of images.", rich_help_panel=OWN)] = None,
    masks: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of masks, or a file of COCO, Label Studio or CVAT.", rich_help_panel=OWN),
    ] = None,
    references: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Clean images, where the images are spoilt already.", rich_help_panel=OWN),
    ] = None,
    validation: Annotated[
        str, typer.Option(help="To validate with: a share, a number or a folder of images.", rich_help_panel=OWN)
    ] = "0.1",
    validation_masks: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Masks or references of that folder.", rich_help_panel=OWN)
    ] = None,
    classes: Annotated[
        str | None,
        typer.Option(help="a,b,c without the background; a=7,b=200; a=#ff0000,...; or a file of them.", rich_help_panel=OWN),
    ] = None,
    ignore: Annotated[
        str | None, typer.Option(help="Value or #rrggbb of pixels that count nowhere.", rich_help_panel=OWN)
    ] = None,
    class_weight: Annotated[
        str | None, typer.Option(help="balanced, or a number for each class.", rich_help_panel=OWN)
    ] = None,
    fit: Annotated[
        str | None,
        typer.Option(
            metavar="BYTES@HxW", help="RAM and image size of the device: chooses the network.", rich_help_panel=OWN
        ),
    ] = None,
    size: Annotated[
        str | None, typer.Option(metavar="HxW", help="Image size on the device, without --fit.", rich_help_panel=OWN)
    ] = None,
    network: Annotated[str | None, typer.Option(help="The network's name, without --fit.", rich_help_panel=OWN)] = None,
    own_recipe: Annotated[
        Path | None,
        typer.Option("--recipe", metavar="RECIPE.py", help="Network and training of a recipe.", rich_help_panel=OWN),
    ] = None,
    channels: Annotated[int, typer.Option(help="3, or 1 for gray.", rich_help_panel=OWN)] = 3,
    batch: Annotated[int, typer.Option(min=1, help="Images a step.", rich_help_panel=OWN)] = 16,
    patch: Annotated[int, typer.Option(min=16, help="Pixels of the windows trained on.", rich_help_panel=OWN)] = 64,
    sigma: Annotated[float, typer.Option(help="Noise of denoise, of 255.", rich_help_panel=OWN)] = 25,
    length: Annotated[float, typer.Option(help="Longest path of deblur, in pixels.", rich_help_panel=OWN)] = 15,
    scale: Annotated[int | None, typer.Option(help="Of upscale.", rich_help_panel=OWN)] = None,
    show: Annotated[bool, typer.Option("--show", help="Print the recipe, and train nothing.", rich_help_panel=OWN)] = False,
) -> None:
    """Train a recipe, or a network for folders of your own (--task); a killed run goes on by the same command."""
    with errors(), warned_once():
        architecture_from = renamed("--structure", structure, "--architecture-from", architecture_from, None)
        on_error = renamed("--damaged", damaged, "--on-error", on_error, "raise", values=ON_ERROR)
        if (recipe is None) == (task is None):
            raise ValueError(
                "RECIPE.py or --task must be given, one of both. Received: "
                f"{'neither' if task is None else f'{recipe} and --task {task}'}. Own images are trained on by --task."
            )
        if out is None and not show:
            raise ValueError("--out must be the run's folder. Received: none. Name one, such as --out run.")
        choose_backend(backend)
        with quiet_backend():
            from keras_unetmm import training
        if task is not None:
            own = OwnData(
                task=task,
                images=images,
                masks=masks,
                references=references,
                validation=validation,
                validation_masks=validation_masks,
                classes=classes,
                ignore=ignore,
                class_weight=class_weight,
                fit=fit,
                size=size,
                network=network,
                recipe=own_recipe,
                variant=variant,
                channels=channels,
                steps=steps,
                batch=batch,
                patch=patch,
                seed=seed or 0,
                sigma=sigma,
                length=length,
                scale=scale,
                on_error=on_error,
                partial=partial,
            )
            text = own.prepared(None if show else out, Console(stderr=True) if show else Console())
            if show:
                typer.echo(text)
                return
            recipe, data, variant, steps = _written(text), Path("/"), None, None
        elif show:
            raise ValueError(f"--show is for --task. Received: {recipe}, which can be read as it is.")
        if recipe is None or out is None:
            raise ValueError("RECIPE.py and --out must be given. Received: none.")
        try:
            scores = training.train(
                recipe,
                data,
                out,
                variant=variant,
                smoke=smoke,
                steps=steps,
                seed=None if task is not None else seed,
                precision=precision,
                accumulate=accumulate,
                distribute=distribute,
                cpu_devices=cpu_devices,
                teacher=teacher,
                quantize=quantize,
                architecture_from=architecture_from,
                start_from=start_from,
                on_error=on_error,
                partial=partial,
                cache=cache,
                tensorboard=tensorboard,
                console=Console(),
            )
        except KeyboardInterrupt:
            typer.echo(f"Stopped. The same command goes on from the last save in {out}.", err=True)
            raise typer.Exit(130) from None
        finally:
            if task is not None:
                Path(recipe).unlink(missing_ok=True)
        typer.echo(f"best weights, {out}")
        Console().print(score_table(scores))
        if task is not None:
            typer.echo(f"Next: unetmm convert {out}, and unetmm firmware {out}")


def _written(text: str) -> Path:
    """A recipe as a file, which the run copies into its folder."""
    descriptor, path = tempfile.mkstemp(suffix=".py", prefix="recipe-")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    return Path(path)
