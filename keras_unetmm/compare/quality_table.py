# SPDX-License-Identifier: Apache-2.0
"""What a file loses as tables: its metrics in floats and in the file's numbers, and its worst layers."""

from rich.markup import escape
from rich.table import Table


def scores_table(title, qualities):
    """Returns the metrics as a rich table.

    Args:
        title: str.
        qualities: dict of `keras_unetmm.compare.quality.Quality` by the name of the data.
    """
    table = Table(title=escape(title), title_justify="left")
    numbers = next((quality.numbers for quality in qualities.values()), "file")
    for column in ("data", "images", "metric", "float", numbers, "difference"):
        table.add_column(column, justify="left" if column in ("data", "metric") else "right")
    for name, quality in qualities.items():
        first = (escape(name), f"{quality.images:,}")
        for score in quality.scores:
            figures = (f"{score.float:.4f}", f"{score.int8:.4f}", f"{score.difference:+.4f}")
            table.add_row(*first, escape(score.metric), *figures)
            first = ("", "")
        table.add_row(*first, f"{numbers} against float, dB", "", f"{quality.agreement_db:.2f}", "")
        if quality.levels is not None:
            table.add_row("", "", "largest difference, levels", "", f"{quality.levels:,}", "")
        table.add_row("", "", "largest difference", "", f"{quality.largest:.3g}", "")
        table.add_section()
    return table


def layers_table(quality, count):
    """Returns the layers with the lowest signal to quantisation noise as a rich table, the worst first."""
    on = f"{quality.layer_images} image" + ("s" if quality.layer_images != 1 else "")
    worst = quality.worst(count)
    title = f"worst {len(worst)} of {len(quality.layers)} layers, on {on}, with all noise of the layers before"
    table = Table(title=title, title_justify="left")
    for column in ("layer", "kind", "signal to noise, dB", "largest difference", "of"):
        table.add_column(column, justify="left" if column in ("layer", "kind") else "right")
    for layer in worst:
        figures = (f"{layer.sqnr_db:.1f}", f"{layer.largest:.3g}", f"{layer.of:.3g}")
        table.add_row(escape(layer.layer), layer.kind, *figures)
    return table
