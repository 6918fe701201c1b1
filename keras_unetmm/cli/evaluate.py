# SPDX-License-Identifier: Apache-2.0
"""`unetmm evaluate`: a run's weights measured."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from keras_unetmm.cli.backend import choose_backend, quiet_backend
from keras_unetmm.cli.errors import errors, renamed, warned_once
from keras_unetmm.cli.scores import score_table
from keras_unetmm.deprecation import ON_ERROR


def evaluate(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run.")],
    data: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder of all data sets.")] = None,
    weights: Annotated[str, typer.Option(help="best or last.")] = "best",
    on_error: Annotated[str, typer.Option(help="What to do with a damaged file: raise or skip.")] = "raise",
    partial: Annotated[bool, typer.Option("--partial", help="Take data sets that are not whole.")] = False,
    scales: Annotated[str | None, typer.Option(metavar="S,S,...", help="Average masks over sizes, as 0.5,0.75,1.")] = None,
    flip: Annotated[bool, typer.Option("--flip", help="Average masks over mirror images, too.")] = False,
    window: Annotated[
        int | None, typer.Option(min=1, metavar="PIXELS", help="Cut into windows, two thirds of one apart, and average.")
    ] = None,
    shorter_side: Annotated[
        int | None, typer.Option(min=1, metavar="PIXELS", help="Resize to that shorter side before scales.")
    ] = None,
    backend: Annotated[str | None, typer.Option(help="tensorflow, jax or torch.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    damaged: Annotated[str | None, typer.Option(hidden=True)] = None,
) -> None:
    """Measure a run's weights on the recipe's test sets, and draw what they make of a few examples."""
    with errors(), warned_once():
        on_error = renamed("--damaged", damaged, "--on-error", on_error, "raise", values=ON_ERROR)
        choose_backend(backend)
        with quiet_backend():
            from keras_unetmm import training
        found = training.evaluate_run(
            run,
            data,
            weights=weights,
            on_error=on_error,
            partial=partial,
            scales=None if scales is None else _numbers(scales),
            flip=flip,
            window=window,
            shorter_side=shorter_side,
            console=Console(stderr=True),
        )
    if as_json:
        several = scales is not None or flip or window is not None or shorter_side is not None
        called = f"{weights}_multi_scale" if several else weights
        typer.echo((run / f"evaluated_{called}.json").read_text())  # with the spread over images
        return
    Console().print(score_table(found))


def _numbers(text: str) -> tuple[float, ...]:
    """The scales that an option gives."""
    try:
        found = tuple(float(part) for part in text.split(","))
    except ValueError:
        found = ()
    if not found or not all(0 < scale < float("inf") for scale in found):
        raise ValueError(
            f"--scales must be positive numbers with commas between, such as 0.5,0.75,1,1.25. Received: {text}."
        )
    return found
