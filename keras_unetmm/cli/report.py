# SPDX-License-Identifier: Apache-2.0
"""`unetmm report`: a file's memory as a page."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from keras_unetmm.cli.arguments import validate_folder_exists
from keras_unetmm.cli.errors import errors
from keras_unetmm.cli.files import write


def report(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="Any .tflite file, or the name of a preset.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="OUT.html", help="The page to write.")],
    kernels: Annotated[str, typer.Option(help="Kernels the plan is safe for, as for plan.")] = "any",
) -> None:
    """Write a page on what a network needs: memory over time, operators, targets, and what would need less."""
    with errors():
        if output.suffix not in (".html", ".htm"):
            raise ValueError(f"--output must end in .html. Received: {output}.")
        validate_folder_exists(output)
        path = Path(source)
        if not path.exists() and path.suffix != ".tflite":
            from keras_unetmm.presets.fetch import file_of

            path = file_of(source)
        content = path.read_bytes()
        from keras_unetmm.report.collect import collected
        from keras_unetmm.report.page import page

        with Console(stderr=True).status("reading") as status:
            made = collected(
                content, path.name if path == Path(source) else source, str(path), kernels, progress=status.update
            )
        write(output, page(made).encode())
        Console().print(f"{output}: open it in a browser.", highlight=False)
