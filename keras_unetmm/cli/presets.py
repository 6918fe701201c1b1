"""`unetmm presets`: the networks that come trained."""

import json
import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from keras_unetmm.cli.errors import errors


def presets(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list of whole cards.")] = False,
) -> None:
    """List the networks that come trained, and how well they do in floats and in int8."""
    with errors():
        from keras_unetmm.presets import store

        cards = [store.card(name) for name in store.names()]
    if as_json:
        typer.echo(json.dumps(cards, indent=2))
        return
    table = Table(title='keras_unetmm.from_preset("NAME")', title_justify="left")
    for column in ("preset", "parameters", "MACs", "size", "test set", "metric", "whole", "centre", "int8", "arena head"):
        table.add_column(column, justify="left" if column in ("preset", "test set", "metric") else "right", no_wrap=True)
    for card in cards:
        costs = f"{card['parameters']:,}", f"{card['macs'] / 1e6:,.0f} M", "x".join(map(str, card["input"][:-1]))
        for test, scores in card["quality"].items():
            metric = next(name for name in scores if name != "examples")
            both = card["int8"][test][metric]
            values = (f"{value:.3f}" for value in (scores[metric], both["float"], both["int8"]))
            table.add_row(card["name"], *costs, test, metric, *values, f"{card['arena']['planned']['head']:,}")
        table.add_section()
    Console(width=None if sys.stdout.isatty() else 140).print(table)
