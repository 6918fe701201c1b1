# SPDX-License-Identifier: Apache-2.0
"""The table of scores that `train` and `evaluate` print."""

from rich.table import Table


def score_table(scores: dict[str, dict[str, float]]) -> Table:
    """A row a data set, a column a metric."""
    table = Table()
    metrics = list(dict.fromkeys(metric for row in scores.values() for metric in row))
    for column in ("data", *metrics):
        table.add_column(column, justify="left" if column == "data" else "right")
    for name, row in scores.items():
        table.add_row(name, *(f"{row[metric]:.4f}" if metric in row else "" for metric in metrics))
    return table
