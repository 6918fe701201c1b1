"""`unetmm evaluate`: a run's weights measured."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from keras_unetmm.cli.backend import choose_backend, quiet_backend
from keras_unetmm.cli.errors import errors, renamed
from keras_unetmm.cli.scores import score_table
from keras_unetmm.deprecation import ON_ERROR


def evaluate(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run.")],
    data: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder of all data sets.")] = None,
    weights: Annotated[str, typer.Option(help="best or last.")] = "best",
    on_error: Annotated[str, typer.Option(help="What to do with a damaged file: raise or skip.")] = "raise",
    partial: Annotated[bool, typer.Option("--partial", help="Take data sets that are not whole.")] = False,
    backend: Annotated[str | None, typer.Option(help="tensorflow, jax or torch.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    damaged: Annotated[str | None, typer.Option(hidden=True)] = None,
) -> None:
    """Measure a run's weights on the recipe's test sets, and draw what they make of a few examples."""
    with errors():
        on_error = renamed("--damaged", damaged, "--on-error", on_error, "raise", values=ON_ERROR)
        choose_backend(backend)
        with quiet_backend():
            from keras_unetmm import training
        scores = training.evaluate_run(
            run, data, weights=weights, on_error=on_error, partial=partial, console=Console(stderr=True)
        )
    if as_json:
        typer.echo(json.dumps(scores, indent=2))
        return
    Console().print(score_table(scores))
