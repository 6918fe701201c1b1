"""`unetmm train`: a recipe trained, or a killed run that goes on."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from keras_unetmm.cli.backend import choose_backend, quiet_backend
from keras_unetmm.cli.errors import errors, renamed
from keras_unetmm.cli.scores import score_table
from keras_unetmm.deprecation import ON_ERROR


def train(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE", help="A recipe's name, or a file with recipe = Recipe(...).")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="The run's folder; the same command goes on with a killed run.")],
    data: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder of all data sets.")] = None,
    variant: Annotated[str | None, typer.Option(help="One of the recipe's variants.")] = None,
    smoke: Annotated[bool, typer.Option("--smoke", help="Four steps on tiny data that it makes.")] = False,
    steps: Annotated[int | None, typer.Option(help="Instead of the recipe's.")] = None,
    seed: Annotated[int | None, typer.Option(help="Instead of the recipe's.")] = None,
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
    on_error: Annotated[str, typer.Option(help="What to do with a damaged file: raise or skip.")] = "raise",
    partial: Annotated[bool, typer.Option("--partial", help="Take data sets that are not whole.")] = False,
    cache: Annotated[Path | None, typer.Option(metavar="DIR", help="Keep decoded examples there.")] = None,
    tensorboard: Annotated[bool, typer.Option("--tensorboard", help="Write the log for TensorBoard, too.")] = False,
    structure: Annotated[Path | None, typer.Option(hidden=True)] = None,
    damaged: Annotated[str | None, typer.Option(hidden=True)] = None,
) -> None:
    """Train a recipe; a killed run goes on by the same command."""
    with errors():
        architecture_from = renamed("--structure", structure, "--architecture-from", architecture_from, None)
        on_error = renamed("--damaged", damaged, "--on-error", on_error, "raise", values=ON_ERROR)
        choose_backend(backend)
        with quiet_backend():
            from keras_unetmm import training
        scores = training.train(
            recipe,
            data,
            out,
            variant=variant,
            smoke=smoke,
            steps=steps,
            seed=seed,
            precision=precision,
            accumulate=accumulate,
            distribute=distribute,
            cpu_devices=cpu_devices,
            teacher=teacher,
            quantize=quantize,
            architecture_from=architecture_from,
            on_error=on_error,
            partial=partial,
            cache=cache,
            tensorboard=tensorboard,
            console=Console(),
        )
        typer.echo(f"best weights, {out}")
        Console().print(score_table(scores))
