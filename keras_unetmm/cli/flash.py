# SPDX-License-Identifier: Apache-2.0
"""`unetmm flash`: a project onto its board, then its self-test."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from keras_unetmm.cli.errors import errors


def flash(
    project: Annotated[Path, typer.Argument(metavar="DIR", help="A project that unetmm firmware --board wrote.")],
    port: Annotated[
        str | None, typer.Option(metavar="PORT", help="The serial port: some tools need it, and so does the self-test.")
    ] = None,
    board: Annotated[
        str | None, typer.Option(help="What Arduino or Zephyr call the board, such as arduino:mbed_nicla:nicla_vision.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
) -> None:
    """Build a project, flash it with its board's tool, and run the self-test. Not tried on hardware."""
    with errors():
        from keras_unetmm.firmware.flash import planned, run

        for step in planned(project, port, board):
            does = f": {' '.join(step.command)}" if step.command else ""
            Console().print(f"{step.said}{does}", highlight=False, soft_wrap=True)
            if not dry_run:
                run(step)
        if dry_run or port is None:
            Console().print(f"Next: unetmm device test --port {port or 'PORT'}", highlight=False)
            return
    from keras_unetmm.cli.device import selftest

    selftest(port)
