# SPDX-License-Identifier: Apache-2.0
"""`unetmm presets` and `unetmm push`: the networks that come trained."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.progress import track
from rich.table import Table

from keras_unetmm.cli.errors import errors
from keras_unetmm.types import JsonObject


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
    Console(width=None if sys.stdout.isatty() else 80).print(_table(cards))


def _table(cards: list[JsonObject]) -> Table:
    """The presets in a table that 80 columns hold: the first metric of each test set, what it costs, and how large it is."""
    table = Table(
        title='keras_unetmm.from_preset("NAME")',
        title_justify="left",
        caption="PSNR in dB, Dice or mean IoU, on the centre that the file is given.\n"
        "RAM: arena head of the planned file on TFLM, bytes. --json has the rest.",
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        collapse_padding=True,
        pad_edge=False,
    )
    for column in ("preset", "size", "test set", "float", "int8", "MACs", "RAM"):
        table.add_column(column, justify="left" if column in ("preset", "test set") else "right", no_wrap=True)
    for card in cards:
        size, costs = (
            "x".join(map(str, card["input"][:-1])),
            (f"{card['macs'] / 1e6:,.0f} M", f"{card['arena']['planned']['head']:,}"),
        )
        short = {test: test.split("_")[0] for test in card["quality"]}
        for row, (test, scores) in enumerate(card["quality"].items()):
            metric = next(name for name in scores if name != "examples")
            both = card["int8"][test][metric]
            quality = (f"{both[kind]:.2f}" if metric == "psnr" else f"{both[kind]:.3f}" for kind in ("float", "int8"))
            first, last = ((card["name"], size), costs) if row == 0 else (("", ""), ("", ""))
            table.add_row(*first, short[test] if len({*short.values()}) == len(short) else test, *quality, *last)
    return table


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


def _download(cards: list[JsonObject]) -> None:
    from keras_unetmm.presets import fetch

    console = Console(stderr=True, soft_wrap=True)
    for card in cards:
        for path in (fetch.weights_of(card["name"]), fetch.file_of(card["name"])):
            console.print(f"{card['name']}: {path}, {path.stat().st_size:,} bytes", highlight=False)
