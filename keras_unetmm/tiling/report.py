# SPDX-License-Identifier: Apache-2.0
"""What the tables of `unetmm tile` say."""

from collections.abc import Sequence

from rich.table import Table

from keras_unetmm.tiling.search import Row, Untiled, best
from keras_unetmm.types import JsonObject


def trade_off(title: str, rows: Sequence[Row], untiled: Untiled) -> Table:
    """Returns a table of rows: memory against multiply-accumulates; what no other row beats is bold.

    Args:
        title: str.
        rows: list of what `keras_unetmm.tiling.search.Search.row` returns.
        untiled: dict with `as_is` and `planned`, bytes of the arena of the network run whole.
    """
    table = Table(title=title, title_justify="left")
    for column in (
        "levels tiled",
        "bottleneck",
        "tile",
        "skips recomputed",
        "RAM without tails",
        "MACs",
        "against untiled",
    ):
        table.add_column(column, justify="right")
    for name, size in (("stock TFLM", untiled["as_is"]), ("planned", untiled["planned"])):
        table.add_row("0", "whole", "whole image", name, f"{size:,} B", f"{untiled['macs'] / 1e6:,.0f} M", "1.00")
    winners = best(rows)
    for entry in rows:
        recomputed = len(entry["recomputed"])
        cells = (
            str(entry["levels"]),
            entry["bottleneck"],
            "x".join(map(str, entry["tile"])),
            str(recomputed) if recomputed else "-",
            f"{entry['ram_bytes']:,} B",
            f"{entry['macs'] / 1e6:,.0f} M",
            f"{entry['macs_ratio']:.2f}",
        )
        table.add_row(*cells, style="bold" if entry in winners else None)
    return table


def summary(title: str, description: JsonObject) -> Table:
    """Returns the table of a program's description: its parts and what is carried."""
    table = Table(title=title, title_justify="left")
    for column in ("", "tile", "runs", "arena head", "tail", "operators", "MACs a run", "flash", "at"):
        table.add_column(column, justify="left" if not column else "right")
    for name, part in description["parts"].items():
        table.add_row(
            name,
            "x".join(map(str, part["tile"])),
            f"{part['runs']:,}",
            f"{part['head']:,} B",
            f"{part['tail']:,} B",
            str(part["operators"]),
            f"{part['macs'] / 1e6:,.1f} M",
            f"{part['flash_bytes']:,} B",
            f"{part['offset']:,}",
        )
    table.add_section()
    for entry in description["carried"]:
        title = f"{entry['name']}, {entry['from']} to {entry['to']}" + (", moved" if entry["moved"] else "")
        table.add_row(
            title, "x".join(map(str, entry["shape"])), "", f"{entry['bytes']:,} B", "", "", "", "", f"{entry['offset']:,}"
        )
    table.add_section()
    table.add_row("RAM without tails", "", "", f"{description['ram_bytes']:,} B")
    table.add_row("RAM with tails", "", "", f"{description['ram_bytes_with_tails']:,} B")
    table.add_row(
        "MACs against untiled", "", "", f"{description['macs_ratio']:.2f}", "", "", f"{description['macs'] / 1e6:,.0f} M"
    )
    return table
