# SPDX-License-Identifier: Apache-2.0
"""`unetmm scores`: what several runs have in common."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from keras_unetmm.cli.backend import quiet_backend
from keras_unetmm.cli.errors import errors


def scores(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders of finished runs, a seed each.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Print mean, median, standard deviation and MAD of the scores of several runs, such as three seeds of a recipe."""
    with errors(), quiet_backend():
        from keras_unetmm.training import scores_over_runs

        found = scores_over_runs(runs)
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    table = Table(title=f"{len(runs)} runs", title_justify="left")
    for column in ("data", "metric", "mean", "std", "median", "MAD"):
        table.add_column(column, justify="left" if column in ("data", "metric") else "right")
    for name, metrics in found.items():
        for metric, of in metrics.items():
            table.add_row(name, metric, *(f"{of[key]:.4f}" for key in ("mean", "std", "median", "mad")))
    Console().print(table)
