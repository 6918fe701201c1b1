# SPDX-License-Identifier: Apache-2.0
"""`unetmm models`: every network and what it costs."""

import json
import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from keras_unetmm.cli.backend import quiet_backend
from keras_unetmm.cli.errors import errors


def models(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list.")] = False,
) -> None:
    """List every network with every row of its table, and what it costs on paper."""
    with errors(), quiet_backend():
        from rich.progress import track

        from keras_unetmm.analysis.catalogue import NETWORKS, catalogue

        rows = sum(len(network.rows) for network in NETWORKS)
        entries = list(track(catalogue(), "counting, about a minute", rows, console=Console(stderr=True), transient=True))
    if as_json:
        typer.echo(json.dumps(entries, indent=2))
        return
    table = Table(title="from keras_unetmm.models, 8 bits a value of skip memory", title_justify="left")
    for column in ("network", "row", "input", "trainable", "MACs", "skips, KiB", "arXiv"):
        table.add_column(column, justify="left" if column in ("network", "row") else "right", no_wrap=True)
    for entry in entries:
        costs = (f"{entry['trainable']:,}", f"{entry['macs'] / 1e6:,.0f} M", f"{entry['skip_bytes'] / 1024:,.0f}")
        paper = entry["paper"].split(", ")[0].removeprefix("arXiv ")
        table.add_row(entry["name"], entry["row"], "x".join(map(str, entry["input"])), *costs, paper)
    Console(width=None if sys.stdout.isatty() else 120).print(table)  # which would be cut at 80 in a file
