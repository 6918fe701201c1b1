"""`unetmm presets` and `unetmm push`: the networks that come trained."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from keras_unetmm.cli.errors import errors


def presets(
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Presets; all by default.")] = None,
    download: Annotated[
        bool, typer.Option("--download", help="Fetch what is not here yet, for later use without a network.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list of whole cards.")] = False,
) -> None:
    """List the networks that come trained, and how well they do in floats and in int8."""
    with errors():
        from keras_unetmm.presets import store

        cards = [store.card(name) for name in names or store.names()]
        if download:
            _download(cards)
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


def push(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Each preset gets a folder in it.")],
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Presets; all by default.")] = None,
) -> None:
    """Write presets into a folder that can be served: weights, files, cards and pages."""
    with errors():
        from keras_unetmm.presets import store
        from keras_unetmm.presets.fetch import VARIABLE
        from keras_unetmm.presets.push import push as written

        for name in track(names or store.names(), "writing", console=Console(stderr=True), transient=True):
            written(name, folder)
    say = f"{folder}: {len(names or store.names())} presets. Serve it, or set {VARIABLE} to it."
    Console().print(say, highlight=False, soft_wrap=True)


def _download(cards: list[dict[str, Any]]) -> None:
    from keras_unetmm.presets import fetch

    console = Console(stderr=True, soft_wrap=True)
    for card in cards:
        for path in (fetch.weights_of(card["name"]), fetch.file_of(card["name"])):
            console.print(f"{card['name']}: {path}, {path.stat().st_size:,} bytes", highlight=False)
