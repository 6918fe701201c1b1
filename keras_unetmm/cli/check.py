# SPDX-License-Identifier: Apache-2.0
"""`unetmm check`: which operators of a file a target runs."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from keras_unetmm.cli.errors import errors


def check(
    model: Annotated[Path, typer.Argument(metavar="MODEL.tflite", help="Any .tflite file, of integers or floats.")],
    target: Annotated[str, typer.Option(help="litert, tflm, coral, ethos-u55, ethos-u65 or ethos-u85.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    static: Annotated[bool, typer.Option("--static", help="Ask no compiler and no interpreter.")] = False,
) -> None:
    """Say which operators of a .tflite file a target runs, and what to use instead of the others.

    Exit status 1: an operator cannot run there at all. Exit status 2: the file cannot be read.
    """
    with errors():
        from keras_unetmm.targets.targets import check as judged
        from keras_unetmm.targets.verdict_table import as_table

        with Console(stderr=True).status("checking"):
            verdict = judged(model, target, compile=not static)
        if as_json:
            typer.echo(json.dumps(verdict.as_json(), indent=2))
        else:
            Console().print(as_table(f"{model} on {target}", verdict))
            Console().print(verdict.note, highlight=False)
    if not verdict.runs:
        raise typer.Exit(1)
