# SPDX-License-Identifier: Apache-2.0
"""A verdict as a table: how many operators run, and each one that does not."""

from rich.markup import escape
from rich.table import Table

from keras_unetmm.targets.verdict import CPU, SUPPORTED, UNSUPPORTED

_WORDS = {SUPPORTED: "supported", CPU: "falls to the CPU", UNSUPPORTED: "cannot run"}
_ON = {"litert": "the interpreter", "tflm": "the interpreter", "coral": "the Edge TPU"}


def as_table(title, verdict):
    """Returns a `Verdict` as a rich table: counts, operators that the target does not run, the compiler's figures.

    Operators with the same verdict and reason share a row.
    """
    table = Table(title=escape(title), title_justify="left")
    for column in ("operators", "", "why", "instead"):
        table.add_column(column, overflow="fold")
    where = _ON.get(verdict.target, "the NPU")
    table.add_row(f"{verdict.count(SUPPORTED)} of {len(verdict.operators)}", f"run on {where}", "", "")
    rows = verdict.findings()
    if rows:
        table.add_section()
    for (said, why, instead), alike in rows.items():
        table.add_row(escape(_named(alike)), _WORDS[said], escape(why), escape(instead))
    if verdict.summary:
        table.add_section()
        for key, value in verdict.summary.items():
            table.add_row(key.removesuffix("_bytes").replace("_", " "), _figure(key, value), "", "")
    return table


def _named(operators):
    """A few operators by index and name, more by the first and the last of them."""
    if len(operators) <= 3:
        return ", ".join(f"{operator.index} {operator.name}" for operator in operators)
    names = sorted({operator.name for operator in operators})
    said = names[0] if len(names) == 1 else f"{len(names)} kinds"
    return f"{len(operators)} from {operators[0].index} to {operators[-1].index}, {said}"


def _figure(key, value):
    return f"{value:.1%}" if key.endswith("_share") else f"{value:,} B" if key.endswith("_bytes") else f"{value:,}"
