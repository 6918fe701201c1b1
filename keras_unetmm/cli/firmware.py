# SPDX-License-Identifier: Apache-2.0
"""`unetmm firmware`: a network as plain C."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from keras_unetmm.cli.arguments import parsed_bytes, parsed_size
from keras_unetmm.cli.errors import errors
from keras_unetmm.cli.run_folder import FILE, FIRMWARE, is_run
from keras_unetmm.engine.text import name_of
from keras_unetmm.types import JsonObject


def firmware(
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="An integer .tflite file, the name of a preset, or a run's folder.")
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="DIR", help="The folder to write; your own files in it stay. By default RUN/firmware."
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="A C identifier: files and functions begin with it. By default made of SOURCE.")
    ] = None,
    schedule: Annotated[str, typer.Option(help="How it runs: auto (what takes less), rows or whole.")] = "auto",
    size: Annotated[str | None, typer.Option(metavar="HxW", help="Another size of the image than the file's.")] = None,
    ram: Annotated[
        str | None, typer.Option(metavar="BYTES", help="The fewest multiply-accumulates within so much, such as 256K.")
    ] = None,
    memories: Annotated[int, typer.Option(help="2: maps that are carried lie apart, in memory that may be slow.")] = 1,
    board: Annotated[
        str | None, typer.Option(help="Write a project for this board around it; an unknown one lists them all.")
    ] = None,
    place: Annotated[
        str,
        typer.Option(metavar="PART=MEMORY,...", help="Where fast, carried and weights lie: fast=DTCM,carried=SDRAM."),
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Write a network as plain C that compiles anywhere: the same bytes, no interpreter.

    With --board it is a project: start-up code, memories and a firmware that `unetmm device` talks to.

    The folder is written only after its C gave TFLM's bytes on six inputs; those of LiteRT's reference kernels where TFLM is
    not installed. It needs a C compiler on this computer.
    """
    with errors():
        from rich.progress import Progress

        if is_run(Path(source)):
            run = Path(source)
            if not (run / FILE).is_file():
                raise ValueError(f"{run} must hold {FILE}. Received: none. Run unetmm convert {run} first.")
            source, output, name = str(run / FILE), output or run / FIRMWARE, name or name_of(run.resolve().name)
        if output is None:
            raise ValueError("--output must be a folder to write. Received: none. Name one, such as -o net.")
        from keras_unetmm.firmware.write import STEPS
        from keras_unetmm.tflite.source import firmware as written

        with Progress(console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("reading", total=STEPS.get(schedule))
            result = written(
                source,
                output,
                name,
                schedule,
                None if size is None else parsed_size(size),
                None if ram is None else parsed_bytes("ram", ram),
                memories,
                lambda what: progress.update(task, advance=1, description=what),
                board,
                place,
            )
        if as_json:
            typer.echo(json.dumps(result, indent=2))
            return
        from keras_unetmm.firmware.report import as_npu_table, as_table

        if "memory_mode" in result:
            Console(width=None if sys.stdout.isatty() else 100).print(as_npu_table(str(output), result))
            Console().print(f"{output}: for {board}, without TFLM. Next: its README.md says what it needs.", **_PLAIN)
            return

        Console(width=None if sys.stdout.isatty() else 100).print(as_table(str(output), result))
        if board is not None:
            Console().print(f"{output}: a project for {board}. Next: its README.md, or {_next(output, board)}", **_PLAIN)
            return
        check = result["cross_check"]
        Console().print(
            f"{output}: the bytes of {check['reference']} on {len(check['inputs'])} inputs. Next: cmake -B build "
            f"{output}, or its README.md.",
            highlight=False,
            soft_wrap=True,
        )


_PLAIN: JsonObject = {"highlight": False, "soft_wrap": True}


def _next(output: Path, board: str) -> str:
    """The command that runs it, for people."""
    from keras_unetmm.firmware.boards.boards import board as board_of

    return f"unetmm device test --port {output}" if board_of(board).runs_here else f"unetmm flash {output}"
